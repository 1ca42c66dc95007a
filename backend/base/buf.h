/*
 * A growable byte buffer that owns its memory.
 *
 * Appends cannot fail one by one: the first allocation failure is remembered, later appends do
 * nothing, and ots_buf_status() tells. So an encoder appends freely and checks once at its end.
 */
#ifndef OTS_BASE_BUF_H
#define OTS_BASE_BUF_H

#include "backend/base/slice.h"
#include "backend/base/status.h"

struct ots_buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool has_failed;
};

#define OTS_BUF_INIT ((struct ots_buf){NULL, 0, 0, false})

/* Free the memory; `buf` is empty and usable again. */
void ots_buf_deinit(struct ots_buf *buf);
/* The same, but overwrites the content first. */
void ots_buf_deinit_secret(struct ots_buf *buf);

/* Forget the content and a remembered failure, keep the memory. */
void ots_buf_reset(struct ots_buf *buf);

/* OTS_OK or, once an append could not get memory, OTS_NOMEM. */
enum ots_status ots_buf_status(const struct ots_buf *buf) OTS_MUST_CHECK;

/*
 * Make room for `size` more bytes and return where they start, NULL without memory. What was
 * written there counts only after ots_buf_advance.
 */
uint8_t *ots_buf_reserve(struct ots_buf *buf, size_t size);

/* Count `size` bytes, written where ots_buf_reserve said, as content. */
static inline void ots_buf_advance(struct ots_buf *buf, size_t size)
{
    buf->size += size;
}

void ots_buf_append(struct ots_buf *buf, const void *data, size_t size);
void ots_buf_append_slice(struct ots_buf *buf, struct ots_slice slice);
/* Have the slice, which is of another buf, as all the content. Errors: OTS_NOMEM. */
enum ots_status ots_buf_set(struct ots_buf *buf, struct ots_slice slice) OTS_MUST_CHECK;
void ots_buf_append_str(struct ots_buf *buf, const char *text);
void ots_buf_append_byte(struct ots_buf *buf, uint8_t byte);
void ots_buf_append_u32le(struct ots_buf *buf, uint32_t value);
void ots_buf_append_u64le(struct ots_buf *buf, uint64_t value);
void ots_buf_append_fmt(struct ots_buf *buf, const char *fmt, ...) OTS_PRINTF(2, 3);

/* Take the first `size` bytes (at most all) away, moving the rest to the front. */
void ots_buf_consume(struct ots_buf *buf, size_t size);

/* The content, borrowed until the next append. */
static inline struct ots_slice ots_buf_slice(const struct ots_buf *buf)
{
    return ots_slice(buf->data, buf->size);
}

#endif
