/*
 * The actions on wide-column tables. ots_handle_wide leads to them.
 */
#ifndef OTS_SERVER_HANDLE_WIDE_H
#define OTS_SERVER_HANDLE_WIDE_H

#include "backend/server/handlers.h"
#include "backend/server/wide_reader.h"

/* PutRow, UpdateRow, DeleteRow. */
enum ots_status ots_handle_wide_write(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_wide_get(struct ots_instance *instance, struct ots_call *call,
                                    struct ots_error *err) OTS_MUST_CHECK;
/* BatchWriteRow, BatchGetRow. */
enum ots_status ots_handle_wide_batch(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_wide_range(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err) OTS_MUST_CHECK;

/* Hold the wide-column table that a request names. Errors: OTS_INVALID, OTS_NOT_FOUND. */
enum ots_status ots_handle_hold_wide(struct ots_instance *instance, struct ots_slice name,
                                     const struct ots_table **table,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* One row of a table that is held. */
enum ots_status ots_handle_wide_write_row(struct ots_instance *instance,
                                          const struct ots_table *table,
                                          const struct ots_wide_write *write,
                                          struct ots_wide_row_response *response,
                                          struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_wide_get_row(struct ots_instance *instance,
                                        const struct ots_table *table,
                                        const struct ots_wide_reader *reader,
                                        const struct ots_plain_row *wanted,
                                        struct ots_wide_row_response *response,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* What so many bytes cost: units of 4 KiB, at least one. */
int32_t ots_handle_wide_units(size_t bytes);

#endif
