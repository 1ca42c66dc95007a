#include "fs/lp/line_end.h"

/* The place behind an ordinary byte of a name or field name, where a backslash takes the next. */
static enum ots_lp_place after_name(uint8_t byte)
{
    return byte == '\\' ? OTS_LP_IN_NAME_ESCAPE : byte == ' ' ? OTS_LP_IN_GAP : OTS_LP_IN_NAME;
}

static enum ots_lp_place after_field(uint8_t byte)
{
    switch (byte) {
    case '\\':
        return OTS_LP_IN_FIELD_ESCAPE;
    case '=':
        return OTS_LP_AT_VALUE;
    case ' ':
        return OTS_LP_IN_REST;
    default:
        return OTS_LP_IN_FIELD;
    }
}

static enum ots_lp_place after_value(uint8_t byte)
{
    return byte == ',' ? OTS_LP_IN_FIELD : byte == ' ' ? OTS_LP_IN_REST : OTS_LP_IN_VALUE;
}

static enum ots_lp_place step(enum ots_lp_place place, uint8_t byte)
{
    switch (place) {
    case OTS_LP_AT_START:
        if (byte == ' ' || byte == '\t')
            return OTS_LP_AT_START;
        return byte == '#' ? OTS_LP_IN_REST : after_name(byte);
    case OTS_LP_IN_NAME:
        return after_name(byte);
    case OTS_LP_IN_NAME_ESCAPE:
        return byte == '\\' ? OTS_LP_IN_NAME_ESCAPE : OTS_LP_IN_NAME;
    case OTS_LP_IN_GAP:
        return byte == ' ' ? OTS_LP_IN_GAP : after_field(byte);
    case OTS_LP_IN_FIELD:
        return after_field(byte);
    case OTS_LP_IN_FIELD_ESCAPE:
        return byte == '\\' ? OTS_LP_IN_FIELD_ESCAPE : OTS_LP_IN_FIELD;
    case OTS_LP_AT_VALUE:
        return byte == '"' ? OTS_LP_IN_STRING : after_value(byte);
    case OTS_LP_IN_VALUE:
        return after_value(byte);
    case OTS_LP_IN_STRING:
        return byte == '\\'  ? OTS_LP_IN_STRING_ESCAPE
               : byte == '"' ? OTS_LP_IN_VALUE
                             : OTS_LP_IN_STRING;
    case OTS_LP_IN_STRING_ESCAPE:
        return OTS_LP_IN_STRING;
    case OTS_LP_IN_REST:
        break;
    }
    return OTS_LP_IN_REST;
}

const uint8_t *ots_lp_line_end_find(enum ots_lp_place *place, struct ots_slice bytes)
{
    const uint8_t *end = bytes.data + bytes.size;
    for (const uint8_t *at = bytes.data; at < end; at++) {
        if (*at == '\n' && *place != OTS_LP_IN_STRING && *place != OTS_LP_IN_STRING_ESCAPE)
            return at + 1;
        *place = step(*place, *at);
    }
    return NULL;
}
