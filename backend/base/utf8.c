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

char *ots_utf8_show(struct ots_slice text, char *shown, size_t size)
{
    size_t used = 0;
    while (text.size) {
        uint32_t code_point;
        size_t length = ots_utf8_next(text, &code_point);
        bool is_shown = length && code_point >= 0x20 && !(code_point >= 0x7F && code_point < 0xA0);
        size_t taken = length ? length : 1;
        if (used + (is_shown ? taken : 1) >= size)
            break;
        if (is_shown)
            memcpy(shown + used, text.data, taken);
        else
            shown[used] = '?';
        used += is_shown ? taken : 1;
        text = ots_slice(text.data + taken, text.size - taken);
    }
    shown[used] = '\0';
    return shown;
}
