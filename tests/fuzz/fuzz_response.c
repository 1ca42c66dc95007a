/*
 * Bodies of responses, as a client gets them. The first byte selects the action. What decodes is
 * encoded again.
 */
#include "backend/wire/messages.h"

#include <assert.h>

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
    enum ots_status status = ots_response_decode(ots_slice(data + 1, size - 1), &call, &err);
    assert(status == OTS_OK || status == OTS_CORRUPT || status == OTS_UNSUPPORTED);
    if (status == OTS_OK) {
        struct ots_buf body = OTS_BUF_INIT;
        status = ots_response_encode(&call, NULL, &body, &err);
        assert(status == OTS_OK);
        ots_buf_deinit(&body);
    }
    ots_call_deinit(&call);
    return 0;
}
