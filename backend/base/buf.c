#include "backend/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "backend/base/digest.h"

enum { BUF_BYTES_MIN = 256 };

void ots_buf_deinit(struct ots_buf *buf)
{
    free(buf->data);
    *buf = OTS_BUF_INIT;
}

void ots_buf_deinit_secret(struct ots_buf *buf)
{
    if (buf->data)
        ots_secret_wipe(buf->data, buf->size);
    ots_buf_deinit(buf);
}

void ots_buf_reset(struct ots_buf *buf)
{
    buf->size = 0;
    buf->has_failed = false;
}

enum ots_status ots_buf_status(const struct ots_buf *buf)
{
    return buf->has_failed ? OTS_NOMEM : OTS_OK;
}

static bool grow(struct ots_buf *buf, size_t size)
{
    size_t need;
    if (__builtin_add_overflow(buf->size, size, &need))
        return false;
    size_t capacity = buf->capacity ? buf->capacity : BUF_BYTES_MIN;
    while (capacity < need)
        if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
            return false;
    uint8_t *data = realloc(buf->data, capacity);
    if (!data)
        return false;
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

uint8_t *ots_buf_reserve(struct ots_buf *buf, size_t size)
{
    if (buf->has_failed)
        return NULL;
    if ((buf->capacity - buf->size < size || !buf->data) && !grow(buf, size)) {
        buf->has_failed = true;
        return NULL;
    }
    return buf->data + buf->size;
}

void ots_buf_append(struct ots_buf *buf, const void *data, size_t size)
{
    uint8_t *to = ots_buf_reserve(buf, size);
    if (!to || !size)
        return;
    memcpy(to, data, size);
    buf->size += size;
}

void ots_buf_append_slice(struct ots_buf *buf, struct ots_slice slice)
{
    ots_buf_append(buf, slice.data, slice.size);
}

enum ots_status ots_buf_set(struct ots_buf *buf, struct ots_slice slice)
{
    ots_buf_reset(buf);
    ots_buf_append_slice(buf, slice);
    return ots_buf_status(buf);
}

void ots_buf_append_str(struct ots_buf *buf, const char *text)
{
    ots_buf_append(buf, text, strlen(text));
}

void ots_buf_append_byte(struct ots_buf *buf, uint8_t byte)
{
    ots_buf_append(buf, &byte, 1);
}

void ots_buf_append_u32le(struct ots_buf *buf, uint32_t value)
{
    uint8_t bytes[4];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    ots_buf_append(buf, bytes, sizeof(bytes));
}

void ots_buf_append_u64le(struct ots_buf *buf, uint64_t value)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    ots_buf_append(buf, bytes, sizeof(bytes));
}

void ots_buf_append_fmt(struct ots_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    uint8_t *to = length < 0 ? NULL : ots_buf_reserve(buf, (size_t)length + 1);
    if (!to)
        return;
    va_start(args, fmt);
    vsnprintf((char *)to, (size_t)length + 1, fmt, args);
    va_end(args);
    buf->size += (size_t)length;
}

void ots_buf_consume(struct ots_buf *buf, size_t size)
{
    if (size > buf->size)
        size = buf->size;
    if (size == 0)
        return;
    memmove(buf->data, buf->data + size, buf->size - size);
    buf->size -= size;
}
