#include "fs/lp/text.h"

#define SEPARATOR (OTS_LP_ENDS_NAME | OTS_LP_ENDS_MEASUREMENT | OTS_LP_IS_SEPARATOR)
#define CONTROL                                                                                    \
    (OTS_LP_ENDS_NAME | OTS_LP_ENDS_MEASUREMENT | OTS_LP_IS_MARKED | OTS_LP_IS_CONTROL |           \
     OTS_LP_IS_CODED)
#define QUOTE (OTS_LP_ENDS_NAME | OTS_LP_ENDS_MEASUREMENT | OTS_LP_ENDS_STRING | OTS_LP_IS_MARKED)
#define HIGH (OTS_LP_ENDS_NAME | OTS_LP_ENDS_MEASUREMENT | OTS_LP_ENDS_STRING)

const uint8_t ots_lp_classes[256] = {
    [0x00 ... 0x08] = CONTROL,
    ['\t'] = CONTROL & ~OTS_LP_IS_CODED,
    ['\n'] = CONTROL | OTS_LP_ENDS_STRING,
    [0x0B ... 0x1F] = CONTROL,
    [0x7F] = CONTROL,
    [' '] = SEPARATOR,
    [','] = SEPARATOR,
    ['='] = SEPARATOR & ~OTS_LP_ENDS_MEASUREMENT,
    ['"'] = QUOTE,
    ['@'] = OTS_LP_IS_AT,
    ['\\'] = QUOTE,
    [0x80 ... 0xFF] = HIGH,
};

static const char HEX[] = "0123456789ABCDEF";

int ots_lp_hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

uint8_t *ots_lp_hex_write(uint8_t *to, uint8_t byte)
{
    *to++ = (uint8_t)HEX[byte >> 4];
    *to++ = (uint8_t)HEX[byte & 15];
    return to;
}

bool ots_lp_is_reserved_field(struct ots_slice name)
{
    if (!name.size || (name.data[0] != '_' && name.data[0] != 't'))
        return false;
    return ots_slice_equal(name, OTS_SLICE("time")) ||
           ots_slice_equal(name, OTS_SLICE("__chunk_order"));
}

bool ots_lp_is_reserved_tag(struct ots_slice name)
{
    if (!name.size || (name.data[0] != '_' && name.data[0] != 't'))
        return false;
    return ots_lp_is_reserved_field(name) || ots_slice_equal(name, OTS_SLICE(OTS_LP_DATA_SOURCE)) ||
           ots_slice_equal(name, OTS_SLICE("_field")) ||
           ots_slice_equal(name, OTS_SLICE("_measurement"));
}

/* 16 bytes at a time, in whatever the machine has for it. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

static inline bytes16 special_ones(const uint8_t *at)
{
    bytes16 text;
    memcpy(&text, at, sizeof(text));
    bytes16 all = (bytes16)(text <= ' ') | (bytes16)(text == ',') | (bytes16)(text == '=') |
                  (bytes16)(text == '"') | (bytes16)(text == '\\') | (bytes16)(text == 0x7F);
    return all & 1;
}

size_t ots_lp_count_special(struct ots_slice text)
{
    const uint8_t *at = text.data;
    size_t left = text.size;
    size_t count = 0;
    while (left >= sizeof(bytes16)) {
        bytes16 sums = {0};
        /* A sum is one byte. */
        for (int i = 0; i < UINT8_MAX && left >= sizeof(bytes16); i++) {
            sums += special_ones(at);
            at += sizeof(bytes16);
            left -= sizeof(bytes16);
        }
        for (size_t i = 0; i < sizeof(bytes16); i++)
            count += sums[i];
    }
    for (; left; left--, at++)
        count += (ots_lp_classes[*at] & (OTS_LP_IS_SEPARATOR | OTS_LP_IS_MARKED)) != 0;
    return count;
}

/* --- marking ---------------------------------------------------------------------------------- */

/* Whether the first byte is marked for what the whole name is. */
static bool is_first_marked(struct ots_slice name, enum ots_lp_kind kind)
{
    if (kind == OTS_LP_MEASUREMENT)
        return name.size && name.data[0] == '#';
    return kind == OTS_LP_TAG_NAME && ots_lp_is_reserved_tag(name);
}

/* Readers differ on a backslash before these and at the end of a name. */
static bool is_backslash_safe(struct ots_slice name, size_t at)
{
    if (at + 1 == name.size)
        return false;
    return !(ots_lp_classes[name.data[at + 1]] & (OTS_LP_IS_SEPARATOR | OTS_LP_IS_MARKED));
}

