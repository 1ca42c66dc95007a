/*
 * An item's key: the names as in the tree, each with a NUL, which no name has, behind it, and the
 * time, most significant byte first. Its value: when it was put, whether it is blank, the line.
 */
#include "fs/view/window_records.h"

#include <assert.h>
#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/view/lines.h"
#include "fs/view/state.h"
#include "fs/view/stream_cursor.h"

/* How long the children of a shard that ended may be missing. */
enum { LOOK_AGAIN_US = 100000, LOOKS_MAX = 600 };

enum { TIME_BYTES = 8, VALUE_HEAD_BYTES = TIME_BYTES + 1 };

struct reading {
    const struct ots_window_source *source;
    struct ots_window_sorter *sorter;
    struct ots_error *err;
    struct ots_lp_printer printer;
    struct ots_arena key_arena;
    struct ots_series_key series; /* of the record before */
    bool has_series;
    bool is_wanted;     /* that series is in the selected share */
    struct ots_buf key; /* begins with that series' names */
    size_t names_size;
    struct ots_buf value;
    struct ots_arena arena; /* of the record's selected fields */
};

/* --- items ------------------------------------------------------------------------------------*/

static void append_number(struct ots_buf *buf, int64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        ots_buf_append_byte(buf, (uint8_t)((uint64_t)number >> shift));
}

static int64_t number_at(const uint8_t *bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < TIME_BYTES; i++)
        number = number << 8 | bytes[i];
    return (int64_t)number;
}

/* The name before the next NUL, which goes too. */
static struct ots_slice next_name(struct ots_slice *rest)
{
    const uint8_t *end = memchr(rest->data, '\0', rest->size);
    assert(end);
    struct ots_slice name = ots_slice(rest->data, (size_t)(end - rest->data));
    *rest = ots_slice(end + 1, rest->size - name.size - 1);
    return name;
}

void ots_window_item_read(struct ots_slice key, struct ots_slice value,
                          struct ots_window_item *item)
{
    item->measurement_name = next_name(&key);
    item->timeline_name = next_name(&key);
    assert(key.size == TIME_BYTES && value.size >= VALUE_HEAD_BYTES);
    item->time_us = number_at(key.data);
    item->put_us = number_at(value.data);
    item->is_blank = value.data[TIME_BYTES];
    item->text = ots_slice(value.data + VALUE_HEAD_BYTES, value.size - VALUE_HEAD_BYTES);
}

/* --- records ----------------------------------------------------------------------------------*/

/* Whether the series whose names are at the key's front is in the selected share. */
static bool is_in_share(const struct reading *reading)
{
    struct ots_slice names = ots_buf_slice(&reading->key);
    struct ots_slice measurement_name = next_name(&names);
    struct ots_slice timeline_name = next_name(&names);
    return ots_share_has(&reading->source->selection->share, measurement_name, timeline_name);
}

/* Have the series' names at the key's front. */
static enum ots_status use_series(struct reading *reading, const struct ots_series_key *series)
{
    if (reading->has_series && ots_series_key_equal(series, &reading->series)) {
        reading->key.size = reading->names_size;
        return OTS_OK;
    }
    reading->has_series = false;
    ots_lp_printer_forget_key(&reading->printer);
    ots_arena_reset(&reading->key_arena);
    ots_buf_reset(&reading->key);
    enum ots_status status = ots_series_key_copy(&reading->key_arena, series, &reading->series);
    if (status == OTS_OK)
        status = ots_measurement_name_append(series->measurement, &reading->key);
    ots_buf_append_byte(&reading->key, '\0');
    if (status == OTS_OK)
        status = ots_timeline_name_append(series, &reading->key);
    ots_buf_append_byte(&reading->key, '\0');
    if (status == OTS_OK)
        status = ots_buf_status(&reading->key);
    reading->names_size = reading->key.size;
    reading->has_series = status == OTS_OK;
    reading->is_wanted = status == OTS_OK && is_in_share(reading);
    return status;
}

/* The row with its selected fields only. */
static enum ots_status select_fields(struct reading *reading, struct ots_row *row)
{
    const struct ots_selection *selection = reading->source->selection;
    if (!selection->field_count || !row->field_count)
        return OTS_OK;
    ots_arena_reset(&reading->arena);
    struct ots_field *fields = ots_arena_array(&reading->arena, row->field_count, sizeof(*fields));
    if (!fields)
        return OTS_NOMEM;
    size_t count = 0;
    for (size_t i = 0; i < row->field_count; i++)
        if (ots_selection_has_field(selection, &row->fields[i]))
            fields[count++] = row->fields[i];
    row->fields = fields;
    row->field_count = count;
    return OTS_OK;
}

