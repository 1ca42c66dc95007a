/*
 * Bytes that are written and read anywhere: in memory while they are few, then in an unlinked
 * temporary file.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_SPOOL_H
#define OTS_VIEW_SPOOL_H

#include "backend/base/buf.h"

enum { OTS_SPOOL_MEMORY_BYTES_MAX = 4 * 1024 * 1024 };

struct ots_spool {
    uint64_t size_bytes;
    struct ots_buf memory; /* all of it, until there is a file */
    int fd;                /* -1: no file */
    /* Where the file is made; borrowed. NULL: $TMPDIR or /var/tmp. */
    const char *directory;
};

void ots_spool_init(struct ots_spool *spool);
void ots_spool_deinit(struct ots_spool *spool);

/*
 * Write at `offset`; behind the end there are zeros before it. Errors: OTS_NOMEM, OTS_LIMIT (no
 * file can be so long), OTS_IO (disk full, ...): what was there before is unchanged but for bytes
 * of [offset, offset + size).
 */
enum ots_status ots_spool_write(struct ots_spool *spool, uint64_t offset, struct ots_slice bytes,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Cut, or grow by zeros. Errors: as ots_spool_write. */
enum ots_status ots_spool_truncate(struct ots_spool *spool, uint64_t size_bytes,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* Move what is in memory to the file. Errors: as ots_spool_write. */
enum ots_status ots_spool_spill(struct ots_spool *spool, struct ots_error *err) OTS_MUST_CHECK;

/* Append up to `size` bytes from `offset` to `out`; fewer only at the end. Errors: OTS_IO. */
enum ots_status ots_spool_read(const struct ots_spool *spool, uint64_t offset, size_t size,
                               struct ots_buf *out, struct ots_error *err) OTS_MUST_CHECK;

#endif
