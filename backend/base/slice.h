/*
 * Borrowed bytes: a pointer and a length. Never owns, never NUL-terminated by contract.
 */
#ifndef OTS_BASE_SLICE_H
#define OTS_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ots_slice {
    const uint8_t *data;
    size_t size;
};

#define OTS_SLICE_NONE ((struct ots_slice){NULL, 0})
/* For string literals only. */
#define OTS_SLICE(literal) ((struct ots_slice){(const uint8_t *)(literal), sizeof(literal) - 1})
/* For "%.*s" in printf-like calls. */
#define OTS_SLICE_FMT(s) (int)(s).size, (const char *)(s).data

static inline struct ots_slice ots_slice(const void *data, size_t size)
{
    return (struct ots_slice){data, size};
}

static inline struct ots_slice ots_slice_str(const char *text)
{
    return (struct ots_slice){(const uint8_t *)text, strlen(text)};
}

static inline bool ots_slice_equal(struct ots_slice a, struct ots_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Bytewise, the shorter first when it is a prefix: <0, 0, >0. */
static inline int ots_slice_compare(struct ots_slice a, struct ots_slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

static inline bool ots_slice_starts(struct ots_slice s, struct ots_slice prefix)
{
    return s.size >= prefix.size && (!prefix.size || memcmp(s.data, prefix.data, prefix.size) == 0);
}

/* Copy `slice` to `*next` and move on; empty slices stay valid pointers. */
static inline struct ots_slice ots_slice_copy_to(uint8_t **next, struct ots_slice slice)
{
    if (!slice.size)
        return OTS_SLICE("");
    uint8_t *data = *next;
    memcpy(data, slice.data, slice.size);
    *next += slice.size;
    return ots_slice(data, slice.size);
}

#endif
