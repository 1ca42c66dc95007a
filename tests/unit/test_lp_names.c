#include "fs/lp/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/base/digest.h"
#include "backend/base/utf8.h"
#include "tests/unit/lp_record.h"

static struct ots_slice timeline_name(const struct ots_series_key *key, struct ots_arena *arena)
{
    struct ots_buf name = OTS_BUF_INIT;
    struct ots_slice copy;
    assert_int_equal(ots_timeline_name_append(key, &name), OTS_OK);
    assert_int_equal(ots_arena_copy(arena, ots_buf_slice(&name), &copy), OTS_OK);
    ots_buf_deinit(&name);
    return copy;
}

static struct ots_slice measurement_name(struct ots_slice measurement, struct ots_arena *arena)
{
    struct ots_buf name = OTS_BUF_INIT;
    struct ots_slice copy;
    assert_int_equal(ots_measurement_name_append(measurement, &name), OTS_OK);
    assert_int_equal(ots_arena_copy(arena, ots_buf_slice(&name), &copy), OTS_OK);
    ots_buf_deinit(&name);
    return copy;
}

static void assert_slice(struct ots_slice slice, struct ots_slice expected)
{
    if (!ots_slice_equal(slice, expected))
        fail_msg("'%.*s' is not '%.*s'", OTS_SLICE_FMT(slice), OTS_SLICE_FMT(expected));
}

/* --- timelines -------------------------------------------------------------------------------- */

/* The key's name is `expected`, which reads back as the key. */
static void assert_timeline(const struct ots_series_key *key, const char *expected)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_slice name = timeline_name(key, &arena);
    assert_slice(name, ots_slice_str(expected));
    assert_false(ots_timeline_name_is_hashed(name));
    struct ots_series_key decoded = {key->measurement, OTS_SLICE("?"), NULL, 9};
    assert_int_equal(ots_timeline_name_decode(name, &arena, &decoded, NULL), OTS_OK);
    assert_true(ots_series_key_equal(&decoded, key));
    ots_arena_deinit(&arena);
}

static void assert_tag(struct ots_slice name, struct ots_slice value, const char *expected)
{
    struct ots_tag tag = {name, value};
    struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE(""), &tag, 1};
    assert_timeline(&key, expected);
}

static void test_timelines(void **state)
{
    (void)state;
    struct ots_tag tags[] = {{OTS_SLICE("az"), OTS_SLICE("b")},
                             {OTS_SLICE("region"), OTS_SLICE("hz")}};
    struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE("web-1"), tags, 2};
    assert_timeline(&key, "_data_source=web-1,az=b,region=hz.lp");
    key.data_source = OTS_SLICE("");
    assert_timeline(&key, "az=b,region=hz.lp");
    key.tag_count = 0;
    assert_timeline(&key, "_.lp");
    key.data_source = OTS_SLICE("src");
    assert_timeline(&key, "_data_source=src.lp");
    key.data_source = OTS_SLICE("_");
    assert_timeline(&key, "_data_source=_.lp");
}

static void test_escapes(void **state)
{
    (void)state;
    assert_tag(OTS_SLICE("dev"), OTS_SLICE("sda 1"), "dev=sda%201.lp");
    assert_tag(OTS_SLICE("path"), OTS_SLICE("/var/lib"), "path=%2Fvar%2Flib.lp");
    assert_tag(OTS_SLICE("a"), OTS_SLICE(""), "a=.lp");
    assert_tag(OTS_SLICE("a%2F,=\"\\"), OTS_SLICE("b%,=\"\\"),
               "a%252F%2C%3D%22%5C=b%25%2C%3D%22%5C.lp");
    assert_tag(OTS_SLICE("\x01\x7F"), OTS_SLICE("\n\t\x00"), "%01%7F=%0A%09%00.lp");
    assert_tag(OTS_SLICE("a"), OTS_SLICE("杭州😀"), "a=杭州😀.lp");
    assert_tag(OTS_SLICE("a"), OTS_SLICE("杭\xFF"), "a=%E6%9D%AD%FF.lp");
    assert_tag(OTS_SLICE(".a"), OTS_SLICE("."), "%2Ea=..lp");
    assert_tag(OTS_SLICE("a.b"), OTS_SLICE(".c"), "a.b=.c.lp");
    assert_tag(OTS_SLICE("_"), OTS_SLICE("x.lp"), "_=x.lp.lp");
    assert_tag(OTS_SLICE("~#!*?"), OTS_SLICE("'`$&;<>|"), "~#!*?='`$&;<>|.lp");
    assert_tag(OTS_SLICE("_data_source"), OTS_SLICE("user"), "%5Fdata_source=user.lp");
    assert_tag(OTS_SLICE("time"), OTS_SLICE("t"), "time=t.lp");
}

