#include "backend/model/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct ots_tag two_tags[] = {
    {{(const uint8_t *)"a", 1}, {(const uint8_t *)"1", 1}},
    {{(const uint8_t *)"b", 1}, {(const uint8_t *)"2", 1}},
};

static struct ots_series_key make_key(const char *measurement, const char *source,
                                      const struct ots_tag *tags, size_t count)
{
    return (struct ots_series_key){ots_slice_str(measurement), ots_slice_str(source), tags, count};
}

/* Ascending: each is less than all that follow. */
static void test_order(void **state)
{
    (void)state;
    static const struct ots_tag a0 = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"0", 1}};
    static const struct ots_tag b0 = {{(const uint8_t *)"b", 1}, {(const uint8_t *)"0", 1}};
    static const struct ots_tag high = {{(const uint8_t *)"\xC3\xA4", 2}, {(const uint8_t *)"", 0}};
    const struct ots_series_key keys[] = {
        make_key("", "z", NULL, 0),        make_key("A", "", NULL, 0),
        make_key("cpu", "", NULL, 0),      make_key("cpu", "", &a0, 1),
        make_key("cpu", "", two_tags, 1),  make_key("cpu", "", two_tags, 2),
        make_key("cpu", "", &b0, 1),       make_key("cpu", "", &high, 1),
        make_key("cpu", "h", NULL, 0),     make_key("cpu0", "", NULL, 0),
        make_key("cpuz", "", two_tags, 2),
    };
    const size_t count = sizeof(keys) / sizeof(keys[0]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order = ots_series_key_compare(&keys[i], &keys[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(ots_series_key_equal(&keys[i], &keys[j]), i == j);
            if (i != j)
                assert_true(ots_series_key_hash(&keys[i]) != ots_series_key_hash(&keys[j]));
        }
    }
}

static void test_hash_is_the_same_everywhere(void **state)
{
    (void)state;
    const struct ots_series_key key = make_key("cpu", "host_1", two_tags, 2);
    const struct ots_series_key empty = make_key("", "", NULL, 0);
    assert_true(ots_series_key_hash(&key) == 0x25B6D14920F8D7F1ULL);
    assert_true(ots_series_key_hash(&empty) == 0x2DE4A55D9E1797AAULL);
}

static void test_hash_keeps_parts_apart(void **state)
{
    (void)state;
    static const struct ots_tag ab = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}};
    static const struct ots_tag a_b = {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"", 0}};
    const struct ots_series_key keys[] = {
        make_key("ab", "", NULL, 0), make_key("a", "b", NULL, 0), make_key("", "ab", NULL, 0),
        make_key("", "", &ab, 1),    make_key("", "", &a_b, 1),
    };
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(ots_series_key_hash(&keys[i]) != ots_series_key_hash(&keys[j]));
}

static void test_hash_spreads(void **state)
{
    (void)state;
    size_t buckets[64] = {0};
    for (unsigned i = 0; i < 6400; i++) {
        char name[16];
        snprintf(name, sizeof(name), "host_%u", i);
        const struct ots_series_key key = make_key("cpu", name, NULL, 0);
        buckets[ots_series_key_hash(&key) & 63]++;
    }
    for (size_t i = 0; i < 64; i++)
        assert_true(buckets[i] > 50 && buckets[i] < 160);
}

static void test_copy(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    char measurement[] = "cpu";
    char value[] = "1";
    const struct ots_tag tag = {OTS_SLICE("a"), ots_slice_str(value)};
    const struct ots_series_key key = {ots_slice_str(measurement), OTS_SLICE_NONE, &tag, 1};
    struct ots_series_key copy;
    assert_int_equal(ots_series_key_copy(&arena, &key, &copy), OTS_OK);
    assert_true(ots_series_key_equal(&key, &copy));
    measurement[0] = 'x';
    value[0] = 'x';
    assert_true(ots_slice_equal(copy.measurement, OTS_SLICE("cpu")));
    assert_true(ots_slice_equal(copy.tags[0].value, OTS_SLICE("1")));
    ots_arena_deinit(&arena);
}

