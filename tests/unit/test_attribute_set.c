#include "fs/view/attribute_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum ots_status change(struct ots_attribute_set *set, const char *name, const char *value)
{
    struct ots_slice text = ots_slice_str(value ? value : "");
    struct ots_error err;
    return ots_attribute_set_change(set, ots_slice_str(name), value ? &text : NULL, &err);
}

static void expect_set(const struct ots_attribute_set *set, const char *wanted)
{
    struct ots_buf text = OTS_BUF_INIT;
    ots_tags_text_append(&text, set->items, set->count);
    ots_buf_append_byte(&text, '\0');
    assert_string_equal((const char *)text.data, wanted);
    ots_buf_deinit(&text);
}

static void test_changes(void **state)
{
    (void)state;
    struct ots_attribute_set set = OTS_ATTRIBUTE_SET_INIT;
    expect_set(&set, "[]");
    assert_int_equal(change(&set, "b", "1"), OTS_OK);
    assert_int_equal(change(&set, "c", ""), OTS_OK);
    assert_int_equal(change(&set, "a", "x y"), OTS_OK);
    expect_set(&set, "[\"a=x y\",\"b=1\",\"c=\"]");
    assert_int_equal(change(&set, "b", "a longer value"), OTS_OK);
    expect_set(&set, "[\"a=x y\",\"b=a longer value\",\"c=\"]");
    assert_int_equal(change(&set, "none", NULL), OTS_OK);
    assert_int_equal(change(&set, "a", NULL), OTS_OK);
    expect_set(&set, "[\"b=a longer value\",\"c=\"]");
    assert_int_equal(change(&set, "c", NULL), OTS_OK);
    assert_int_equal(change(&set, "b", NULL), OTS_OK);
    expect_set(&set, "[]");
    ots_attribute_set_deinit(&set);
}

static void test_find(void **state)
{
    (void)state;
    struct ots_attribute_set set = OTS_ATTRIBUTE_SET_INIT;
    assert_null(ots_attribute_find(set.items, set.count, OTS_SLICE("a")));
    assert_int_equal(change(&set, "a", "1"), OTS_OK);
    assert_int_equal(change(&set, "bb", "2"), OTS_OK);
    const struct ots_tag *found = ots_attribute_find(set.items, set.count, OTS_SLICE("bb"));
    assert_non_null(found);
    assert_true(ots_slice_equal(found->value, OTS_SLICE("2")));
    assert_null(ots_attribute_find(set.items, set.count, OTS_SLICE("b")));
    assert_null(ots_attribute_find(set.items, set.count, OTS_SLICE("c")));
    ots_attribute_set_deinit(&set);
}

static void test_limits(void **state)
{
    (void)state;
    struct ots_attribute_set set = OTS_ATTRIBUTE_SET_INIT;
    assert_int_equal(change(&set, "a", "1"), OTS_OK);
    assert_int_equal(change(&set, "", "1"), OTS_INVALID);
    assert_int_equal(change(&set, "a b", "1"), OTS_INVALID);
    assert_int_equal(change(&set, "a=b", "1"), OTS_INVALID);
    assert_int_equal(change(&set, "\xc3\xa4", "1"), OTS_INVALID);
    assert_int_equal(change(&set, "b", "="), OTS_INVALID);
    assert_int_equal(change(&set, "b", "\""), OTS_INVALID);
    assert_int_equal(change(&set, "b", "\xff"), OTS_INVALID);
    expect_set(&set, "[\"a=1\"]");

    /* ["a=...","b=..."] */
    char value[OTS_ATTRIBUTES_TEXT_BYTES_MAX];
    memset(value, 'v', sizeof(value));
    struct ots_slice text = ots_slice(value, sizeof(value) - strlen("[\"a=1\",\"b=\"]"));
    assert_int_equal(ots_attribute_set_change(&set, OTS_SLICE("b"), &text, NULL), OTS_OK);
    text.size++;
    assert_int_equal(ots_attribute_set_change(&set, OTS_SLICE("b"), &text, NULL), OTS_LIMIT);
    assert_int_equal(set.items[1].value.size, text.size - 1);
    assert_int_equal(change(&set, "a", "22"), OTS_LIMIT);
    /* Removing helps. */
    assert_int_equal(change(&set, "b", NULL), OTS_OK);
    expect_set(&set, "[\"a=1\"]");
    ots_attribute_set_deinit(&set);
}

static void test_assign_copies(void **state)
{
    (void)state;
    char value[] = "old";
    const struct ots_tag items[] = {{OTS_SLICE("a"), ots_slice(value, 3)}};
    struct ots_attribute_set set = OTS_ATTRIBUTE_SET_INIT;
    assert_int_equal(ots_attribute_set_assign(&set, items, 1), OTS_OK);
    memcpy(value, "new", 3);
    expect_set(&set, "[\"a=old\"]");
    assert_false(ots_attributes_equal(set.items, set.count, items, 1));
    assert_false(ots_attributes_equal(set.items, set.count, items, 0));
    assert_true(ots_attributes_equal(items, 1, items, 1));
    /* From itself. */
    assert_int_equal(ots_attribute_set_assign(&set, set.items, set.count), OTS_OK);
    expect_set(&set, "[\"a=old\"]");
    assert_int_equal(ots_attribute_set_assign(&set, NULL, 0), OTS_OK);
    expect_set(&set, "[]");
    ots_attribute_set_deinit(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_assign_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