static void test_order(void **state)
{
    (void)state;
    struct ots_tag tags[] = {{OTS_SLICE("!"), OTS_SLICE("1")},
                             {OTS_SLICE(","), OTS_SLICE("2")},
                             {OTS_SLICE(".4k"), OTS_SLICE("3")},
                             {OTS_SLICE("A"), OTS_SLICE("4")},
                             {OTS_SLICE("_data_source"), OTS_SLICE("5")},
                             {OTS_SLICE("_e"), OTS_SLICE("6")}};
    struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE("s"), tags, 6};
    assert_timeline(&key, "!=1,%2C=2,%5Fdata_source=5,.4k=3,A=4,_data_source=s,_e=6.lp");
    key.tags = tags + 2;
    key.tag_count = 1;
    assert_timeline(&key, "%2E4k=3,_data_source=s.lp");
}

static void test_timeline_refused(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"",
                                        ".lp",
                                        "_",
                                        "a=b",
                                        "a=b.lP",
                                        "a.lp",
                                        "a=b,.lp",
                                        ",a=b.lp",
                                        "a=b,c.lp",
                                        "b=1,a=2.lp",       /* order */
                                        "a=1,a=2.lp",       /* a tag twice */
                                        "_data_source=.lp", /* an empty source is left out */
                                        "_data_source=a,_data_source=b.lp",
                                        "a=%2f.lp",
                                        "a=%41.lp",
                                        "a=%.lp",
                                        "a=%2.lp",
                                        "a=%~.lp",
                                        "a=%G0.lp",
                                        "a=b=c.lp",
                                        "a=b c.lp",
                                        "a=b\".lp",
                                        "a=b\\.lp",
                                        "a=/.lp",
                                        ".a=b.lp",
                                        "a=b,%2Ec=d.lp",
                                        "%5Fa=b.lp",
                                        "a=\xFF.lp",
                                        "a=%E6%9D%AD.lp",
                                        "a=\n.lp",
                                        "_,a=b.lp",
                                        "_=.lp.lp2"};
    struct ots_arena arena = OTS_ARENA_INIT;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct ots_series_key key;
        struct ots_error err;
        if (ots_timeline_name_decode(ots_slice_str(NAMES[i]), &arena, &key, &err) != OTS_INVALID)
            fail_msg("'%s' was taken", NAMES[i]);
        assert_non_null(strstr(err.message, NAMES[i]));
    }
    ots_arena_deinit(&arena);
}

/* --- measurements ----------------------------------------------------------------------------- */

static void assert_measurement(struct ots_slice measurement, const char *expected)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_slice name = measurement_name(measurement, &arena);
    assert_slice(name, ots_slice_str(expected));
    assert_false(ots_measurement_name_is_hashed(name));
    struct ots_slice decoded;
    assert_int_equal(ots_measurement_name_decode(name, &arena, &decoded, NULL), OTS_OK);
    assert_slice(decoded, measurement);
    ots_arena_deinit(&arena);
}

