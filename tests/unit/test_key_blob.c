#include "fs/view/key_blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct ots_tag TAGS[] = {
    {{(const uint8_t *)"a", 1}, {(const uint8_t *)"", 0}},
    {{(const uint8_t *)"b", 1}, {(const uint8_t *)"\xC3\xA4 ,=", 5}},
};

static struct ots_series_key full_key(void)
{
    return (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE("web-1"), TAGS, 2};
}

static void expect_back(const struct ots_series_key *key)
{
    struct ots_buf blob = OTS_BUF_INIT;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key back;
    ots_key_blob_append(key, &blob);
    assert_int_equal(ots_buf_status(&blob), OTS_OK);
    assert_int_equal(ots_key_blob_read(ots_buf_slice(&blob), &arena, &back), OTS_OK);
    assert_true(ots_series_key_equal(key, &back));
    ots_arena_deinit(&arena);
    ots_buf_deinit(&blob);
}

static void test_round(void **state)
{
    (void)state;
    const struct ots_series_key bare = {OTS_SLICE("m"), OTS_SLICE_NONE, NULL, 0};
    const struct ots_series_key none = {OTS_SLICE_NONE, OTS_SLICE_NONE, NULL, 0};
    const struct ots_series_key full = full_key();
    expect_back(&bare);
    expect_back(&none);
    expect_back(&full);
}

/* Every part of it, and every byte more, is refused. */
static void test_cut(void **state)
{
    (void)state;
    struct ots_series_key key = full_key();
    struct ots_buf blob = OTS_BUF_INIT;
    struct ots_arena arena = OTS_ARENA_INIT;
    ots_key_blob_append(&key, &blob);
    size_t size = blob.size;
    ots_buf_append_byte(&blob, 0);
    for (size_t i = 0; i <= size + 1; i++) {
        struct ots_series_key back;
        enum ots_status status = ots_key_blob_read(ots_slice(blob.data, i), &arena, &back);
        assert_int_equal(status, i == size ? OTS_OK : OTS_CORRUPT);
    }
    ots_arena_deinit(&arena);
    ots_buf_deinit(&blob);
}

/* A number of tags that no bytes stand for asks for no memory; tags that do not ascend are none. */
static void test_lies(void **state)
{
    (void)state;
    struct ots_buf blob = OTS_BUF_INIT;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key back;
    for (int i = 0; i < 3; i++)
        ots_buf_append_u32le(&blob, i < 2 ? 0 : UINT32_MAX);
    assert_int_equal(ots_key_blob_read(ots_buf_slice(&blob), &arena, &back), OTS_CORRUPT);
    ots_buf_reset(&blob);
    const struct ots_tag twice[] = {TAGS[0], TAGS[0]};
    struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE_NONE, twice, 2};
    ots_key_blob_append(&key, &blob);
    assert_int_equal(ots_key_blob_read(ots_buf_slice(&blob), &arena, &back), OTS_CORRUPT);
    ots_arena_deinit(&arena);
    ots_buf_deinit(&blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
