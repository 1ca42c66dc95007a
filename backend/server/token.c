#include "backend/server/token.h"

#include "backend/server/layout.h"
#include "backend/wire/crc.h"

enum {
    TOKEN_VERSION = 1,
    TOKEN_TABLE = 2,
    TOKEN_FIRST = 6,
    TOKEN_SECOND = 14,
    TOKEN_REST = 22,
    TOKEN_CRC_BYTES = 4,
};

enum ots_status ots_token_encode(const struct ots_token *token, struct ots_arena *arena,
                                 struct ots_slice *bytes, struct ots_error *err)
{
    size_t size = TOKEN_REST + token->rest.size + TOKEN_CRC_BYTES;
    uint8_t *data = ots_arena_alloc(arena, size);
    if (!data)
        return ots_error_set(err, OTS_NOMEM, "no memory for a token");
    data[0] = (uint8_t)token->kind;
    data[1] = TOKEN_VERSION;
    ots_layout_put_u32(data + TOKEN_TABLE, token->table);
    ots_layout_put_u64(data + TOKEN_FIRST, token->first);
    ots_layout_put_u64(data + TOKEN_SECOND, token->second);
    if (token->rest.size)
        memcpy(data + TOKEN_REST, token->rest.data, token->rest.size);
    ots_layout_put_u32(data + size - TOKEN_CRC_BYTES, ots_crc32c(data, size - TOKEN_CRC_BYTES));
    *bytes = ots_slice(data, size);
    return OTS_OK;
}

enum ots_status ots_token_decode(struct ots_slice bytes, struct ots_token *token,
                                 struct ots_error *err)
{
    const char *what = token->kind == OTS_TOKEN_SPLIT ? "split info" : "token";
    const uint8_t *data = bytes.data;
    if (bytes.size < TOKEN_REST + TOKEN_CRC_BYTES || data[1] != TOKEN_VERSION ||
        ots_layout_u32(data + bytes.size - TOKEN_CRC_BYTES) !=
            ots_crc32c(data, bytes.size - TOKEN_CRC_BYTES))
        return ots_error_set(err, OTS_INVALID, "%s: not one of this service", what);
    if (data[0] != (uint8_t)token->kind)
        return ots_error_set(err, OTS_INVALID, "%s: of another kind of request", what);
    if (ots_layout_u32(data + TOKEN_TABLE) != token->table)
        return ots_error_set(err, OTS_INVALID, "%s: of another table", what);
    token->first = ots_layout_u64(data + TOKEN_FIRST);
    token->second = ots_layout_u64(data + TOKEN_SECOND);
    token->rest = ots_slice(data + TOKEN_REST, bytes.size - TOKEN_REST - TOKEN_CRC_BYTES);
    return OTS_OK;
}
