#include "backend/wire/messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TINY_FIELDS_MANY = 4 * 1024 * 1024, TINY_FIELDS_FEW = 1000 };

/* A request for table `t` with so many fields that no action knows, of two bytes each. */
static enum ots_status decode_tiny_fields(size_t count, size_t *used_bytes, struct ots_error *err)
{
    struct ots_buf body = OTS_BUF_INIT;
    ots_buf_append(&body, "\x0a\x01t", 3);
    uint8_t *to = ots_buf_reserve(&body, count * 2);
    assert_non_null(to);
    for (size_t i = 0; i < count; i++) {
        to[2 * i] = 15 << 3;
        to[2 * i + 1] = 0;
    }
    ots_buf_advance(&body, count * 2);
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DESCRIBE_TABLE);
    enum ots_status status = ots_request_decode(ots_buf_slice(&body), &call, err);
    *used_bytes = call.arena.used_bytes;
    ots_call_deinit(&call);
    ots_buf_deinit(&body);
    return status;
}

static void unknown_fields_are_ignored(void **state)
{
    (void)state;
    size_t used_bytes;
    struct ots_error err;
    assert_int_equal(decode_tiny_fields(TINY_FIELDS_FEW, &used_bytes, &err), OTS_OK);
}

static void tiny_fields_do_not_take_memory_without_end(void **state)
{
    (void)state;
    size_t used_bytes;
    struct ots_error err;
    assert_int_equal(decode_tiny_fields(TINY_FIELDS_MANY, &used_bytes, &err), OTS_CORRUPT);
    assert_non_null(strstr(err.message, "too many small fields"));
    assert_true(used_bytes <= (size_t)200 * 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_fields_are_ignored),
        cmocka_unit_test(tiny_fields_do_not_take_memory_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
