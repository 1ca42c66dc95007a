#include "backend/wire/deflate.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>

enum { PIECE_BYTES = 64 * 1024, LEVEL = 1 };

static enum ots_status corrupt(struct ots_error *err, const char *why)
{
    return ots_error_set(err, OTS_CORRUPT, "the compressed body %s", why);
}

/* Inflate one piece; at most one byte more than wanted, which tells a stream that is too long. */
static enum ots_status inflate_piece(z_stream *stream, size_t left, struct ots_buf *out,
                                     int *result, struct ots_error *err)
{
    size_t room = left < PIECE_BYTES ? left + 1 : PIECE_BYTES;
    stream->next_out = ots_buf_reserve(out, room);
    if (!stream->next_out)
        return ots_error_set(err, OTS_NOMEM, "no memory for an inflated body");
    stream->avail_out = (uInt)room;
    *result = inflate(stream, Z_NO_FLUSH);
    if (*result == Z_MEM_ERROR)
        return ots_error_set(err, OTS_NOMEM, "no memory to inflate a body");
    if (*result != Z_OK && *result != Z_STREAM_END && *result != Z_BUF_ERROR)
        return corrupt(err, "is no zlib stream");
    size_t got = room - stream->avail_out;
    if (got > left)
        return corrupt(err, "is longer than announced");
    ots_buf_advance(out, got);
    /* There is room, so without progress the input is used up. */
    return *result != Z_STREAM_END && got == 0 && stream->avail_in == 0
               ? corrupt(err, "ends too early")
               : OTS_OK;
}

enum ots_status ots_inflate(struct ots_slice input, size_t size, struct ots_buf *out,
                            struct ots_error *err)
{
    z_stream stream = {0};
    if (input.size > UINT_MAX)
        return corrupt(err, "is too large");
    if (inflateInit(&stream) != Z_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory to inflate a body");
    stream.next_in = (Bytef *)(uintptr_t)input.data;
    stream.avail_in = (uInt)input.size;
    size_t start = out->size;
    int result = Z_OK;
    enum ots_status status = OTS_OK;
    while (status == OTS_OK && result != Z_STREAM_END)
        status = inflate_piece(&stream, size - (out->size - start), out, &result, err);
    if (status == OTS_OK && out->size - start < size)
        status = corrupt(err, "is shorter than announced");
    if (status == OTS_OK && stream.avail_in)
        status = corrupt(err, "has bytes behind its end");
    inflateEnd(&stream);
    return status;
}

enum ots_status ots_deflate(struct ots_slice input, struct ots_buf *out)
{
    uLongf size = compressBound(input.size);
    uint8_t *to = ots_buf_reserve(out, size);
    if (!to)
        return OTS_NOMEM;
    int result = compress2(to, &size, input.data, input.size, LEVEL);
    if (result == Z_MEM_ERROR)
        return OTS_NOMEM;
    assert(result == Z_OK);
    ots_buf_advance(out, size);
    return OTS_OK;
}
