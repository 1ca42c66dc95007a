#include "fs/view/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ots_share parse(const char *name)
{
    struct ots_share share;
    if (ots_share_parse(ots_slice_str(name), &share) != OTS_OK)
        fail_msg("%s is refused", name);
    return share;
}

/* --- names ------------------------------------------------------------------------------------*/

static void names_of_shares(void **state)
{
    (void)state;
    struct ots_share share = parse("0-of-1");
    assert_int_equal(share.index, 0);
    assert_int_equal(share.count, 1);
    share = parse("3-of-4");
    assert_int_equal(share.index, 3);
    assert_int_equal(share.count, 4);
    share = parse("999999-of-1000000");
    assert_int_equal(share.index, 999999);
    assert_int_equal(share.count, OTS_SHARES_MAX);
}

static void names_of_none(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "",
        "0",
        "0-of-",
        "-of-4",
        "of",
        "-of-",
        "0-of-0",
        "4-of-4",
        "5-of-4",
        "00-of-4",
        "01-of-4",
        "1-of-04",
        "1-of-4 ",
        " 1-of-4",
        "1-of-4/",
        "1-of-4x",
        "1-of--4",
        "-1-of-4",
        "+1-of-4",
        "1-OF-4",
        "1of4",
        "1-of-4-of-8",
        "0-of-1000001",
        "1000000-of-1000001",
        "0x1-of-4",
        "1.0-of-4",
        "0-of-99999999999999999999999999",
        "18446744073709551616-of-4",
        "18446744073709551617-of-18446744073709551620",
    };
    struct ots_share share;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (ots_share_parse(ots_slice_str(NAMES[i]), &share) != OTS_NOT_FOUND)
            fail_msg("%s is accepted", NAMES[i]);
    assert_int_equal(ots_share_parse(ots_slice("0-of-2\0", 7), &share), OTS_NOT_FOUND);
}

/* --- hashes -----------------------------------------------------------------------------------*/

/*
 * Workers on different machines, and of different versions, must agree: these never change. They
 * are what other implementations of XXH3 say of the names with a slash between them.
 */
static void hashes_are_the_same_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *measurement;
        const char *timeline;
        uint64_t hash;
    } KNOWN[] = {
        {"cpu", "host=a.lp", UINT64_C(0xb57d2ea501f605c3)},
        {"mem", "_.lp", UINT64_C(0x4c5dcfa45f2cc854)},
        {"_%", "_data_source=web-1,az=b,region=hz.lp", UINT64_C(0x89eec7469886e43a)},
        {"%25usage", "t=a%2Fb.lp", UINT64_C(0x3378f984d50f5825)},
    };
    for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
        uint64_t hash =
            ots_share_hash(ots_slice_str(KNOWN[i].measurement), ots_slice_str(KNOWN[i].timeline));
        if (hash != KNOWN[i].hash)
            fail_msg("%s/%s: %llx", KNOWN[i].measurement, KNOWN[i].timeline,
                     (unsigned long long)hash);
    }
}

/* XXH3 works otherwise on more than 16, 128 and 240 bytes. */
static void hashes_of_long_names(void **state)
{
    (void)state;
    char text[512] = "";
    for (int i = 0; i < 50; i++)
        strcat(text, "k=v,");
    strcat(text, "z=1.lp");
    assert_true(ots_share_hash(OTS_SLICE("cpu"), ots_slice_str(text)) ==
                UINT64_C(0x4e1eed755d9c4223));
    char measurement[240] = "";
    memset(measurement, 'm', 239);
    text[0] = '\0';
    for (int i = 0; i < 118; i++)
        strcat(text, "é");
    strcat(text, ".lp");
    assert_true(ots_share_hash(ots_slice_str(measurement), ots_slice_str(text)) ==
                UINT64_C(0x5b22a1b50889cffc));
}

