/*
 * A page of stream records. A log record holds what one put has put in the shard, so a position
 * within it counts its rows; behind the last one it is the next microsecond, where it stays valid
 * when what was read is trimmed.
 */
#include "backend/server/handlers.h"

#include "backend/server/page.h"
#include "backend/server/stream_codec.h"
#include "backend/server/stream_reading.h"

enum { KEY_SLOTS = 1024 };

/* Keys of timelines that the page has, found by number; one that does not fit displaces another. */
struct key_slot {
    uint64_t timeline;
    const struct ots_series_key *key;
};

struct page {
    struct ots_stream_reading reading;
    struct ots_instance *instance;
    const struct ots_table *table;
    struct ots_arena *arena;
    struct ots_selection all_fields;
    struct ots_stream_record *records;
    size_t count;
    size_t capacity;
    size_t limit;
    struct key_slot *keys;
    bool has_more;
};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a page of stream records");
}

static enum ots_status page_init(struct page *page, int32_t limit, struct ots_error *err)
{
    page->limit = limit > 0 && limit < OTS_PAGE_ROWS_MAX ? (size_t)limit : OTS_PAGE_ROWS_MAX;
    page->keys = ots_arena_array(page->arena, KEY_SLOTS, sizeof(*page->keys));
    return page->keys ? OTS_OK : no_memory(err);
}

static bool page_is_full(const struct page *page)
{
    return page->count == page->limit ||
           (page->count && page->arena->used_bytes >= OTS_STREAM_PAGE_BYTES_MAX);
}

static enum ots_status read_key(struct page *page, uint64_t timeline, struct ots_series_key *key,
                                struct ots_error *err)
{
    struct ots_engine *engine = page->instance->engine;
    uint8_t number[OTS_TIMELINE_PREFIX_BYTES];
    struct ots_buf value = OTS_BUF_INIT;
    bool is_found = false;
    enum ots_status status = engine->ops->get(
        engine, ots_layout_timeline(number, OTS_SPACE_SERIES_KEY, page->table->id, timeline),
        &value, &is_found, err);
    if (status == OTS_OK && !is_found)
        status = ots_error_set(err, OTS_CORRUPT, "the store has records of an unknown timeline");
    if (status == OTS_OK)
        status = ots_layout_series_decode(ots_buf_slice(&value), page->arena, key, err);
    ots_buf_deinit(&value);
    return status;
}

static enum ots_status find_key(struct page *page, uint64_t timeline,
                                const struct ots_series_key **found, struct ots_error *err)
{
    struct key_slot *slot =
        &page->keys[(timeline ^ ots_timeline_measurement(timeline) * 31) % KEY_SLOTS];
    if (slot->timeline != timeline) {
        struct ots_series_key *key = ots_arena_array(page->arena, 1, sizeof(*key));
        if (!key)
            return no_memory(err);
        enum ots_status status = read_key(page, timeline, key, err);
        if (status != OTS_OK)
            return status;
        *slot = (struct key_slot){timeline, key};
    }
    *found = slot->key;
    return OTS_OK;
}

static bool make_room(struct page *page)
{
    if (page->count < page->capacity)
        return true;
    size_t capacity = page->capacity ? 2 * page->capacity : 64;
    struct ots_stream_record *grown =
        ots_arena_array(page->arena, capacity, sizeof(*page->records));
    if (!grown)
        return false;
    if (page->count)
        memcpy(grown, page->records, page->count * sizeof(*grown));
    page->records = grown;
    page->capacity = capacity;
    return true;
}

static enum ots_status add_row(struct page *page, const struct ots_log_row *stored, uint32_t index,
                               struct ots_error *err)
{
    if (!make_room(page))
        return no_memory(err);
    struct ots_stream_record *record = &page->records[page->count];
    *record = (struct ots_stream_record){
        .type = OTS_CHANGE_PUT,
        .sequence = {.timestamp_us = page->reading.time_us, .row_index = index},
        .row = {.time_us = stored->time_us},
    };
    enum ots_status status = find_key(page, stored->timeline, &record->row.key, err);
    if (status == OTS_OK)
        status = ots_row_codec_decode(stored->value, &page->all_fields, page->arena,
                                      &record->row.fields, &record->row.field_count, err);
    if (status == OTS_OK)
        page->count++;
    return status;
}

