#include "backend/base/base64.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ots_base64_append(struct ots_buf *buf, struct ots_slice bytes)
{
    uint8_t *to = ots_buf_reserve(buf, (bytes.size + 2) / 3 * 4);
    if (!to)
        return;
    size_t length = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? bytes.data[i + 2] : 0;
        to[length++] = (uint8_t)ALPHABET[group >> 18];
        to[length++] = (uint8_t)ALPHABET[group >> 12 & 63];
        to[length++] = left > 1 ? (uint8_t)ALPHABET[group >> 6 & 63] : '=';
        to[length++] = left > 2 ? (uint8_t)ALPHABET[group & 63] : '=';
    }
    ots_buf_advance(buf, length);
}

static int value_of(uint8_t letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

/* Decode four letters of which the last `padding` are '='; -1 when they are no canonical group. */
static int64_t decode_group(const uint8_t *letters, size_t padding)
{
    int64_t group = 0;
    for (size_t i = 0; i < 4 - padding; i++) {
        int value = value_of(letters[i]);
        if (value < 0)
            return -1;
        group |= (int64_t)value << (18 - 6 * i);
    }
    int64_t unused = padding == 2 ? 0xFFFF : padding == 1 ? 0xFF : 0;
    return group & unused ? -1 : group;
}

enum ots_status ots_base64_decode(struct ots_slice text, struct ots_buf *buf)
{
    if (text.size % 4)
        return OTS_CORRUPT;
    uint8_t *to = ots_buf_reserve(buf, text.size / 4 * 3);
    if (!to)
        return OTS_NOMEM;
    size_t length = 0;
    for (size_t i = 0; i < text.size; i += 4) {
        size_t padding = 0;
        if (i + 4 == text.size && text.data[i + 3] == '=')
            padding = text.data[i + 2] == '=' ? 2 : 1;
        int64_t group = decode_group(text.data + i, padding);
        if (group < 0)
            return OTS_CORRUPT;
        for (size_t byte = 0; byte < 3 - padding; byte++)
            to[length++] = (uint8_t)(group >> (16 - 8 * byte));
    }
    ots_buf_advance(buf, length);
    return OTS_OK;
}
