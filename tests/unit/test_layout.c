#include "tests/unit/server_fixture.h"

#include "backend/server/layout.h"
#include "backend/server/row_codec.h"
#include "backend/server/token.h"
#include "tests/unit/make_rows.h"
#include "tests/unit/mangle.h"

#include <string.h>

struct strange_key {
    struct ots_tag tags[2];
    struct ots_series_key key;
};

static struct ots_slice in_order(struct ots_buf *buf, const struct ots_series_key *key)
{
    ots_buf_reset(buf);
    ots_layout_series_append(buf, key);
    assert_int_equal(ots_buf_status(buf), OTS_OK);
    return ots_buf_slice(buf);
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/* Parts that are prefixes of each other, and the bytes that are escaped. */
static struct ots_slice part_of(struct test_random *random)
{
    static const struct ots_slice parts[] = {
        {(const uint8_t *)"", 0},     {(const uint8_t *)"\0", 1},    {(const uint8_t *)"a", 1},
        {(const uint8_t *)"a\0", 2},  {(const uint8_t *)"a\1", 2},   {(const uint8_t *)"a\0\1", 3},
        {(const uint8_t *)"ab", 2},   {(const uint8_t *)"a\xff", 2}, {(const uint8_t *)"\0\xff", 2},
        {(const uint8_t *)"\0\1", 2}, {(const uint8_t *)"\0\0", 2},
    };
    return parts[test_random_below(random, sizeof(parts) / sizeof(parts[0]))];
}

static void make_strange(struct test_random *random, struct strange_key *key)
{
    key->key.measurement = part_of(random);
    key->key.data_source = part_of(random);
    key->key.tags = key->tags;
    key->key.tag_count = test_random_below(random, 3);
    for (size_t i = 0; i < key->key.tag_count; i++)
        key->tags[i] = (struct ots_tag){part_of(random), part_of(random)};
}

static void test_series_order(void **state)
{
    (void)state;
    struct test_random random = {1};
    struct ots_buf left = OTS_BUF_INIT;
    struct ots_buf right = OTS_BUF_INIT;
    for (int i = 0; i < 20000; i++) {
        struct strange_key a;
        struct strange_key b;
        make_strange(&random, &a);
        make_strange(&random, &b);
        int order = ots_slice_compare(in_order(&left, &a.key), in_order(&right, &b.key));
        assert_int_equal(sign(order), sign(ots_series_key_compare(&a.key, &b.key)));
    }
    ots_buf_deinit(&left);
    ots_buf_deinit(&right);
}

static void test_series_round_trip(void **state)
{
    (void)state;
    struct test_random random = {2};
    struct ots_buf buf = OTS_BUF_INIT;
    for (int i = 0; i < 2000; i++) {
        struct ots_arena arena = OTS_ARENA_INIT;
        struct strange_key key;
        struct ots_series_key decoded;
        make_strange(&random, &key);
        struct ots_slice bytes = in_order(&buf, &key.key);
        assert_int_equal(ots_layout_series_decode(bytes, &arena, &decoded, NULL), OTS_OK);
        assert_true(ots_series_key_equal(&decoded, &key.key));
        ots_arena_deinit(&arena);
    }
    ots_buf_deinit(&buf);
}

static bool decode_series(struct ots_slice input, void *context)
{
    (void)context;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key;
    struct ots_error err = {0};
    enum ots_status status = ots_layout_series_decode(input, &arena, &key, &err);
    assert_true(status == OTS_OK || status == OTS_CORRUPT);
    ots_arena_deinit(&arena);
    return status == OTS_OK;
}

static void test_series_damaged(void **state)
{
    (void)state;
    struct ots_slice good = OTS_SLICE("cpu\0\1host\0\xff\0\1name\0\1value\0\1");
    assert_true(decode_series(good, NULL));
    assert_false(decode_series(OTS_SLICE("cpu\0\1"), NULL));
    assert_false(decode_series(OTS_SLICE("cpu\0\1\0\1name\0\1"), NULL));
    assert_false(decode_series(OTS_SLICE("cpu\0\1a\0\2b\0\1"), NULL));
    assert_false(decode_series(OTS_SLICE("cpu\0\1a\0"), NULL));
    test_corrupt(good, decode_series, NULL);
    /* Shorter keys end after an even number of parts: only the one without tags. */
    assert_int_equal(test_truncate(good, decode_series, NULL).accepted, 1);
}

static void test_measurement_prefix(void **state)
{
    (void)state;
    struct ots_slice prefix;
    assert_int_equal(ots_layout_measurement_prefix(OTS_SLICE("a\0\xff"
                                                             "b\0\1c\0\1"),
                                                   &prefix, NULL),
                     OTS_OK);
    assert_true(ots_slice_equal(prefix, OTS_SLICE("a\0\xff"
                                                  "b\0\1")));
    assert_int_equal(ots_layout_measurement_prefix(OTS_SLICE("abc"), &prefix, NULL), OTS_CORRUPT);
}

static void test_row_keys(void **state)
{
    (void)state;
    uint8_t key[OTS_ROW_KEY_BYTES];
    uint8_t next[OTS_ROW_KEY_BYTES];
    uint64_t timeline = 0;
    int64_t time_us = 0;
    struct ots_slice at = ots_layout_row(key, 7, ots_timeline_id(3, 9), INT64_MAX);
    assert_int_equal(ots_layout_row_parse(at, &timeline, &time_us, NULL), OTS_OK);
    assert_int_equal(ots_timeline_measurement(timeline), 3);
    assert_int_equal(ots_timeline_ordinal(timeline), 9);
    assert_true(time_us == INT64_MAX);
    struct ots_slice behind = ots_layout_row(next, 7, ots_timeline_id(3, 10), 0);
    assert_true(ots_slice_compare(at, behind) < 0);
    at.size--;
    assert_int_equal(ots_layout_row_parse(at, &timeline, &time_us, NULL), OTS_CORRUPT);
    at.size = OTS_TIMELINE_PREFIX_BYTES - 1;
    assert_int_equal(ots_layout_key_timeline(at, &timeline, NULL), OTS_CORRUPT);
}

static void test_ranges(void **state)
{
    (void)state;
    struct ots_key_range range;
    uint8_t key[OTS_ROW_KEY_BYTES];
    ots_layout_table_range(&range, OTS_SPACE_ROW, UINT32_MAX);
    struct ots_slice row = ots_layout_row(key, UINT32_MAX, UINT64_MAX, INT64_MAX);
    assert_true(ots_slice_compare(ots_key_range_begin(&range), row) <= 0);
    assert_true(ots_slice_compare(row, ots_key_range_end(&range)) < 0);
    ots_layout_timelines_range(&range, OTS_SPACE_ROW, 1, 5, 0xff);
    row = ots_layout_row(key, 1, 0xff, INT64_MAX);
    assert_true(ots_slice_compare(row, ots_key_range_end(&range)) < 0);
    row = ots_layout_row(key, 1, 0x100, 0);
    assert_true(ots_slice_compare(row, ots_key_range_end(&range)) >= 0);
    row = ots_layout_row(key, 1, 4, INT64_MAX);
    assert_true(ots_slice_compare(row, ots_key_range_begin(&range)) < 0);
}

static void test_rows_round_trip(void **state)
{
    (void)state;
    struct test_random random = {3};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows = test_make_rows(&random, &arena, 300);
    const struct ots_selection all = {NULL, 0};
    struct ots_buf buf = OTS_BUF_INIT;
    for (size_t i = 0; i < rows.count; i++) {
        struct ots_row decoded = rows.items[i];
        ots_buf_reset(&buf);
        assert_int_equal(ots_row_codec_encode(&rows.items[i], &arena, &buf, NULL), OTS_OK);
        assert_int_equal(ots_row_codec_decode(ots_buf_slice(&buf), &all, &arena, &decoded.fields,
                                              &decoded.field_count, NULL),
                         OTS_OK);
        assert_true(ots_row_equal(&decoded, &rows.items[i]));
    }
    ots_buf_deinit(&buf);
    ots_arena_deinit(&arena);
}

static const struct ots_field FIELDS[] = {
    {{(const uint8_t *)"z", 1}, {.type = OTS_STRING, .bytes = {(const uint8_t *)"text", 4}}},
    {{(const uint8_t *)"b", 1}, {.type = OTS_BOOLEAN, .boolean = true}},
    {{(const uint8_t *)"c", 1}, {.type = OTS_BOOLEAN, .boolean = false}},
    {{(const uint8_t *)"a", 1}, {.type = OTS_INTEGER, .integer = -1}},
    {{(const uint8_t *)"y", 1}, {.type = OTS_BINARY, .bytes = {NULL, 0}}},
};
static const struct ots_row ROW = {NULL, 0, FIELDS, sizeof(FIELDS) / sizeof(FIELDS[0])};

/* The names that are left of ROW, joined. */
static void assert_selected(const struct ots_field_wanted *wanted, size_t count, const char *names)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf buf = OTS_BUF_INIT;
    struct ots_buf found = OTS_BUF_INIT;
    struct ots_selection selection;
    const struct ots_field *fields = NULL;
    size_t field_count = 0;
    assert_int_equal(ots_row_codec_encode(&ROW, &arena, &buf, NULL), OTS_OK);
    assert_int_equal(ots_selection_init(&selection, wanted, count, &arena, NULL), OTS_OK);
    assert_int_equal(
        ots_row_codec_decode(ots_buf_slice(&buf), &selection, &arena, &fields, &field_count, NULL),
        OTS_OK);
    for (size_t i = 0; i < field_count; i++)
        ots_buf_append_slice(&found, fields[i].name);
    assert_true(ots_slice_equal(ots_buf_slice(&found), ots_slice_str(names)));
    ots_buf_deinit(&buf);
    ots_buf_deinit(&found);
    ots_arena_deinit(&arena);
}