/* Take the rows of the log record that the cursor is at, from the position on; the position goes
 * behind those that were taken. */
static enum ots_status add_rows(struct page *page, struct ots_error *err)
{
    struct ots_stream_reading *reading = &page->reading;
    struct ots_stream_position *position = &reading->position;
    struct ots_log_reader reader = {reading->log->value, 0};
    if (position->time_us != reading->time_us)
        position->row = 0;
    position->time_us = reading->time_us;
    for (uint32_t index = 0; ots_log_reader_has_row(&reader); index++) {
        struct ots_log_row stored;
        if (index >= position->row && page_is_full(page)) {
            page->has_more = true;
            return OTS_OK;
        }
        enum ots_status status = ots_log_read(&reader, &stored, err);
        if (status != OTS_OK)
            return status;
        if (index < position->row)
            continue;
        status = add_row(page, &stored, index, err);
        if (status != OTS_OK)
            return status;
        position->row = index + 1;
    }
    position->time_us++;
    position->row = 0;
    return OTS_OK;
}

static enum ots_status fill(struct page *page, struct ots_error *err)
{
    struct ots_stream_reading *reading = &page->reading;
    enum ots_status status = ots_stream_reading_seek(reading, reading->position.time_us, err);
    while (status == OTS_OK && reading->log->is_valid && !page->has_more) {
        if (page_is_full(page)) {
            page->has_more = true;
            break;
        }
        status = add_rows(page, err);
        if (status == OTS_OK && !page->has_more)
            status = ots_stream_reading_next(reading, err);
    }
    return status;
}

static enum ots_status answer(struct page *page, struct ots_slice iterator,
                              struct ots_stream_records_response *response, struct ots_error *err)
{
    *response = (struct ots_stream_records_response){
        .records = page->records,
        .count = page->count,
        .has_may_more = true,
        .may_more = page->has_more,
    };
    enum ots_status status = ots_page_identifiers(page->table, page->arena, &response->meta, err);
    if (status != OTS_OK || (page->reading.shard.closed_us && !page->has_more))
        return status;
    /* Clients tell an idle shard by an iterator that stays as it was. */
    if (page->count)
        return ots_shard_iterator(&page->reading.position, page->arena, &response->next_iterator,
                                  err);
    response->next_iterator = iterator;
    return OTS_OK;
}

static enum ots_status read_page(struct page *page,
                                 const struct ots_stream_records_request *request,
                                 struct ots_stream_records_response *response,
                                 struct ots_error *err)
{
    struct ots_stream_reading *reading = &page->reading;
    enum ots_status status = page_init(page, request->limit, err);
    if (status == OTS_OK)
        status = ots_stream_reading_open(reading, page->instance, page->table, err);
    if (status == OTS_OK && reading->position.time_us < reading->shard.trimmed_us)
        status = ots_stream_trimmed(err);
    if (status == OTS_OK)
        status = fill(page, err);
    if (status == OTS_OK)
        status = answer(page, request->iterator, response, err);
    ots_cursor_freep(&reading->log);
    return status;
}

enum ots_status ots_handle_stream_records(struct ots_instance *instance, struct ots_call *call,
                                          struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_stream_records_request *request = &call->request.stream_records;
    struct page page = {.instance = instance, .arena = &call->arena};
    enum ots_status status =
        ots_shard_iterator_parse(request->iterator, &page.reading.position, err);
    if (status != OTS_OK)
        return status;
    if (!ots_catalog_hold_id(instance->catalog, page.reading.position.table, &table))
        return ots_stream_trimmed(err);
    if (request->table.size && !ots_slice_equal(request->table, table->meta.name))
        return ots_error_set(err, OTS_INVALID, "the iterator is of another table");
    page.table = table;
    return read_page(&page, request, &call->response.stream_records, err);
}