static void test_sort(void **state)
{
    (void)state;
    struct ots_error err = {0};
    struct ots_tag tags[] = {{OTS_SLICE("c"), OTS_SLICE("3")},
                             {OTS_SLICE("B"), OTS_SLICE("2")},
                             {OTS_SLICE("a"), OTS_SLICE("1")},
                             {OTS_SLICE("ab"), OTS_SLICE("4")}};
    const char *const sorted[] = {"B", "a", "ab", "c"};
    assert_int_equal(ots_tags_sort(tags, 4, &err), OTS_OK);
    for (size_t i = 0; i < 4; i++)
        assert_true(ots_slice_equal(tags[i].name, ots_slice_str(sorted[i])));
    assert_int_equal(ots_tags_sort(tags, 4, &err), OTS_OK);
    assert_int_equal(ots_tags_sort(NULL, 0, &err), OTS_OK);

    struct ots_tag twice[] = {{OTS_SLICE("x"), OTS_SLICE("1")}, {OTS_SLICE("x"), OTS_SLICE("1")}};
    assert_int_equal(ots_tags_sort(twice, 2, &err), OTS_INVALID);
    assert_string_equal(err.message, "tag \"x\" occurs twice");
}

static enum ots_status check_measurement(const char *name)
{
    const struct ots_series_key key = make_key(name, "", NULL, 0);
    return ots_series_key_check(&key, false, NULL);
}

