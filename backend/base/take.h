/*
 * Reading back what was appended to a buf: numbers and texts are taken from the front of a slice.
 *
 * The bytes may be any; false means that there are too few. Slices point into them.
 */
#ifndef OTS_BASE_TAKE_H
#define OTS_BASE_TAKE_H

#include <endian.h>

#include "backend/base/buf.h"

static inline bool ots_take_bytes(struct ots_slice *rest, size_t size, struct ots_slice *bytes)
{
    if (rest->size < size)
        return false;
    *bytes = ots_slice(rest->data, size);
    *rest = ots_slice(rest->data + size, rest->size - size);
    return true;
}

static inline bool ots_take_u32le(struct ots_slice *rest, uint32_t *value)
{
    struct ots_slice bytes;
    if (!ots_take_bytes(rest, sizeof(*value), &bytes))
        return false;
    memcpy(value, bytes.data, sizeof(*value));
    *value = le32toh(*value);
    return true;
}

static inline bool ots_take_u64le(struct ots_slice *rest, uint64_t *value)
{
    struct ots_slice bytes;
    if (!ots_take_bytes(rest, sizeof(*value), &bytes))
        return false;
    memcpy(value, bytes.data, sizeof(*value));
    *value = le64toh(*value);
    return true;
}

static inline bool ots_take_i64le(struct ots_slice *rest, int64_t *value)
{
    uint64_t bits;
    if (!ots_take_u64le(rest, &bits))
        return false;
    *value = (int64_t)bits;
    return true;
}

/* A text with its size, which is less than 4 GiB, before it. */
static inline void ots_buf_append_sized(struct ots_buf *buf, struct ots_slice text)
{
    ots_buf_append_u32le(buf, (uint32_t)text.size);
    ots_buf_append_slice(buf, text);
}

static inline bool ots_take_sized(struct ots_slice *rest, struct ots_slice *text)
{
    uint32_t size;
    return ots_take_u32le(rest, &size) && ots_take_bytes(rest, size, text);
}

#endif
