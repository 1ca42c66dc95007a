#include "fs/view/key_blob.h"

static void append_text(struct ots_slice text, struct ots_buf *blob)
{
    ots_buf_append_u32le(blob, (uint32_t)text.size);
    ots_buf_append_slice(blob, text);
}

void ots_key_blob_append(const struct ots_series_key *key, struct ots_buf *blob)
{
    append_text(key->measurement, blob);
    append_text(key->data_source, blob);
    ots_buf_append_u32le(blob, (uint32_t)key->tag_count);
    for (size_t i = 0; i < key->tag_count; i++) {
        append_text(key->tags[i].name, blob);
        append_text(key->tags[i].value, blob);
    }
}

static bool take_number(struct ots_slice *rest, uint32_t *number)
{
    if (rest->size < 4)
        return false;
    const uint8_t *data = rest->data;
    *number = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
              (uint32_t)data[3] << 24;
    *rest = ots_slice(data + 4, rest->size - 4);
    return true;
}

static bool take_text(struct ots_slice *rest, struct ots_slice *text)
{
    uint32_t size;
    if (!take_number(rest, &size) || rest->size < size)
        return false;
    *text = ots_slice(rest->data, size);
    *rest = ots_slice(rest->data + size, rest->size - size);
    return true;
}

enum ots_status ots_key_blob_read(struct ots_slice blob, struct ots_arena *arena,
                                  struct ots_series_key *key)
{
    struct ots_slice rest = blob;
    uint32_t count;
    *key = (struct ots_series_key){0};
    /* Each tag takes eight bytes at least. */
    if (!take_text(&rest, &key->measurement) || !take_text(&rest, &key->data_source) ||
        !take_number(&rest, &count) || count > rest.size / 8)
        return OTS_CORRUPT;
    struct ots_tag *tags = ots_arena_array(arena, count, sizeof(*tags));
    if (!tags)
        return OTS_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (!take_text(&rest, &tags[i].name) || !take_text(&rest, &tags[i].value) ||
            (i && ots_slice_compare(tags[i - 1].name, tags[i].name) >= 0))
            return OTS_CORRUPT;
    key->tags = tags;
    key->tag_count = count;
    return rest.size ? OTS_CORRUPT : OTS_OK;
}
