#include "backend/model/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct ots_tag tags[] = {
    {{(const uint8_t *)"os", 2}, {(const uint8_t *)"linux", 5}},
    {{(const uint8_t *)"zone", 4}, {(const uint8_t *)"", 0}},
};
static const struct ots_tag attribute = {{(const uint8_t *)"owner", 5},
                                         {(const uint8_t *)"bob", 3}};

static struct ots_timeline_meta make_meta(void)
{
    return (struct ots_timeline_meta){
        {OTS_SLICE("cpu"), OTS_SLICE("host_1"), tags, 2}, &attribute, 1, 1000};
}

static struct ots_condition compare(enum ots_condition_kind kind, enum ots_comparison comparison,
                                    const char *name, const char *value)
{
    return (struct ots_condition){.kind = kind,
                                  .comparison = comparison,
                                  .name = ots_slice_str(name),
                                  .value = ots_slice_str(value)};
}

static struct ots_condition combine(enum ots_logic logic, const struct ots_condition *children,
                                    size_t count)
{
    return (struct ots_condition){.kind = OTS_CONDITION_COMPOSITE,
                                  .logic = logic,
                                  .children = children,
                                  .child_count = count};
}

static bool matches(struct ots_condition condition)
{
    const struct ots_timeline_meta meta = make_meta();
    return ots_condition_matches(&condition, &meta);
}

static void test_no_condition(void **state)
{
    (void)state;
    const struct ots_timeline_meta meta = make_meta();
    assert_true(ots_condition_matches(NULL, &meta));
    assert_int_equal(ots_condition_check(NULL, NULL), OTS_OK);
}

/* One row for each operator, against a value below, equal to and above the timeline's. */
static const struct {
    enum ots_comparison comparison;
    bool below;
    bool equal;
    bool above;
} truths[] = {
    {OTS_EQUAL, false, true, false},        {OTS_GREATER_THAN, true, false, false},
    {OTS_GREATER_EQUAL, true, true, false}, {OTS_LESS_THAN, false, false, true},
    {OTS_LESS_EQUAL, false, true, true},
};

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        enum ots_condition_kind kind;
        const char *name;
        const char *values[3];
    } cases[] = {
        {OTS_CONDITION_MEASUREMENT, "", {"cpa", "cpu", "cpu0"}},
        {OTS_CONDITION_DATA_SOURCE, "", {"host", "host_1", "i"}},
        {OTS_CONDITION_TAG, "os", {"Linux", "linux", "linux\xC3\xA4"}},
        {OTS_CONDITION_ATTRIBUTE, "owner", {"", "bob", "c"}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t j = 0; j < sizeof(truths) / sizeof(truths[0]); j++) {
            const bool expected[] = {truths[j].below, truths[j].equal, truths[j].above};
            for (size_t k = 0; k < 3; k++)
                assert_int_equal(matches(compare(cases[i].kind, truths[j].comparison, cases[i].name,
                                                 cases[i].values[k])),
                                 expected[k]);
        }
    }
}

static void test_prefixes(void **state)
{
    (void)state;
    assert_true(matches(compare(OTS_CONDITION_MEASUREMENT, OTS_PREFIX, "", "")));
    assert_true(matches(compare(OTS_CONDITION_MEASUREMENT, OTS_PREFIX, "", "cp")));
    assert_true(matches(compare(OTS_CONDITION_MEASUREMENT, OTS_PREFIX, "", "cpu")));
    assert_false(matches(compare(OTS_CONDITION_MEASUREMENT, OTS_PREFIX, "", "cpu0")));
    assert_false(matches(compare(OTS_CONDITION_MEASUREMENT, OTS_PREFIX, "", "pu")));
    assert_true(matches(compare(OTS_CONDITION_TAG, OTS_PREFIX, "os", "li")));
}

static void test_what_is_missing_satisfies_nothing(void **state)
{
    (void)state;
    for (int comparison = OTS_EQUAL; comparison <= OTS_PREFIX; comparison++) {
        enum ots_comparison by = (enum ots_comparison)comparison;
        assert_false(matches(compare(OTS_CONDITION_TAG, by, "owner", "")));
        assert_false(matches(compare(OTS_CONDITION_ATTRIBUTE, by, "os", "")));
    }
    assert_true(matches(compare(OTS_CONDITION_TAG, OTS_EQUAL, "zone", "")));
}