static void each_timeline_is_in_one_share(void **state)
{
    (void)state;
    enum { TIMELINES = 2000 };
    for (uint64_t count = 1; count <= 17; count++) {
        size_t sizes[17] = {0};
        for (int i = 0; i < TIMELINES; i++) {
            char name[32];
            snprintf(name, sizeof(name), "host=%d.lp", i);
            size_t found = 0;
            for (uint64_t index = 0; index < count; index++) {
                struct ots_share share = {index, count};
                bool has = ots_share_has(&share, OTS_SLICE("cpu"), ots_slice_str(name));
                found += has;
                sizes[index] += has;
            }
            assert_int_equal(found, 1);
        }
        for (uint64_t index = 0; index < count; index++)
            assert_in_range(sizes[index], TIMELINES / count / 2, TIMELINES / count * 2);
    }
}

static void no_share_has_all(void **state)
{
    (void)state;
    struct ots_share all = {0, 0};
    struct ots_share one = {0, 1};
    assert_true(ots_share_has(&all, OTS_SLICE("cpu"), OTS_SLICE("host=a.lp")));
    assert_true(ots_share_has(&one, OTS_SLICE("cpu"), OTS_SLICE("host=a.lp")));
}

/* --- intersections ----------------------------------------------------------------------------*/

static bool has_hash(const struct ots_share *share, uint64_t hash)
{
    return !share->count || hash % share->count == share->index;
}

static void expect_both(const struct ots_share *a, const struct ots_share *b)
{
    struct ots_share both;
    enum ots_status status = ots_share_intersect(a, b, &both);
    for (uint64_t hash = 0; hash < 12 * 12; hash++) {
        bool is_in_both = has_hash(a, hash) && has_hash(b, hash);
        if (is_in_both != (status == OTS_OK && has_hash(&both, hash)))
            fail_msg("%d of %d and %d of %d: %d", (int)a->index, (int)a->count, (int)b->index,
                     (int)b->count, (int)hash);
    }
}

static void a_share_of_a_share_is_what_is_in_both(void **state)
{
    (void)state;
    const struct ots_share all = {0, 0};
    for (struct ots_share a = {0, 1}; a.count <= 12; a.count++) {
        for (a.index = 0; a.index < a.count; a.index++) {
            expect_both(&a, &all);
            expect_both(&all, &a);
            for (struct ots_share b = {0, 1}; b.count <= 12; b.count++)
                for (b.index = 0; b.index < b.count; b.index++)
                    expect_both(&a, &b);
        }
    }
    struct ots_share both;
    assert_int_equal(ots_share_intersect(&all, &all, &both), OTS_OK);
    assert_int_equal(both.count, 0);
}

static void many_shares_within_each_other(void **state)
{
    (void)state;
    /* Counts that have nothing in common, as long as the product is a 64-bit number. */
    static const struct ots_share SHARES[] = {
        {123456, 999983}, {7, 999979}, {999960, 999961}, {1, 3}, {0, 5}};
    struct ots_share both = {0, 0};
    for (size_t i = 0; i < sizeof(SHARES) / sizeof(SHARES[0]); i++) {
        struct ots_share outer = both;
        assert_int_equal(ots_share_intersect(&outer, &SHARES[i], &both), OTS_OK);
    }
    for (size_t i = 0; i < sizeof(SHARES) / sizeof(SHARES[0]); i++)
        assert_int_equal(both.index % SHARES[i].count, SHARES[i].index);
    struct ots_share more = {0, 999959};
    struct ots_share result;
    assert_int_equal(ots_share_intersect(&both, &more, &result), OTS_NOT_FOUND);
    assert_int_equal(ots_share_intersect(&more, &both, &result), OTS_NOT_FOUND);
    assert_int_equal(ots_share_intersect(&both, &SHARES[1], &result), OTS_OK);
    assert_true(result.index == both.index && result.count == both.count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_shares),
        cmocka_unit_test(names_of_none),
        cmocka_unit_test(hashes_are_the_same_everywhere),
        cmocka_unit_test(hashes_of_long_names),
        cmocka_unit_test(each_timeline_is_in_one_share),
        cmocka_unit_test(no_share_has_all),
        cmocka_unit_test(a_share_of_a_share_is_what_is_in_both),
        cmocka_unit_test(many_shares_within_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
