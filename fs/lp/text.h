/*
 * Names inside line protocol: what must be marked or escaped, and the way back.
 *
 * A name is written in two steps. First it is marked: bytes that line protocol cannot carry
 * become `"HH`, an empty name becomes `""`. Then it is escaped: a backslash before comma and space
 * and, but in measurements, before '='.
 */
#ifndef OTS_LP_TEXT_H
#define OTS_LP_TEXT_H

#include "backend/base/arena.h"
#include "backend/base/buf.h"

enum ots_lp_kind { OTS_LP_MEASUREMENT, OTS_LP_TAG_NAME, OTS_LP_TAG_VALUE, OTS_LP_FIELD_NAME };

/* The tag that carries the data source. */
#define OTS_LP_DATA_SOURCE "_data_source"

/* What a byte is to the reader and the writer; the bits of ots_lp_classes. */
enum ots_lp_class {
    OTS_LP_ENDS_NAME = 1,        /* `, =`, controls, and what follows */
    OTS_LP_ENDS_MEASUREMENT = 2, /* the same without '=' */
    OTS_LP_ENDS_STRING = 4,      /* `"`, backslash, LF, 80-FF */
    OTS_LP_IS_SEPARATOR = 8,     /* `, =`: escaped in tags and field names */
    OTS_LP_IS_MARKED = 16,       /* controls, `"`; a backslash where it is not safe */
    OTS_LP_IS_CONTROL = 32,      /* 00-1F, 7F */
    OTS_LP_IS_CODED = 64,        /* controls but TAB: a string with one is written as `@str` */
    OTS_LP_IS_AT = 128,          /* '@': marks a field */
};
extern const uint8_t ots_lp_classes[256];

/* `time`, `_data_source`, `_field`, `_measurement`, `__chunk_order`. */
bool ots_lp_is_reserved_tag(struct ots_slice name);
/* `time`, `__chunk_order`. */
bool ots_lp_is_reserved_field(struct ots_slice name);

/*
 * The marked form of `name`: `name` itself, borrowed, when nothing needs a mark.
 * Ownership: in `arena` otherwise. Errors: OTS_NOMEM.
 */
enum ots_status ots_lp_mark(struct ots_slice name, enum ots_lp_kind kind, struct ots_arena *arena,
                            struct ots_slice *marked) OTS_MUST_CHECK;

/* Append a marked name, escaped. */
void ots_lp_escape_append(struct ots_buf *out, struct ots_slice marked, enum ots_lp_kind kind);

/* All classes of the bytes of `text`. */
static inline uint8_t ots_lp_classes_of(struct ots_slice text)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < text.size; i++)
        seen |= ots_lp_classes[text.data[i]];
    return seen;
}

/* How many bytes of `text` are `, =`, controls, `"` or a backslash. */
size_t ots_lp_count_special(struct ots_slice text);

/*
 * Undo escapes and marks of a name as it stands in a line.
 * Ownership: in `arena`. Errors: OTS_NOMEM, OTS_INVALID: `*reason` says what is wrong.
 */
enum ots_status ots_lp_unescape(struct ots_slice text, enum ots_lp_kind kind,
                                struct ots_arena *arena, struct ots_slice *name,
                                const char **reason) OTS_MUST_CHECK;

/* The value of a capital hex digit, -1 for any other byte. */
int ots_lp_hex_value(uint8_t digit);

/* Write the byte's two capital hex digits; returns the end. */
uint8_t *ots_lp_hex_write(uint8_t *to, uint8_t byte);

#endif