static void test_measurements(void **state)
{
    (void)state;
    assert_measurement(OTS_SLICE("cpu"), "cpu");
    assert_measurement(OTS_SLICE(""), "_%");
    assert_measurement(OTS_SLICE("_"), "_");
    assert_measurement(OTS_SLICE("."), "%2E");
    assert_measurement(OTS_SLICE(".."), "%2E.");
    assert_measurement(OTS_SLICE(".write"), "%2Ewrite");
    assert_measurement(OTS_SLICE("a/b c"), "a%2Fb%20c");
    assert_measurement(OTS_SLICE("%usage"), "%25usage");
    assert_measurement(OTS_SLICE("_%"), "_%25");
    assert_measurement(OTS_SLICE("_data_source"), "_data_source");
    assert_measurement(OTS_SLICE("&+l0m0\\"), "&+l0m0%5C");
    assert_measurement(OTS_SLICE("杭州"), "杭州");
    assert_measurement(OTS_SLICE("\xE6\x9D"), "%E6%9D");
}

static void test_measurement_refused(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"",  ".",  "..",  ".write", "a/b", "a b", "a%2fb", "a%41",
                                        "%", "a%", "a%2", "%_",     "%~",  "_%_", "\xFF",  "a=b"};
    struct ots_arena arena = OTS_ARENA_INIT;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct ots_slice measurement;
        if (ots_measurement_name_decode(ots_slice_str(NAMES[i]), &arena, &measurement, NULL) !=
            OTS_INVALID)
            fail_msg("'%s' was taken", NAMES[i]);
    }
    ots_arena_deinit(&arena);
}

/* --- long names ------------------------------------------------------------------------------- */

static struct ots_slice repeat(const char *piece, size_t size, struct ots_arena *arena)
{
    size_t length = strlen(piece);
    uint8_t *text = ots_arena_alloc(arena, size + length);
    assert_non_null(text);
    size_t at = 0;
    for (; at + length <= size; at += length)
        memcpy(text + at, piece, length);
    return ots_slice(text, at);
}

/* `name` is a prefix of `full` of at least `prefix_min` bytes, the hash of `full`, and `suffix`. */
static void assert_hashed(struct ots_slice name, struct ots_slice full, size_t prefix_min,
                          const char *suffix)
{
    uint8_t digest[OTS_SHA256_BYTES];
    struct ots_buf tail = OTS_BUF_INIT;
    assert_int_equal(ots_sha256(full, digest), OTS_OK);
    ots_buf_append_str(&tail, "%~");
    for (size_t i = 0; i < 16; i++)
        ots_buf_append_fmt(&tail, "%02x", digest[i]);
    ots_buf_append_str(&tail, suffix);
    assert_true(name.size <= OTS_NAME_BYTES_MAX && name.size > tail.size);
    size_t prefix = name.size - tail.size;
    assert_true(prefix >= prefix_min);
    assert_slice(ots_slice(name.data, prefix), ots_slice(full.data, prefix));
    assert_slice(ots_slice(name.data + prefix, tail.size), ots_buf_slice(&tail));
    ots_buf_deinit(&tail);
}

static void test_longest_measurements(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    /* 80 slashes make 240 bytes, which fit; 81 do not. */
    struct ots_slice fits = measurement_name(repeat("/", 80, &arena), &arena);
    assert_int_equal(fits.size, 240);
    assert_false(ots_measurement_name_is_hashed(fits));
    struct ots_slice name = measurement_name(repeat("/", 81, &arena), &arena);
    assert_true(ots_measurement_name_is_hashed(name));
    assert_hashed(name, repeat("%2F", 243, &arena), 204, "");

    name = measurement_name(repeat("/", OTS_MEASUREMENT_BYTES_MAX, &arena), &arena);
    assert_hashed(name, repeat("%2F", 384, &arena), 204, "");
    assert_int_equal(name.size, 204 + 34);
    struct ots_slice decoded;
    assert_int_equal(ots_measurement_name_decode(name, &arena, &decoded, NULL), OTS_INVALID);
    ots_arena_deinit(&arena);
}

