/*
 * The actions on wide-column tables. ots_handle_wide leads to them.
 */
#ifndef OTS_SERVER_HANDLE_WIDE_H
#define OTS_SERVER_HANDLE_WIDE_H

#include "backend/server/handlers.h"

/* PutRow, UpdateRow, DeleteRow. */
enum ots_status ots_handle_wide_write(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_wide_batch_write(struct ots_instance *instance, struct ots_call *call,
                                            struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_wide_get(struct ots_instance *instance, struct ots_call *call,
                                    struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_wide_batch_get(struct ots_instance *instance, struct ots_call *call,
                                          struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_wide_range(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err) OTS_MUST_CHECK;

/* Hold the wide-column table that a request names. Errors: OTS_INVALID, OTS_NOT_FOUND. */
enum ots_status ots_handle_hold_wide(struct ots_instance *instance, struct ots_slice name,
                                     const struct ots_table **table,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* Keep the error of one row of a batch in its answer. Errors: OTS_NOMEM. */
enum ots_status ots_handle_wide_row_failed(struct ots_error *failure, struct ots_arena *arena,
                                           struct ots_wide_row_response *response,
                                           struct ots_error *err) OTS_MUST_CHECK;

/* What so many bytes cost: units of 4 KiB, at least one. */
int32_t ots_handle_wide_units(size_t bytes);

#endif
