/*
 * Rows that an earlier mount left in a table's journal, and what is to become of each. Pure.
 *
 * Of the versions of a row (timeline and time) only the last one counts. It is put unless the
 * table is another one now, or the table's stream shows that somebody else put the row after it
 * was handed over, or the stream cannot tell and the row is old.
 *
 * The row may have been put already by the mount that left it: then the stream shows its content,
 * or that of an earlier version of it, which was on its way when the last one was handed over.
 */
#ifndef OTS_VIEW_LEFTOVER_H
#define OTS_VIEW_LEFTOVER_H

#include "backend/model/stream.h"
#include "fs/state/journal_contents.h"

/*
 * Of what the stream shows this shortly before or behind the hand-over nothing follows: clocks
 * differ, and a row that was handed over then is put later.
 */
enum { OTS_LEFTOVER_BLUR_US = 100000 };
/* A row of which the stream tells nothing is put when it is not older. */
enum { OTS_LEFTOVER_AGE_US_MAX = 600 * 1000 * 1000 };

enum ots_leftover_fate {
    OTS_LEFTOVER_OLDER,      /* a later version of the row was left too */
    OTS_LEFTOVER_PUT,        /* it must be put */
    OTS_LEFTOVER_STORED,     /* it is there */
    OTS_LEFTOVER_SUPERSEDED, /* somebody else put the row since */
    OTS_LEFTOVER_OTHER,      /* the table was deleted and made anew */
    OTS_LEFTOVER_UNKNOWN,    /* it is old, and the stream cannot tell */
};

/* What the stream shows of a row. */
struct ots_leftover_sighting {
    bool is_seen;
    struct ots_sequence last;
    bool is_own;     /* the last one has the content of this version */
    bool is_earlier; /* ... of an earlier one */
    bool was_own;    /* one had the content of this version */
};

struct ots_leftover_row {
    struct ots_row row;
    int64_t time_us; /* when it was handed over, the service's clock */
    struct ots_slice identity;
    size_t order;
    bool is_last;
    struct ots_leftover_sighting sighting;
};

struct ots_leftovers {
    struct ots_arena arena;
    struct ots_leftover_row *rows;
    size_t count;
    size_t capacity;
};

void ots_leftovers_deinit(struct ots_leftovers *leftovers);

/*
 * Add the rows of a batch, which must live as long. `problem` is told of text that is no row.
 * Errors: OTS_NOMEM.
 */
enum ots_status
ots_leftovers_add(struct ots_leftovers *leftovers, const struct ots_journal_batch *batch,
                  void (*problem)(void *context, struct ots_slice text, const char *reason),
                  void *context) OTS_MUST_CHECK;

/* All were added: find out which are the last of their rows. */
void ots_leftovers_sort(struct ots_leftovers *leftovers);

/* Of those that may be put, the time from which on the stream has to be read; INT64_MAX: never. */
int64_t ots_leftovers_since(const struct ots_leftovers *leftovers);

/* The stream has this record. In any order, but for those of one row. */
void ots_leftovers_see(struct ots_leftovers *leftovers, const struct ots_stream_record *record);

struct ots_leftover_facts {
    struct ots_slice identity; /* of the table as it is; empty: not known */
    int64_t readable_from_us;  /* of the stream; INT64_MAX: cannot be read */
    int64_t now_us;            /* at the service */
};

enum ots_leftover_fate ots_leftover_fate(const struct ots_leftover_row *row,
                                         const struct ots_leftover_facts *facts);

#endif
