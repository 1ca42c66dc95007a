/*
 * Lines written to an open file that are not stored: each is kept with its reason where rejected
 * lines are kept, and the file's next check tells of them, once.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_PROBLEMS_H
#define OTS_VIEW_PROBLEMS_H

#include "fs/view/state.h"

/* That many, and the file takes no more lines; of these so many are logged. */
enum { OTS_PROBLEMS_MAX = 1000, OTS_PROBLEMS_LOGGED_MAX = 10 };

#define OTS_CUT_ONTO_LAST                                                                          \
    "has the time of the line before but for digits below a microsecond, which the service does "  \
    "not store"

struct ots_problems {
    struct ots_table *table;
    struct ots_buf file; /* the file's path below the table */
    uint64_t count;
    uint64_t told;
    char first[200]; /* of those not told */
};

/* `node` is below a table. Errors: OTS_NOMEM; deinit is needed all the same. */
enum ots_status ots_problems_init(struct ots_problems *problems,
                                  const struct ots_node *node) OTS_MUST_CHECK;
void ots_problems_deinit(struct ots_problems *problems);

/* `column` 0: the line as a whole. */
void ots_problems_reject(struct ots_problems *problems, uint64_t line, size_t column,
                         const char *reason, struct ots_slice text);

/* OTS_INVALID when lines were rejected since this was last told. */
enum ots_status ots_problems_tell(struct ots_problems *problems,
                                  struct ots_error *err) OTS_MUST_CHECK;

/* A write ended with `status`: `failure` says why, unless it is about something else. Returns
 * `status`. */
enum ots_status ots_problems_failure(enum ots_status status, const struct ots_error *failure,
                                     struct ots_error *err);

#endif
