#include "backend/wire/flatrows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/wire/crc.h"
#include "tests/unit/hex.h"
#include "tests/unit/make_rows.h"
#include "tests/unit/mangle.h"

/* rows_data as the SDKs send it. From Java: cpu / host_1 / os=linux at 1700000000000000 with
 * load = 0.5, n = -7. */
static const char java_small[] =
    "10000000000000000000060008000400060000000400000001000000100000000c001400040008000c0010000c"
    "0000002c0000001c00000010000000040000000100000030000000020000000301000002000000c0000000b400"
    "0000030000006370750010001c000400080014000c0000001000100000005000000044000000600000000c0000"
    "0000401e18240a0600010000000c00000008000c0004000800080000001400000004000000050000006c696e75"
    "78000000020000006f730000000000000000000006000000686f73745f31000000000a000c000400000008000a"
    "000000180000000400000001000000000000000000e03f0000000001000000f9ffffffffffffff000000000100"
    "00006e000000040000006c6f616400000000";

/* From three SDKs: cpu / host_1 / os=Ubuntu16.04, region=hangzhou at 1600000000000000 with
 * cpu_usage = 10.5, n = -7, ok = true, raw = 01 02, s = "abc". */
static const char java_row[] =
    "080000000000000096feffff0400000001000000100000000c001400040008000c0010000c0000003c00000020"
    "0000001000000004000000010000004000000005000000030102050400000005000000580100004c0100004001"
    "00003401000028010000030000006370750010001c000400080014000c00000010001000000080000000740000"
    "00940000000c0000000000a40731af0500020000003800000004000000d8ffffff180000000400000008000000"
    "68616e677a686f750000000006000000726567696f6e000008000c00040008000800000018000000040000000b"
    "0000005562756e747531362e303400020000006f730000000000000000000006000000686f73745f3100000000"
    "0e001800040008000c00100014000e0000003c000000300000001c000000100000000400000001000000400000"
    "00010000002800000001000000000000000000254000000000010000000100000001000000f9ffffffffffffff"
    "030000006162630000000600080004000600000004000000020000000102000001000000730000000300000072"
    "617700020000006f6b0000010000006e000000090000006370755f7573616765000000";
static const char go_row[] =
    "08000000000000009efeffff0400000001000000100000000c001400040008000c0010000c0000003c00000020"
    "000000100000000400000001000000400000000500000003010205040000000500000050010000440100003801"
    "00002c01000020010000030000006370750010001c000400000014000c00100008001000000078000000140000"
    "008c00000000105e5f0000a40731af0500020000003800000004000000d8ffffff080000001400000008000000"
    "68616e677a686f750000000006000000726567696f6e000008000c00080004000800000008000000140000000b"
    "0000005562756e747531362e303400020000006f73000006000000686f73745f31000000000e00180004000800"
    "0c00100014000e0000003c000000300000001c0000001000000004000000010000004000000001000000280000"
    "0001000000000000000000254000000000010000000100000001000000f9ffffffffffffff0300000061626300"
    "00000600080004000600000004000000020000000102000001000000730000000300000072617700020000006f"
    "6b0000010000006e000000090000006370755f7573616765000000";
static const char python_row[] =
    "040000008afeffff0400000001000000100000000c00140010000c00080004000c0000003c000000140000001c"
    "000000040000000300000063707500050000000301020504000000050000005c01000050010000440100003801"
    "0000180100000100000014000000100020001c001800080014000000040010000000300000000000a40731af05"
    "000000000090000000080000000c000000000000000000000006000000686f73745f3100000200000038000000"
    "04000000d8ffffff08000000140000000800000068616e677a686f750000000006000000726567696f6e000008"
    "000c00080004000800000008000000140000000b0000005562756e747531362e303400020000006f7300000000"
    "0e001800140010000c00080004000e00000014000000180000001c000000280000002c00000001000000480000"
    "00010000002c00000001000000000000000000254000000000010000000100000001000000f9ffffffffffffff"
    "000000000300000061626300010000007300060008000400060000000400000002000000010200000300000072"
    "617700020000006f6b0000010000006e000000090000006370755f7573616765000000";

