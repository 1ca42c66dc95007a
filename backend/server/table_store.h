/*
 * The records of tables in the engine, and the number of the next table.
 */
#ifndef OTS_SERVER_TABLE_STORE_H
#define OTS_SERVER_TABLE_STORE_H

#include "backend/server/catalog.h"

/*
 * Read the number of the next table (1 in an empty engine), then each table, which `found` copies:
 * time-series tables by name, then wide-column tables by name. Ends with the first error of
 * `found`. Errors: OTS_CORRUPT, OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_table_store_load(struct ots_engine *engine, uint32_t *next_id,
                                     enum ots_status (*found)(void *context,
                                                              const struct ots_table *table,
                                                              struct ots_error *err),
                                     void *context, struct ots_error *err) OTS_MUST_CHECK;

/* Write a new table, and the number behind its own for the next. Errors: OTS_IO, OTS_NOMEM. */
enum ots_status ots_table_store_create(struct ots_engine *engine, const struct ots_table *table,
                                       struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_table_store_update(struct ots_engine *engine, const struct ots_table *table,
                                       struct ots_error *err) OTS_MUST_CHECK;
/* Remove a table with all its data. */
enum ots_status ots_table_store_delete(struct ots_engine *engine, const struct ots_table *table,
                                       struct ots_error *err) OTS_MUST_CHECK;

#endif
