#include "fs/view/changes.h"

#include "fs/view/stream_cursor.h"

/* More than the clocks of service and mount are apart, as far as answers have told them. */
static const int64_t CLOCK_ERROR_US = INT64_C(5) * 1000000;

struct reading {
    const struct ots_changes_request *request;
    int64_t until_us; /* what comes later need not be read */
};

static enum ots_status pass(void *context, const struct ots_stream_record *record,
                            bool *is_shard_done)
{
    const struct reading *reading = context;
    reading->request->record(reading->request->context, record);
    *is_shard_done = record->sequence.timestamp_us > reading->until_us;
    return OTS_OK;
}

/* A poll ends elsewhere only while shards are being split. */
static enum ots_status read_to_end(struct ots_stream_cursor *cursor,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    enum { ATTEMPTS_MAX = 3 };
    struct ots_stream_poll poll = {.is_at_end = false};
    for (int i = 0; i < ATTEMPTS_MAX && !poll.is_at_end; i++) {
        enum ots_status status = ots_stream_cursor_poll(cursor, 0, interrupt, &poll, err);
        if (status != OTS_OK)
            return status;
    }
    return poll.is_at_end ? OTS_OK
                          : ots_error_set(err, OTS_NOT_READY, "the stream's shards are changing");
}

enum ots_status ots_changes_read(const struct ots_changes_request *request,
                                 struct ots_interrupt *interrupt, int64_t *readable_from_us,
                                 struct ots_error *err)
{
    struct reading reading = {request, ots_store_now_us(request->store) + CLOCK_ERROR_US};
    struct ots_stream_cursor_options options = {
        .store = request->store,
        .table = request->table,
        .from_us = request->from_us,
        .record = pass,
        .context = &reading,
    };
    struct ots_stream_cursor *cursor;
    *readable_from_us = INT64_MAX;
    enum ots_status status = ots_stream_cursor_open(&options, interrupt, &cursor, err);
    if (status == OTS_OK)
        status = read_to_end(cursor, interrupt, err);
    if (status == OTS_OK)
        *readable_from_us = ots_stream_cursor_kept_from_us(cursor);
    ots_stream_cursor_free(cursor);
    return status == OTS_TRIMMED || status == OTS_UNSUPPORTED ? OTS_OK : status;
}
