#include "backend/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct ots_json *parse(const char *text)
{
    struct ots_json *json = NULL;
    assert_int_equal(ots_json_parse(ots_slice_str(text), &json, NULL), OTS_OK);
    assert_non_null(json);
    return json;
}

static void test_members(void **state)
{
    (void)state;
    double number = 0;
    bool is_set = false;
    struct ots_json *json =
        parse(" {\"text\": \"a\\u6e29\", \"n\": 9007199254740991, \"b\": true, \"o\": {\"x\": 1}, "
              "\"z\": null, \"Text\": 5}\r\n");
    assert_true(ots_json_is_object(json));
    assert_string_equal(ots_json_string(json, "text"), "a\xE6\xB8\xA9");
    assert_true(ots_json_number(json, "n", &number));
    assert_int_equal((int64_t)number, 9007199254740991);
    assert_true(ots_json_bool(json, "b", &is_set));
    assert_true(is_set);
    assert_true(ots_json_is_object(ots_json_member(json, "o")));
    assert_non_null(ots_json_member(json, "z"));
    assert_string_equal(ots_json_name_at(json, 0), "text");
    assert_string_equal(ots_json_name_at(json, 5), "Text");
    assert_null(ots_json_name_at(json, 6));

    /* Another type, or nothing. */
    assert_null(ots_json_string(json, "Text"));
    assert_null(ots_json_string(json, "none"));
    assert_null(ots_json_member(json, "TEXT"));
    assert_false(ots_json_number(json, "text", &number));
    assert_false(ots_json_bool(json, "n", &is_set));
    assert_false(ots_json_bool(json, "z", &is_set));
    assert_int_equal(ots_json_size(json), 0);
    ots_json_free(json);
}

static void test_arrays(void **state)
{
    (void)state;
    struct ots_json *json = parse("[\"a\", {\"k\": \"v\"}, 3]");
    assert_false(ots_json_is_object(json));
    assert_int_equal(ots_json_size(json), 3);
    assert_string_equal(ots_json_text(ots_json_at(json, 0)), "a");
    assert_string_equal(ots_json_string(ots_json_at(json, 1), "k"), "v");
    assert_null(ots_json_text(ots_json_at(json, 2)));
    assert_null(ots_json_at(json, 3));
    assert_null(ots_json_at(NULL, 0));
    assert_null(ots_json_name_at(json, 0));
    ots_json_free(json);
    ots_json_free(NULL);
}

static void test_bad_documents(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      " ",     "{",          "[1,]", "{\"a\"}",
                                      "nul",   "\"a",   "{\"a\":1}x", "1 2",  "{\"a\":}",
                                      "[1 2]", "{a:1}", "\"\\u12\"",  "\xFF", "'a'"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ots_json *json = NULL;
        struct ots_error err = {0};
        if (ots_json_parse(ots_slice_str(bad[i]), &json, &err) != OTS_CORRUPT)
            fail_msg("%s was accepted", bad[i]);
        assert_null(json);
        assert_non_null(strstr(err.message, "at byte"));
    }
}

static void test_nesting_is_bounded(void **state)
{
    (void)state;
    struct ots_buf buf = OTS_BUF_INIT;
    struct ots_json *json = NULL;
    for (int i = 0; i < 100000; i++)
        ots_buf_append_byte(&buf, '[');
    assert_int_equal(ots_json_parse(ots_buf_slice(&buf), &json, NULL), OTS_CORRUPT);
    ots_buf_deinit(&buf);
}

static void test_what_is_printed_is_parsed(void **state)
{
    (void)state;
    struct ots_json *json = ots_json_object_new();
    struct ots_json *list = ots_json_array_new();
    struct ots_json *inner = ots_json_object_new();
    struct ots_buf buf = OTS_BUF_INIT;
    double number = 0;
    bool is_set = true;
    assert_int_equal(ots_json_set_string(inner, "k", "\"\n"), OTS_OK);
    assert_int_equal(ots_json_push(list, inner), OTS_OK);
    assert_int_equal(ots_json_set(json, "list", list), OTS_OK);
    assert_int_equal(ots_json_set_number(json, "n", 1700000000000000), OTS_OK);
    assert_int_equal(ots_json_set_bool(json, "b", false), OTS_OK);
    assert_int_equal(ots_json_set(json, "none", NULL), OTS_NOMEM);
    assert_int_equal(ots_json_push(json, NULL), OTS_NOMEM);
    assert_int_equal(ots_json_print(json, &buf), OTS_OK);
    ots_json_free(json);
    assert_int_equal(buf.data[buf.size - 1], '\n');

    json = NULL;
    assert_int_equal(ots_json_parse(ots_buf_slice(&buf), &json, NULL), OTS_OK);
    assert_string_equal(ots_json_string(ots_json_at(ots_json_member(json, "list"), 0), "k"),
                        "\"\n");
    assert_true(ots_json_number(json, "n", &number));
    assert_int_equal((int64_t)number, 1700000000000000);
    assert_true(ots_json_bool(json, "b", &is_set));
    assert_false(is_set);
    ots_json_free(json);
    ots_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_bad_documents),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_what_is_printed_is_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
