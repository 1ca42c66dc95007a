#include "fs/lp/print.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/lp_record.h"

static void assert_line(const struct ots_row *row, enum ots_precision precision,
                        const char *expected)
{
    struct ots_lp_printer printer;
    struct ots_buf out = OTS_BUF_INIT;
    ots_lp_printer_init(&printer, precision);
    assert_int_equal(ots_lp_print(&printer, row, &out, NULL), OTS_OK);
    ots_buf_append_byte(&out, 0);
    assert_int_equal(ots_buf_status(&out), OTS_OK);
    assert_string_equal((const char *)out.data, expected);
    ots_buf_deinit(&out);
    ots_lp_printer_deinit(&printer);
}

/* A row of one field, whose text must be `expected`. */
static void assert_field(const char *name, struct ots_value value, const char *expected)
{
    const struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE(""), NULL, 0};
    struct ots_field field = {ots_slice_str(name), value};
    struct ots_row row = {&key, 1, &field, 1};
    struct ots_buf line = OTS_BUF_INIT;
    ots_buf_append_fmt(&line, "m %s 1000\n", expected);
    ots_buf_append_byte(&line, 0);
    assert_line(&row, OTS_PRECISION_NS, (const char *)line.data);
    ots_buf_deinit(&line);
}

static struct ots_value integer(int64_t number)
{
    return (struct ots_value){.type = OTS_INTEGER, .integer = number};
}

static struct ots_value real(double number)
{
    return (struct ots_value){.type = OTS_DOUBLE, .real = number};
}

static struct ots_value real_bits(uint64_t bits)
{
    struct ots_value value = {.type = OTS_DOUBLE};
    memcpy(&value.real, &bits, sizeof(bits));
    return value;
}

static struct ots_value string(struct ots_slice bytes)
{
    return (struct ots_value){.type = OTS_STRING, .bytes = bytes};
}

static struct ots_value binary(struct ots_slice bytes)
{
    return (struct ots_value){.type = OTS_BINARY, .bytes = bytes};
}

static void test_values(void **state)
{
    (void)state;
    assert_field("f", integer(5), "f=5i");
    assert_field("f", integer(INT64_MIN), "f=-9223372036854775808i");
    assert_field("f", real(5), "f=5");
    assert_field("f", real(-0.0), "f=-0");
    assert_field("f", real(0.1), "f=0.1");
    assert_field("f", (struct ots_value){.type = OTS_BOOLEAN, .boolean = true}, "f=true");
    assert_field("f", (struct ots_value){.type = OTS_BOOLEAN, .boolean = false}, "f=false");
    assert_field("f", string(OTS_SLICE("")), "f=\"\"");
    assert_field("f", string(OTS_SLICE("a b,c=d #é")), "f=\"a b,c=d #é\"");
    assert_field("f", string(OTS_SLICE("a\"b\\c\t")), "f=\"a\\\"b\\\\c\t\"");
}

static void test_marked_values(void **state)
{
    (void)state;
    assert_field("f", binary(OTS_SLICE("")), "f@b64=\"\"");
    assert_field("f", binary(OTS_SLICE("\x01\xFF")), "f@b64=\"Af8=\"");
    assert_field("f", real(INFINITY), "f@f64=\"+Inf\"");
    assert_field("f", real(-INFINITY), "f@f64=\"-Inf\"");
    assert_field("f", real_bits(0x7FF8000000000000), "f@f64=\"NaN\"");
    assert_field("f", real_bits(0xFFF8000000000000), "f@f64=\"nan:fff8000000000000\"");
    assert_field("f", real_bits(0x7FF0000000000001), "f@f64=\"nan:7ff0000000000001\"");
    assert_field("f", string(OTS_SLICE("a\nb")), "f@str=\"a\\\\nb\"");
    assert_field("f", string(OTS_SLICE("\r\t\x00\x7F\\\"")),
                 "f@str=\"\\\\r\\\\x09\\\\x00\\\\x7F\\\\\\\\\\\"\"");
}

static void test_field_names(void **state)
{
    (void)state;
    assert_field("time", integer(5), "time@=5i");
    assert_field("time", string(OTS_SLICE("\n")), "time@str=\"\\\\n\"");
    assert_field("time", string(OTS_SLICE("x")), "time@=\"x\"");
    assert_field("__chunk_order", real(1), "__chunk_order@=1");
    assert_field("_field", real(1), "_field=1");
    assert_field("a@b", integer(1), "a@b@=1i");
    assert_field("a@b64", binary(OTS_SLICE("x")), "a@b64@b64=\"eA==\"");
    assert_field("a b,c=d", integer(1), "a\\ b\\,c\\=d=1i");
    assert_field("\n\"\\", integer(1), "\"0A\"22\"5C=1i");
    assert_field("", integer(1), "\"\"=1i");
}

