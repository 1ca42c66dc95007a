/*
 * What a journal's files hold, sorted out: the batches that are not done. Pure.
 */
#ifndef OTS_STATE_JOURNAL_CONTENTS_H
#define OTS_STATE_JOURNAL_CONTENTS_H

#include "backend/base/arena.h"
#include "backend/base/slice.h"

/* Rows that an earlier mount handed over and did not mark as done. */
struct ots_journal_batch {
    uint64_t number;
    int64_t time_us; /* when it was handed over, or was moved to */
    struct ots_slice identity;
    struct ots_slice rows;
};

/* In the order in which they were appended. All memory is in the arena. */
struct ots_journal_contents {
    struct ots_arena arena;
    struct ots_journal_batch *batches;
    size_t batch_count;
    size_t batch_capacity;
    size_t damage_count;
    uint64_t damaged_bytes;
};

/*
 * Add what is in a segment's bytes, which must live as long as `contents`. Bytes that are no
 * record are counted and skipped. Errors: OTS_NOMEM.
 */
enum ots_status ots_journal_contents_add(struct ots_journal_contents *contents,
                                         struct ots_slice bytes) OTS_MUST_CHECK;

void ots_journal_contents_deinit(struct ots_journal_contents *contents);

/* The table's name and its identity in a header's payload. */
void ots_journal_header_split(struct ots_slice payload, struct ots_slice *table,
                              struct ots_slice *identity);

#endif
