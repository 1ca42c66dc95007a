/*
 * Bodies of responses, as a client gets them. The first byte selects the action. What decodes is
 * encoded again.
 */
#include "backend/wire/messages.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || data[0] >= OTS_ACTION_COUNT)
        return -1;
    struct ots_call call;
    struct ots_error err;
    ots_call_init(&call, (enum ots_action)data[0]);
    if (call.action == OTS_ACTION_PUT)
        call.request.put.row_count = 200;
    if (call.action == OTS_ACTION_UPDATE_META)
        call.request.update_meta.count = 200;
    if (call.action == OTS_ACTION_DELETE_META)
        call.request.delete_meta.count = 200;
    /* Exactly as large as it is, so that a read behind its end is seen. */
    struct ots_buf answer = {malloc(size - 1), size - 1, size - 1, false};
    assert(answer.data || size == 1);
    if (size > 1)
        memcpy(answer.data, data + 1, size - 1);
    enum ots_status status = ots_response_take(&answer, &call, &err);
    assert(status == OTS_OK || status == OTS_CORRUPT || status == OTS_UNSUPPORTED);
    ots_buf_deinit(&answer);
    if (status == OTS_OK) {
        struct ots_buf body = OTS_BUF_INIT;
        status = ots_response_encode(&call, NULL, &body, &err);
        assert(status == OTS_OK);
        ots_buf_deinit(&body);
    }
    ots_call_deinit(&call);
    return 0;
}
