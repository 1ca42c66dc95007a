/*
 * `.otsfs`: what otsfs knows of itself.
 *
 * Each instance has one. `status` and `metrics` are made when they are opened, and their size when
 * somebody asks for it; `errors` and the files in `rejected` are those of the state directory, and
 * who has them open sees what is added and that they were emptied.
 */
#ifndef OTS_VIEW_SELF_H
#define OTS_VIEW_SELF_H

#include "fs/view/file.h"

/* Whether `name` in `dir` is for ots_self_lookup. */
bool ots_self_is_name(const struct ots_node *dir, struct ots_slice name);

/* Errors: OTS_NOT_FOUND; those of reading the state directory. */
enum ots_status ots_self_lookup(struct ots_view *view, struct ots_node *dir, struct ots_slice name,
                                struct ots_attr *attr, struct ots_error *err) OTS_MUST_CHECK;

/* Of a OTS_NODE_STATUS_DIR: list what there is now. */
enum ots_status ots_self_refresh(struct ots_view *view, struct ots_node *dir,
                                 struct ots_error *err) OTS_MUST_CHECK;

/* The others are for nodes of kind OTS_NODE_STATUS_FILE. */

/* 0444 or 0644. */
unsigned ots_self_permissions(const struct ots_node *node);

enum ots_status ots_self_attr(struct ots_view *view, const struct ots_node *node,
                              struct ots_attr *attr, struct ots_error *err) OTS_MUST_CHECK;

/* What can be emptied may be opened for writing, but not be written. Errors: OTS_DENIED. */
enum ots_status ots_self_open(struct ots_view *view, struct ots_node *node, unsigned mode,
                              struct ots_file **out, struct ots_error *err) OTS_MUST_CHECK;

/* Errors: OTS_INVALID (another size than 0), OTS_NOT_PERMITTED. */
enum ots_status ots_self_truncate(const struct ots_node *node, uint64_t size_bytes,
                                  struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_self_unlink(const struct ots_node *node, struct ots_error *err) OTS_MUST_CHECK;

#endif
