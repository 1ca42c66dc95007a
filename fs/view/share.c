#include "fs/view/share.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BETWEEN OTS_SLICE("-of-")

/* --- names ------------------------------------------------------------------------------------*/

/* The digits at the front of `rest`, which go; false when they are none, or not the shortest. */
static bool read_number(struct ots_slice *rest, uint64_t *number)
{
    size_t size = 0;
    *number = 0;
    for (; size < rest->size && rest->data[size] >= '0' && rest->data[size] <= '9'; size++) {
        if (*number > OTS_SHARES_MAX)
            return false;
        *number = *number * 10 + (uint64_t)(rest->data[size] - '0');
    }
    bool is_shortest = size == 1 || (size && rest->data[0] != '0');
    *rest = ots_slice(rest->data + size, rest->size - size);
    return is_shortest;
}

enum ots_status ots_share_parse(struct ots_slice name, struct ots_share *share)
{
    if (!read_number(&name, &share->index) || !ots_slice_starts(name, BETWEEN))
        return OTS_NOT_FOUND;
    name = ots_slice(name.data + BETWEEN.size, name.size - BETWEEN.size);
    if (!read_number(&name, &share->count) || name.size)
        return OTS_NOT_FOUND;
    bool is_one = share->index < share->count && share->count <= OTS_SHARES_MAX;
    return is_one ? OTS_OK : OTS_NOT_FOUND;
}

/* --- both -------------------------------------------------------------------------------------*/

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* By the Chinese remainder theorem: the indexes of the larger count are tried one by one. */
enum ots_status ots_share_intersect(const struct ots_share *a, const struct ots_share *b,
                                    struct ots_share *both)
{
    const struct ots_share *large = a->count > b->count ? a : b;
    const struct ots_share *small = large == a ? b : a;
    *both = *large;
    if (!small->count)
        return OTS_OK;
    assert(small->count <= OTS_SHARES_MAX);
    uint64_t divisor = common_divisor(large->count, small->count);
    if (large->index % divisor != small->index % divisor ||
        __builtin_mul_overflow(large->count, small->count / divisor, &both->count))
        return OTS_NOT_FOUND;
    while (both->index % small->count != small->index)
        both->index += large->count;
    assert(both->index < both->count);
    return OTS_OK;
}

/* --- timelines --------------------------------------------------------------------------------*/

uint64_t ots_share_hash(struct ots_slice measurement_name, struct ots_slice timeline_name)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, measurement_name.data, measurement_name.size);
    XXH3_64bits_update(&state, "/", 1);
    XXH3_64bits_update(&state, timeline_name.data, timeline_name.size);
    return XXH3_64bits_digest(&state);
}

bool ots_share_has(const struct ots_share *share, struct ots_slice measurement_name,
                   struct ots_slice timeline_name)
{
    return share->count <= 1 ||
           ots_share_hash(measurement_name, timeline_name) % share->count == share->index;
}
