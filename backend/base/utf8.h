/*
 * UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef OTS_BASE_UTF8_H
#define OTS_BASE_UTF8_H

#include "backend/base/slice.h"

/* Whether all of `text` is UTF-8. */
bool ots_utf8_is_valid(struct ots_slice text);

/*
 * Decode the character at the start of `text` (at least 1 byte). Returns its length in bytes and
 * sets `*code_point`; 0 when there is no valid character.
 */
size_t ots_utf8_next(struct ots_slice text, uint32_t *code_point);

/*
 * Write `text` into `shown` as something fit for a message: valid UTF-8 without control
 * characters, each byte that is neither as '?', cut after a whole character so that `size` bytes
 * (at least 1) hold it with its NUL. Returns `shown`.
 */
char *ots_utf8_show(struct ots_slice text, char *shown, size_t size);

#endif
