/*
 * A timeline's rows, page after page, in time order.
 */
#ifndef OTS_VIEW_PAGES_H
#define OTS_VIEW_PAGES_H

#include "backend/store.h"

struct ots_page_reader {
    struct ots_store *store;
    struct ots_slice table;           /* borrowed */
    const struct ots_series_key *key; /* borrowed */
    struct ots_buf token;
    /* The page's rows are in call.response.page until the next page is asked for. */
    struct ots_call call;
    bool is_last; /* no page follows */
};

void ots_page_reader_init(struct ots_page_reader *reader, struct ots_store *store,
                          struct ots_slice table, const struct ots_series_key *key);
void ots_page_reader_deinit(struct ots_page_reader *reader);

/* Fetch the next page; must not be called once is_last. Errors: those of the store. */
enum ots_status ots_page_reader_next(struct ots_page_reader *reader,
                                     struct ots_interrupt *interrupt,
                                     struct ots_error *err) OTS_MUST_CHECK;

#endif
