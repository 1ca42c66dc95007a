/*
 * zlib streams (RFC 1950), which the service calls "deflate": the one door to zlib.
 *
 * Threads: safe.
 */
#ifndef OTS_WIRE_DEFLATE_H
#define OTS_WIRE_DEFLATE_H

#include "backend/base/buf.h"

/*
 * Append the `size` bytes that `input` was made from to `out`. It must be one whole stream of just
 * that many bytes with nothing behind it. Memory is taken as bytes come, so what a short input
 * claims to become costs nothing; the caller bounds `size`.
 *
 * Errors: OTS_CORRUPT, OTS_NOMEM; `out` may then hold a part.
 */
enum ots_status ots_inflate(struct ots_slice input, size_t size, struct ots_buf *out,
                            struct ots_error *err) OTS_MUST_CHECK;

/* Append `input` as one stream to `out`, at zlib's level 1: time counts more than size here.
 * Errors: OTS_NOMEM. */
enum ots_status ots_deflate(struct ots_slice input, struct ots_buf *out) OTS_MUST_CHECK;

#endif
