#include "fs/view/readback.h"

enum { ROWS_GROWTH = 4 };

void ots_readback_init(struct ots_readback *readback, struct ots_table *table,
                       const struct ots_series_key *key)
{
    *readback = (struct ots_readback){.table = table, .key = key};
    ots_call_init(&readback->call, OTS_ACTION_GET);
}

static void drop_page(struct ots_readback *readback)
{
    ots_call_deinit(&readback->call);
    ots_call_init(&readback->call, OTS_ACTION_GET);
    readback->has_page = false;
}

void ots_readback_deinit(struct ots_readback *readback)
{
    ots_call_deinit(&readback->call);
}

void ots_readback_note(struct ots_readback *readback, int64_t time_us)
{
    if (time_us > readback->last_us)
        readback->last_us = time_us;
}

/* Who goes on where the page ended gets a larger one. */
static int32_t rows_wanted(const struct ots_readback *readback, int64_t time_us)
{
    if (!readback->has_page || time_us <= readback->last_us)
        return OTS_READBACK_ROWS_MIN;
    int32_t rows = readback->rows_wanted * ROWS_GROWTH;
    return rows < OTS_PAGE_ROWS_MAX ? rows : OTS_PAGE_ROWS_MAX;
}

static enum ots_status fetch(struct ots_readback *readback, int64_t time_us, struct ots_buf *token,
                             struct ots_interrupt *interrupt, struct ots_error *err)
{
    const struct ots_table *table = readback->table;
    drop_page(readback);
    struct ots_get_request *get = &readback->call.request.get;
    get->table = table->node->name;
    get->key = *readback->key;
    get->has_begin = true;
    get->begin_us = time_us;
    get->has_end = true;
    get->end_us = INT64_MAX;
    get->limit = readback->rows_wanted;
    get->token = ots_buf_slice(token);
    enum ots_status status = ots_store_run(table->instance->store, &readback->call, interrupt, err);
    return status == OTS_OK ? ots_buf_set(token, readback->call.response.page.next_token) : status;
}

/* A page that begins at `time_us`. The service may answer with pages that have no row. */
static enum ots_status read_page(struct ots_readback *readback, int64_t time_us,
                                 struct ots_interrupt *interrupt, struct ots_error *err)
{
    readback->rows_wanted = rows_wanted(readback, time_us);
    enum ots_status status = ots_pipeline_settle(readback->table->pipeline, interrupt, err);
    if (status != OTS_OK)
        return status;
    struct ots_buf token = OTS_BUF_INIT;
    const struct ots_rows *rows = &readback->call.response.page.rows;
    do {
        status = fetch(readback, time_us, &token, interrupt, err);
    } while (status == OTS_OK && token.size && !rows->count);
    if (status == OTS_OK) {
        readback->has_page = true;
        readback->next = 0;
        readback->until_us = token.size ? rows->items[rows->count - 1].time_us : INT64_MAX;
    }
    ots_buf_deinit(&token);
    return status;
}

enum ots_status ots_readback_find(struct ots_readback *readback, int64_t time_us,
                                  struct ots_interrupt *interrupt, const struct ots_row **row,
                                  struct ots_error *err)
{
    *row = NULL;
    bool is_ahead = readback->has_page && time_us > readback->last_us;
    if (!is_ahead || time_us > readback->until_us) {
        enum ots_status status = read_page(readback, time_us, interrupt, err);
        if (status != OTS_OK)
            return status;
    }
    const struct ots_rows *rows = &readback->call.response.page.rows;
    while (readback->next < rows->count && rows->items[readback->next].time_us < time_us)
        readback->next++;
    if (readback->next < rows->count && rows->items[readback->next].time_us == time_us)
        *row = &rows->items[readback->next];
    readback->last_us = time_us;
    return OTS_OK;
}
