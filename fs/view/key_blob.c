#include "fs/view/key_blob.h"

#include "backend/base/take.h"

void ots_key_blob_append(const struct ots_series_key *key, struct ots_buf *blob)
{
    ots_buf_append_sized(blob, key->measurement);
    ots_buf_append_sized(blob, key->data_source);
    ots_buf_append_u32le(blob, (uint32_t)key->tag_count);
    for (size_t i = 0; i < key->tag_count; i++) {
        ots_buf_append_sized(blob, key->tags[i].name);
        ots_buf_append_sized(blob, key->tags[i].value);
    }
}

enum ots_status ots_key_blob_read(struct ots_slice blob, struct ots_arena *arena,
                                  struct ots_series_key *key)
{
    struct ots_slice rest = blob;
    uint32_t count;
    *key = (struct ots_series_key){0};
    /* Each tag takes eight bytes at least. */
    if (!ots_take_sized(&rest, &key->measurement) || !ots_take_sized(&rest, &key->data_source) ||
        !ots_take_u32le(&rest, &count) || count > rest.size / 8)
        return OTS_CORRUPT;
    struct ots_tag *tags = ots_arena_array(arena, count, sizeof(*tags));
    if (!tags)
        return OTS_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (!ots_take_sized(&rest, &tags[i].name) || !ots_take_sized(&rest, &tags[i].value) ||
            (i && ots_slice_compare(tags[i - 1].name, tags[i].name) >= 0))
            return OTS_CORRUPT;
    key->tags = tags;
    key->tag_count = count;
    return rest.size ? OTS_CORRUPT : OTS_OK;
}
