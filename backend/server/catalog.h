/*
 * The tables of an instance: kept in the engine, held in memory (there are at most
 * OTS_TABLES_MAX time-series tables and OTS_WIDE_TABLES_MAX wide-column tables). No two have the
 * same name or number, whatever their kind, and neither kind is found as the other.
 *
 * Threads: safe.
 */
#ifndef OTS_SERVER_CATALOG_H
#define OTS_SERVER_CATALOG_H

#include "backend/base/clock.h"
#include "backend/model/wide.h"
#include "backend/server/engine.h"

struct ots_catalog;

/* A table that a call works on. What a caller sees does not change while it holds the table. */
struct ots_table {
    uint32_t id;
    int64_t created_us;
    struct ots_table_meta meta;
    const struct ots_wide_meta *wide; /* NULL: a time-series table; else `meta` has only the name */
};

/* Read the tables. Both are borrowed. Errors: OTS_CORRUPT, OTS_IO, OTS_NOMEM. */
enum ots_status ots_catalog_open(struct ots_engine *engine, const struct ots_clock *clock,
                                 struct ots_catalog **out, struct ots_error *err) OTS_MUST_CHECK;
/* No table may be held. Accepts NULL. */
void ots_catalog_free(struct ots_catalog *catalog);

/*
 * Create a table; `meta` was checked.
 * Errors: OTS_EXISTS, OTS_LIMIT (OTSQuotaExhausted), OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_catalog_create(struct ots_catalog *catalog, const struct ots_table_meta *meta,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* The same of a wide-column table. */
enum ots_status ots_catalog_create_wide(struct ots_catalog *catalog,
                                        const struct ots_wide_meta *wide,
                                        struct ots_error *err) OTS_MUST_CHECK;

/*
 * Change options of the table that `changes` names. Who holds the table goes on with the options
 * from before. Errors: OTS_NOT_FOUND, OTS_INVALID (the options do not go together), OTS_IO,
 * OTS_NOMEM.
 */
enum ots_status ots_catalog_update(struct ots_catalog *catalog,
                                   const struct ots_table_meta *changes,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* The same of a wide-column table. */
enum ots_status ots_catalog_update_wide(struct ots_catalog *catalog,
                                        const struct ots_wide_update_request *changes,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* Delete a table with all its data, once nobody holds it; `*id` was its number. Errors:
 * OTS_NOT_FOUND, OTS_IO. */
enum ots_status ots_catalog_delete(struct ots_catalog *catalog, struct ots_slice name, uint32_t *id,
                                   struct ots_error *err) OTS_MUST_CHECK;

enum ots_status ots_catalog_delete_wide(struct ots_catalog *catalog, struct ots_slice name,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* All time-series tables by name, copied into `arena`. Errors: OTS_NOMEM. */
enum ots_status ots_catalog_list(struct ots_catalog *catalog, struct ots_arena *arena,
                                 const struct ots_table_meta **metas, size_t *count,
                                 struct ots_error *err) OTS_MUST_CHECK;

/* The names of all wide-column tables, in order, copied into `arena`. Errors: OTS_NOMEM. */
enum ots_status ots_catalog_list_wide(struct ots_catalog *catalog, struct ots_arena *arena,
                                      const struct ots_slice **names, size_t *count,
                                      struct ots_error *err) OTS_MUST_CHECK;

struct ots_table_ttl {
    uint32_t table;
    int32_t ttl_s;
};

/* The tables whose data do not live for ever; returns their number. */
size_t ots_catalog_ttls(struct ots_catalog *catalog, struct ots_table_ttl ttls[OTS_TABLES_MAX]);

/*
 * Hold the table `name`; it cannot be deleted until ots_table_release.
 * Errors: OTS_NOT_FOUND.
 */
enum ots_status ots_catalog_hold(struct ots_catalog *catalog, struct ots_slice name,
                                 const struct ots_table **table,
                                 struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_catalog_hold_wide(struct ots_catalog *catalog, struct ots_slice name,
                                      const struct ots_table **table,
                                      struct ots_error *err) OTS_MUST_CHECK;
/* A time-series table by its number; false when there is none. */
bool ots_catalog_hold_id(struct ots_catalog *catalog, uint32_t id, const struct ots_table **table);
void ots_table_release(const struct ots_table *table);

static inline void ots_table_releasep(const struct ots_table **table)
{
    if (*table)
        ots_table_release(*table);
}

#endif
