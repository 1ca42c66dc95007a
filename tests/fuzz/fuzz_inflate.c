/*
 * Compressed bodies: the first two bytes are the announced size, little-endian, the rest is the
 * stream. What inflates has just that size, and is the same after it was deflated again.
 */
#include "backend/wire/deflate.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES = 2, ROUNDED_UP_BYTES = 256 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES)
        return -1;
    size_t announced = (size_t)data[0] | (size_t)data[1] << 8;
    struct ots_buf plain = OTS_BUF_INIT;
    struct ots_buf packed = OTS_BUF_INIT;
    struct ots_buf again = OTS_BUF_INIT;
    struct ots_error err;
    enum ots_status status =
        ots_inflate(ots_slice(data + HEAD_BYTES, size - HEAD_BYTES), announced, &plain, &err);
    assert(status == OTS_OK || status == OTS_CORRUPT);
    assert(plain.size <= announced && plain.capacity <= ROUNDED_UP_BYTES);
    if (status == OTS_OK) {
        assert(plain.size == announced);
        status = ots_deflate(ots_buf_slice(&plain), &packed);
        assert(status == OTS_OK);
        status = ots_inflate(ots_buf_slice(&packed), announced, &again, &err);
        assert(status == OTS_OK);
        assert(ots_slice_equal(ots_buf_slice(&plain), ots_buf_slice(&again)));
    }
    ots_buf_deinit(&plain);
    ots_buf_deinit(&packed);
    ots_buf_deinit(&again);
    return 0;
}
