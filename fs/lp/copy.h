/*
 * Copies and comparisons of short texts, as names in lines are, without a call.
 */
#ifndef OTS_LP_COPY_H
#define OTS_LP_COPY_H

#include "backend/base/slice.h"

/* So much behind what was copied may be written, and must be there. */
enum { OTS_LP_COPY_ROOM = 16 };

/* Copy `from` to `to`, and return where it ends there. */
static inline uint8_t *ots_lp_copy(uint8_t *to, struct ots_slice from)
{
    const uint8_t *data = from.data;
    size_t size = from.size;
    if (size > 16) {
        memcpy(to, data, size);
    } else if (size >= 8) {
        memcpy(to, data, 8);
        memcpy(to + size - 8, data + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, data, 4);
        memcpy(to + size - 4, data + size - 4, 4);
    } else if (size) {
        to[0] = data[0];
        to[size / 2] = data[size / 2];
        to[size - 1] = data[size - 1];
    }
    return to + size;
}

/* The same from where OTS_LP_COPY_ROOM bytes behind the text may be read. */
static inline uint8_t *ots_lp_copy_padded(uint8_t *to, const uint8_t *from, size_t size)
{
    for (size_t at = 0; at < size; at += 16)
        memcpy(to + at, from + at, 16);
    return to + size;
}

static inline bool ots_lp_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint64_t words[4];
    if (size < 8 || size > 16)
        return memcmp(a, b, size) == 0;
    memcpy(&words[0], a, 8);
    memcpy(&words[1], b, 8);
    memcpy(&words[2], a + size - 8, 8);
    memcpy(&words[3], b + size - 8, 8);
    return words[0] == words[1] && words[2] == words[3];
}

#endif