static const char *const goldens[] = {java_small, java_row, go_row, python_row};
static const uint32_t golden_crcs[] = {0xC8E5881E, 0x610B41FE, 0xF28EFD06, 0xA96E0C7E};

static enum ots_status decode(struct ots_slice input, struct ots_arena *arena,
                              struct ots_rows *rows, struct ots_error *err)
{
    *rows = (struct ots_rows){NULL, 0, 0};
    return ots_flatrows_decode(input, arena, rows, err);
}

static const struct ots_tag small_tag = {{(const uint8_t *)"os", 2}, {(const uint8_t *)"linux", 5}};
static const struct ots_tag row_tags[] = {
    {{(const uint8_t *)"os", 2}, {(const uint8_t *)"Ubuntu16.04", 11}},
    {{(const uint8_t *)"region", 6}, {(const uint8_t *)"hangzhou", 8}},
};

static struct ots_series_key make_key(const struct ots_tag *tags, size_t count)
{
    return (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE("host_1"), tags, count};
}

static void test_goldens(void **state)
{
    (void)state;
    const struct ots_series_key small_key = make_key(&small_tag, 1);
    const struct ots_series_key row_key = make_key(row_tags, 2);
    const struct ots_field fields[] = {
        {OTS_SLICE("cpu_usage"), {.type = OTS_DOUBLE, .real = 10.5}},
        {OTS_SLICE("n"), {.type = OTS_INTEGER, .integer = -7}},
        {OTS_SLICE("ok"), {.type = OTS_BOOLEAN, .boolean = true}},
        {OTS_SLICE("raw"), {.type = OTS_BINARY, .bytes = OTS_SLICE("\1\2")}},
        {OTS_SLICE("s"), {.type = OTS_STRING, .bytes = OTS_SLICE("abc")}},
    };
    const struct ots_field small_fields[] = {{OTS_SLICE("load"), {.type = OTS_DOUBLE, .real = 0.5}},
                                             fields[1]};
    const struct ots_row small = {&small_key, 1700000000000000, small_fields, 2};
    const struct ots_row row = {&row_key, 1600000000000000, fields, 5};
    for (size_t i = 0; i < 4; i++) {
        struct ots_arena arena = OTS_ARENA_INIT;
        struct ots_buf input = test_hex(goldens[i]);
        struct ots_rows rows;
        assert_int_equal(ots_crc32c(input.data, input.size), golden_crcs[i]);
        assert_int_equal(decode(ots_buf_slice(&input), &arena, &rows, NULL), OTS_OK);
        assert_int_equal(rows.count, 1);
        assert_true(ots_row_equal(&rows.items[0], i ? &row : &small));
        ots_buf_deinit(&input);
        ots_arena_deinit(&arena);
    }
}

static void assert_comes_back(const struct ots_rows *made, enum ots_put_layout layout, size_t *size)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf output = OTS_BUF_INIT;
    struct ots_rows rows;
    assert_int_equal(ots_flatrows_encode(made->items, made->count, layout, &output, NULL), OTS_OK);
    assert_int_equal(output.size % 8, 0);
    assert_int_equal(decode(ots_buf_slice(&output), &arena, &rows, NULL), OTS_OK);
    test_assert_rows(&rows, made);
    *size = output.size;
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
}

static void test_random_rows_come_back(void **state)
{
    (void)state;
    struct test_random random = {4711};
    for (size_t round = 0; round < 60; round++) {
        struct ots_arena arena = OTS_ARENA_INIT;
        struct ots_rows made = test_make_rows(&random, &arena, round);
        size_t plain;
        size_t shared;
        assert_comes_back(&made, OTS_PUT_PLAIN, &plain);
        assert_comes_back(&made, OTS_PUT_SHARED, &shared);
        assert_true(shared <= plain);
        ots_arena_deinit(&arena);
    }
}

