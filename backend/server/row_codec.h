/*
 * The value of a stored row: the number of its fields (varint), then the fields, sorted by name.
 *
 * Each field is: length of its name (varint), name, type (the wire's number, with bit 7 for true),
 * then nothing for a boolean, 8 bytes little-endian for an integer or a double, a varint length and
 * the bytes for a string or binary value.
 */
#ifndef OTS_SERVER_ROW_CODEC_H
#define OTS_SERVER_ROW_CODEC_H

#include "backend/model/call.h"

/* Append the row's fields, which need not be sorted. Errors: OTS_NOMEM. */
enum ots_status ots_row_codec_encode(const struct ots_row *row, struct ots_arena *scratch,
                                     struct ots_buf *buf, struct ots_error *err) OTS_MUST_CHECK;

/* What to read of each row, sorted by name; none: all fields. */
struct ots_selection {
    const struct ots_field_wanted *fields;
    size_t count;
};

/* Copy and sort what a request wants; the names are borrowed. Errors: OTS_NOMEM. */
enum ots_status ots_selection_init(struct ots_selection *selection,
                                   const struct ots_field_wanted *fields, size_t count,
                                   struct ots_arena *arena, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Decode the selected fields of `value`. Fields and their bytes are in `arena`, names may be
 * borrowed from `selection`. `*count` is 0 when the row has none of them.
 * Errors: OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_row_codec_decode(struct ots_slice value, const struct ots_selection *selection,
                                     struct ots_arena *arena, const struct ots_field **fields,
                                     size_t *count, struct ots_error *err) OTS_MUST_CHECK;

#endif
