#include "backend/wire/messages.h"
#include "backend/wire/proto.h"

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

static void fields_are_taken_one_by_one(void **state)
{
    (void)state;
    struct ots_proto_field field;
    /* 1: 300; 2: "ab"; 3: eight bytes; 4: four bytes; 16: empty. */
    const uint8_t bytes[] = {0x08, 0xAC, 0x02, 0x12, 2,    'a', 'b', 0x19, 1, 2,    3,    4,
                             5,    6,    7,    8,    0x25, 1,   2,   3,    4, 0x82, 0x01, 0};
    struct ots_slice rest = ots_slice(bytes, sizeof(bytes));
    assert_int_equal(ots_proto_field_take(&rest, &field), OTS_OK);
    assert_true(field.number == 1 && field.has_value && field.value == 300);
    assert_int_equal(ots_proto_field_take(&rest, &field), OTS_OK);
    assert_true(field.number == 2 && !field.has_value);
    assert_true(ots_slice_equal(field.bytes, OTS_SLICE("ab")));
    assert_ptr_equal(field.bytes.data, bytes + 5);
    for (uint64_t number = 3; number <= 4; number++) {
        assert_int_equal(ots_proto_field_take(&rest, &field), OTS_OK);
        assert_true(field.number == number && !field.has_value && !field.bytes.data);
    }
    assert_int_equal(ots_proto_field_take(&rest, &field), OTS_OK);
    assert_true(field.number == 16 && !field.has_value && field.bytes.data && !field.bytes.size);
    assert_int_equal(rest.size, 0);
}

static void malformed_fields_are_refused(void **state)
{
    (void)state;
    static const struct ots_slice BAD[] = {
        {(const uint8_t *)"\x08", 1},         /* no value */
        {(const uint8_t *)"\x08\x80", 2},     /* half of one */
        {(const uint8_t *)"\x12\x02x", 3},    /* a length beyond the end */
        {(const uint8_t *)"\x12", 1},         /* no length */
        {(const uint8_t *)"\x19\x01\x02", 3}, /* too few of eight bytes */
        {(const uint8_t *)"\x25\x01\x02", 3}, /* too few of four */
        {(const uint8_t *)"\x0b\x01", 2},     /* a group */
        {(const uint8_t *)"\x02\x00", 2},     /* number 0 */
        {(const uint8_t *)"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
        {(const uint8_t *)"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct ots_slice rest = BAD[i];
        struct ots_proto_field field;
        assert_int_equal(ots_proto_field_take(&rest, &field), OTS_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_fields_are_ignored),
        cmocka_unit_test(fields_are_taken_one_by_one),
        cmocka_unit_test(malformed_fields_are_refused),
        cmocka_unit_test(tiny_fields_do_not_take_memory_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
