/*
 * Base64 with padding, RFC 4648 alphabet, without line breaks.
 */
#ifndef OTS_BASE_BASE64_H
#define OTS_BASE_BASE64_H

#include "backend/base/buf.h"

void ots_base64_append(struct ots_buf *buf, struct ots_slice bytes);

/*
 * Append the bytes that `text` stands for. Only the canonical spelling is accepted: padded to a
 * multiple of four, unused bits zero. Errors: OTS_CORRUPT; `buf` is unchanged.
 */
enum ots_status ots_base64_decode(struct ots_slice text, struct ots_buf *buf) OTS_MUST_CHECK;

#endif
