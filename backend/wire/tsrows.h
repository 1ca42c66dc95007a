/*
 * Rows of a time-series table as GetTimeseriesData and ScanTimeseriesData return them:
 * PlainBuffer with the key cells _#h, _m_name, _data_source, _tags, _time and data cells named
 * `field:letter`.
 *
 * Letters: d DOUBLE, i INTEGER, s STRING are evidenced by SDK tests; b BOOLEAN and r BINARY are our
 * choice, no client looks at them. Reading cuts a name at its last ':' and goes by the cell's type.
 * Source: java core/protocol/timeseries/TimeseriesResponseFactory; go
 * timeseries_response_factory.go; python decoder.py.
 */
#ifndef OTS_WIRE_TSROWS_H
#define OTS_WIRE_TSROWS_H

#include "backend/model/stream.h"
#include "backend/model/table.h"

/*
 * Append `rows` with one header; nothing at all for no rows. `meta` tells the identifier columns;
 * NULL stands for an ordinary table. Errors: OTS_NOMEM.
 */
enum ots_status ots_tsrows_encode(const struct ots_row *rows, size_t count,
                                  const struct ots_table_meta *meta,
                                  struct ots_buf *buf) OTS_MUST_CHECK;

/*
 * Decode every row of `input` and append it to `rows`.
 *
 * Key columns are known by name: other key columns before _time are tags, those after it fields.
 * Consecutive rows with equal key bytes share one series key.
 * Ownership: `rows` and keys are in `arena`; names and values are borrowed from `input`.
 * Errors:    OTS_CORRUPT (framing, checksums, a row without _time, bad tags text), OTS_NOMEM.
 */
enum ots_status ots_tsrows_decode(struct ots_slice input, struct ots_arena *arena,
                                  struct ots_rows *rows, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Append stream records: each is a buffer of its own, with one row whose cells bear its time in
 * milliseconds, and with its sequence. `ends[i]` is where record i ends in `buf`. A deletion has
 * key cells only. Errors: OTS_NOMEM.
 */
enum ots_status ots_tsrows_encode_records(const struct ots_stream_record *records, size_t count,
                                          const struct ots_table_meta *meta, struct ots_buf *buf,
                                          size_t *ends) OTS_MUST_CHECK;

/*
 * Decode stream records, one of each input; records[i].type says what it has to be.
 *
 * Consecutive records of one timeline share its key.
 * Ownership: as with ots_tsrows_decode.
 * Errors:    as there; and OTS_CORRUPT for none or several rows in a record, one without a
 *            sequence, and one that deletes single cells, which no time-series table does.
 */
enum ots_status ots_tsrows_decode_records(const struct ots_slice *inputs, size_t count,
                                          struct ots_arena *arena,
                                          struct ots_stream_record *records,
                                          struct ots_error *err) OTS_MUST_CHECK;

#endif
