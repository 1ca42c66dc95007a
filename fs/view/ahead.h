/*
 * Rows of a table that are counted in what is known of its timelines, or are about to be, before
 * its stream has shown them: the rows that this mount puts, and rows that a measurement counted
 * lately. By them a record of the stream is known as one that changes nothing, and the old line of
 * a row that is put again.
 *
 * A multimap by timeline and time, in which the entries of one key keep their order: that in which
 * our own rows were put. Of one key at most one entry tells the row's line as it is counted, its
 * `content`.
 *
 * Our own rows come in groups, a put's batch each, so that they can be saved: a group that has
 * changed since it was saved last is saved again, as a whole.
 *
 * Bounded: beyond OTS_AHEAD_OWN_MAX the oldest of our stored rows go, beyond OTS_AHEAD_COUNTED_MAX
 * the oldest counted ones. 40 bytes an entry, 4 to 8 for finding it and 4 for its group.
 * Nodes are borrowed, and never looked into. Threads: none of this locks; the view's lock guards
 * it.
 */
#ifndef OTS_VIEW_AHEAD_H
#define OTS_VIEW_AHEAD_H

#include "backend/base/status.h"
#include "fs/view/row_sum.h"

struct ots_node;

enum {
    OTS_AHEAD_OWN_MAX = 2000000,
    OTS_AHEAD_COUNTED_MAX = 262144,
    OTS_AHEAD_AGAIN_MAX = 16384,
    OTS_AHEAD_SIZE_MAX = (1 << 28) - 1, /* of a line; longer ones are not remembered */
};

/* The numbers are kept on disk. */
enum ots_ahead_kind {
    OTS_AHEAD_SENT = 1,    /* put by us, not acknowledged: not counted yet */
    OTS_AHEAD_SEEN = 2,    /* the same, and the stream has shown it: it will be acknowledged */
    OTS_AHEAD_STORED = 3,  /* put by us, acknowledged and counted */
    OTS_AHEAD_UNKNOWN = 4, /* put by an earlier mount, which perhaps was not stored: not counted */
    OTS_AHEAD_COUNTED = 5, /* found by a measurement, or put by others at such a time */
    OTS_AHEAD_AGAIN = 6,   /* was STORED, and the stream has shown it; a put that was sent twice
                            * shows twice */
};

struct ots_ahead;
/* Names an entry until it is dropped; 0: none. */
typedef uint32_t ots_ahead_id;

/* `own_max` and `counted_max`: 0 for the above. NULL without memory. */
struct ots_ahead *ots_ahead_new(size_t own_max, size_t counted_max);
/* Accepts NULL. */
void ots_ahead_free(struct ots_ahead *ahead);

/* --- our own rows -----------------------------------------------------------------------------*/

/*
 * A new group, whose number is higher than those before, for up to `count` rows; 0 without memory.
 */
uint64_t ots_ahead_begin_group(struct ots_ahead *ahead, size_t count);

/*
 * Add a row that is about to be put to the group that was begun last. 0: it cannot be remembered
 * (no memory, a line too long).
 */
ots_ahead_id ots_ahead_add_own(struct ots_ahead *ahead, struct ots_node *node,
                               const struct ots_row_sum *sum, enum ots_ahead_kind kind);

/* `id` if it still names what was added to that group, else 0. */
ots_ahead_id ots_ahead_own(const struct ots_ahead *ahead, uint64_t group, ots_ahead_id id);

/*
 * Add an entry as it was saved, under its group's old number; groups come in the order of their
 * numbers, and before any other. Of COUNTED and AGAIN none are saved. Errors: OTS_NOMEM.
 */
enum ots_status ots_ahead_restore(struct ots_ahead *ahead, uint64_t group, struct ots_node *node,
                                  const struct ots_row_sum *sum,
                                  enum ots_ahead_kind kind) OTS_MUST_CHECK;

/* --- looking up -------------------------------------------------------------------------------*/

/* The oldest entry of the key with that kind; 0: none. `sum` (NULL: any line) has to be equal. */
ots_ahead_id ots_ahead_find(const struct ots_ahead *ahead, const struct ots_node *node,
                            int64_t time_us, enum ots_ahead_kind kind,
                            const struct ots_row_sum *sum);

/* The newest one of that kind. */
ots_ahead_id ots_ahead_find_last(const struct ots_ahead *ahead, const struct ots_node *node,
                                 int64_t time_us, enum ots_ahead_kind kind);

/* The entry of the key that was added last; 0: none. */
ots_ahead_id ots_ahead_newest(const struct ots_ahead *ahead, const struct ots_node *node,
                              int64_t time_us);

