#include "backend/base/utf8.h"

size_t ots_utf8_next(struct ots_slice text, uint32_t *code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text.data[0];
    if (first < 0x80) {
        *code_point = first;
        return 1;
    }
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size < length)
        return 0;
    uint32_t value = first & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text.data[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (text.data[i] & 0x3F);
    }
    bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < smallest[length] || value > 0x10FFFF || is_surrogate)
        return 0;
    *code_point = value;
    return length;
}

bool ots_utf8_is_valid(struct ots_slice text)
{
    while (text.size) {
        uint32_t code_point;
        size_t length = ots_utf8_next(text, &code_point);
        if (!length)
            return false;
        text = ots_slice(text.data + length, text.size - length);
    }
    return true;
}
