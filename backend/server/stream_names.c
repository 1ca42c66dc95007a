#include "backend/server/stream_names.h"

#include "backend/base/utf8.h"
#include "backend/wire/crc.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    SHARD_ID_BYTES = 17,
    POSITION_BYTES = 43, /* an iterator up to its CRC */
    ITERATOR_BYTES = 52,
    CREATED_DIGITS = 16,
    NUMBER_DIGITS_MAX = 10,
    SHOWN_BYTES = 96,
};

static enum ots_status keep(const char *text, struct ots_arena *arena, struct ots_slice *copy,
                            struct ots_error *err)
{
    if (ots_arena_copy(arena, ots_slice_str(text), copy) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a stream's names");
    return OTS_OK;
}

enum ots_status ots_stream_id(const struct ots_table *table, struct ots_arena *arena,
                              struct ots_slice *id, struct ots_error *err)
{
    char text[OTS_TABLE_NAME_BYTES_MAX + 64];
    snprintf(text, sizeof(text), "%.*s_%016" PRId64 "_%" PRIu32, OTS_SLICE_FMT(table->meta.name),
             table->created_us, table->id);
    return keep(text, arena, id, err);
}

enum ots_status ots_shard_id(uint32_t table, uint32_t shard, struct ots_arena *arena,
                             struct ots_slice *id, struct ots_error *err)
{
    char text[SHARD_ID_BYTES + 1];
    snprintf(text, sizeof(text), "%08" PRIx32 "-%08" PRIx32, table, shard);
    return keep(text, arena, id, err);
}

enum ots_status ots_shard_iterator(const struct ots_stream_position *position,
                                   struct ots_arena *arena, struct ots_slice *iterator,
                                   struct ots_error *err)
{
    char text[ITERATOR_BYTES + 1];
    snprintf(text, sizeof(text), "%08" PRIx32 "-%08" PRIx32 "-%016" PRIx64 "-%08" PRIx32,
             position->table, position->shard, (uint64_t)position->time_us, position->row);
    snprintf(text + POSITION_BYTES, sizeof(text) - POSITION_BYTES, "-%08" PRIx32,
             ots_crc32c(text, POSITION_BYTES));
    return keep(text, arena, iterator, err);
}

static enum ots_status invalid(const char *what, struct ots_slice name, struct ots_error *err)
{
    char shown[SHOWN_BYTES];
    return ots_error_set(err, OTS_INVALID, "Invalid %s: '%s'.", what,
                         ots_utf8_show(name, shown, sizeof(shown)));
}

/* Take the last `_DIGITS` off `text`; false when there is none of `min` to `max` digits. */
static bool take_digits(struct ots_slice *text, size_t min, size_t max, uint64_t *number)
{
    size_t digits = 0;
    uint64_t scale = 1;
    *number = 0;
    while (digits < text->size && digits <= max) {
        uint8_t byte = text->data[text->size - 1 - digits];
        if (byte < '0' || byte > '9')
            break;
        *number += scale * (uint64_t)(byte - '0');
        scale *= 10;
        digits++;
    }
    if (digits < min || digits > max || digits == text->size ||
        text->data[text->size - 1 - digits] != '_')
        return false;
    text->size -= digits + 1;
    return true;
}

enum ots_status ots_stream_id_parse(struct ots_slice id, uint32_t *table, struct ots_error *err)
{
    struct ots_slice left = id;
    uint64_t number = 0;
    uint64_t created = 0;
    if (!take_digits(&left, 1, NUMBER_DIGITS_MAX, &number) || number > UINT32_MAX ||
        !take_digits(&left, CREATED_DIGITS, CREATED_DIGITS, &created) ||
        ots_table_name_check(left, NULL) != OTS_OK)
        return invalid("stream id", id, err);
    *table = (uint32_t)number;
    return OTS_OK;
}

/* Read `digits` hexadecimal digits in lower case at `*at`, and go past them. */
static bool take_hex(const uint8_t **at, size_t digits, uint64_t *number)
{
    *number = 0;
    for (; digits; digits--, (*at)++) {
        uint8_t byte = **at;
        if (byte >= '0' && byte <= '9')
            *number = *number << 4 | (uint64_t)(byte - '0');
        else if (byte >= 'a' && byte <= 'f')
            *number = *number << 4 | (uint64_t)(byte - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool take_dash(const uint8_t **at)
{
    return *(*at)++ == '-';
}

enum ots_status ots_shard_id_parse(struct ots_slice id, uint32_t *table, uint32_t *shard,
                                   struct ots_error *err)
{
    const uint8_t *at = id.data;
    uint64_t numbers[2];
    if (id.size != SHARD_ID_BYTES || !take_hex(&at, 8, &numbers[0]) || !take_dash(&at) ||
        !take_hex(&at, 8, &numbers[1]))
        return invalid("shard id", id, err);
    *table = (uint32_t)numbers[0];
    *shard = (uint32_t)numbers[1];
    return OTS_OK;
}

enum ots_status ots_shard_iterator_parse(struct ots_slice iterator,
                                         struct ots_stream_position *position,
                                         struct ots_error *err)
{
    static const size_t digits[] = {8, 8, 16, 8, 8};
    uint64_t numbers[5];
    const uint8_t *at = iterator.data;
    bool is_ok = iterator.size == ITERATOR_BYTES;
    for (size_t i = 0; i < 5 && is_ok; i++)
        is_ok = (i == 0 || take_dash(&at)) && take_hex(&at, digits[i], &numbers[i]);
    if (!is_ok || numbers[2] > INT64_MAX || numbers[4] != ots_crc32c(iterator.data, POSITION_BYTES))
        return invalid("shard iterator", iterator, err);
    *position = (struct ots_stream_position){
        .table = (uint32_t)numbers[0],
        .shard = (uint32_t)numbers[1],
        .time_us = (int64_t)numbers[2],
        .row = (uint32_t)numbers[3],
    };
    return OTS_OK;
}
