/*
 * Where the reader of a line stands, and reading one name there.
 */
#ifndef OTS_LP_CURSOR_H
#define OTS_LP_CURSOR_H

#include "backend/base/utf8.h"
#include "fs/lp/text.h"

/* `end[-1]` is a LF, which stops every scan. */
struct ots_lp_cursor {
    const uint8_t *at;
    const uint8_t *end;
    size_t inner_lines; /* LFs met inside strings */
    /* After OTS_INVALID: the byte that is wrong, and why. */
    const uint8_t *wrong;
    const char *reason;
};

/* Note what is wrong at `wrong`. Returns OTS_INVALID. */
static inline enum ots_status ots_lp_wrong(struct ots_lp_cursor *cursor, const uint8_t *wrong,
                                           const char *reason)
{
    cursor->wrong = wrong;
    cursor->reason = reason;
    return OTS_INVALID;
}

static inline bool ots_lp_is_line_end(const struct ots_lp_cursor *cursor)
{
    return *cursor->at == '\n' || (*cursor->at == '\r' && cursor->at[1] == '\n');
}

/* A name as it stands in the line. */
struct ots_lp_token {
    struct ots_slice text;
    bool is_escaped; /* holds a backslash or a mark */
    bool is_high;    /* holds bytes 80-FF */
};

/* Scan to the byte that ends a name of this kind: a separator or a control. */
static inline struct ots_lp_token ots_lp_token_scan(struct ots_lp_cursor *cursor,
                                                    enum ots_lp_kind kind)
{
    const uint8_t stop = kind == OTS_LP_MEASUREMENT ? OTS_LP_ENDS_MEASUREMENT : OTS_LP_ENDS_NAME;
    const uint8_t *at = cursor->at;
    struct ots_lp_token token = {ots_slice(at, 0), false, false};
    for (;; at++) {
        while (!(ots_lp_classes[*at] & stop))
            at++;
        if (*at >= 0x80) {
            token.is_high = true;
        } else if (*at == '\\') {
            token.is_escaped = true;
            at += (ots_lp_classes[at[1]] & OTS_LP_IS_SEPARATOR) != 0;
        } else if (*at == '"') {
            token.is_escaped = true;
        } else {
            break;
        }
    }
    token.text.size = (size_t)(at - token.text.data);
    cursor->at = at;
    return token;
}

/*
 * The name that a token stands for, borrowed from the line when it is the same bytes.
 * Errors: OTS_INVALID (see `cursor`), OTS_NOMEM.
 */
static inline enum ots_status ots_lp_token_name(const struct ots_lp_token *token,
                                                enum ots_lp_kind kind, struct ots_arena *arena,
                                                struct ots_lp_cursor *cursor,
                                                struct ots_slice *name)
{
    *name = token->text;
    if (token->is_high && !ots_utf8_is_valid(token->text))
        return ots_lp_wrong(cursor, token->text.data, "a name that is not UTF-8");
    if (!token->is_escaped)
        return OTS_OK;
    cursor->wrong = token->text.data;
    return ots_lp_unescape(token->text, kind, arena, name, &cursor->reason);
}

#endif