/* 200 rows of one timeline with ten fields of one type each: what a put usually is. */
static void test_shared_layout_is_small(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = make_key(row_tags, 2);
    struct ots_rows made = {NULL, 0, 0};
    struct ots_field fields[10];
    char names[10][16];
    for (size_t i = 0; i < 10; i++) {
        snprintf(names[i], sizeof(names[i]), "field_%zu", i);
        fields[i] = (struct ots_field){ots_slice_str(names[i]), {.type = OTS_DOUBLE, .real = 1}};
    }
    for (int64_t i = 0; i < 200; i++) {
        const struct ots_row row = {&key, i, fields, 10};
        assert_int_equal(ots_rows_append(&made, &arena, &row), OTS_OK);
    }
    size_t plain;
    size_t shared;
    assert_comes_back(&made, OTS_PUT_PLAIN, &plain);
    assert_comes_back(&made, OTS_PUT_SHARED, &shared);
    assert_true(shared < 200 * (10 * 8 + 80));
    assert_true(2 * shared < plain);
    ots_arena_deinit(&arena);
}

/* Each part alone differs from the neighbour's. */
static void test_shared_layout_shares_only_what_is_equal(void **state)
{
    (void)state;
    const struct ots_tag tag = {OTS_SLICE("a"), OTS_SLICE("1")};
    const struct ots_tag other_tag = {OTS_SLICE("a"), OTS_SLICE("2")};
    const struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE("s"), &tag, 1};
    const struct ots_series_key other_measurement = {OTS_SLICE("n"), OTS_SLICE("s"), &tag, 1};
    const struct ots_series_key other_source = {OTS_SLICE("m"), OTS_SLICE("t"), &tag, 1};
    const struct ots_series_key other_tags = {OTS_SLICE("m"), OTS_SLICE("s"), &other_tag, 1};
    const struct ots_series_key no_tags = {OTS_SLICE("m"), OTS_SLICE("s"), NULL, 0};
    const struct ots_field f = {OTS_SLICE("f"), {.type = OTS_INTEGER, .integer = 1}};
    const struct ots_field g = {OTS_SLICE("g"), {.type = OTS_INTEGER, .integer = 1}};
    const struct ots_field text = {OTS_SLICE("f"), {.type = OTS_STRING, .bytes = OTS_SLICE("1")}};
    struct ots_row items[] = {
        {&key, 1, &f, 1},         {&other_measurement, 1, &f, 1},
        {&key, 1, &f, 1},         {&other_source, 1, &f, 1},
        {&key, 1, &f, 1},         {&other_tags, 1, &f, 1},
        {&no_tags, 1, &f, 1},     {&key, 1, &f, 1},
        {&key, 1, &g, 1},         {&key, 1, &text, 1},
        {&key, 1, &f, 1},         {&key, 0, NULL, 0},
        {&key, INT64_MAX, &f, 1},
    };
    const struct ots_rows made = {items, sizeof(items) / sizeof(items[0]), 0};
    size_t size;
    assert_comes_back(&made, OTS_PUT_SHARED, &size);
    assert_comes_back(&made, OTS_PUT_PLAIN, &size);
}

static void test_no_rows(void **state)
{
    (void)state;
    const struct ots_rows none = {NULL, 0, 0};
    size_t size;
    assert_comes_back(&none, OTS_PUT_PLAIN, &size);
}

static void test_neighbours_share_their_key(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    const struct ots_series_key key = make_key(row_tags, 2);
    const struct ots_series_key same = make_key(row_tags, 2);
    const struct ots_field field = {OTS_SLICE("f"), {.type = OTS_INTEGER, .integer = 1}};
    const struct ots_row items[] = {{&key, 1, &field, 1}, {&same, 2, &field, 1}};
    struct ots_buf output = OTS_BUF_INIT;
    struct ots_rows rows;
    assert_int_equal(ots_flatrows_encode(items, 2, OTS_PUT_PLAIN, &output, NULL), OTS_OK);
    assert_int_equal(decode(ots_buf_slice(&output), &arena, &rows, NULL), OTS_OK);
    assert_int_equal(rows.count, 2);
    assert_ptr_equal(rows.items[0].key, rows.items[1].key);
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
}

