/*
 * Extended attributes of the view's nodes; docs/SEMANTICS.md, section 8.
 *
 * Errors of all, besides those of the view's other operations: OTS_NO_ATTRIBUTE (there is none of
 * that name). As with those, one with an interrupt that was raised before ends with OTS_CANCELLED
 * instead of waiting, and has done nothing then.
 */
#ifndef OTS_VIEW_XATTR_H
#define OTS_VIEW_XATTR_H

#include "backend/base/buf.h"
#include "fs/view/attribute_set.h"
#include "fs/view/view.h"

/* Whether some node can have an extended attribute of that name. No other is ever there. */
bool ots_xattr_name_is_ours(struct ots_slice name);

/* Append the value to `value`. */
enum ots_status ots_view_getxattr(struct ots_view *view, uint64_t ino, struct ots_slice name,
                                  struct ots_interrupt *interrupt, struct ots_buf *value,
                                  struct ots_error *err) OTS_MUST_CHECK;

/* Append the names to `names`, each with a NUL behind it. */
enum ots_status ots_view_listxattr(struct ots_view *view, uint64_t ino,
                                   struct ots_interrupt *interrupt, struct ots_buf *names,
                                   struct ots_error *err) OTS_MUST_CHECK;

/*
 * Errors: OTS_INVALID, OTS_LIMIT (the service would refuse it), OTS_NOT_PERMITTED (the table does
 * not allow it), OTS_EXISTS (with CREATE), OTS_UNSUPPORTED (such a node has no such attribute).
 */
enum ots_status ots_view_setxattr(struct ots_view *view, uint64_t ino, struct ots_slice name,
                                  struct ots_slice value, enum ots_attribute_mode mode,
                                  struct ots_interrupt *interrupt,
                                  struct ots_error *err) OTS_MUST_CHECK;

/* Errors: OTS_NOT_PERMITTED (also: a table's options that are not the default). */
enum ots_status ots_view_removexattr(struct ots_view *view, uint64_t ino, struct ots_slice name,
                                     struct ots_interrupt *interrupt,
                                     struct ots_error *err) OTS_MUST_CHECK;

#endif
