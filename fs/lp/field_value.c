#include "fs/lp/field_value.h"

#include <math.h>

#include "backend/base/base64.h"
#include "fs/lp/number.h"

bool ots_lp_mark_find(struct ots_slice kind, enum ots_lp_mark *mark)
{
    if (!kind.size)
        *mark = OTS_LP_MARKED_NAME;
    else if (ots_slice_equal(kind, OTS_SLICE("b64")))
        *mark = OTS_LP_MARKED_BINARY;
    else if (ots_slice_equal(kind, OTS_SLICE("f64")))
        *mark = OTS_LP_MARKED_REAL;
    else if (ots_slice_equal(kind, OTS_SLICE("str")))
        *mark = OTS_LP_MARKED_STRING;
    else
        return false;
    return true;
}

/* --- numbers and booleans --------------------------------------------------------------------- */

static enum ots_status read_number(struct ots_lp_cursor *cursor, struct ots_value *value)
{
    const uint8_t *start = cursor->at;
    struct ots_decimal decimal;
    const uint8_t *at = ots_decimal_scan(start, cursor->end, &decimal);
    if (!at)
        return ots_lp_wrong(cursor, start, "a malformed number");
    cursor->at = at;
    if (*at != 'i' && *at != 'u') {
        value->type = OTS_DOUBLE;
        if (ots_decimal_to_double(&decimal, &value->real) != OTS_OK)
            return ots_lp_wrong(cursor, start, "a number beyond the largest double");
        return OTS_OK;
    }
    cursor->at++;
    value->type = OTS_INTEGER;
    if (*at == 'u' && decimal.is_negative)
        return ots_lp_wrong(cursor, start, "an unsigned number below 0");
    enum ots_status status = ots_decimal_to_i64(&decimal, &value->integer);
    if (status == OTS_INVALID)
        return ots_lp_wrong(cursor, start, "an integer with a point or an exponent");
    if (status != OTS_OK)
        return ots_lp_wrong(cursor, start,
                            *at == 'u' ? "the service stores no unsigned number above 2^63-1"
                                       : "an integer beyond 64 bits");
    return OTS_OK;
}

static enum ots_status read_boolean(struct ots_lp_cursor *cursor, struct ots_value *value)
{
    static const char *const SPELLINGS[] = {"t", "true",  "True",  "TRUE",  "T",
                                            "f", "false", "False", "FALSE", "F"};
    enum { TRUE_COUNT = 5, COUNT = 10 };
    const uint8_t *at = cursor->at;
    while ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z')
        at++;
    struct ots_slice word = ots_slice(cursor->at, (size_t)(at - cursor->at));
    for (size_t i = 0; i < COUNT; i++) {
        if (!ots_slice_equal(word, ots_slice_str(SPELLINGS[i])))
            continue;
        value->type = OTS_BOOLEAN;
        value->boolean = i < TRUE_COUNT;
        cursor->at = at;
        return OTS_OK;
    }
    return ots_lp_wrong(cursor, cursor->at, "no number, boolean or quoted string");
}

/* --- strings ---------------------------------------------------------------------------------- */

/* Undo `\"` and `\\`; a backslash before anything else is itself. */
static enum ots_status unescape_string(struct ots_slice text, struct ots_arena *arena,
                                       struct ots_slice *string)
{
    uint8_t *data = ots_arena_alloc(arena, text.size);
    if (!data)
        return OTS_NOMEM;
    uint8_t *to = data;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\\' && (text.data[i + 1] == '"' || text.data[i + 1] == '\\'))
            i++;
        *to++ = text.data[i];
    }
    *string = ots_slice(data, (size_t)(to - data));
    return OTS_OK;
}

/* Read a quoted string; `cursor` stands on the opening quote. */
static enum ots_status read_string(struct ots_lp_cursor *cursor, struct ots_arena *arena,
                                   struct ots_slice *string)
{
    const uint8_t *start = cursor->at + 1;
    bool is_escaped = false;
    bool is_high = false;
    const uint8_t *at = start;
    for (;; at++) {
        while (!(ots_lp_classes[*at] & OTS_LP_ENDS_STRING))
            at++;
        if (*at == '"')
            break;
        if (*at >= 0x80) {
            is_high = true;
            continue;
        }
        if (*at == '\\') {
            is_escaped = true;
            at += at[1] == '"' || at[1] == '\\';
            continue;
        }
        if (at + 1 == cursor->end)
            return OTS_NOT_READY;
        cursor->inner_lines++;
    }
    *string = ots_slice(start, (size_t)(at - start));
    cursor->at = at + 1;
    if (is_high && !ots_utf8_is_valid(*string))
        return ots_lp_wrong(cursor, start, "a string that is not UTF-8");
    return is_escaped ? unescape_string(*string, arena, string) : OTS_OK;
}

/* --- marked strings --------------------------------------------------------------------------- */

