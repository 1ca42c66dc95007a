/*
 * Tokens and splits: where a reading goes on, as opaque bytes in a client's hands.
 *
 * Kind, version 1, table:4, two numbers:8, further bytes, CRC-32C:4 of all that. A token fits one
 * kind of request on one table; what else it must agree with is its reader's to check.
 */
#ifndef OTS_SERVER_TOKEN_H
#define OTS_SERVER_TOKEN_H

#include "backend/base/arena.h"

enum ots_token_kind {
    OTS_TOKEN_GET = 'G',
    OTS_TOKEN_GET_BACKWARD = 'B',
    OTS_TOKEN_SCAN = 'S',
    OTS_TOKEN_SPLIT = 'P',
    OTS_TOKEN_META = 'M',
};

struct ots_token {
    enum ots_token_kind kind;
    uint32_t table;
    uint64_t first;
    uint64_t second;
    struct ots_slice rest;
};

/* As bytes in `arena`. Errors: OTS_NOMEM. */
enum ots_status ots_token_encode(const struct ots_token *token, struct ots_arena *arena,
                                 struct ots_slice *bytes, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Fill `token` from `bytes`, which it borrows; its kind and table say what is expected.
 * Errors: OTS_INVALID (not made by this server, or for another request or table).
 */
enum ots_status ots_token_decode(struct ots_slice bytes, struct ots_token *token,
                                 struct ots_error *err) OTS_MUST_CHECK;

#endif