/* A buffer made by hand, of tables that our own encoder does not write. */
struct image {
    uint8_t bytes[512];
    size_t size;
};

static size_t put(struct image *image, const void *bytes, size_t size)
{
    size_t at = image->size;
    assert_true(at + size <= sizeof(image->bytes));
    memcpy(image->bytes + at, bytes, size);
    image->size += size;
    return at;
}

static size_t put_u32(struct image *image, uint32_t value)
{
    return put(image, &value, sizeof(value));
}

static void point(struct image *image, size_t from, size_t to)
{
    uint32_t offset = (uint32_t)(to - from);
    memcpy(image->bytes + from, &offset, sizeof(offset));
}

/* A table of `count` fields of four bytes each, all zero, after its vtable; where its fields
 * start. */
static size_t put_table(struct image *image, size_t count)
{
    uint16_t vtable[16] = {(uint16_t)(4 + 2 * count), (uint16_t)(4 + 4 * count)};
    for (size_t i = 0; i < count; i++)
        vtable[2 + i] = (uint16_t)(4 + 4 * i);
    size_t at = put(image, vtable, 4 + 2 * count);
    int32_t distance = (int32_t)(image->size - at);
    put(image, &distance, sizeof(distance));
    size_t fields = image->size;
    for (size_t i = 0; i < count; i++)
        put_u32(image, 0);
    return fields;
}

static size_t put_text(struct image *image, const char *text)
{
    size_t at = put_u32(image, (uint32_t)strlen(text));
    put(image, text, strlen(text) + 1);
    return at;
}

/*
 * A group with `rows` rows, all of them one row with the tags' text; `groups` times the same.
 * Neither time nor fields.
 */
static struct image make_image(uint32_t groups, uint32_t rows, const char *tags_text)
{
    struct image image = {.size = 0};
    size_t root_reference = put_u32(&image, 0);
    size_t root = put_table(&image, 1);
    point(&image, root_reference, root - 4);
    point(&image, root, put_u32(&image, groups));
    size_t group_references = image.size;
    for (uint32_t i = 0; i < groups; i++)
        put_u32(&image, 0);
    size_t group = put_table(&image, 4);
    for (uint32_t i = 0; i < groups; i++)
        point(&image, group_references + 4 * i, group - 4);
    point(&image, group, put_text(&image, "cpu"));
    point(&image, group + 4, put_u32(&image, 0));
    point(&image, group + 8, put_u32(&image, 0));
    point(&image, group + 12, put_u32(&image, rows));
    size_t row_references = image.size;
    for (uint32_t i = 0; i < rows; i++)
        put_u32(&image, 0);
    size_t row = put_table(&image, 2);
    for (uint32_t i = 0; i < rows; i++)
        point(&image, row_references + 4 * i, row - 4);
    point(&image, row, put_text(&image, "host"));
    point(&image, row + 4, put_text(&image, tags_text));
    return image;
}

static void test_groups_of_rows_with_tags_as_text(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct image image = make_image(2, 3, "[\"b=2\",\"a=1\"]");
    struct ots_rows rows;
    assert_int_equal(decode(ots_slice(image.bytes, image.size), &arena, &rows, NULL), OTS_OK);
    assert_int_equal(rows.count, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct ots_row *row = &rows.items[i];
        assert_int_equal(row->time_us, 0);
        assert_int_equal(row->field_count, 0);
        assert_ptr_equal(row->key, rows.items[0].key);
        assert_true(ots_slice_equal(row->key->measurement, OTS_SLICE("cpu")));
        assert_true(ots_slice_equal(row->key->data_source, OTS_SLICE("host")));
        assert_int_equal(row->key->tag_count, 2);
        assert_true(ots_slice_equal(row->key->tags[0].name, OTS_SLICE("a")));
    }
    ots_arena_deinit(&arena);
}

