#include "fs/view/table_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct ots_table_meta options(int32_t ttl, int32_t meta_ttl, bool may_update)
{
    struct ots_table_meta meta = OTS_TABLE_META_DEFAULT;
    meta.name = OTS_SLICE("t");
    meta.time_to_live_s = ttl;
    meta.meta_time_to_live_s = meta_ttl;
    meta.allow_update_attributes = may_update;
    return meta;
}

static void expect_printed(const struct ots_table_meta *meta, const char *wanted)
{
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_table_options_print(meta, &text), OTS_OK);
    ots_buf_append_byte(&text, '\0');
    assert_string_equal((const char *)text.data, wanted);
    ots_buf_deinit(&text);
}

static const struct ots_slice KEY_NAMES[] = {
    {(const uint8_t *)"_m_name", 7},
    {(const uint8_t *)"host", 4},
};
static const struct ots_field_key FIELD_KEYS[] = {
    {{(const uint8_t *)"x", 1}, OTS_KEY_INTEGER},
    {{(const uint8_t *)"yy", 2}, OTS_KEY_STRING},
    {{(const uint8_t *)"z", 1}, OTS_KEY_BINARY},
};

static struct ots_table_meta fixed_options(void)
{
    struct ots_table_meta meta = options(86400, -1, true);
    meta.key_schema = KEY_NAMES;
    meta.key_schema_count = 2;
    meta.field_keys = FIELD_KEYS;
    meta.field_key_count = 3;
    return meta;
}

#define FIXED                                                                                      \
    "\"timeseries_key_schema\":\"_m_name,host\","                                                  \
    "\"field_primary_key_schema\":\"x:INTEGER,yy:STRING,z:BINARY\""

static void test_print(void **state)
{
    (void)state;
    struct ots_table_meta meta = options(-1, -1, true);
    expect_printed(&meta, "{\"time_to_live\":-1,\"meta_time_to_live\":-1,"
                          "\"allow_update_attributes\":true}");
    meta = options(2147483647, 2147483647, false);
    expect_printed(&meta, "{\"time_to_live\":2147483647,\"meta_time_to_live\":2147483647,"
                          "\"allow_update_attributes\":false}");
    meta = fixed_options();
    expect_printed(&meta, "{\"time_to_live\":86400,\"meta_time_to_live\":-1,"
                          "\"allow_update_attributes\":true," FIXED "}");
}

static void expect_parsed(const struct ots_table_meta *from, const char *text,
                          const struct ots_table_meta *wanted)
{
    struct ots_table_meta got;
    struct ots_error err = {.message = ""};
    if (ots_table_options_parse(ots_slice_str(text), from, &got, &err) != OTS_OK)
        fail_msg("%s: %s", text, err.message);
    assert_int_equal(got.time_to_live_s, wanted->time_to_live_s);
    assert_int_equal(got.meta_time_to_live_s, wanted->meta_time_to_live_s);
    assert_int_equal(got.allow_update_attributes, wanted->allow_update_attributes);
}

static void expect_refused(const struct ots_table_meta *from, const char *text, const char *reason)
{
    struct ots_table_meta got;
    struct ots_error err = {.message = ""};
    assert_int_equal(ots_table_options_parse(ots_slice_str(text), from, &got, &err), OTS_INVALID);
    if (!strstr(err.message, reason))
        fail_msg("%s: %s", text, err.message);
}

static void test_parse(void **state)
{
    (void)state;
    struct ots_table_meta from = options(-1, -1, true);
    struct ots_table_meta wanted = from;
    expect_parsed(&from, "{}", &wanted);
    expect_parsed(&from, " {\"time_to_live\": -1}\n", &wanted);
    wanted = options(86400, -1, true);
    expect_parsed(&from, "{\"time_to_live\": 86400}", &wanted);
    wanted = options(86400, 604800, false);
    expect_parsed(&from,
                  "{\"allow_update_attributes\": false, \"meta_time_to_live\": 604800,"
                  " \"time_to_live\": 86400}",
                  &wanted);
    /* What is not named stays. */
    from = wanted;
    wanted.time_to_live_s = 604800;
    expect_parsed(&from, "{\"time_to_live\": 604800}", &wanted);
}

