#include "fs/lp/pairs.h"

#include <stdlib.h>

#include "fs/lp/text.h"

static int compare_pairs(const void *a, const void *b)
{
    const struct ots_lp_pair *left = a;
    const struct ots_lp_pair *right = b;
    return ots_slice_compare(left->name, right->name);
}

static bool is_ascending(const struct ots_lp_pair *pairs, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (ots_slice_compare(pairs[i - 1].name, pairs[i].name) > 0)
            return false;
    return true;
}

enum ots_status ots_lp_pairs_make(const struct ots_series_key *key, ots_lp_pair_writer *write_name,
                                  struct ots_arena *arena, const struct ots_lp_pair **out,
                                  size_t *count)
{
    struct ots_lp_pair *pairs = ots_arena_alloc(arena, (key->tag_count + 1) * sizeof(*pairs));
    if (!pairs)
        return OTS_NOMEM;
    const struct ots_slice source = OTS_SLICE(OTS_LP_DATA_SOURCE);
    bool is_source_placed = !key->data_source.size;
    size_t used = 0;
    for (size_t i = 0; i < key->tag_count; i++) {
        struct ots_slice name;
        enum ots_status status = write_name(key->tags[i].name, arena, &name);
        if (status != OTS_OK)
            return status;
        /* Here the source is in its place if nothing needs sorting, which is the usual case. */
        if (!is_source_placed && ots_slice_compare(name, source) > 0) {
            pairs[used++] = (struct ots_lp_pair){source, key->data_source};
            is_source_placed = true;
        }
        pairs[used++] = (struct ots_lp_pair){name, key->tags[i].value};
    }
    if (!is_source_placed)
        pairs[used++] = (struct ots_lp_pair){source, key->data_source};
    if (!is_ascending(pairs, used))
        qsort(pairs, used, sizeof(*pairs), compare_pairs);
    *out = pairs;
    *count = used;
    return OTS_OK;
}
