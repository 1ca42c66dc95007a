/*
 * Answers to failed requests. The first two bytes are the HTTP status; the request id is the body
 * once more.
 */
#include "backend/base/utf8.h"
#include "backend/wire/service_code.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return -1;
    struct ots_slice body = ots_slice(data + 2, size - 2);
    struct ots_error err;
    enum ots_retry_class retry;
    enum ots_status status =
        ots_error_body_decode(data[0] << 8 | data[1], body, body, &err, &retry);
    assert(status != OTS_OK && status == err.status);
    assert(err.message[0]);
    assert(ots_utf8_is_valid(ots_slice_str(err.message)));
    assert(ots_utf8_is_valid(ots_slice_str(err.service_code)));
    assert(ots_utf8_is_valid(ots_slice_str(err.request_id)));
    return 0;
}