static void test_update_time(void **state)
{
    (void)state;
    const int64_t times[] = {999, 1000, 1001};
    for (size_t j = 0; j < sizeof(truths) / sizeof(truths[0]); j++) {
        const bool expected[] = {truths[j].below, truths[j].equal, truths[j].above};
        for (size_t k = 0; k < 3; k++) {
            struct ots_condition condition = {.kind = OTS_CONDITION_UPDATE_TIME,
                                              .comparison = truths[j].comparison,
                                              .time_us = times[k]};
            assert_int_equal(matches(condition), expected[k]);
        }
    }
    struct ots_condition extreme = {
        .kind = OTS_CONDITION_UPDATE_TIME, .comparison = OTS_GREATER_THAN, .time_us = INT64_MIN};
    assert_true(matches(extreme));
    extreme.comparison = OTS_PREFIX;
    assert_false(matches(extreme));
}

static void test_composites(void **state)
{
    (void)state;
    const struct ots_condition yes = compare(OTS_CONDITION_MEASUREMENT, OTS_EQUAL, "", "cpu");
    const struct ots_condition no = compare(OTS_CONDITION_MEASUREMENT, OTS_EQUAL, "", "mem");
    const struct ots_condition pairs[4][2] = {{no, no}, {no, yes}, {yes, no}, {yes, yes}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(matches(combine(OTS_LOGIC_AND, pairs[i], 2)), i == 3);
        assert_int_equal(matches(combine(OTS_LOGIC_OR, pairs[i], 2)), i != 0);
        assert_int_equal(matches(combine(OTS_LOGIC_NOT, pairs[i], 2)), i != 3);
        assert_int_equal(matches(combine(OTS_LOGIC_NOT, pairs[i], 1)), i < 2);
    }
    const struct ots_condition inner[] = {combine(OTS_LOGIC_NOT, &no, 1), yes};
    assert_true(matches(combine(OTS_LOGIC_AND, inner, 2)));
}

static enum ots_status check(struct ots_condition condition)
{
    struct ots_error err = {0};
    enum ots_status status = ots_condition_check(&condition, &err);
    assert_int_equal(err.status, status);
    return status;
}

static void test_check(void **state)
{
    (void)state;
    const struct ots_condition good = compare(OTS_CONDITION_TAG, OTS_PREFIX, "a", "b");
    const struct ots_condition two[] = {good, good};
    const struct ots_condition bad[] = {
        compare((enum ots_condition_kind)0, OTS_EQUAL, "", ""),
        compare((enum ots_condition_kind)7, OTS_EQUAL, "", ""),
        compare(OTS_CONDITION_TAG, (enum ots_comparison)0, "", ""),
        compare(OTS_CONDITION_TAG, (enum ots_comparison)7, "", ""),
        compare(OTS_CONDITION_UPDATE_TIME, OTS_PREFIX, "", ""),
        combine((enum ots_logic)0, two, 2),
        combine((enum ots_logic)4, two, 2),
        combine(OTS_LOGIC_AND, NULL, 0),
        combine(OTS_LOGIC_OR, NULL, 0),
        combine(OTS_LOGIC_NOT, NULL, 0),
        combine(OTS_LOGIC_NOT, two, 2),
    };
    assert_int_equal(check(good), OTS_OK);
    assert_int_equal(check(combine(OTS_LOGIC_AND, two, 2)), OTS_OK);
    assert_int_equal(check(combine(OTS_LOGIC_OR, two, 1)), OTS_OK);
    assert_int_equal(check(combine(OTS_LOGIC_NOT, two, 1)), OTS_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct ots_condition nested[] = {good, bad[i]};
        assert_int_equal(check(bad[i]), OTS_INVALID);
        assert_int_equal(check(combine(OTS_LOGIC_OR, nested, 2)), OTS_INVALID);
    }
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    struct ots_condition chain[OTS_CONDITION_DEPTH_MAX + 1];
    chain[0] = compare(OTS_CONDITION_TAG, OTS_EQUAL, "a", "b");
    for (size_t i = 1; i <= OTS_CONDITION_DEPTH_MAX; i++)
        chain[i] = combine(OTS_LOGIC_NOT, &chain[i - 1], 1);
    assert_int_equal(check(chain[OTS_CONDITION_DEPTH_MAX - 1]), OTS_OK);
    assert_int_equal(check(chain[OTS_CONDITION_DEPTH_MAX]), OTS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_condition),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_what_is_missing_satisfies_nothing),
        cmocka_unit_test(test_update_time),
        cmocka_unit_test(test_composites),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
