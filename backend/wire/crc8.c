/*
 * CRC-8 of PlainBuffer, eight bytes per step.
 *
 * The remainder is linear: the checksum of eight bytes is the XOR of what each byte contributes
 * alone, and a byte contributes by its value and by how many bytes follow it. tables[k][v] is the
 * contribution of value v with k bytes behind it, so the eight look-ups of a step do not wait for
 * one another. Each table is in turn the XOR of eight numbers, one for each bit of v, from which
 * the compiler makes it.
 */
#include "backend/wire/crc.h"

/* b0 to b7: the contributions of the values 1, 2, 4, ... 128. */
#define BIT(v, n, b) (((v) >> (n)&1) * (b))
#define ENTRY(v, b0, b1, b2, b3, b4, b5, b6, b7)                                                   \
    (uint8_t)(BIT(v, 0, b0) ^ BIT(v, 1, b1) ^ BIT(v, 2, b2) ^ BIT(v, 3, b3) ^ BIT(v, 4, b4) ^      \
              BIT(v, 5, b5) ^ BIT(v, 6, b6) ^ BIT(v, 7, b7))
#define ENTRIES4(v, ...)                                                                           \
    ENTRY((v), __VA_ARGS__), ENTRY((v) + 1, __VA_ARGS__), ENTRY((v) + 2, __VA_ARGS__),             \
        ENTRY((v) + 3, __VA_ARGS__)
#define ENTRIES16(v, ...)                                                                          \
    ENTRIES4((v), __VA_ARGS__), ENTRIES4((v) + 4, __VA_ARGS__), ENTRIES4((v) + 8, __VA_ARGS__),    \
        ENTRIES4((v) + 12, __VA_ARGS__)
#define ENTRIES64(v, ...)                                                                          \
    ENTRIES16((v), __VA_ARGS__), ENTRIES16((v) + 16, __VA_ARGS__),                                 \
        ENTRIES16((v) + 32, __VA_ARGS__), ENTRIES16((v) + 48, __VA_ARGS__)
#define TABLE(...)                                                                                 \
    {                                                                                              \
        ENTRIES64(0, __VA_ARGS__), ENTRIES64(64, __VA_ARGS__), ENTRIES64(128, __VA_ARGS__),        \
            ENTRIES64(192, __VA_ARGS__)                                                            \
    }

/* Row k holds x^(8(k+1)) to x^(8(k+1)+7) modulo x^8 + x^2 + x + 1. */
static const uint8_t tables[8][256] = {
    TABLE(0x07, 0x0E, 0x1C, 0x38, 0x70, 0xE0, 0xC7, 0x89),
    TABLE(0x15, 0x2A, 0x54, 0xA8, 0x57, 0xAE, 0x5B, 0xB6),
    TABLE(0x6B, 0xD6, 0xAB, 0x51, 0xA2, 0x43, 0x86, 0x0B),
    TABLE(0x16, 0x2C, 0x58, 0xB0, 0x67, 0xCE, 0x9B, 0x31),
    TABLE(0x62, 0xC4, 0x8F, 0x19, 0x32, 0x64, 0xC8, 0x97),
    TABLE(0x29, 0x52, 0xA4, 0x4F, 0x9E, 0x3B, 0x76, 0xEC),
    TABLE(0xDF, 0xB9, 0x75, 0xEA, 0xD3, 0xA1, 0x45, 0x8A),
    TABLE(0x13, 0x26, 0x4C, 0x98, 0x37, 0x6E, 0xDC, 0xBF),
};

uint8_t ots_crc8(uint8_t crc, const void *data, size_t size)
{
    const uint8_t *at = data;
    for (; size >= 8; size -= 8, at += 8)
        crc = tables[7][crc ^ at[0]] ^ tables[6][at[1]] ^ tables[5][at[2]] ^ tables[4][at[3]] ^
              tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
    if (size >= 4) {
        crc = tables[3][crc ^ at[0]] ^ tables[2][at[1]] ^ tables[1][at[2]] ^ tables[0][at[3]];
        size -= 4;
        at += 4;
    }
    for (; size; size--, at++)
        crc = tables[0][crc ^ *at];
    return crc;
}