/* A source of any length, so that every place is once where the name is cut. */
static void check_cut(const char *piece, const char *escaped_piece)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    for (size_t size = 1; size <= OTS_DATA_SOURCE_BYTES_MAX; size++) {
        struct ots_buf source = OTS_BUF_INIT;
        struct ots_buf full = OTS_BUF_INIT;
        size_t shift = size % 8;
        struct ots_slice tail = repeat(piece, size, &arena);
        ots_buf_append_slice(&source, repeat("x", shift, &arena));
        ots_buf_append_slice(&source, tail);
        ots_buf_append_str(&full, "_data_source=");
        ots_buf_append_slice(&full, repeat("x", shift, &arena));
        ots_buf_append_slice(
            &full,
            repeat(escaped_piece, tail.size / strlen(piece) * strlen(escaped_piece), &arena));
        struct ots_series_key key = {OTS_SLICE("m"), ots_buf_slice(&source), NULL, 0};
        struct ots_slice name = timeline_name(&key, &arena);
        assert_int_equal(ots_timeline_name_is_hashed(name), full.size + 3 > 240);
        if (full.size + 3 > 240) {
            assert_hashed(name, ots_buf_slice(&full), 203 - 3, ".lp");
            assert_true(ots_utf8_is_valid(name));
            assert_int_equal(ots_timeline_name_decode(name, &arena, &key, NULL), OTS_INVALID);
        } else {
            ots_buf_append_str(&full, ".lp");
            assert_slice(name, ots_buf_slice(&full));
        }
        ots_buf_deinit(&source);
        ots_buf_deinit(&full);
        ots_arena_reset(&arena);
    }
    ots_arena_deinit(&arena);
}

static void test_cuts(void **state)
{
    (void)state;
    check_cut("a", "a");
    check_cut("é", "é");
    check_cut("杭", "杭");
    check_cut("😀", "😀");
    check_cut("/", "%2F");
    check_cut(" 😀", "%20😀");
}

/* The largest key: 256 bytes of source, tags whose text has 512 bytes, multi-byte characters. */
static void test_largest_key(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_tag tags[2];
    tags[0] = (struct ots_tag){OTS_SLICE("a"), repeat("😀", 248, &arena)};
    tags[1] = (struct ots_tag){OTS_SLICE("b"), repeat("杭", 248, &arena)};
    struct ots_series_key key = {OTS_SLICE("m"), repeat("/", 256, &arena), tags, 2};
    assert_int_equal(ots_series_key_check(&key, false, NULL), OTS_OK);
    struct ots_slice name = timeline_name(&key, &arena);
    struct ots_buf full = OTS_BUF_INIT;
    ots_buf_append_str(&full, "_data_source=");
    ots_buf_append_slice(&full, repeat("%2F", 768, &arena));
    ots_buf_append_str(&full, ",a=");
    ots_buf_append_slice(&full, tags[0].value);
    ots_buf_append_str(&full, ",b=");
    ots_buf_append_slice(&full, tags[1].value);
    assert_hashed(name, ots_buf_slice(&full), 201, ".lp");

    /* What is cut off still counts. */
    tags[1].value = repeat("杭", 245, &arena);
    assert_false(ots_slice_equal(name, timeline_name(&key, &arena)));
    ots_buf_deinit(&full);
    ots_arena_deinit(&arena);
}

/* For all time: the hash of one name, as sha256sum tells it. */
static void test_known_hash(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = {OTS_SLICE("m"), repeat("x", 256, &arena), NULL, 0};
    struct ots_slice name = timeline_name(&key, &arena);
    assert_int_equal(name.size, 240);
    assert_slice(ots_slice(name.data + 203, 37),
                 OTS_SLICE("%~3a1a17073e82d8ed41293a967ea32534.lp"));
    ots_arena_deinit(&arena);
}

/* --- any key ---------------------------------------------------------------------------------- */

struct named {
    struct ots_slice name;
    struct ots_series_key key;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *left = a;
    const struct named *right = b;
    return ots_slice_compare(left->name, right->name);
}