static void test_measurements(void **state)
{
    (void)state;
    static const char *const good[] = {"cpu",
                                       "_@?%$A",
                                       "123Test",
                                       "\xE6\xB8\xA9\xE5\xBA\xA6",
                                       "\xE6\xB8\xA9\xE5\xBA\xA6.abc",
                                       "\"=,\\",
                                       "~!",
                                       "\xF0\x9F\x98\x80"};
    static const char *const bad[] = {"##AA##",       "aa bb", " ",           "a\t", "a\n",
                                      "\x01",         "\x7F",  "\xC2\x80", /* C1 control */
                                      "\xC2\x9F",                          /* C1 control */
                                      "\xC2\xA0",                          /* no-break space */
                                      "\xE1\x9A\x80",                      /* U+1680 */
                                      "\xE2\x80\x80",                      /* U+2000 */
                                      "\xE2\x80\x8F",                      /* U+200F */
                                      "\xE2\x80\xA8",                      /* U+2028 */
                                      "\xE2\x80\xAF",                      /* U+202F */
                                      "\xE2\x81\x9F",                      /* U+205F */
                                      "\xE2\x81\xAF",                      /* U+206F */
                                      "\xE3\x80\x80",                      /* U+3000 */
                                      "\xEF\xBB\xBF",                      /* U+FEFF */
                                      "\xFF",         "a\xC3", "\xED\xA0\x80"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(check_measurement(good[i]), OTS_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (check_measurement(bad[i]) != OTS_INVALID)
            fail_msg("measurement %zu was accepted", i);
    /* The neighbours of what is refused. */
    assert_int_equal(check_measurement("\xC2\xA1"), OTS_OK);
    assert_int_equal(check_measurement("\xE2\x80\x90"), OTS_OK);
    assert_int_equal(check_measurement("\xE2\x80\xB0"), OTS_OK);
    assert_int_equal(check_measurement("\xE2\x81\xB0"), OTS_OK);
}

static void test_lengths(void **state)
{
    (void)state;
    char text[600];
    memset(text, 'a', sizeof(text));
    struct ots_series_key key = make_key("", "", NULL, 0);
    assert_int_equal(ots_series_key_check(&key, false, NULL), OTS_INVALID);
    assert_int_equal(ots_series_key_check(&key, true, NULL), OTS_OK);
    key.measurement = ots_slice(text, 128);
    assert_int_equal(ots_series_key_check(&key, false, NULL), OTS_OK);
    key.measurement = ots_slice(text, 129);
    assert_int_equal(ots_series_key_check(&key, true, NULL), OTS_LIMIT);

    key.measurement = OTS_SLICE("m");
    key.data_source = ots_slice(text, 256);
    assert_int_equal(ots_series_key_check(&key, false, NULL), OTS_OK);
    key.data_source = ots_slice(text, 257);
    assert_int_equal(ots_series_key_check(&key, false, NULL), OTS_LIMIT);
    key.data_source = OTS_SLICE("\xFF");
    assert_int_equal(ots_series_key_check(&key, false, NULL), OTS_INVALID);

    /* ["n=..."] with a value of 506 bytes has 512. */
    struct ots_tag tag = {OTS_SLICE("n"), ots_slice(text, 506)};
    key = make_key("m", "", &tag, 1);
    assert_int_equal(ots_series_key_check(&key, false, NULL), OTS_OK);
    tag.value.size++;
    assert_int_equal(ots_series_key_check(&key, false, NULL), OTS_LIMIT);
}

static enum ots_status check_tag(const char *name, const char *value)
{
    const struct ots_tag tag = {ots_slice_str(name), ots_slice_str(value)};
    const struct ots_series_key key = make_key("m", "", &tag, 1);
    struct ots_error err = {0};
    enum ots_status status = ots_series_key_check(&key, false, &err);
    assert_int_equal(err.status, status);
    return status;
}

static void test_tags_are_checked(void **state)
{
    (void)state;
    assert_int_equal(check_tag("os", "linux"), OTS_OK);
    assert_int_equal(check_tag("!~[],\\", ""), OTS_OK);
    assert_int_equal(check_tag("os", " \t\n,[]\\ \xE6\xB8\xA9"), OTS_OK);
    assert_int_equal(check_tag("", "1"), OTS_INVALID);
    assert_int_equal(check_tag("a b", "1"), OTS_INVALID);
    assert_int_equal(check_tag("a\"", "1"), OTS_INVALID);
    assert_int_equal(check_tag("a=", "1"), OTS_INVALID);
    assert_int_equal(check_tag("\xE6\xB8\xA9", "1"), OTS_INVALID);
    assert_int_equal(check_tag("a", "\""), OTS_INVALID);
    assert_int_equal(check_tag("a", "b=c"), OTS_INVALID);
    assert_int_equal(check_tag("a", "\xC3"), OTS_INVALID);
}

static void assert_text(const struct ots_tag *tags, size_t count, const char *expected)
{
    struct ots_buf buf = OTS_BUF_INIT;
    ots_tags_text_append(&buf, tags, count);
    assert_int_equal(ots_tags_text_size(tags, count), strlen(expected));
    assert_true(ots_slice_equal(ots_buf_slice(&buf), ots_slice_str(expected)));
    ots_buf_deinit(&buf);
}

static void test_text_is_written(void **state)
{
    (void)state;
    const struct ots_tag odd = {OTS_SLICE("a"), OTS_SLICE("\\,\n")};
    assert_text(NULL, 0, "[]");
    assert_text(two_tags, 1, "[\"a=1\"]");
    assert_text(two_tags, 2, "[\"a=1\",\"b=2\"]");
    assert_text(&odd, 1, "[\"a=\\,\n\"]");
}

static enum ots_status parse(const char *text, struct ots_arena *arena, const struct ots_tag **tags,
                             size_t *count)
{
    struct ots_error err = {0};
    enum ots_status status = ots_tags_text_parse(ots_slice_str(text), arena, tags, count, &err);
    assert_int_equal(err.status, status);
    return status;
}

static void test_text_is_parsed(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    const struct ots_tag *tags;
    size_t count;
    assert_int_equal(parse("", &arena, &tags, &count), OTS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(parse("[]", &arena, &tags, &count), OTS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(parse("[\"b=2\",\"a=x,y \n]=z\",\"c=\"]", &arena, &tags, &count), OTS_OK);
    assert_int_equal(count, 3);
    assert_true(ots_slice_equal(tags[0].name, OTS_SLICE("a")));
    assert_true(ots_slice_equal(tags[0].value, OTS_SLICE("x,y \n]=z")));
    assert_true(ots_slice_equal(tags[1].value, OTS_SLICE("2")));
    assert_int_equal(tags[2].value.size, 0);
    ots_arena_deinit(&arena);
}

static void test_bad_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[",          "]",          "a",       "\"a=1\"",           "[\"a=1\"",
        "\"a=1\"]",   "[a=1]",      "[\"a\"]", "[\"a=1]",           "[\"a=1\",]",
        "[,\"a=1\"]", "[\"a=1\" ]", "[ ]",     "[\"a=1\"\"b=2\"]",  "[\"a=1\";\"b=2\"]",
        "[\"a=1\"]x", "[\"a=]",     "[\"=",    "[\"a=1\",\"a=2\"]",
    };
    struct ots_arena arena = OTS_ARENA_INIT;
    const struct ots_tag *tags;
    size_t count;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i], &arena, &tags, &count) != OTS_INVALID)
            fail_msg("%s was accepted", bad[i]);
        assert_int_equal(count, 0);
    }
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_hash_is_the_same_everywhere),
        cmocka_unit_test(test_hash_keeps_parts_apart),
        cmocka_unit_test(test_hash_spreads),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_measurements),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_tags_are_checked),
        cmocka_unit_test(test_text_is_written),
        cmocka_unit_test(test_text_is_parsed),
        cmocka_unit_test(test_bad_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
