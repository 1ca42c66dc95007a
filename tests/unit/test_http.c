#include "backend/wire/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static enum ots_status add(struct ots_headers *headers, const char *name, const char *value)
{
    return ots_headers_add(headers, ots_slice_str(name), ots_slice_str(value));
}

static void assert_header(const struct ots_headers *headers, const char *name, const char *value)
{
    struct ots_slice got = ots_headers_get(headers, name);
    assert_non_null(got.data);
    assert_int_equal(got.size, strlen(value));
    assert_memory_equal(got.data, value, got.size);
}

static void headers_are_found_in_lower_case_and_trimmed(void **state)
{
    (void)state;
    struct ots_headers headers = OTS_HEADERS_INIT;
    assert_int_equal(add(&headers, "X-Ots-Date", " \tnow and then \r\n"), OTS_OK);
    assert_int_equal(add(&headers, "x-ots-empty", "  "), OTS_OK);
    assert_int_equal(add(&headers, "X-OTS-DATE", "second"), OTS_OK);
    assert_int_equal(headers.count, 3);
    assert_header(&headers, OTS_HEADER_DATE, "now and then");
    assert_header(&headers, "x-ots-empty", "");
    assert_null(ots_headers_get(&headers, "x-ots-dat").data);
    assert_true(ots_slice_equal(headers.items[2].name, OTS_SLICE("x-ots-date")));
    ots_headers_deinit(&headers);
    assert_int_equal(headers.count, 0);
    assert_null(ots_headers_get(&headers, OTS_HEADER_DATE).data);
    ots_headers_deinit(&headers);
}

static void names_are_copied(void **state)
{
    (void)state;
    struct ots_headers headers = OTS_HEADERS_INIT;
    char name[] = "Name";
    char value[] = "value";
    assert_int_equal(add(&headers, name, value), OTS_OK);
    memset(name, 'x', sizeof(name) - 1);
    memset(value, 'x', sizeof(value) - 1);
    assert_header(&headers, "name", "value");
    ots_headers_deinit(&headers);
}

static void only_so_many_headers(void **state)
{
    (void)state;
    struct ots_headers headers = OTS_HEADERS_INIT;
    for (int i = 0; i < OTS_HEADERS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "h%d", i);
        assert_int_equal(add(&headers, name, "v"), OTS_OK);
    }
    assert_int_equal(add(&headers, "one-more", "v"), OTS_LIMIT);
    assert_int_equal(headers.count, OTS_HEADERS_MAX);
    assert_header(&headers, "h63", "v");
    ots_headers_deinit(&headers);
}

static void only_so_much_text(void **state)
{
    (void)state;
    static uint8_t text[OTS_HEADER_TEXT_BYTES_MAX + 1];
    memset(text, 'a', sizeof(text));
    struct ots_headers headers = OTS_HEADERS_INIT;
    struct ots_slice name = OTS_SLICE("n");
    assert_int_equal(ots_headers_add(&headers, ots_slice(text, sizeof(text)), OTS_SLICE("")),
                     OTS_LIMIT);
    assert_int_equal(ots_headers_add(&headers, name, ots_slice(text, sizeof(text) - 1)), OTS_LIMIT);
    assert_int_equal(headers.count, 0);
    assert_int_equal(ots_headers_add(&headers, name, ots_slice(text, sizeof(text) - 2)), OTS_OK);
    assert_int_equal(ots_headers_get(&headers, "n").size, sizeof(text) - 2);
    assert_int_equal(add(&headers, "", ""), OTS_OK);
    assert_int_equal(add(&headers, "m", ""), OTS_LIMIT);
    ots_headers_deinit(&headers);
}

static void assert_date(int64_t time_us, const char *expected)
{
    char text[32];
    ots_date_format(time_us, text);
    assert_string_equal(text, expected);
}

static void dates_have_milliseconds(void **state)
{
    (void)state;
    assert_date(1735787045678000, "2025-01-02T03:04:05.678Z");
    assert_date(1735787045678999, "2025-01-02T03:04:05.678Z");
    assert_date(0, "1970-01-01T00:00:00.000Z");
    assert_date(-1, "1969-12-31T23:59:59.999Z");
    assert_date(-1000000, "1969-12-31T23:59:59.000Z");
    assert_date(-62135596800000000, "0001-01-01T00:00:00.000Z");
    assert_date(951782400000000, "2000-02-29T00:00:00.000Z");
    char text[32];
    ots_date_format(INT64_MAX, text);
    assert_true(strlen(text) < sizeof(text));
    ots_date_format(INT64_MIN, text);
    assert_true(strlen(text) < sizeof(text));
}

