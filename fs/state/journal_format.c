#include "fs/state/journal_format.h"

#include <endian.h>

enum { MAGIC_BYTES = 4, SUM_AT = OTS_JOURNAL_RECORD_BYTES - 8 };

static const uint8_t magic[MAGIC_BYTES] = {0xf5, 'O', 'J', '1'};

/* Each step maps sums one to one, so a change within one word is always seen. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

static uint64_t read_u64(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return le64toh(word);
}

static uint32_t read_u32(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof(word));
    return le32toh(word);
}

static uint64_t add_to_sum(uint64_t sum, struct ots_slice bytes)
{
    size_t i = 0;
    for (; i + 8 <= bytes.size; i += 8)
        sum = mix(sum, read_u64(bytes.data + i));
    uint8_t rest[8] = {0};
    if (bytes.size - i)
        memcpy(rest, bytes.data + i, bytes.size - i);
    return mix(mix(sum, read_u64(rest)), bytes.size);
}

static uint64_t record_sum(const uint8_t *header, struct ots_slice payload)
{
    uint64_t sum = add_to_sum(0, ots_slice(header + MAGIC_BYTES, SUM_AT - MAGIC_BYTES));
    return add_to_sum(sum, payload);
}

static void write_u64(uint8_t *bytes, uint64_t word)
{
    word = htole64(word);
    memcpy(bytes, &word, sizeof(word));
}

void ots_journal_record_append(struct ots_buf *buf, const struct ots_journal_record *record)
{
    uint8_t header[OTS_JOURNAL_RECORD_BYTES] = {0};
    memcpy(header, magic, MAGIC_BYTES);
    header[MAGIC_BYTES] = (uint8_t)record->type;
    write_u64(header + 8, record->number);
    write_u64(header + 16, (uint64_t)record->time_us);
    write_u64(header + 24, record->payload.size);
    write_u64(header + SUM_AT, record_sum(header, record->payload));
    ots_buf_append(buf, header, sizeof(header));
    ots_buf_append_slice(buf, record->payload);
}

/* Whether a whole and right record is at `offset`. */
static bool parse(struct ots_slice bytes, size_t offset, struct ots_journal_record *record)
{
    const uint8_t *header = bytes.data + offset;
    size_t left = bytes.size - offset;
    if (left < OTS_JOURNAL_RECORD_BYTES || memcmp(header, magic, MAGIC_BYTES) != 0)
        return false;
    uint64_t length = read_u64(header + 24);
    if (length > left - OTS_JOURNAL_RECORD_BYTES)
        return false;
    struct ots_slice payload = ots_slice(header + OTS_JOURNAL_RECORD_BYTES, (size_t)length);
    if (read_u64(header + SUM_AT) != record_sum(header, payload))
        return false;
    *record = (struct ots_journal_record){
        .type = (enum ots_journal_type)read_u32(header + 4),
        .number = read_u64(header + 8),
        .time_us = (int64_t)read_u64(header + 16),
        .payload = payload,
    };
    return true;
}

/* Where the next right record behind `offset` begins; the end when there is none. */
static size_t find_record(struct ots_slice bytes, size_t offset)
{
    struct ots_journal_record record;
    for (size_t at = offset; at < bytes.size; at++) {
        const uint8_t *found = memchr(bytes.data + at, magic[0], bytes.size - at);
        if (!found)
            break;
        at = (size_t)(found - bytes.data);
        if (parse(bytes, at, &record))
            return at;
    }
    return bytes.size;
}

/* Whether what begins here is the first part of a record. */
static bool is_cut_off(struct ots_slice bytes, size_t offset)
{
    const uint8_t *header = bytes.data + offset;
    size_t left = bytes.size - offset;
    if (memcmp(header, magic, left < MAGIC_BYTES ? left : MAGIC_BYTES) != 0)
        return false;
    return left < OTS_JOURNAL_RECORD_BYTES ||
           read_u64(header + 24) > left - OTS_JOURNAL_RECORD_BYTES;
}

enum ots_journal_result ots_journal_read(struct ots_journal_reader *reader,
                                         struct ots_journal_record *record,
                                         struct ots_journal_damage *damage)
{
    struct ots_slice bytes = reader->bytes;
    size_t offset = reader->offset;
    if (offset >= bytes.size)
        return OTS_JOURNAL_END;
    if (parse(bytes, offset, record)) {
        reader->offset += OTS_JOURNAL_RECORD_BYTES + record->payload.size;
        return OTS_JOURNAL_RECORD;
    }
    reader->offset = find_record(bytes, offset + 1);
    if (reader->offset == bytes.size && is_cut_off(bytes, offset))
        return OTS_JOURNAL_END;
    *damage = (struct ots_journal_damage){offset, reader->offset - offset};
    return OTS_JOURNAL_DAMAGED;
}
