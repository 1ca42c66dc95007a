/*
 * Finding a place in a sorted array.
 */
#ifndef OTS_BASE_SEARCH_H
#define OTS_BASE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many of `count` items come before what is wanted, which is the index of the first that does
 * not. `is_before` holds for the items up to there and for none behind.
 */
static inline size_t ots_search(const void *items, size_t count, size_t item_bytes,
                                bool (*is_before)(const void *item, const void *wanted),
                                const void *wanted)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (is_before((const uint8_t *)items + middle * item_bytes, wanted))
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

#endif