static void assert_parsed(const char *text, int64_t expected)
{
    int64_t time_us = -1;
    assert_int_equal(ots_date_parse(ots_slice_str(text), &time_us), OTS_OK);
    assert_int_equal(time_us, expected);
}

static void dates_of_every_sdk_are_read(void **state)
{
    (void)state;
    const int64_t second = 1735787045000000;
    assert_parsed("2025-01-02T03:04:05.678Z", second);   /* Java */
    assert_parsed("2025-01-02T03:04:05.000Z", second);   /* Python */
    assert_parsed("2025-01-02T03:04:05.11225Z", second); /* Go: no fraction at all */
    assert_parsed("2025-01-02T03:04:05Z", second);
    assert_parsed("2025-01-02T03:04:05.Z", second);
    assert_parsed("2025-01-02T03:04:05.0123456789012345678901234567890123456789Z", second);
    assert_parsed("2000-02-29T23:59:59.1Z", 951868799000000);
    assert_parsed("0001-01-01T00:00:00Z", -62135596800000000);
    assert_parsed("9999-12-31T23:59:59Z", 253402300799000000);
}

static void assert_fine(const char *text, int64_t expected)
{
    int64_t time_us = -1;
    assert_int_equal(ots_date_parse_fine(ots_slice_str(text), &time_us), OTS_OK);
    assert_int_equal(time_us, expected);
}

static void the_services_dates_have_a_fraction(void **state)
{
    (void)state;
    const int64_t second = 1735787045000000;
    assert_fine("2025-01-02T03:04:05.678Z", second + 678000);
    assert_fine("2025-01-02T03:04:05.123456Z", second + 123456);
    assert_fine("2025-01-02T03:04:05.1234569Z", second + 123456);
    assert_fine("2025-01-02T03:04:05.0123456789012345678901234567890123456789Z", second + 12345);
    assert_fine("2025-01-02T03:04:05.5Z", second + 500000);
    assert_fine("2025-01-02T03:04:05.Z", second);
    assert_fine("2025-01-02T03:04:05Z", second);
    int64_t time_us;
    assert_int_equal(ots_date_parse_fine(OTS_SLICE("2025-01-02T03:04:05.67xZ"), &time_us),
                     OTS_INVALID);
}

static void other_dates_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "2025-01-02",
        "2025-01-02T03:04:05",
        "2025-01-02T03:04:05.678",
        "2025-01-02T03:04:05.678z",
        "2025-01-02T03:04:05,678Z",
        "2025-01-02T03:04:05.67xZ",
        "2025-01-02T03:04:05ZZ",
        "2025-01-02T03:04:05+00:00",
        "2025-01-02 03:04:05Z",
        " 2025-01-02T03:04:05Z",
        "2025-1-2T03:04:05Z",
        "2025-13-02T03:04:05Z",
        "2025-00-02T03:04:05Z",
        "2025-01-00T03:04:05Z",
        "2025-02-29T03:04:05Z",
        "2025-04-31T03:04:05Z",
        "2025-01-02T24:04:05Z",
        "2025-01-02T03:60:05Z",
        "2025-01-02T03:04:60Z",
        "2025-01-02T-3:04:05Z",
        "+025-01-02T03:04:05Z",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int64_t time_us;
        if (ots_date_parse(ots_slice_str(wrong[i]), &time_us) != OTS_INVALID)
            fail_msg("accepted: %s", wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_found_in_lower_case_and_trimmed),
        cmocka_unit_test(names_are_copied),
        cmocka_unit_test(only_so_many_headers),
        cmocka_unit_test(only_so_much_text),
        cmocka_unit_test(dates_have_milliseconds),
        cmocka_unit_test(dates_of_every_sdk_are_read),
        cmocka_unit_test(the_services_dates_have_a_fraction),
        cmocka_unit_test(other_dates_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
