/*
 * Lines that were not stored, kept for whoever mends them: `errors` says why, one line each, the
 * newest last; `rejected/<table>.lp` has the lines, above each a comment with file, line number
 * and reason.
 *
 * Nothing here fails for its caller: when a file cannot be written, the log gets what it would
 * have got.
 * Threads: safe.
 */
#ifndef OTS_STATE_REJECTS_H
#define OTS_STATE_REJECTS_H

#include "backend/base/clock.h"
#include "backend/base/log.h"
#include "backend/base/slice.h"

/* `errors` keeps its newest megabyte, and is cut when it has twice that. */
enum { OTS_ERRORS_BYTES_KEPT = 1024 * 1024 };
/* Beyond that, lines of a table only count. */
enum { OTS_REJECTED_BYTES_MAX = 256 * 1024 * 1024 };

struct ots_reject {
    struct ots_slice table;
    struct ots_slice file; /* below the table's directory; empty: not known */
    uint64_t line;         /* from 1; 0: not known */
    size_t column;         /* byte in the line, from 1; 0: not known */
    struct ots_slice reason;
    struct ots_slice text; /* the line; a LF at its end may be missing */
};

/* Of one table, since the state was opened. */
struct ots_reject_counts {
    uint64_t lines;   /* all */
    uint64_t dropped; /* of those: not in the file, because it is full or cannot be written */
};

struct ots_rejects_options {
    int dir_fd;              /* of the source's directory; borrowed */
    uint64_t rejected_bytes; /* bound of each table's file; 0: OTS_REJECTED_BYTES_MAX */
    uint64_t error_bytes;    /* what `errors` keeps; 0: OTS_ERRORS_BYTES_KEPT */
    const struct ots_clock *clock;
    const struct ots_log *log;
};

struct ots_rejects;

enum ots_status ots_rejects_new(const struct ots_rejects_options *options, struct ots_rejects **out,
                                struct ots_error *err) OTS_MUST_CHECK;
/* Accepts NULL. */
void ots_rejects_free(struct ots_rejects *rejects);

void ots_rejects_add(struct ots_rejects *rejects, const struct ots_reject *reject);

/* A line in `errors` that is about no line of a file: `TABLE: TEXT`. */
void ots_rejects_note(struct ots_rejects *rejects, struct ots_slice table, struct ots_slice text);

void ots_rejects_counts(struct ots_rejects *rejects, struct ots_slice table,
                        struct ots_reject_counts *counts);

/*
 * Open for reading what is there now: `errors` for an empty `table`. What comes later is not part
 * of it: read `*size` bytes. Errors: OTS_NOT_FOUND (nothing was rejected), OTS_IO.
 */
enum ots_status ots_rejects_open(struct ots_rejects *rejects, struct ots_slice table, int *fd,
                                 uint64_t *size, struct ots_error *err) OTS_MUST_CHECK;

/* Empty it; who has it open goes on reading. Errors: OTS_IO. */
enum ots_status ots_rejects_empty(struct ots_rejects *rejects, struct ots_slice table,
                                  struct ots_error *err) OTS_MUST_CHECK;

/* Visit the names of the files in `rejected`, in no order. Errors: OTS_IO. */
enum ots_status ots_rejects_each(struct ots_rejects *rejects,
                                 void (*visit)(void *context, struct ots_slice file_name),
                                 void *context, struct ots_error *err) OTS_MUST_CHECK;

#endif
