/*
 * A put is checked as a whole before anything is written. Then its timelines are resolved, and all
 * its rows go in one batch: a row replaces the one at the same timeline and time (and with the same
 * key fields, if the table has any), and of two such rows in one request the later one stays.
 */
#include "backend/server/handlers.h"

#include "backend/server/row_codec.h"
#include "backend/server/row_key.h"

/* Rows of one timeline mostly come together: each run of them is one reference. */
struct put {
    struct ots_instance *instance;
    const struct ots_put_request *request;
    const struct ots_table *table;
    struct ots_arena *arena;
    struct ots_series_ref *refs;
    size_t ref_count;
    size_t *ref_of_row;
};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a put");
}

static bool same_key(const struct ots_row *rows, size_t at)
{
    return at > 0 && (rows[at].key == rows[at - 1].key ||
                      ots_series_key_equal(rows[at].key, rows[at - 1].key));
}

static enum ots_status check_rows(const struct ots_table_meta *meta,
                                  const struct ots_put_request *request, struct ots_error *err)
{
    if (request->row_count < 1 || request->row_count > OTS_PUT_ROWS_MAX)
        return ots_error_set(err, OTS_LIMIT, "%zu rows instead of 1 to %d", request->row_count,
                             OTS_PUT_ROWS_MAX);
    size_t bytes = 0;
    for (size_t i = 0; i < request->row_count; i++) {
        const struct ots_row *row = &request->rows[i];
        enum ots_status status = OTS_OK;
        if (!same_key(request->rows, i))
            status = ots_table_key_check(meta, row->key, err);
        if (status == OTS_OK)
            status = ots_table_row_check(meta, row, err);
        if (status != OTS_OK)
            return ots_error_prefix(err, "row %zu", i);
        bytes += ots_row_size(row);
    }
    if (bytes > OTS_PUT_BYTES_MAX)
        return ots_error_set(err, OTS_LIMIT, "rows of %zu bytes instead of at most %d", bytes,
                             OTS_PUT_BYTES_MAX);
    return OTS_OK;
}

/* Where each run's record key ends in the buffer is kept in its reference until the buffer stays
 * where it is. */
static enum ots_status refs_make(struct put *put, struct ots_buf *keys, struct ots_error *err)
{
    const struct ots_put_request *request = put->request;
    put->refs = ots_arena_array(put->arena, request->row_count, sizeof(*put->refs));
    put->ref_of_row = ots_arena_array(put->arena, request->row_count, sizeof(*put->ref_of_row));
    if (!put->refs || !put->ref_of_row)
        return no_memory(err);
    for (size_t i = 0; i < request->row_count; i++) {
        if (!same_key(request->rows, i)) {
            size_t start = keys->size;
            ots_dictionary_key_append(keys, put->table->id, request->rows[i].key);
            put->refs[put->ref_count++].key.size = keys->size - start;
        }
        put->ref_of_row[i] = put->ref_count - 1;
    }
    if (ots_buf_status(keys) != OTS_OK)
        return no_memory(err);
    const uint8_t *at = keys->data;
    for (size_t i = 0; i < put->ref_count; i++) {
        put->refs[i].key.data = at;
        at += put->refs[i].key.size;
    }
    return OTS_OK;
}

static enum ots_status write_rows(struct put *put, struct ots_error *err)
{
    struct ots_engine *engine = put->instance->engine;
    struct ots_stream *stream = NULL;
    enum ots_status status = ots_streams_get(put->instance->streams, put->table, &stream, err);
    if (status != OTS_OK)
        return status;
    OTS_AUTO(ots_batch_freep) struct ots_batch *batch = engine->ops->batch_new(engine);
    OTS_AUTO(ots_change_freep) struct ots_change *change = ots_change_new(stream);
    if (!batch || !change)
        return no_memory(err);
    struct ots_buf key = OTS_BUF_INIT;
    struct ots_buf value = OTS_BUF_INIT;
    for (size_t i = 0; i < put->request->row_count && status == OTS_OK; i++) {
        const struct ots_row *row = &put->request->rows[i];
        uint64_t timeline = put->refs[put->ref_of_row[i]].timeline;
        ots_buf_reset(&key);
        ots_buf_reset(&value);
        ots_row_key_append(&key, put->table, timeline, row);
        status = ots_row_codec_encode(row, put->arena, &value, err);
        if (status == OTS_OK && ots_buf_status(&key) != OTS_OK)
            status = no_memory(err);
        if (status != OTS_OK)
            break;
        batch->ops->put(batch, ots_buf_slice(&key), ots_buf_slice(&value));
        status =
            ots_change_add(change, row->key, timeline, row->time_us, ots_buf_slice(&value), err);
    }
    ots_buf_deinit(&key);
    ots_buf_deinit(&value);
    return status == OTS_OK ? ots_change_write(change, batch, err) : status;
}

/* Tell the client when metadata was made or renewed: SDKs send it back with later rows. */
static enum ots_status meta_times(struct put *put, struct ots_put_response *response,
                                  struct ots_error *err)
{
    size_t renewed = 0;
    for (size_t i = 0; i < put->ref_count; i++)
        renewed += put->refs[i].meta_renewed_us != 0;
    struct ots_meta_time *times = ots_arena_array(put->arena, renewed, sizeof(*times));
    if (!times)
        return no_memory(err);
    for (size_t i = 0; i < put->request->row_count; i++) {
        const struct ots_series_ref *ref = &put->refs[put->ref_of_row[i]];
        bool is_first = i == 0 || put->ref_of_row[i] != put->ref_of_row[i - 1];
        if (is_first && ref->meta_renewed_us)
            times[response->meta_time_count++] =
                (struct ots_meta_time){(uint32_t)i, (uint32_t)(ref->meta_renewed_us / 1000000)};
    }
    response->meta_times = times;
    return OTS_OK;
}

static enum ots_status store(struct put *put, struct ots_put_response *response,
                             struct ots_error *err)
{
    struct ots_buf keys = OTS_BUF_INIT;
    enum ots_status status = refs_make(put, &keys, err);
    if (status == OTS_OK)
        status =
            ots_dictionary_resolve(put->instance->dictionary, put->table, put->refs, put->ref_count,
                                   put->request->meta_update_mode == OTS_META_UPDATE_NORMAL, err);
    if (status == OTS_OK)
        status = meta_times(put, response, err);
    if (status == OTS_OK)
        status = write_rows(put, err);
    ots_buf_deinit(&keys);
    return status;
}

enum ots_status ots_handle_put(struct ots_instance *instance, struct ots_call *call,
                               struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_put_request *request = &call->request.put;
    enum ots_status status = ots_handle_hold_for(instance, call, request->table, &table, err);
    if (status == OTS_OK)
        status = check_rows(&table->meta, request, err);
    if (status != OTS_OK)
        return status;
    struct put put = {
        .instance = instance,
        .request = request,
        .table = table,
        .arena = &call->arena,
    };
    return store(&put, &call->response.put, err);
}