static void test_parse_refusals(void **state)
{
    (void)state;
    struct ots_table_meta from = options(-1, -1, true);
    expect_refused(&from, "", "no JSON");
    expect_refused(&from, "{\"time_to_live\": -1", "no JSON");
    expect_refused(&from, "{} {}", "no JSON");
    expect_refused(&from, "[]", "no JSON object");
    expect_refused(&from, "-1", "no JSON object");
    expect_refused(&from, "{\"ttl\": -1}", "no option ttl");
    expect_refused(&from, "{\"Time_To_Live\": -1}", "no option Time_To_Live");
    expect_refused(&from, "{\"time_to_live\": -1, \"time_to_live\": -1}", "twice");
    expect_refused(&from, "{\"time_to_live\": \"-1\"}", "no number");
    expect_refused(&from, "{\"time_to_live\": 86400.5}", "no number");
    expect_refused(&from, "{\"time_to_live\": 1e300}", "no number");
    expect_refused(&from, "{\"time_to_live\": 2147483648}", "no number");
    expect_refused(&from, "{\"time_to_live\": null}", "no number");
    expect_refused(&from, "{\"time_to_live\": 86399}", "at least 86400");
    expect_refused(&from, "{\"allow_update_attributes\": 1}", "neither true nor false");
    expect_refused(&from, "{\"meta_time_to_live\": 604800}", "must not be updatable");
    expect_refused(&from, "{\"meta_time_to_live\": 604800, \"allow_update_attributes\": false}",
                   "the data's must be set");
    from = options(86400, 604800, false);
    expect_refused(&from, "{\"allow_update_attributes\": true}", "must not be updatable");
    expect_refused(&from, "{\"time_to_live\": 604801}", "not longer");
}

/* Keys that were fixed may be there with the table's values only. */
static void test_parse_fixed(void **state)
{
    (void)state;
    struct ots_table_meta from = fixed_options();
    expect_parsed(&from, "{" FIXED "}", &from);
    expect_refused(&from, "{\"timeseries_key_schema\": \"_m_name\"}", "fixed");
    expect_refused(&from, "{\"timeseries_key_schema\": 5}", "fixed");
    expect_refused(&from, "{\"field_primary_key_schema\": \"x:STRING\"}", "fixed");
    from = options(-1, -1, true);
    expect_parsed(&from, "{\"timeseries_key_schema\": \"\"}", &from);
    expect_refused(&from, "{" FIXED "}", "fixed");
}

/* --- steps ------------------------------------------------------------------------------------*/

static const int32_t TTLS[] = {-1, 86400, 604800, 1000000, 2147483647};
enum { TTL_COUNT = sizeof(TTLS) / sizeof(TTLS[0]), STATES_MAX = TTL_COUNT * TTL_COUNT * 2 };

static size_t valid_states(struct ots_table_meta *states)
{
    size_t count = 0;
    for (size_t i = 0; i < STATES_MAX; i++) {
        struct ots_table_meta meta = options(-1, -1, true);
        struct ots_table_meta wanted =
            options(TTLS[i % TTL_COUNT], TTLS[i / TTL_COUNT % TTL_COUNT], i >= STATES_MAX / 2);
        wanted.has_time_to_live = true;
        wanted.has_meta_time_to_live = true;
        wanted.has_allow_update_attributes = true;
        if (ots_table_meta_update(&meta, &wanted, NULL) == OTS_OK)
            states[count++] = meta;
    }
    return count;
}

static void expect_way(const struct ots_table_meta *from, const struct ots_table_meta *to)
{
    struct ots_table_meta steps[OTS_TABLE_STEPS_MAX];
    struct ots_table_meta at = *from;
    size_t count = ots_table_options_steps(from, to, steps);
    assert_true(count <= OTS_TABLE_STEPS_MAX);
    for (size_t i = 0; i < count; i++) {
        bool is_of_metadata =
            steps[i].has_meta_time_to_live || steps[i].has_allow_update_attributes;
        assert_true(steps[i].has_time_to_live != is_of_metadata);
        assert_int_equal(ots_table_meta_update(&at, &steps[i], NULL), OTS_OK);
    }
    assert_int_equal(at.time_to_live_s, to->time_to_live_s);
    assert_int_equal(at.meta_time_to_live_s, to->meta_time_to_live_s);
    assert_int_equal(at.allow_update_attributes, to->allow_update_attributes);
}

static void test_every_transition(void **state)
{
    (void)state;
    struct ots_table_meta states[STATES_MAX];
    size_t count = valid_states(states);
    assert_int_equal(count, 19); /* ten without a metadata TTL, 2 + 3 + 4 with one */
    for (size_t from = 0; from < count; from++)
        for (size_t to = 0; to < count; to++)
            expect_way(&states[from], &states[to]);
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    struct ots_table_meta meta = options(86400, 604800, false);
    struct ots_table_meta steps[OTS_TABLE_STEPS_MAX];
    assert_int_equal(ots_table_options_steps(&meta, &meta, steps), 0);
    assert_false(ots_table_options_are_default(&meta));
    meta = options(-1, -1, false);
    assert_false(ots_table_options_are_default(&meta));
    meta = options(-1, -1, true);
    assert_true(ots_table_options_are_default(&meta));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refusals),
        cmocka_unit_test(test_parse_fixed),
        cmocka_unit_test(test_every_transition),
        cmocka_unit_test(test_nothing_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
