/* Rows of a put: what is decoded comes back from both layouts of its encoding. */
#include <stdlib.h>

#include "backend/wire/flatrows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

/* In order, since a field may be there twice. */
static bool is_same(const struct ots_row *a, const struct ots_row *b)
{
    bool is_equal = a->time_us == b->time_us && a->field_count == b->field_count &&
                    ots_series_key_equal(a->key, b->key);
    for (size_t i = 0; is_equal && i < a->field_count; i++)
        is_equal = ots_slice_equal(a->fields[i].name, b->fields[i].name) &&
                   ots_value_equal(&a->fields[i].value, &b->fields[i].value);
    return is_equal;
}

static void come_back(const struct ots_rows *rows, enum ots_put_layout layout)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows again = {NULL, 0, 0};
    struct ots_buf output = OTS_BUF_INIT;
    must(ots_flatrows_encode(rows->items, rows->count, layout, &output, NULL) == OTS_OK);
    must(ots_flatrows_decode(ots_buf_slice(&output), &arena, &again, NULL) == OTS_OK);
    must(rows->count == again.count);
    for (size_t i = 0; i < rows->count; i++)
        must(is_same(&rows->items[i], &again.items[i]));
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows = {NULL, 0, 0};
    enum ots_status status = ots_flatrows_decode(ots_slice(data, size), &arena, &rows, NULL);
    must(status == OTS_OK || status == OTS_CORRUPT || status == OTS_INVALID || status == OTS_LIMIT);
    /* A few bytes must not become many: some hundred for each at most. */
    must(arena.used_bytes <= 64 * 1024 + 512 * size);
    if (status == OTS_OK) {
        come_back(&rows, OTS_PUT_PLAIN);
        come_back(&rows, OTS_PUT_SHARED);
    }
    ots_arena_deinit(&arena);
    return 0;
}