static void test_fields_sorted(void **state)
{
    (void)state;
    const struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE(""), NULL, 0};
    struct ots_field fields[] = {{OTS_SLICE("b"), integer(2)},
                                 {OTS_SLICE("aa"), integer(1)},
                                 {OTS_SLICE("a"), integer(0)},
                                 {OTS_SLICE("c"), integer(3)}};
    struct ots_row row = {&key, 0, fields, 4};
    assert_line(&row, OTS_PRECISION_NS, "m a=0i,aa=1i,b=2i,c=3i 0\n");
}

/* --- series ----------------------------------------------------------------------------------- */

static void assert_key(const struct ots_series_key *key, const char *expected)
{
    struct ots_field field = {OTS_SLICE("f"), integer(1)};
    struct ots_row row = {key, 0, &field, 1};
    struct ots_buf line = OTS_BUF_INIT;
    ots_buf_append_fmt(&line, "%s f=1i 0\n", expected);
    ots_buf_append_byte(&line, 0);
    assert_line(&row, OTS_PRECISION_NS, (const char *)line.data);
    ots_buf_deinit(&line);
}

static void assert_measurement(struct ots_slice measurement, const char *expected)
{
    struct ots_series_key key = {measurement, OTS_SLICE(""), NULL, 0};
    assert_key(&key, expected);
}

static void test_measurements(void **state)
{
    (void)state;
    assert_measurement(OTS_SLICE("cpu"), "cpu");
    assert_measurement(OTS_SLICE(""), "\"\"");
    assert_measurement(OTS_SLICE("#a#"), "\"23a#");
    assert_measurement(OTS_SLICE("a=b"), "a=b");
    assert_measurement(OTS_SLICE("a b,c"), "a\\ b\\,c");
    assert_measurement(OTS_SLICE("\\x"), "\\x");
    assert_measurement(OTS_SLICE("x\\"), "x\"5C");
    assert_measurement(OTS_SLICE("\\\\x"), "\"5C\\x");
    assert_measurement(OTS_SLICE("a\\=b\\,c\\ d\\\"\\\n"),
                       "a\"5C=b\"5C\\,c\"5C\\ d\"5C\"22\"5C\"0A");
    assert_measurement(OTS_SLICE("a\"b"), "a\"22b");
    assert_measurement(OTS_SLICE("\x00\x1F\x7F"), "\"00\"1F\"7F");
    assert_measurement(OTS_SLICE("杭\xFF"), "杭\xFF");
    assert_measurement(OTS_SLICE("time"), "time");
}

static void test_tags(void **state)
{
    (void)state;
    struct ots_tag tags[] = {{OTS_SLICE("a"), OTS_SLICE("x=y z,\\n")},
                             {OTS_SLICE("b"), OTS_SLICE("")}};
    struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE("web 1"), tags, 2};
    assert_key(&key, "m,_data_source=web\\ 1,a=x\\=y\\ z\\,\\n,b=\"\"");
    key.data_source = OTS_SLICE("");
    assert_key(&key, "m,a=x\\=y\\ z\\,\\n,b=\"\"");
}

static void test_source_in_place(void **state)
{
    (void)state;
    struct ots_tag tags[] = {{OTS_SLICE("A"), OTS_SLICE("1")},
                             {OTS_SLICE("_"), OTS_SLICE("2")},
                             {OTS_SLICE("_e"), OTS_SLICE("3")}};
    struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE("s"), tags, 3};
    assert_key(&key, "m,A=1,_=2,_data_source=s,_e=3");
    key.tag_count = 2;
    assert_key(&key, "m,A=1,_=2,_data_source=s");
    key.tag_count = 0;
    assert_key(&key, "m,_data_source=s");
}

/* A mark moves a tag; an escape does not. */
static void test_reserved_tags(void **state)
{
    (void)state;
    struct ots_tag tags[] = {{OTS_SLICE(" "), OTS_SLICE("0")},
                             {OTS_SLICE("!"), OTS_SLICE("1")},
                             {OTS_SLICE("A"), OTS_SLICE("2")},
                             {OTS_SLICE("_data_source"), OTS_SLICE("3")},
                             {OTS_SLICE("_field"), OTS_SLICE("4")},
                             {OTS_SLICE("_measurement"), OTS_SLICE("5")},
                             {OTS_SLICE("__chunk_order"), OTS_SLICE("6")},
                             {OTS_SLICE("time"), OTS_SLICE("7")},
                             {OTS_SLICE("times"), OTS_SLICE("8")}};
    assert_int_equal(ots_tags_sort(tags, 9, NULL), OTS_OK);
    struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE("s"), tags, 9};
    assert_key(&key, "m,\\ =0,!=1,\"5F_chunk_order=6,\"5Fdata_source=3,\"5Ffield=4,"
                     "\"5Fmeasurement=5,\"74ime=7,A=2,_data_source=s,times=8");
}

