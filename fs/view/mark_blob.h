/*
 * Marks as bytes, for the table's file. Numbers are 64 bits, little endian: the doublings, then
 * offset, row index, time and hash of each mark.
 */
#ifndef OTS_VIEW_MARK_BLOB_H
#define OTS_VIEW_MARK_BLOB_H

#include "backend/base/buf.h"
#include "fs/view/marks.h"

enum { OTS_MARK_BLOB_BYTES_MAX = 64 * 1024 };

/* Of more marks than there is room for, every second one, fourth one and so on, as if the steps had
 * doubled. What goes wrong is the buffer's status. */
void ots_mark_blob_append(const struct ots_marks *marks, struct ots_buf *blob);

/*
 * Fill `marks`, which are empty, with those of the text that `extent` tells of; whatever cannot be
 * that of such a text is refused, and then they are empty. Errors: OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_mark_blob_read(struct ots_slice blob, const struct ots_extent *extent,
                                   struct ots_marks *marks) OTS_MUST_CHECK;

#endif
