/*
 * Rows of PutTimeseriesData as protobuf messages, which the Go SDK can be told to send.
 *
 * Source: go timeseries_protocol_builder.go.
 */
#ifndef OTS_WIRE_PROTOROWS_H
#define OTS_WIRE_PROTOROWS_H

#include "backend/model/row.h"

/*
 * Decode every row of `input` and append it to `rows`. Everything lives in `arena`.
 * Errors: OTS_CORRUPT (not the message), OTS_INVALID (tags, a field with no value or several),
 * OTS_NOMEM.
 */
enum ots_status ots_protorows_decode(struct ots_slice input, struct ots_arena *arena,
                                     struct ots_rows *rows, struct ots_error *err) OTS_MUST_CHECK;

#endif