/* --- time ------------------------------------------------------------------------------------- */

static void test_time(void **state)
{
    (void)state;
    const struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE(""), NULL, 0};
    struct ots_field field = {OTS_SLICE("f"), integer(1)};
    struct ots_row row = {&key, 1700000000000000, &field, 1};
    assert_line(&row, OTS_PRECISION_NS, "m f=1i 1700000000000000000\n");
    assert_line(&row, OTS_PRECISION_US, "m f=1i 1700000000000000\n");
    assert_line(&row, OTS_PRECISION_MS, "m f=1i 1700000000000\n");
    assert_line(&row, OTS_PRECISION_S, "m f=1i 1700000000\n");
    row.time_us = INT64_MAX;
    assert_line(&row, OTS_PRECISION_NS, "m f=1i 9223372036854775807000\n");
    row.time_us = 0;
    assert_line(&row, OTS_PRECISION_NS, "m f=1i 0\n");
}

static void test_refused(void **state)
{
    (void)state;
    const struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE(""), NULL, 0};
    struct ots_field field = {OTS_SLICE("f"), integer(1)};
    struct ots_row row = {&key, 1000, &field, 1};
    struct ots_lp_printer printer;
    struct ots_error err;
    struct ots_buf out = OTS_BUF_INIT;
    ots_lp_printer_init(&printer, OTS_PRECISION_S);
    ots_buf_append_str(&out, "before");
    assert_int_equal(ots_lp_print(&printer, &row, &out, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "1000"));
    row.time_us = -1000000;
    assert_int_equal(ots_lp_print(&printer, &row, &out, &err), OTS_INVALID);
    row.time_us = 0;
    row.field_count = 0;
    assert_int_equal(ots_lp_print(&printer, &row, &out, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "without fields"));
    assert_int_equal(out.size, 6);
    assert_int_equal(ots_buf_status(&out), OTS_OK);
    ots_buf_deinit(&out);
    ots_lp_printer_deinit(&printer);
}

/* --- many rows -------------------------------------------------------------------------------- */

static void test_key_remembered(void **state)
{
    (void)state;
    struct ots_series_key keys[] = {{OTS_SLICE("a"), OTS_SLICE(""), NULL, 0},
                                    {OTS_SLICE("b"), OTS_SLICE(""), NULL, 0}};
    struct ots_field field = {OTS_SLICE("f"), integer(1)};
    struct ots_lp_printer printer;
    struct ots_buf out = OTS_BUF_INIT;
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    const size_t order[] = {0, 0, 1, 0, 1, 1};
    for (size_t i = 0; i < 6; i++) {
        struct ots_row row = {&keys[order[i]], 0, &field, 1};
        assert_int_equal(ots_lp_print(&printer, &row, &out, NULL), OTS_OK);
    }
    keys[1].measurement = OTS_SLICE("c");
    ots_lp_printer_forget_key(&printer);
    struct ots_row row = {&keys[1], 0, &field, 1};
    assert_int_equal(ots_lp_print(&printer, &row, &out, NULL), OTS_OK);
    ots_buf_append_byte(&out, 0);
    assert_string_equal((const char *)out.data,
                        "a f=1i 0\na f=1i 0\nb f=1i 0\na f=1i 0\nb f=1i 0\nb f=1i 0\nc f=1i 0\n");
    ots_buf_deinit(&out);
    ots_lp_printer_deinit(&printer);
}

/* One row is one line, with no byte in it that line protocol cannot carry. */
static void test_hostile_one_line(void **state)
{
    (void)state;
    struct test_random random = {3};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_lp_printer printer;
    struct ots_buf out = OTS_BUF_INIT;
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    for (size_t i = 0; i < 5000; i++) {
        struct ots_row row = lp_hostile_row(&random, &arena);
        ots_buf_reset(&out);
        ots_lp_printer_forget_key(&printer);
        assert_int_equal(ots_lp_print(&printer, &row, &out, NULL), OTS_OK);
        assert_int_equal(out.data[out.size - 1], '\n');
        for (size_t at = 0; at + 1 < out.size; at++)
            assert_true((out.data[at] >= ' ' && out.data[at] != 0x7F) || out.data[at] == '\t');
        ots_arena_reset(&arena);
    }
    ots_buf_deinit(&out);
    ots_lp_printer_deinit(&printer);
    ots_arena_deinit(&arena);
}

