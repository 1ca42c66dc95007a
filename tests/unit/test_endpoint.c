#include "backend/client/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_host(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host;
        bool is_loopback;
    } cases[] = {
        {"http://h", "h", false},
        {"https://in.cn-hangzhou.ots.aliyuncs.com", "in.cn-hangzhou.ots.aliyuncs.com", false},
        {"https://h:8443", "h", false},
        {"http://localhost:80", "localhost", true},
        {"http://localhost.example:80", "localhost.example", false},
        {"http://127.0.0.1:8080", "127.0.0.1", true},
        {"http://[::1]:8080", "[::1]", true},
        {"http://[2001:db8::1]", "[2001:db8::1]", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ots_slice host;
        if (!ots_endpoint_parse(ots_slice_str(cases[i].text), &host) ||
            !ots_slice_equal(host, ots_slice_str(cases[i].host)))
            fail_msg("%s", cases[i].text);
        if (ots_endpoint_is_loopback(host) != cases[i].is_loopback)
            fail_msg("%s: loopback", cases[i].text);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           "h",           "ftp://h",    "http://",          "https://",   "http://h/",
        "http://h/p", "http://a b",  "http://@",   "http://u@h",       "http://:80", "http://h?x",
        "http://h#x", "http://h\\x", "http://h\n", "http://h\xc3\xa4",
    };
    struct ots_slice host;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (ots_endpoint_parse(ots_slice_str(texts[i]), &host))
            fail_msg("%s", texts[i]);
}

static void test_length(void **state)
{
    (void)state;
    char text[OTS_ENDPOINT_BYTES_MAX + 1];
    struct ots_slice host;
    memset(text, 'h', sizeof(text));
    memcpy(text, "http://", strlen("http://"));
    assert_true(ots_endpoint_parse(ots_slice(text, OTS_ENDPOINT_BYTES_MAX), &host));
    assert_int_equal(host.size, OTS_ENDPOINT_BYTES_MAX - strlen("http://"));
    assert_false(ots_endpoint_parse(ots_slice(text, sizeof(text)), &host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
