#include "backend/server/stream_reading.h"

#include "backend/wire/service_code.h"

enum ots_status ots_stream_trimmed(struct ots_error *err)
{
    return ots_error_service(err, OTS_TRIMMED, OTS_CODE_TRIMMED,
                             "Requested stream data is already trimmed or does not exist.");
}

enum ots_status ots_stream_reading_open(struct ots_stream_reading *reading,
                                        struct ots_instance *instance,
                                        const struct ots_table *table, struct ots_error *err)
{
    struct ots_stream *stream = NULL;
    enum ots_status status = ots_streams_get(instance->streams, table, &stream, err);
    if (status == OTS_OK)
        status =
            ots_stream_read(stream, reading->position.shard, &reading->shard, &reading->log, err);
    return status == OTS_NOT_FOUND ? ots_stream_trimmed(err) : status;
}

static enum ots_status look(struct ots_stream_reading *reading, struct ots_error *err)
{
    if (!reading->log->is_valid)
        return reading->log->ops->check(reading->log, err);
    return ots_layout_log_parse(reading->log->key, &reading->time_us, err);
}

static struct ots_slice log_key(const struct ots_stream_reading *reading, int64_t time_us,
                                uint8_t key[OTS_LOG_KEY_BYTES])
{
    return ots_layout_log(key, reading->position.table, reading->position.shard, time_us);
}

enum ots_status ots_stream_reading_seek(struct ots_stream_reading *reading, int64_t time_us,
                                        struct ots_error *err)
{
    uint8_t key[OTS_LOG_KEY_BYTES];
    reading->log->ops->seek(reading->log, log_key(reading, time_us, key));
    return look(reading, err);
}

enum ots_status ots_stream_reading_seek_last(struct ots_stream_reading *reading,
                                             struct ots_error *err)
{
    uint8_t key[OTS_LOG_KEY_BYTES];
    reading->log->ops->seek_back(reading->log, log_key(reading, INT64_MAX, key));
    return look(reading, err);
}

enum ots_status ots_stream_reading_next(struct ots_stream_reading *reading, struct ots_error *err)
{
    reading->log->ops->next(reading->log);
    return look(reading, err);
}
