/*
 * A timeline's rows, page after page, in time order, and one page ahead of whoever reads them.
 *
 * A page that was asked for is never asked for again: an interrupted reader leaves its request
 * under way, and finds the answer when it comes back.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_PAGES_H
#define OTS_VIEW_PAGES_H

#include <pthread.h>

#include "backend/store.h"

/* Which rows; all of it is borrowed. Times: begin_us inclusive, end_us exclusive. */
struct ots_page_source {
    struct ots_store *store;
    struct ots_slice table;
    const struct ots_series_key *key;
    int64_t begin_us;
    int64_t end_us;
    const struct ots_field_wanted *fields; /* none: all */
    size_t field_count;
};

struct ots_page_reader {
    struct ots_page_source source;
    int32_t limit; /* rows of the pages asked for from now on */
    struct ots_buf token;
    struct ots_call call;  /* the page whose rows are being used */
    struct ots_call ahead; /* the page behind it, when `is_asked` */
    bool is_asked;
    bool is_last; /* no page follows */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed; /* the answer came, an interrupt was raised */
        bool is_answered;
    } synced;
};

/* `limit`: rows of a page, at most; 0: OTS_PAGE_ROWS_MAX. */
void ots_page_reader_init(struct ots_page_reader *reader, const struct ots_page_source *source,
                          int32_t limit);
/* Ends a request that is under way. */
void ots_page_reader_deinit(struct ots_page_reader *reader);

/*
 * Wait for the next page; its rows are `*rows`, until the next call. Must not be called once
 * is_last. Errors: those of the store; the page can be asked for again.
 */
enum ots_status ots_page_reader_next(struct ots_page_reader *reader,
                                     struct ots_interrupt *interrupt, const struct ots_rows **rows,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* Ask for the next page without waiting for it, unless there is none or it was asked for. */
void ots_page_reader_ask(struct ots_page_reader *reader);

/* The rows of the last page are not needed any more. */
void ots_page_reader_forget(struct ots_page_reader *reader);

#endif