/* The entry that tells the row's line as it is counted; 0: it is not known. */
ots_ahead_id ots_ahead_content(const struct ots_ahead *ahead, const struct ots_node *node,
                               int64_t time_us);

/* Whether there is any entry of the key that is our own and still to be shown by the stream. */
bool ots_ahead_is_awaited(const struct ots_ahead *ahead, const struct ots_node *node,
                          int64_t time_us);

/* Empty for 0. */
struct ots_row_sum ots_ahead_sum(const struct ots_ahead *ahead, ots_ahead_id id);
struct ots_node *ots_ahead_node(const struct ots_ahead *ahead, ots_ahead_id id);
enum ots_ahead_kind ots_ahead_kind_of(const struct ots_ahead *ahead, ots_ahead_id id);

/*
 * The key is looked up, or added, in a while: by _expect its bucket is brought into the processor's
 * cache, by _expect_entry, later, the entry that it names. Nothing depends on either. Of a busy
 * mount most of what is remembered lies far from the processor.
 */
void ots_ahead_expect(const struct ots_ahead *ahead, const struct ots_node *node, int64_t time_us);
void ots_ahead_expect_entry(const struct ots_ahead *ahead, const struct ots_node *node,
                            int64_t time_us);

/* --- changing ---------------------------------------------------------------------------------*/

/* From an own kind to another one; to AGAIN too, which leaves its group. */
void ots_ahead_set_kind(struct ots_ahead *ahead, ots_ahead_id id, enum ots_ahead_kind kind);
void ots_ahead_drop(struct ots_ahead *ahead, ots_ahead_id id);

/* The entry is the key's content from now on, and no other one; COUNTED ones of the key go. */
void ots_ahead_set_content(struct ots_ahead *ahead, ots_ahead_id id);

/* A row is counted with this line: it is its key's content. Without memory nobody knows. */
void ots_ahead_count(struct ots_ahead *ahead, struct ots_node *node, const struct ots_row_sum *sum);

/*
 * How rows are counted is not known any more: of `node` (NULL: of any) from `from_us` up to before
 * `until_us`. COUNTED and AGAIN ones go. Looks at all entries.
 */
void ots_ahead_forget_contents(struct ots_ahead *ahead, const struct ots_node *node,
                               int64_t from_us, int64_t until_us);

/* The same for one row. */
void ots_ahead_forget_content(struct ots_ahead *ahead, const struct ots_node *node,
                              int64_t time_us);

/* UNKNOWN ones go: who put them has long ended, and the stream was read to its end. */
void ots_ahead_drop_unknown(struct ots_ahead *ahead);

/* The stream may have shown STORED ones to nobody: they are UNKNOWN. COUNTED and AGAIN ones go. */
void ots_ahead_doubt(struct ots_ahead *ahead);

/* All entries go, but for those of rows on their way (SENT, SEEN). */
void ots_ahead_clear(struct ots_ahead *ahead);

/*
 * Called with each STORED entry that goes because there are too many; its record will not be known
 * as ours.
 */
void ots_ahead_on_eviction(struct ots_ahead *ahead,
                           void (*evicted)(void *context, struct ots_node *node), void *context);

struct ots_ahead_counts {
    uint64_t own; /* SENT, SEEN, STORED, UNKNOWN */
    uint64_t counted;
    uint64_t again;
    uint64_t groups;
    uint64_t evicted; /* of our own, since the beginning */
};
void ots_ahead_counts(const struct ots_ahead *ahead, struct ots_ahead_counts *counts);

/* --- saving -----------------------------------------------------------------------------------*/

/* An own entry as it is saved. Of kind SENT the fate is unknown to who restores it. */
struct ots_ahead_entry {
    struct ots_node *node;
    struct ots_row_sum sum;
    enum ots_ahead_kind kind;
};

/*
 * Visit the groups that have changed since they were visited last, in the order of their numbers,
 * each with the entries that are left, in theirs; count 0: the group is gone. Restored groups have
 * not changed. The visitor must not call the set. Errors: OTS_NOMEM, the first that `visit`
 * returns.
 */
typedef enum ots_status ots_ahead_visit(void *context, uint64_t group,
                                        const struct ots_ahead_entry *entries, size_t count);
enum ots_status ots_ahead_each_changed(struct ots_ahead *ahead, ots_ahead_visit *visit,
                                       void *context) OTS_MUST_CHECK;
bool ots_ahead_has_changed(const struct ots_ahead *ahead);

/* What was visited could not be saved: all groups that are there count as changed. Of those that
 * are gone nothing is known: whoever saves begins with an empty store. */
void ots_ahead_mark_changed(struct ots_ahead *ahead);

#endif
