/*
 * Batches of rows that were handed over and not acknowledged yet, in files of their own for each
 * table, so that they outlive a kill of otsfs. (Not a crash of the machine: nothing is synced.)
 *
 * A journal is a row of segments, files that are appended to. Each batch is in one segment, with
 * the mark that it is done; a segment whose batches are all done is removed, or emptied when it is
 * the newest. What earlier mounts left is in old segments, which are only read and dropped.
 *
 * Threads: safe, but ots_journal_load and _drop_old are for one at a time.
 */
#ifndef OTS_STATE_JOURNAL_H
#define OTS_STATE_JOURNAL_H

#include "fs/state/journal_contents.h"

enum { OTS_JOURNAL_SEGMENT_BYTES = 16 * 1024 * 1024 };

struct ots_journal;

struct ots_journal_options {
    int dir_fd;             /* of the source's directory; borrowed */
    struct ots_slice table; /* copied */
    size_t segment_bytes;   /* a new one is begun when one has that; 0: the above */
};

/* Errors: OTS_IO, OTS_NOMEM. */
enum ots_status ots_journal_new(const struct ots_journal_options *options, struct ots_journal **out,
                                struct ots_error *err) OTS_MUST_CHECK;

/* What is in the files stays. Accepts NULL. */
void ots_journal_free(struct ots_journal *journal);

/* What the table was when the batches that follow were handed over; copied. */
enum ots_status ots_journal_set_identity(struct ots_journal *journal,
                                         struct ots_slice identity) OTS_MUST_CHECK;

/*
 * Append rows of batch `number`; more of the same batch may follow until it is done. When this
 * returns they outlive this process, unless ots_journal_forget_removed says otherwise later.
 * Errors: OTS_NO_SPACE, OTS_IO (nothing was appended), OTS_NOMEM.
 */
enum ots_status ots_journal_append(struct ots_journal *journal, uint64_t number, int64_t time_us,
                                   struct ots_slice rows, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Batch `number` is stored or rejected. When batch `waiting` (0: none) holds newer versions of its
 * rows, puts before `time_us` do not count against those: they were ours.
 * Of a batch that has no entry (0: of none) nothing is told. Errors: OTS_IO (then it may be loaded
 * again).
 */
enum ots_status ots_journal_done(struct ots_journal *journal, uint64_t number, uint64_t waiting,
                                 int64_t time_us, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Forget the batches that are not done in files that were removed since, by somebody else. Returns
 * whether there are any: they have to be appended again. Files are made anew if that can be.
 */
bool ots_journal_forget_removed(struct ots_journal *journal) OTS_MUST_CHECK;

struct ots_journal_counts {
    uint64_t batches; /* that are not done */
    uint64_t bytes;   /* of all segments of this mount */
    uint64_t old_segments;
};
void ots_journal_counts(struct ots_journal *journal, struct ots_journal_counts *counts);

/*
 * Read the old segments. What cannot be read in them is counted; the file is then kept under the
 * name `damaged-...` when the old segments are dropped.
 * Errors: OTS_IO, OTS_LIMIT (a file too large to be one of ours), OTS_NOMEM; `contents` is empty.
 */
enum ots_status ots_journal_load(struct ots_journal *journal, struct ots_journal_contents *contents,
                                 struct ots_error *err) OTS_MUST_CHECK;

/* Their rows are stored or rejected. Errors: OTS_IO. */
enum ots_status ots_journal_drop_old(struct ots_journal *journal,
                                     struct ots_error *err) OTS_MUST_CHECK;

/*
 * Visit the names of all tables that have a journal with segments. Errors: OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_journal_each_table(int dir_fd,
                                       void (*visit)(void *context, struct ots_slice table),
                                       void *context, struct ots_error *err) OTS_MUST_CHECK;

#endif
