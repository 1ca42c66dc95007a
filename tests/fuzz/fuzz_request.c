/*
 * Bodies of requests, as a server gets them. The first byte selects the action. What decodes is
 * encoded and decoded again: the second time nothing may be refused. Requests of wide-column tables
 * are only decoded; nobody here makes them.
 */
#include "backend/wire/messages.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct ots_call *call)
{
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_call second;
    struct ots_error err;
    ots_call_init(&second, call->action);
    enum ots_status status = ots_request_encode(call, OTS_PUT_SHARED, &body, &err);
    if (status == OTS_UNSUPPORTED)
        return;
    assert(status == OTS_OK);
    status = ots_request_decode(ots_buf_slice(&body), &second, &err);
    assert(status == OTS_OK);
    if (call->action == OTS_ACTION_PUT) {
        assert(second.request.put.row_count == call->request.put.row_count);
        for (size_t i = 0; i < second.request.put.row_count; i++)
            assert(ots_row_equal(&second.request.put.rows[i], &call->request.put.rows[i]));
    }
    ots_call_deinit(&second);
    ots_buf_deinit(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || data[0] >= OTS_ACTION_COUNT)
        return -1;
    struct ots_call call;
    struct ots_error err;
    ots_call_init(&call, (enum ots_action)data[0]);
    enum ots_status status = ots_request_decode(ots_slice(data + 1, size - 1), &call, &err);
    assert(status == OTS_OK || status == OTS_CORRUPT || status == OTS_INVALID);
    if (status == OTS_OK)
        again(&call);
    ots_call_deinit(&call);
    return 0;
}
