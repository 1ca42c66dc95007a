/*
 * A table's options as JSON, and the way from some options to others. Pure.
 *
 *   {"time_to_live": -1, "meta_time_to_live": -1, "allow_update_attributes": true}
 *
 * Times in seconds, -1: for ever. What was fixed when the table was made follows when there is
 * any: `"timeseries_key_schema": "_m_name,host"`, and `"field_primary_key_schema": "x:INTEGER"`
 * with the types INTEGER, STRING and BINARY.
 */
#ifndef OTS_VIEW_TABLE_OPTIONS_H
#define OTS_VIEW_TABLE_OPTIONS_H

#include "backend/base/buf.h"
#include "backend/model/table.h"

enum ots_status ots_table_options_print(const struct ots_table_meta *meta,
                                        struct ots_buf *text) OTS_MUST_CHECK;

/*
 * What the table's `meta` becomes with the options in `text`; those that it does not name stay.
 * `*wanted` borrows from `meta`. Errors: OTS_INVALID (no such JSON, an unknown key, options that do
 * not go together, something else than what was fixed), OTS_NOMEM.
 */
enum ots_status ots_table_options_parse(struct ots_slice text, const struct ots_table_meta *meta,
                                        struct ots_table_meta *wanted,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* Nobody has changed them since the table was made, as otsfs makes it. */
bool ots_table_options_are_default(const struct ots_table_meta *meta);

enum { OTS_TABLE_STEPS_MAX = 2 };

/*
 * The changes, each for one call of UPDATE_TABLE, that lead from valid options to valid options,
 * so that they are valid after each: the service takes data and metadata options only apart.
 * Returns how many.
 */
size_t ots_table_options_steps(const struct ots_table_meta *from, const struct ots_table_meta *to,
                               struct ots_table_meta steps[OTS_TABLE_STEPS_MAX]);

#endif
