#include "backend/wire/crc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The definitions, bit by bit. */
static uint8_t slow_crc8(uint8_t crc, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc << 1 ^ (crc & 0x80 ? 0x07 : 0));
    }
    return crc;
}

static uint32_t slow_crc32c(const uint8_t *data, size_t size)
{
    uint32_t reg = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        reg ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            reg = reg >> 1 ^ (reg & 1 ? 0x82F63B78 : 0);
    }
    return ~reg;
}

static void fill(uint8_t *data, size_t size)
{
    uint32_t seed = 12345;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)(seed >> 24);
    }
}

static void test_crc8_known(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 3, 7, 255, 128, 0};
    static const uint8_t expected[] = {7, 28, 65, 51, 16, 112};
    uint8_t crc = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        crc = ots_crc8(crc, &bytes[i], 1);
        assert_int_equal(crc, expected[i]);
    }
    assert_int_equal(ots_crc8(0, bytes, sizeof(bytes)), 112);
    assert_int_equal(ots_crc8(0, "123456789", 9), 0xF4);
    assert_int_equal(ots_crc8(0x5A, NULL, 0), 0x5A);
}

static void test_crc8_every_length(void **state)
{
    (void)state;
    uint8_t data[600];
    fill(data, sizeof(data));
    for (size_t size = 0; size < 64; size++)
        for (size_t start = 0; start < 9; start++)
            assert_int_equal(ots_crc8((uint8_t)(size * 37), data + start, size),
                             slow_crc8((uint8_t)(size * 37), data + start, size));
    assert_int_equal(ots_crc8(0, data, sizeof(data)), slow_crc8(0, data, sizeof(data)));
}

static void test_crc8_every_byte_value_in_every_place(void **state)
{
    (void)state;
    for (size_t place = 0; place < 16; place++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t data[16] = {0};
            data[place] = (uint8_t)value;
            assert_int_equal(ots_crc8(0, data, 16), slow_crc8(0, data, 16));
        }
    }
}

static void test_crc8_chains(void **state)
{
    (void)state;
    uint8_t data[100];
    fill(data, sizeof(data));
    uint8_t whole = ots_crc8(0, data, sizeof(data));
    for (size_t cut = 0; cut <= sizeof(data); cut++)
        assert_int_equal(ots_crc8(ots_crc8(0, data, cut), data + cut, sizeof(data) - cut), whole);
}

static void test_crc32c_known(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0};
    assert_int_equal(ots_crc32c("123456789", 9), 0xE3069283);
    assert_int_equal(ots_crc32c(NULL, 0), 0);
    assert_int_equal(ots_crc32c(zeros, sizeof(zeros)), 0x8A9136AA);
}

static void test_crc32c_every_length(void **state)
{
    (void)state;
    uint8_t data[2048];
    fill(data, sizeof(data));
    for (size_t size = 0; size < sizeof(data); size += 1 + size / 16)
        assert_int_equal(ots_crc32c(data + 1, size), slow_crc32c(data + 1, size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc8_known),
        cmocka_unit_test(test_crc8_every_length),
        cmocka_unit_test(test_crc8_every_byte_value_in_every_place),
        cmocka_unit_test(test_crc8_chains),
        cmocka_unit_test(test_crc32c_known),
        cmocka_unit_test(test_crc32c_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
