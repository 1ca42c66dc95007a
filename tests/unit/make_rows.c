#include "tests/unit/make_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

uint32_t test_random_below(struct test_random *random, uint32_t limit)
{
    random->state = random->state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((random->state >> 33) % limit);
}

/* `prefix` and a number below `limit`, sometimes followed by more text. */
static struct ots_slice make_text(struct test_random *random, struct ots_arena *arena,
                                  const char *prefix, uint32_t limit)
{
    struct ots_buf buf = OTS_BUF_INIT;
    struct ots_slice text;
    ots_buf_append_fmt(&buf, "%s%u", prefix, test_random_below(random, limit));
    for (uint32_t more = test_random_below(random, 4) == 0 ? 20 : 0; more; more--)
        ots_buf_append_str(&buf, "\xE6\xB8\xA9, x");
    assert_int_equal(ots_arena_copy(arena, ots_buf_slice(&buf), &text), OTS_OK);
    ots_buf_deinit(&buf);
    return text;
}

static struct ots_slice make_name(struct ots_arena *arena, const char *prefix, size_t number)
{
    struct ots_buf buf = OTS_BUF_INIT;
    struct ots_slice text;
    ots_buf_append_fmt(&buf, "%s_%02zu", prefix, number);
    assert_int_equal(ots_arena_copy(arena, ots_buf_slice(&buf), &text), OTS_OK);
    ots_buf_deinit(&buf);
    return text;
}

static const struct ots_series_key *make_key(struct test_random *random, struct ots_arena *arena)
{
    struct ots_series_key *key = ots_arena_array(arena, 1, sizeof(*key));
    key->measurement = make_name(arena, "m", test_random_below(random, 3));
    key->data_source = OTS_SLICE("");
    if (test_random_below(random, 3))
        key->data_source = make_text(random, arena, "host ", 5);
    key->tag_count = test_random_below(random, 4);
    struct ots_tag *tags = ots_arena_array(arena, key->tag_count + 1, sizeof(*tags));
    for (size_t i = 0; i < key->tag_count; i++)
        tags[i] =
            (struct ots_tag){make_name(arena, "tag", i), make_text(random, arena, "value ", 9)};
    key->tags = tags;
    return key;
}

static struct ots_value make_value(struct test_random *random, struct ots_arena *arena)
{
    static const double reals[] = {0.0, -0.0, 1.5, 1e300, -5e-324, 0.1};
    struct ots_value value = {.type = (enum ots_value_type)(1 + test_random_below(random, 5))};
    switch (value.type) {
    case OTS_INTEGER:
        value.integer = (int64_t)((uint64_t)test_random_below(random, UINT32_MAX) << 33) - 7;
        break;
    case OTS_BOOLEAN:
        value.boolean = test_random_below(random, 2);
        break;
    case OTS_DOUBLE:
        value.real = reals[test_random_below(random, sizeof(reals) / sizeof(reals[0]))];
        break;
    case OTS_STRING:
    case OTS_BINARY:
        value.bytes =
            test_random_below(random, 4) ? make_text(random, arena, "\"\\", 1000) : OTS_SLICE("");
        break;
    }
    return value;
}

struct ots_rows test_make_rows(struct test_random *random, struct ots_arena *arena, size_t count)
{
    struct ots_rows rows = {NULL, 0, 0};
    const struct ots_series_key *key = NULL;
    while (rows.count < count) {
        if (!key || test_random_below(random, 3) == 0)
            key = make_key(random, arena);
        size_t field_count = 1 + test_random_below(random, 12);
        struct ots_field *fields = ots_arena_array(arena, field_count, sizeof(*fields));
        for (size_t i = 0; i < field_count; i++)
            fields[i] = (struct ots_field){make_name(arena, "field", i), make_value(random, arena)};
        struct ots_row row = {key, test_random_below(random, 1U << 30), fields, field_count};
        assert_int_equal(ots_rows_append(&rows, arena, &row), OTS_OK);
    }
    return rows;
}

void test_assert_rows(const struct ots_rows *rows, const struct ots_rows *expected)
{
    assert_int_equal(rows->count, expected->count);
    for (size_t i = 0; i < rows->count; i++)
        assert_true(ots_row_equal(&rows->items[i], &expected->items[i]));
}
