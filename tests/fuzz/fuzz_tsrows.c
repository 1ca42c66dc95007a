/* Rows of a page: what is decoded comes back from its encoding. */
#include <stdlib.h>

#include "backend/wire/tsrows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

/*
 * A field without a letter gets one, and one that is key or data by its place becomes data, so
 * the bytes differ; the rows do not. A field that is there twice makes rows that no set of fields
 * is equal to.
 */
static bool is_same(const struct ots_row *a, const struct ots_row *b)
{
    bool is_equal = a->time_us == b->time_us && a->field_count == b->field_count &&
                    ots_series_key_equal(a->key, b->key);
    for (size_t i = 0; is_equal && i < a->field_count; i++)
        is_equal = ots_slice_equal(a->fields[i].name, b->fields[i].name) &&
                   ots_value_equal(&a->fields[i].value, &b->fields[i].value);
    return is_equal;
}

/* Tags whose name has '=' or whose value has '"' can come from columns, but not from text. */
static bool has_text(const struct ots_series_key *key)
{
    for (size_t i = 0; i < key->tag_count; i++)
        if (memchr(key->tags[i].name.data, '=', key->tags[i].name.size) ||
            memchr(key->tags[i].value.data, '"', key->tags[i].value.size))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows = {NULL, 0, 0};
    struct ots_rows again = {NULL, 0, 0};
    struct ots_buf output = OTS_BUF_INIT;
    enum ots_status status = ots_tsrows_decode(ots_slice(data, size), &arena, &rows, NULL);
    must(status == OTS_OK || status == OTS_CORRUPT);
    bool can_come_back = status == OTS_OK;
    for (size_t i = 0; i < rows.count && can_come_back; i++)
        can_come_back = has_text(rows.items[i].key);
    if (can_come_back) {
        must(ots_tsrows_encode(rows.items, rows.count, NULL, &output) == OTS_OK);
        must(ots_tsrows_decode(ots_buf_slice(&output), &arena, &again, NULL) == OTS_OK);
        must(rows.count == again.count);
        for (size_t i = 0; i < rows.count; i++)
            must(is_same(&rows.items[i], &again.items[i]));
    }
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
    return 0;
}