static void test_selection(void **state)
{
    (void)state;
    const struct ots_field_wanted z = {OTS_SLICE("z"), 0};
    const struct ots_field_wanted a = {OTS_SLICE("a"), OTS_INTEGER};
    const struct ots_field_wanted a_real = {OTS_SLICE("a"), OTS_DOUBLE};
    const struct ots_field_wanted b = {OTS_SLICE("b"), OTS_BOOLEAN};
    const struct ots_field_wanted x = {OTS_SLICE("x"), 0};
    assert_selected(NULL, 0, "abcyz");
    assert_selected((const struct ots_field_wanted[]){z, a}, 2, "az");
    assert_selected((const struct ots_field_wanted[]){a_real, b}, 2, "b");
    assert_selected((const struct ots_field_wanted[]){a_real, a, a_real, z}, 4, "az");
    assert_selected((const struct ots_field_wanted[]){a, a, a}, 3, "a");
    assert_selected((const struct ots_field_wanted[]){x, a_real}, 2, "");
}

static bool decode_row(struct ots_slice input, void *context)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    const struct ots_field *fields = NULL;
    size_t count = 0;
    enum ots_status status = ots_row_codec_decode(input, context, &arena, &fields, &count, NULL);
    assert_true(status == OTS_OK || status == OTS_CORRUPT);
    ots_arena_deinit(&arena);
    return status == OTS_OK;
}