static enum ots_status decode_binary(struct ots_slice text, struct ots_arena *arena,
                                     struct ots_value *value)
{
    value->type = OTS_BINARY;
    value->bytes = OTS_SLICE("");
    if (!text.size)
        return OTS_OK;
    size_t size_max = text.size / 4 * 3;
    uint8_t *data = ots_arena_alloc(arena, size_max);
    if (!data)
        return OTS_NOMEM;
    /* The bytes never outgrow this buffer, so that it stays the arena's. */
    struct ots_buf bytes = {data, 0, size_max, false};
    if (text.size % 4 || ots_base64_decode(text, &bytes) != OTS_OK)
        return OTS_INVALID;
    value->bytes = ots_buf_slice(&bytes);
    return OTS_OK;
}

/* `nan:` and 16 hex digits, the bits of a NaN; `*real` is unchanged when it is something else. */
static bool decode_nan(struct ots_slice text, double *real)
{
    struct ots_slice prefix = OTS_SLICE("nan:");
    if (text.size != prefix.size + 16 || !ots_slice_starts(text, prefix))
        return false;
    uint64_t bits = 0;
    for (size_t i = prefix.size; i < text.size; i++) {
        uint8_t digit = text.data[i];
        if (digit >= '0' && digit <= '9')
            bits = bits << 4 | (uint64_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            bits = bits << 4 | (uint64_t)(digit - 'a' + 10);
        else
            return false;
    }
    double nan;
    memcpy(&nan, &bits, sizeof(nan));
    if (!isnan(nan))
        return false;
    *real = nan;
    return true;
}

static enum ots_status decode_real(struct ots_slice text, struct ots_value *value)
{
    value->type = OTS_DOUBLE;
    if (ots_slice_equal(text, OTS_SLICE("NaN"))) {
        const uint64_t bits = UINT64_C(0x7FF8000000000000);
        memcpy(&value->real, &bits, sizeof(bits));
    } else if (ots_slice_equal(text, OTS_SLICE("+Inf"))) {
        value->real = INFINITY;
    } else if (ots_slice_equal(text, OTS_SLICE("-Inf"))) {
        value->real = -INFINITY;
    } else if (!decode_nan(text, &value->real)) {
        return OTS_INVALID;
    }
    return OTS_OK;
}

/* The byte behind a backslash and how many bytes it took; -1 for what the printer never writes. */
static int coded_byte(struct ots_slice text, size_t at, size_t *taken)
{
    uint8_t letter = at < text.size ? text.data[at] : 0;
    *taken = 1;
    if (letter == 'n')
        return '\n';
    if (letter == 'r')
        return '\r';
    if (letter == '\\')
        return '\\';
    if (letter != 'x' || text.size - at < 3)
        return -1;
    *taken = 3;
    int high = ots_lp_hex_value(text.data[at + 1]);
    int low = ots_lp_hex_value(text.data[at + 2]);
    int byte = high < 0 || low < 0 ? -1 : high << 4 | low;
    return byte >= 0 && (ots_lp_classes[byte] & OTS_LP_IS_CONTROL) ? byte : -1;
}

static enum ots_status decode_coded(struct ots_slice text, struct ots_arena *arena,
                                    struct ots_value *value)
{
    uint8_t *data = ots_arena_alloc(arena, text.size);
    if (!data)
        return OTS_NOMEM;
    uint8_t *to = data;
    for (size_t i = 0; i < text.size; i++) {
        int byte = text.data[i];
        if (byte == '\\') {
            size_t taken;
            byte = coded_byte(text, i + 1, &taken);
            if (byte < 0)
                return OTS_INVALID;
            i += taken;
        }
        *to++ = (uint8_t)byte;
    }
    value->type = OTS_STRING;
    value->bytes = ots_slice(data, (size_t)(to - data));
    return OTS_OK;
}

static enum ots_status read_marked(struct ots_lp_cursor *cursor, enum ots_lp_mark mark,
                                   struct ots_arena *arena, struct ots_value *value)
{
    const uint8_t *start = cursor->at;
    if (*start != '"')
        return ots_lp_wrong(cursor, start, "a field marked @b64, @f64 or @str must be a string");
    struct ots_slice text;
    enum ots_status status = read_string(cursor, arena, &text);
    if (status != OTS_OK)
        return status;
    const char *reason;
    if (mark == OTS_LP_MARKED_BINARY) {
        reason = "a @b64 field that is not padded base64";
        status = decode_binary(text, arena, value);
    } else if (mark == OTS_LP_MARKED_REAL) {
        reason = "a @f64 field is one of NaN, +Inf, -Inf, nan: and 16 hex digits of a NaN";
        status = decode_real(text, value);
    } else {
        reason = "a @str field with an escape other than \\n \\r \\\\ \\xHH of a control byte";
        status = decode_coded(text, arena, value);
    }
    return status == OTS_INVALID ? ots_lp_wrong(cursor, start, reason) : status;
}

enum ots_status ots_lp_field_value_read(struct ots_lp_cursor *cursor, enum ots_lp_mark mark,
                                        struct ots_arena *arena, struct ots_value *value)
{
    if (mark > OTS_LP_MARKED_NAME)
        return read_marked(cursor, mark, arena, value);
    uint8_t first = *cursor->at;
    if (first == '"') {
        value->type = OTS_STRING;
        return read_string(cursor, arena, &value->bytes);
    }
    if ((first >= '0' && first <= '9') || first == '-' || first == '.')
        return read_number(cursor, value);
    return read_boolean(cursor, value);
}
