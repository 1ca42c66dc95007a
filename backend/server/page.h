/*
 * A page of rows while it is filled, for GetTimeseriesData and ScanTimeseriesData.
 *
 * A page ends at its limit, at OTS_PAGE_BYTES_MAX or after OTS_PAGE_EXAMINED_MAX rows; its token is
 * the position of the first row that was not looked at, so there is none when nothing is left.
 */
#ifndef OTS_SERVER_PAGE_H
#define OTS_SERVER_PAGE_H

#include "backend/server/handlers.h"
#include "backend/server/row_codec.h"
#include "backend/server/token.h"

/* What the two requests have in common. */
struct ots_page_request {
    int64_t begin_us; /* counts only with has_begin */
    int64_t end_us;   /* exclusive, counts only with has_end */
    bool has_begin;
    bool has_end;
    int32_t limit; /* 0 or less, or too much: OTS_PAGE_ROWS_MAX */
    const struct ots_field_wanted *fields;
    size_t field_count;
};

struct ots_page {
    struct ots_instance *instance;
    const struct ots_table *table;
    struct ots_arena *arena;
    struct ots_rows *rows;
    struct ots_selection selection;
    size_t forced_count; /* key fields that are selected though nobody wants them */
    int64_t begin_us;    /* raised to where the table's TTL lets rows live */
    int64_t end_us;      /* exclusive, counts only with has_end */
    bool has_end;
    size_t limit;
    size_t examined;
    size_t start_bytes; /* of the arena when the page began: the request's */
};

/*
 * Check the request and begin an empty page in the call's response.
 * Errors: OTS_INVALID (times, types), OTS_LIMIT (fields), OTS_NOMEM.
 */
enum ots_status ots_page_init(struct ots_page *page, struct ots_instance *instance,
                              const struct ots_table *table, const struct ots_page_request *request,
                              struct ots_call *call, struct ots_error *err) OTS_MUST_CHECK;

/*
 * What a response must know of a table with identifiers or key fields of its own, copied into
 * `arena`; NULL of an ordinary one. Errors: OTS_NOMEM.
 */
enum ots_status ots_page_identifiers(const struct ots_table *table, struct ots_arena *arena,
                                     const struct ots_table_meta **meta,
                                     struct ots_error *err) OTS_MUST_CHECK;

bool ots_page_is_full(const struct ots_page *page);

/* Append a stored row unless it has none of the wanted fields. Errors: OTS_CORRUPT, OTS_NOMEM. */
enum ots_status ots_page_add(struct ots_page *page, struct ots_slice value, int64_t time_us,
                             const struct ots_series_key *key,
                             struct ots_error *err) OTS_MUST_CHECK;

/* The token that goes on at the row under the cursor. Errors: OTS_CORRUPT, OTS_NOMEM. */
enum ots_status ots_page_token(struct ots_page *page, enum ots_token_kind kind,
                               const struct ots_cursor *cursor, struct ots_slice *bytes,
                               struct ots_error *err) OTS_MUST_CHECK;

/*
 * Move the cursor to the row that the token names: to the first one at or after it, backward to
 * the last one at or before it. Errors: OTS_NOMEM.
 */
enum ots_status ots_page_resume(const struct ots_page *page, const struct ots_token *token,
                                bool is_backward, struct ots_cursor *cursor,
                                struct ots_error *err) OTS_MUST_CHECK;

#endif
