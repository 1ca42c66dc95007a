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

/* Five times what the service's largest put can hold: 200 rows of 1024 fields. */
enum { OTS_FLATROWS_ELEMENTS_MAX = 1024 * 1024 };

/* One group per row either way. */
enum ots_put_layout {
    OTS_PUT_PLAIN = 0, /* nothing shared but vtables, as the SDKs send */
    OTS_PUT_SHARED,    /* a row points to what its neighbour has equal: identifiers, names, types */
};

/*
 * Write the rows into `buf`, which must be empty, for offsets count from its start. Fields and tags
 * keep the order they have. Errors: OTS_NOMEM, OTS_LIMIT (over 2 GiB).
 */
enum ots_status ots_flatrows_encode(const struct ots_row *rows, size_t count,
                                    enum ots_put_layout layout, struct ots_buf *buf,
                                    struct ots_error *err) OTS_MUST_CHECK;

/*
 * Decode every row of `input`, groups in order and rows in order of their group, and append them
 * to `rows`. Tags come from tag_list, else from the tags text, and are sorted by name.
 * Consecutive rows with equal keys share their key.
 *
 * Vectors and texts may be shared inside `input`, so that few bytes can stand for many. Therefore
 * rows, fields, tags and bytes of tags' text together may not be more than `input` has bytes, which
 * no honest writer comes near, nor more than OTS_FLATROWS_ELEMENTS_MAX; and the texts of all rows,
 * each counted as often as it is pointed to, may not exceed the larger of OTS_PUT_BYTES_MAX and
 * what `input` has.
 *
 * Ownership: `rows` and keys are in `arena`; names and values are borrowed from `input`.
 * Errors:    OTS_CORRUPT (an offset or length beyond the input, a value missing, an unknown type,
 *            more elements than the input can hold), OTS_INVALID (a tag twice, bad tags text),
 *            OTS_LIMIT (over these bounds), OTS_NOMEM; `rows` is unchanged.
 */
enum ots_status ots_flatrows_decode(struct ots_slice input, struct ots_arena *arena,
                                    struct ots_rows *rows, struct ots_error *err) OTS_MUST_CHECK;

#endif