static enum ots_status decode_image(struct image image, struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows;
    enum ots_status status = decode(ots_slice(image.bytes, image.size), &arena, &rows, err);
    assert_int_equal(rows.count == 0, status != OTS_OK);
    ots_arena_deinit(&arena);
    return status;
}

static void test_bad_tags(void **state)
{
    (void)state;
    assert_int_equal(decode_image(make_image(1, 1, ""), NULL), OTS_OK);
    assert_int_equal(decode_image(make_image(1, 1, "[]"), NULL), OTS_OK);
    assert_int_equal(decode_image(make_image(1, 1, "["), NULL), OTS_INVALID);
    assert_int_equal(decode_image(make_image(1, 1, "[\"a=1\",\"a=1\"]"), NULL), OTS_INVALID);
}

static void test_repetition_is_bounded(void **state)
{
    (void)state;
    struct ots_error err = {0};
    /* 15 x 15 rows fit what 300 bytes may stand for, 30 x 30 do not. */
    assert_int_equal(decode_image(make_image(15, 15, ""), &err), OTS_OK);
    assert_int_equal(decode_image(make_image(30, 30, ""), &err), OTS_CORRUPT);
    assert_non_null(strstr(err.message, "more elements than"));
    /* Neither does a text that each of many rows has. */
    assert_int_equal(decode_image(make_image(15, 15, "[\"a=123456789\"]"), &err), OTS_CORRUPT);
    assert_non_null(strstr(err.message, "more elements than"));
}

/* One text of a megabyte that is every row's measurement: few elements, many bytes. */
static void test_repeated_texts_are_bounded(void **state)
{
    (void)state;
    enum { TEXT_BYTES = 1024 * 1024 };
    struct image image = make_image(1, 30, "");
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows;
    struct ots_error err = {0};
    uint8_t *bytes = calloc(1, image.size + 4 + TEXT_BYTES);
    assert_non_null(bytes);
    memcpy(bytes, image.bytes, image.size);
    const uint32_t length = TEXT_BYTES;
    memcpy(bytes + image.size, &length, sizeof(length));
    /* The group's fields follow the root's vector of one element and the group's vtable. */
    uint32_t group;
    memcpy(&group, bytes + 22, sizeof(group));
    size_t measurement = 22 + group + 4;
    uint32_t offset = (uint32_t)(image.size - measurement);
    memcpy(bytes + measurement, &offset, sizeof(offset));
    assert_int_equal(decode(ots_slice(bytes, image.size + 4 + TEXT_BYTES), &arena, &rows, &err),
                     OTS_LIMIT);
    assert_int_equal(rows.count, 0);
    free(bytes);
    ots_arena_deinit(&arena);
}

static void test_input_without_a_root(void **state)
{
    (void)state;
    static const char *const inputs[] = {
        "",
        "00",
        "04000000",
        "ffffffff",
        "04000000 00000000",             /* vtable of size 0 in the table itself */
        "04000000 04000000",             /* vtable of size 4 that is the reference: no groups */
        "08000000 04000800 04000000",    /* vtable of size 4: no groups */
        "08000000 06000800 f8ffffff",    /* vtable after the input's end */
        "08000000 06000800 04000000",    /* vtable cut by the end */
        "08000000 0600ffff 0400ff00 00", /* field beyond the end */
    };
    static const bool is_good[] = {false, false, false, false, false,
                                   true,  true,  false, false, false};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct ots_arena arena = OTS_ARENA_INIT;
        struct ots_buf input = test_hex(inputs[i]);
        struct ots_rows rows;
        struct ots_error err = {0};
        enum ots_status status = decode(ots_buf_slice(&input), &arena, &rows, &err);
        if (status != (is_good[i] ? OTS_OK : OTS_CORRUPT))
            fail_msg("%s: %d %s", inputs[i], (int)status, err.message);
        assert_int_equal(rows.count, 0);
        ots_buf_deinit(&input);
        ots_arena_deinit(&arena);
    }
}

