#include "backend/server/stream_codec.h"

#include "backend/server/layout.h"
#include "backend/server/stream_names.h"
#include "tests/unit/hex.h"
#include "tests/unit/mangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    uint64_t timeline;
    int64_t time_us;
    const char *value;
} rows[] = {
    {UINT64_C(0x0000000100000001), 0, "v"},
    {UINT64_C(0x0000000100000001), 1700000000000000, ""},
    {UINT64_C(0x000000010000012c), 255, "xyz"},
    {UINT64_C(0xffffffffffffffff), INT64_MAX, "w"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct ots_buf record_of(size_t count)
{
    struct ots_buf buf = OTS_BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        const struct ots_log_row row = {rows[i].timeline, rows[i].time_us,
                                        ots_slice_str(rows[i].value)};
        ots_log_row_append(&buf, &row, i ? rows[i - 1].timeline : 0);
    }
    assert_int_equal(ots_buf_status(&buf), OTS_OK);
    return buf;
}

static void test_bytes(void **state)
{
    (void)state;
    struct ots_buf buf = record_of(3);
    test_assert_hex(ots_buf_slice(&buf), "0101 0000000000000000 01 76"
                                         "00 00401e18240a0600 00"
                                         "01ac02 ff00000000000000 03 78797a");
    ots_buf_deinit(&buf);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct ots_buf buf = record_of(ROWS);
    struct ots_log_reader reader = {ots_buf_slice(&buf), 0};
    for (size_t i = 0; i < ROWS; i++) {
        struct ots_log_row row;
        assert_true(ots_log_reader_has_row(&reader));
        assert_int_equal(ots_log_read(&reader, &row, NULL), OTS_OK);
        assert_true(row.timeline == rows[i].timeline);
        assert_int_equal(row.time_us, rows[i].time_us);
        assert_true(ots_slice_equal(row.value, ots_slice_str(rows[i].value)));
    }
    assert_false(ots_log_reader_has_row(&reader));
    ots_buf_deinit(&buf);
}

static bool reads(struct ots_slice input, void *context)
{
    (void)context;
    struct ots_log_reader reader = {input, 0};
    while (ots_log_reader_has_row(&reader)) {
        struct ots_log_row row;
        enum ots_status status = ots_log_read(&reader, &row, NULL);
        assert_true(status == OTS_OK || status == OTS_CORRUPT);
        if (status != OTS_OK)
            return false;
    }
    return true;
}

static void test_mangled(void **state)
{
    (void)state;
    struct ots_buf buf = record_of(ROWS);
    /* Cut between two rows it still is a record. */
    assert_int_equal(test_truncate(ots_buf_slice(&buf), reads, NULL).accepted, ROWS);
    test_corrupt(ots_buf_slice(&buf), reads, NULL);
    ots_buf_deinit(&buf);
}

static void assert_refused(const char *hex)
{
    struct ots_buf buf = test_hex(hex);
    assert_false(reads(ots_buf_slice(&buf), NULL));
    ots_buf_deinit(&buf);
}

static void test_refused(void **state)
{
    (void)state;
    assert_refused("00 0000000000000000 00");            /* the timeline of no row before */
    assert_refused("0101 0000000000000080 00");          /* a negative time */
    assert_refused("0101 0000000000000000 01");          /* a value that is not there */
    assert_refused("ffffffff10 01 0000000000000000 00"); /* a number of more than 32 bits */
    assert_refused("808080808001");                      /* a number that does not end */
}

static void test_keys(void **state)
{
    (void)state;
    uint8_t key[OTS_LOG_KEY_BYTES];
    uint32_t shard = 0;
    int64_t time_us = 0;
    test_assert_hex(ots_layout_shard(key, 1, 0x203), "48 00000001 00000203");
    assert_int_equal(ots_layout_shard_parse(ots_slice(key, 9), &shard, NULL), OTS_OK);
    assert_int_equal(shard, 0x203);
    assert_int_equal(ots_layout_shard_parse(ots_slice(key, 8), &shard, NULL), OTS_CORRUPT);
    test_assert_hex(ots_layout_log(key, 1, 2, 0x405), "4c 00000001 00000002 0000000000000405");
    assert_int_equal(ots_layout_log_parse(ots_slice(key, 17), &time_us, NULL), OTS_OK);
    assert_int_equal(time_us, 0x405);
    assert_int_equal(ots_layout_log_parse(ots_slice(key, 16), &time_us, NULL), OTS_CORRUPT);
}

static void test_iterator_text(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_slice text;
    struct ots_stream_position back;
    const struct ots_stream_position position = {1, 0xabcdef, 1735787045678001, 199};
    assert_int_equal(ots_shard_iterator(&position, &arena, &text, NULL), OTS_OK);
    assert_true(
        ots_slice_equal(text, OTS_SLICE("00000001-00abcdef-00062ab06a436bb1-000000c7-70c9527a")));
    assert_int_equal(ots_shard_iterator_parse(text, &back, NULL), OTS_OK);
    assert_int_equal(back.table, position.table);
    assert_int_equal(back.shard, position.shard);
    assert_int_equal(back.time_us, position.time_us);
    assert_int_equal(back.row, position.row);
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_mangled), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_iterator_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
