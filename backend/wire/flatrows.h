/*
 * Rows of PutTimeseriesData: the FlatBuffers schema of TimeseriesRows.rows_data, both ways,
 * written by hand for this one schema.
 *
 * Source: java core/protocol/timeseries/timeseries.fbs and TimeseriesProtocolBuilder; go
 * timeseries_protocol_builder.go; python flatbuffer/timeseries_flat_buffer_encoder.py.
 */
#ifndef OTS_WIRE_FLATROWS_H
#define OTS_WIRE_FLATROWS_H

#include "backend/model/row.h"

/* One group per row either way. */
enum ots_put_layout {
    OTS_PUT_PLAIN = 0, /* nothing shared, as the SDKs send */
    OTS_PUT_SHARED,    /* equal strings and vectors once, others point to them */
};

/* Append the rows. `buf` must be empty, for offsets count from its start. Errors: OTS_NOMEM,
 * OTS_LIMIT (over 2 GiB). */
enum ots_status ots_flatrows_encode(const struct ots_row *rows, size_t count,
                                    enum ots_put_layout layout, struct ots_buf *buf,
                                    struct ots_error *err) OTS_MUST_CHECK;

/*
 * Decode every row of `input`, groups in order and rows in order of their group, and append them
 * to `rows`. Tags come from tag_list, else from the tags text, and are sorted by name.
 * Rows of one group that have equal keys bytewise may share their key.
 *
 * Ownership: `rows` and keys are in `arena`; names and values are borrowed from `input`.
 * Errors:    OTS_CORRUPT (an offset or length beyond the input, a value missing, more elements
 *            than the input can hold), OTS_INVALID (a tag twice, bad tags text), OTS_NOMEM.
 */
enum ots_status ots_flatrows_decode(struct ots_slice input, struct ots_arena *arena,
                                    struct ots_rows *rows, struct ots_error *err) OTS_MUST_CHECK;

#endif