static bool needs_mark(struct ots_slice name, size_t at)
{
    uint8_t byte = name.data[at];
    if (!(ots_lp_classes[byte] & OTS_LP_IS_MARKED))
        return false;
    return byte != '\\' || !is_backslash_safe(name, at);
}

enum ots_status ots_lp_mark(struct ots_slice name, enum ots_lp_kind kind, struct ots_arena *arena,
                            struct ots_slice *marked)
{
    uint8_t seen = ots_lp_classes_of(name);
    bool is_first = is_first_marked(name, kind);
    *marked = name.size ? name : OTS_SLICE("\"\"");
    if (!name.size || (!(seen & OTS_LP_IS_MARKED) && !is_first))
        return OTS_OK;
    uint8_t *text = ots_arena_alloc(arena, 3 * name.size);
    if (!text)
        return OTS_NOMEM;
    uint8_t *to = text;
    for (size_t i = 0; i < name.size; i++) {
        if ((i == 0 && is_first) || needs_mark(name, i)) {
            *to++ = '"';
            to = ots_lp_hex_write(to, name.data[i]);
        } else {
            *to++ = name.data[i];
        }
    }
    *marked = ots_slice(text, (size_t)(to - text));
    return OTS_OK;
}

static bool is_escaped(uint8_t byte, enum ots_lp_kind kind)
{
    return (ots_lp_classes[byte] & OTS_LP_IS_SEPARATOR) &&
           !(kind == OTS_LP_MEASUREMENT && byte == '=');
}

void ots_lp_escape_append(struct ots_buf *out, struct ots_slice marked, enum ots_lp_kind kind)
{
    if (!(ots_lp_classes_of(marked) & OTS_LP_IS_SEPARATOR)) {
        ots_buf_append_slice(out, marked);
        return;
    }
    uint8_t *start = ots_buf_reserve(out, 2 * marked.size);
    if (!start)
        return;
    uint8_t *to = start;
    for (size_t i = 0; i < marked.size; i++) {
        if (is_escaped(marked.data[i], kind))
            *to++ = '\\';
        *to++ = marked.data[i];
    }
    ots_buf_advance(out, (size_t)(to - start));
}

/* --- the way back ----------------------------------------------------------------------------- */

/* The byte that the mark at `at` stands for; -1 when it is no mark that the printer would write. */
static int mark_value(struct ots_slice text, size_t at, enum ots_lp_kind kind)
{
    if (text.size - at < 3)
        return -1;
    int high = ots_lp_hex_value(text.data[at + 1]);
    int low = ots_lp_hex_value(text.data[at + 2]);
    if (high < 0 || low < 0)
        return -1;
    int byte = high << 4 | low;
    bool is_first = at == 0 && (kind == OTS_LP_TAG_NAME || kind == OTS_LP_MEASUREMENT);
    return (ots_lp_classes[byte] & OTS_LP_IS_MARKED) || is_first ? byte : -1;
}

/* Whether a mark on the first byte, which by itself needs none, is one that the name asks for. */
static bool is_first_mark_right(struct ots_slice text, struct ots_slice name, enum ots_lp_kind kind)
{
    if (text.data[0] != '"' || (ots_lp_classes[name.data[0]] & OTS_LP_IS_MARKED))
        return true;
    return is_first_marked(name, kind);
}

enum ots_status ots_lp_unescape(struct ots_slice text, enum ots_lp_kind kind,
                                struct ots_arena *arena, struct ots_slice *name,
                                const char **reason)
{
    *name = OTS_SLICE("");
    if (ots_slice_equal(text, OTS_SLICE("\"\"")))
        return OTS_OK;
    uint8_t *data = ots_arena_alloc(arena, text.size);
    if (!data)
        return OTS_NOMEM;
    uint8_t *to = data;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"') {
            int value = mark_value(text, i, kind);
            if (value < 0)
                goto bad_mark;
            byte = (uint8_t)value;
            i += 2;
        } else if (byte == '\\' && i + 1 < text.size) {
            if (kind == OTS_LP_MEASUREMENT && text.data[i + 1] == '=') {
                *reason = "readers differ on `\\=` in a measurement; write = alone";
                return OTS_INVALID;
            }
            if (is_escaped(text.data[i + 1], kind))
                byte = text.data[++i];
        }
        *to++ = byte;
    }
    *name = ots_slice(data, (size_t)(to - data));
    if (is_first_mark_right(text, *name, kind))
        return OTS_OK;
bad_mark:
    *reason = "a double quote that is no mark (`\"HH`) of otsfs";
    return OTS_INVALID;
}
