/*
 * Time-series tables seen as wide-column tables: the service keeps the rows of table T in a
 * wide-column table named `T#timeseries`, and so does otslocal in so far as SDKs' tests need it.
 *
 * Its key is `_#h`, the identifier columns, `_time` and the field primary keys; other fields are
 * columns `field:letter` (wire/tsrows.h). What can be done with it: describe it, put whole rows,
 * read all of it forwards page by page. `_#h` is free in rows that are put. In the key that a page
 * ends with, it is the position where the next page starts, and the other columns are empty.
 */
#ifndef OTS_SERVER_PHYSICAL_H
#define OTS_SERVER_PHYSICAL_H

#include "backend/server/instance.h"

/* Whether a wide-column call with this table's name belongs here. */
bool ots_physical_is_name(struct ots_slice table);

/* DescribeTable. Errors: as DescribeTimeseriesTable. */
enum ots_status ots_physical_describe(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err) OTS_MUST_CHECK;

/*
 * One row of PutRow or BatchWriteRow. Errors: as PutTimeseriesData; OTS_INVALID (not the table's
 * key columns), OTS_UNSUPPORTED (updates, deletions, conditions).
 */
enum ots_status ots_physical_write(struct ots_instance *instance, struct ots_slice table,
                                   const struct ots_wide_write *write,
                                   struct ots_wide_row_response *response,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* GetRange. Errors: as ScanTimeseriesData; OTS_UNSUPPORTED (not all of the table, forwards). */
enum ots_status ots_physical_range(struct ots_instance *instance, struct ots_call *call,
                                   struct ots_error *err) OTS_MUST_CHECK;

#endif