static void append_fresh(const struct ots_row *row, struct ots_buf *out)
{
    struct ots_lp_printer printer;
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    assert_int_equal(ots_lp_print(&printer, row, out, NULL), OTS_OK);
    ots_lp_printer_deinit(&printer);
}

/* What a printer remembers of rows before changes nothing. */
static void test_remembered_names(void **state)
{
    (void)state;
    const struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE(""), NULL, 0};
    struct ots_field fields[][2] = {
        {{OTS_SLICE("a"), integer(1)}, {OTS_SLICE("b"), real(1.5)}},
        {{OTS_SLICE("a"), string(OTS_SLICE("x\n"))}, {OTS_SLICE("b"), real(INFINITY)}},
        {{OTS_SLICE("a=,b"), integer(1)}, {OTS_SLICE("c"), integer(1)}},
        {{OTS_SLICE("b"), integer(1)}, {OTS_SLICE("a"), integer(1)}},
        {{OTS_SLICE("a"), integer(1)}, {OTS_SLICE("b@"), integer(1)}},
        {{OTS_SLICE("time"), integer(1)}, {OTS_SLICE("y"), integer(1)}},
        {{OTS_SLICE("usage_guest"), integer(1)}, {OTS_SLICE("usage_of_a_long_name"), real(-2)}},
        {{OTS_SLICE("usage_guesT"), integer(1)}, {OTS_SLICE("usage_of_a_long_name"), real(-2)}},
    };
    const size_t count = sizeof(fields) / sizeof(fields[0]);
    struct ots_lp_printer printer;
    struct ots_buf got = OTS_BUF_INIT;
    struct ots_buf wanted = OTS_BUF_INIT;
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    for (size_t i = 0; i < count * count * 4; i++) {
        size_t first = i / 4 / count;
        size_t shape = i & 1 ? first : i / 4 % count;
        struct ots_row row = {&key, 5, fields[shape], i & 2 ? 1 : 2};
        assert_int_equal(ots_lp_print(&printer, &row, &got, NULL), OTS_OK);
        append_fresh(&row, &wanted);
    }
    assert_true(ots_slice_equal(ots_buf_slice(&got), ots_buf_slice(&wanted)));
    ots_lp_printer_deinit(&printer);
    ots_buf_deinit(&got);
    ots_buf_deinit(&wanted);
}

/* Keys that need nothing are written another way than the others; one byte makes the difference. */
static void test_key_of_any_length(void **state)
{
    (void)state;
    static const char SPECIAL[] = {' ', ',', '=', '"', '\x7f', '\t', 'x'};
    static const char *const TEXTS[] = {"\\ ", "\\,", "\\=", "\"22", "\"7F", "\"09", "x"};
    static uint8_t value[6000];
    for (size_t size = 1; size <= sizeof(value); size = size < 40 ? size + 1 : size * 3 / 2) {
        for (size_t i = 0; i < sizeof(SPECIAL); i++) {
            memset(value, 'v', size);
            value[size / 2] = (uint8_t)SPECIAL[i];
            struct ots_tag tag = {OTS_SLICE("k"), ots_slice(value, size)};
            const struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE("s"), &tag, 1};
            struct ots_field field = {OTS_SLICE("f"), integer(1)};
            struct ots_row row = {&key, 0, &field, 1};
            struct ots_buf line = OTS_BUF_INIT;
            ots_buf_append_str(&line, "m,_data_source=s,k=");
            ots_buf_append(&line, value, size / 2);
            ots_buf_append_str(&line, TEXTS[i]);
            ots_buf_append(&line, value + size / 2 + 1, size - size / 2 - 1);
            ots_buf_append_str(&line, " f=1i 0\n");
            ots_buf_append_byte(&line, 0);
            assert_line(&row, OTS_PRECISION_NS, (const char *)line.data);
            ots_buf_deinit(&line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_marked_values),
        cmocka_unit_test(test_field_names),
        cmocka_unit_test(test_fields_sorted),
        cmocka_unit_test(test_measurements),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_source_in_place),
        cmocka_unit_test(test_reserved_tags),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_key_remembered),
        cmocka_unit_test(test_hostile_one_line),
        cmocka_unit_test(test_remembered_names),
        cmocka_unit_test(test_key_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