static enum ots_status print_value(struct reading *reading, const struct ots_stream_record *record)
{
    struct ots_row row = record->row;
    row.key = &reading->series;
    if (record->type == OTS_CHANGE_DELETE)
        row.field_count = 0;
    enum ots_status status = select_fields(reading, &row);
    if (status != OTS_OK)
        return status;
    ots_buf_reset(&reading->value);
    append_number(&reading->value, record->sequence.timestamp_us);
    ots_buf_append_byte(&reading->value, 0);
    bool is_blank = false;
    status = ots_line_append(&reading->printer, &row, &reading->value, &is_blank, reading->err);
    if (status == OTS_OK)
        status = ots_buf_status(&reading->value);
    if (status == OTS_OK)
        reading->value.data[TIME_BYTES] = is_blank;
    return status;
}

static enum ots_status add_record(struct reading *reading, const struct ots_stream_record *record)
{
    enum ots_status status = use_series(reading, record->row.key);
    if (status == OTS_OK && !reading->is_wanted)
        return OTS_OK;
    if (status == OTS_OK)
        status = print_value(reading, record);
    if (status != OTS_OK)
        return status;
    append_number(&reading->key, record->row.time_us);
    status = ots_buf_status(&reading->key);
    if (status != OTS_OK)
        return status;
    return ots_window_sorter_add(reading->sorter, ots_buf_slice(&reading->key),
                                 ots_buf_slice(&reading->value), reading->err);
}

static enum ots_status take_record(void *context, const struct ots_stream_record *record,
                                   bool *is_shard_done)
{
    struct reading *reading = context;
    const struct ots_selection *selection = reading->source->selection;
    int64_t put_us = record->sequence.timestamp_us;
    int64_t time_us = record->row.time_us;
    *is_shard_done = put_us >= selection->put_end_us;
    bool is_selected = put_us >= selection->put_begin_us && put_us < selection->put_end_us &&
                       time_us >= selection->begin_us && time_us < selection->end_us &&
                       time_us >= reading->source->cut_us;
    enum ots_status status = is_selected ? add_record(reading, record) : OTS_OK;
    return status == OTS_NOMEM ? ots_error_set(reading->err, status, "out of memory") : status;
}

/* --- the stream -------------------------------------------------------------------------------*/

static enum ots_status poll_to_end(const struct reading *reading, struct ots_stream_cursor *cursor,
                                   struct ots_interrupt *interrupt)
{
    for (unsigned looks = 0; looks < LOOKS_MAX; looks++) {
        struct ots_stream_poll poll;
        enum ots_status status = ots_stream_cursor_poll(cursor, 0, interrupt, &poll, reading->err);
        if (status != OTS_OK || poll.is_at_end)
            return status;
        ots_view_nap(reading->source->view, LOOK_AGAIN_US, interrupt);
        if (ots_interrupt_is_raised(interrupt))
            return ots_error_set(reading->err, OTS_CANCELLED, "interrupted");
    }
    return ots_error_set(reading->err, OTS_TIMEOUT, "shards that follow others do not appear");
}

static enum ots_status read_stream(struct reading *reading, struct ots_interrupt *interrupt)
{
    const struct ots_window_source *source = reading->source;
    int64_t begin_us = source->selection->put_begin_us;
    const struct ots_stream_cursor_options options = {
        .store = source->store,
        .table = source->table,
        .from_us = begin_us > 0 ? begin_us : 0,
        .record = take_record,
        .context = reading,
    };
    struct ots_stream_cursor *cursor;
    enum ots_status status = ots_stream_cursor_open(&options, interrupt, &cursor, reading->err);
    if (status == OTS_OK)
        status = poll_to_end(reading, cursor, interrupt);
    ots_stream_cursor_free(cursor);
    if (status != OTS_UNSUPPORTED)
        return status;
    return ots_error_set(reading->err, OTS_DENIED, "the stream cannot be read");
}

enum ots_status ots_window_records_read(const struct ots_window_source *source,
                                        struct ots_window_sorter *sorter,
                                        struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_error error = {.message = ""};
    struct reading reading = {
        .source = source,
        .sorter = sorter,
        .err = err ? err : &error,
        .key_arena = OTS_ARENA_INIT,
        .key = OTS_BUF_INIT,
        .value = OTS_BUF_INIT,
        .arena = OTS_ARENA_INIT,
    };
    ots_lp_printer_init(&reading.printer, source->precision);
    enum ots_status status = read_stream(&reading, interrupt);
    ots_lp_printer_deinit(&reading.printer);
    ots_arena_deinit(&reading.key_arena);
    ots_arena_deinit(&reading.arena);
    ots_buf_deinit(&reading.key);
    ots_buf_deinit(&reading.value);
    return status;
}
