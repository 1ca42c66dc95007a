#include "fs/view/pages.h"

void ots_page_reader_init(struct ots_page_reader *reader, struct ots_store *store,
                          struct ots_slice table, const struct ots_series_key *key)
{
    *reader = (struct ots_page_reader){.store = store, .table = table, .key = key};
    ots_call_init(&reader->call, OTS_ACTION_GET);
}

void ots_page_reader_deinit(struct ots_page_reader *reader)
{
    ots_buf_deinit(&reader->token);
    ots_call_deinit(&reader->call);
}

enum ots_status ots_page_reader_next(struct ots_page_reader *reader,
                                     struct ots_interrupt *interrupt, struct ots_error *err)
{
    ots_call_deinit(&reader->call);
    ots_call_init(&reader->call, OTS_ACTION_GET);
    struct ots_get_request *get = &reader->call.request.get;
    get->table = reader->table;
    get->key = *reader->key;
    /* Both ends are sent: what the service does without one is not documented. */
    get->has_begin = true;
    get->has_end = true;
    get->end_us = INT64_MAX;
    get->limit = OTS_PAGE_ROWS_MAX;
    get->token = ots_buf_slice(&reader->token);
    enum ots_status status = ots_store_run(reader->store, &reader->call, interrupt, err);
    if (status != OTS_OK)
        return status;
    ots_buf_reset(&reader->token);
    ots_buf_append_slice(&reader->token, reader->call.response.page.next_token);
    reader->is_last = !reader->token.size;
    return ots_buf_status(&reader->token);
}