/* Change the byte at `at` of the small golden and tell what the decoder says. */
static void assert_refused(size_t at, uint8_t byte, const char *message)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf input = test_hex(java_small);
    struct ots_rows rows;
    struct ots_error err = {0};
    input.data[at] = byte;
    assert_int_equal(decode(ots_buf_slice(&input), &arena, &rows, &err), OTS_CORRUPT);
    if (!strstr(err.message, message))
        fail_msg("byte %zu: %s", at, err.message);
    ots_buf_deinit(&input);
    ots_arena_deinit(&arena);
}

static void test_contradictions_are_refused(void **state)
{
    (void)state;
    assert_refused(0x48, 1, "other numbers of names and types");
    assert_refused(0x4c, 0, "a field of an unknown type");
    assert_refused(0x4c, 6, "a field of an unknown type");
    assert_refused(0x4c, 1, "a field without a value");
    assert_refused(0x4d, 5, "a field without a value");
    assert_refused(0x6e, 0, "a row without values");
    assert_refused(0xfd, 1, "a vector longer than the input");
    assert_refused(0x117, 1, "a vector longer than the input");
    assert_refused(0x36, 1, "points beyond the end");
    assert_refused(0x64, 2, "a vtable of a wrong size");
}

static bool is_decoded(struct ots_slice input, void *context)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows;
    struct ots_buf output = OTS_BUF_INIT;
    (void)context;
    enum ots_status status = decode(input, &arena, &rows, NULL);
    /* Whatever is taken can be written again. */
    if (status == OTS_OK)
        assert_int_equal(ots_flatrows_encode(rows.items, rows.count, OTS_PUT_SHARED, &output, NULL),
                         OTS_OK);
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
    return status == OTS_OK;
}

static void test_damage_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct ots_buf input = test_hex(goldens[i]);
        struct test_mangled cut = test_truncate(ots_buf_slice(&input), is_decoded, NULL);
        struct test_mangled bad = test_corrupt(ots_buf_slice(&input), is_decoded, NULL);
        /* A NUL, or padding, at the end is not missed; values have no checksum here. */
        assert_true(cut.accepted <= 8);
        assert_true(bad.accepted < bad.tried);
        ots_buf_deinit(&input);
    }
}

static void test_damage_of_our_own_is_survived(void **state)
{
    (void)state;
    struct test_random random = {5};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows made = test_make_rows(&random, &arena, 8);
    for (int layout = OTS_PUT_PLAIN; layout <= OTS_PUT_SHARED; layout++) {
        struct ots_buf output = OTS_BUF_INIT;
        assert_int_equal(
            ots_flatrows_encode(made.items, made.count, (enum ots_put_layout)layout, &output, NULL),
            OTS_OK);
        test_truncate(ots_buf_slice(&output), is_decoded, NULL);
        struct test_mangled bad = test_corrupt(ots_buf_slice(&output), is_decoded, NULL);
        assert_true(bad.tried >= 8 * output.size);
        ots_buf_deinit(&output);
    }
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_random_rows_come_back),
        cmocka_unit_test(test_shared_layout_is_small),
        cmocka_unit_test(test_shared_layout_shares_only_what_is_equal),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_neighbours_share_their_key),
        cmocka_unit_test(test_groups_of_rows_with_tags_as_text),
        cmocka_unit_test(test_bad_tags),
        cmocka_unit_test(test_repetition_is_bounded),
        cmocka_unit_test(test_repeated_texts_are_bounded),
        cmocka_unit_test(test_input_without_a_root),
        cmocka_unit_test(test_contradictions_are_refused),
        cmocka_unit_test(test_damage_is_survived),
        cmocka_unit_test(test_damage_of_our_own_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