static void assert_file_name(struct ots_slice name)
{
    assert_true(name.size > 3 && name.size <= OTS_NAME_BYTES_MAX);
    assert_true(name.data[0] != '.');
    assert_null(memchr(name.data, '/', name.size));
    assert_null(memchr(name.data, 0, name.size));
    assert_true(ots_utf8_is_valid(name));
}

/* Different keys have different names, and what is not hashed reads back. */
static void test_random_keys(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct ots_arena arena = OTS_ARENA_INIT;
    struct test_random random = {5};
    struct named *all = calloc(COUNT, sizeof(*all));
    assert_non_null(all);
    for (size_t i = 0; i < COUNT; i++) {
        all[i].key = *lp_hostile_row(&random, &arena).key;
        all[i].key.measurement = OTS_SLICE("m");
        if (i % 50 == 0)
            all[i].key.data_source = lp_hostile_text(&random, &arena, 200);
        all[i].name = timeline_name(&all[i].key, &arena);
        assert_file_name(all[i].name);
        struct ots_series_key decoded = {OTS_SLICE("m"), OTS_SLICE(""), NULL, 0};
        enum ots_status status = ots_timeline_name_decode(all[i].name, &arena, &decoded, NULL);
        if (ots_timeline_name_is_hashed(all[i].name))
            assert_int_equal(status, OTS_INVALID);
        else
            assert_true(status == OTS_OK && ots_series_key_equal(&decoded, &all[i].key));
    }
    qsort(all, COUNT, sizeof(*all), compare_named);
    for (size_t i = 1; i < COUNT; i++)
        if (ots_slice_equal(all[i - 1].name, all[i].name))
            assert_true(ots_series_key_equal(&all[i - 1].key, &all[i].key));
    free(all);
    ots_arena_deinit(&arena);
}

/* Whatever decodes is spelled in the one right way. */
static void test_random_names(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct test_random random = {6};
    size_t decoded_count = 0;
    for (size_t i = 0; i < 20000; i++) {
        struct ots_series_key key = *lp_hostile_row(&random, &arena).key;
        struct ots_slice name = timeline_name(&key, &arena);
        uint8_t changed[OTS_NAME_BYTES_MAX];
        memcpy(changed, name.data, name.size);
        changed[test_random_below(&random, (uint32_t)name.size)] =
            (uint8_t) "%,=.2Fa\x80_"[test_random_below(&random, 9)];
        struct ots_slice other = ots_slice(changed, name.size);
        struct ots_series_key decoded = {key.measurement, OTS_SLICE(""), NULL, 0};
        if (ots_timeline_name_decode(other, &arena, &decoded, NULL) == OTS_OK) {
            decoded_count++;
            assert_slice(timeline_name(&decoded, &arena), other);
        }
        ots_arena_reset(&arena);
    }
    assert_true(decoded_count > 1000);
    ots_arena_deinit(&arena);
}

/* --- both ------------------------------------------------------------------------------------- */

static void test_names_of_a_key(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_key_names names = {0};
    struct test_random random = {7};
    for (size_t i = 0; i < 1000; i++) {
        struct ots_series_key key = *lp_hostile_row(&random, &arena).key;
        assert_int_equal(ots_key_names_set(&names, &key), OTS_OK);
        assert_slice(names.measurement, measurement_name(key.measurement, &arena));
        assert_slice(names.timeline, timeline_name(&key, &arena));
        ots_arena_reset(&arena);
    }
    ots_key_names_deinit(&names);
    assert_int_equal(names.timeline.size, 0);
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timelines),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_timeline_refused),
        cmocka_unit_test(test_measurements),
        cmocka_unit_test(test_measurement_refused),
        cmocka_unit_test(test_longest_measurements),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_largest_key),
        cmocka_unit_test(test_known_hash),
        cmocka_unit_test(test_random_keys),
        cmocka_unit_test(test_random_names),
        cmocka_unit_test(test_names_of_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