static void test_rows_damaged(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf buf = OTS_BUF_INIT;
    const struct ots_field_wanted wanted = {OTS_SLICE("z"), 0};
    struct ots_selection all = {NULL, 0};
    struct ots_selection one = {&wanted, 1};
    assert_int_equal(ots_row_codec_encode(&ROW, &arena, &buf, NULL), OTS_OK);
    assert_int_equal(test_truncate(ots_buf_slice(&buf), decode_row, &all).accepted, 0);
    assert_int_equal(test_truncate(ots_buf_slice(&buf), decode_row, &one).accepted, 0);
    test_corrupt(ots_buf_slice(&buf), decode_row, &all);
    test_corrupt(ots_buf_slice(&buf), decode_row, &one);
    assert_false(decode_row(OTS_SLICE("\xff\xff\xff\xff\xff\xff\xff"), &all));
    ots_buf_append_byte(&buf, 0);
    assert_false(decode_row(ots_buf_slice(&buf), &all));
    ots_buf_deinit(&buf);
    ots_arena_deinit(&arena);
}

static bool decode_token(struct ots_slice input, void *context)
{
    struct ots_token token = *(const struct ots_token *)context;
    struct ots_error err = {0};
    enum ots_status status = ots_token_decode(input, &token, &err);
    assert_true(status == OTS_OK || status == OTS_INVALID);
    return status == OTS_OK;
}

static void test_tokens(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_token token = {OTS_TOKEN_SCAN, 3, 1, UINT64_MAX, OTS_SLICE("rest")};
    struct ots_slice bytes;
    assert_int_equal(ots_token_encode(&token, &arena, &bytes, NULL), OTS_OK);
    struct ots_token decoded = {.kind = OTS_TOKEN_SCAN, .table = 3};
    assert_int_equal(ots_token_decode(bytes, &decoded, NULL), OTS_OK);
    assert_true(decoded.first == 1 && decoded.second == UINT64_MAX);
    assert_true(ots_slice_equal(decoded.rest, token.rest));
    struct ots_token other = {.kind = OTS_TOKEN_GET, .table = 3};
    assert_false(decode_token(bytes, &other));
    other = (struct ots_token){.kind = OTS_TOKEN_SCAN, .table = 4};
    assert_false(decode_token(bytes, &other));
    assert_false(decode_token(OTS_SLICE_NONE, &token));
    assert_int_equal(test_truncate(bytes, decode_token, &token).accepted, 0);
    struct test_mangled damaged = test_corrupt(bytes, decode_token, &token);
    assert_true(damaged.tried > 0);
    assert_int_equal(damaged.accepted, 0);
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series_order),    cmocka_unit_test(test_series_round_trip),
        cmocka_unit_test(test_series_damaged),  cmocka_unit_test(test_measurement_prefix),
        cmocka_unit_test(test_row_keys),        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_rows_round_trip), cmocka_unit_test(test_selection),
        cmocka_unit_test(test_rows_damaged),    cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
