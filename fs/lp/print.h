/*
 * Rows as InfluxDB line protocol. Equal rows give equal bytes, everywhere and always.
 *
 * The mapping: names and tags are escaped as line protocol asks, bytes that it cannot carry are
 * `"HH`; the data source is the tag `_data_source`; tags ascend by the name that readers see,
 * fields by name; field names that need a marker end in `@b64`, `@f64`, `@str` or `@`
 * (docs/LINE-PROTOCOL.md).
 */
#ifndef OTS_LP_PRINT_H
#define OTS_LP_PRINT_H

#include "backend/model/row.h"

/* Raised when a change makes the same row print differently: what was measured is then void. */
enum { OTS_LP_RENDERER_VERSION = 1 };

enum ots_precision { OTS_PRECISION_NS, OTS_PRECISION_US, OTS_PRECISION_MS, OTS_PRECISION_S };

/* `time_us` without what the precision cannot show. */
int64_t ots_precision_cut(enum ots_precision precision, int64_t time_us);

/*
 * Prints rows one after another. Remembers the last series key's text and the last row's field
 * names, so that rows of one timeline cost little. Not for several threads at once.
 */
struct ots_lp_printer {
    enum ots_precision precision;
    const struct ots_series_key *last_key;
    struct ots_buf key_text;
    struct ots_buf names_text; /* `,name=` for each field of a row whose names need no care */
    size_t names_count;
    struct ots_arena arena;
};

void ots_lp_printer_init(struct ots_lp_printer *printer, enum ots_precision precision);
void ots_lp_printer_deinit(struct ots_lp_printer *printer);
/* Must be called before keys that were printed are freed and their memory is used for others. */
void ots_lp_printer_forget_key(struct ots_lp_printer *printer);

/*
 * Append the row's line, ending in LF.
 * Errors: OTS_INVALID (a time that the precision cannot show or that is before 1970, a row without
 * fields), OTS_NOMEM; `out` is unchanged.
 */
enum ots_status ots_lp_print(struct ots_lp_printer *printer, const struct ots_row *row,
                             struct ots_buf *out, struct ots_error *err) OTS_MUST_CHECK;

#endif
