/*
 * A shard's log while a call looks into it.
 */
#ifndef OTS_SERVER_STREAM_READING_H
#define OTS_SERVER_STREAM_READING_H

#include "backend/server/instance.h"
#include "backend/server/layout.h"
#include "backend/server/stream_names.h"

struct ots_stream_reading {
    struct ots_stream_position position; /* its table and shard are what is read */
    struct ots_stream_shard shard;
    struct ots_cursor *log; /* freed by who opened it; NULL: not open */
    int64_t time_us;        /* of the log record that the cursor is at, while it is valid */
};

/* OTSTrimmedDataAccess: what is asked for was removed, with its stream or without. */
enum ots_status ots_stream_trimmed(struct ots_error *err);

/*
 * Open the shard that the position names. Errors: OTS_TRIMMED (it is gone), OTS_IO, OTS_CORRUPT,
 * OTS_NOMEM.
 */
enum ots_status ots_stream_reading_open(struct ots_stream_reading *reading,
                                        struct ots_instance *instance,
                                        const struct ots_table *table,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* Go to the first log record at or behind `time_us`. Errors: OTS_IO, OTS_CORRUPT. */
enum ots_status ots_stream_reading_seek(struct ots_stream_reading *reading, int64_t time_us,
                                        struct ots_error *err) OTS_MUST_CHECK;
/* Go to the last log record. */
enum ots_status ots_stream_reading_seek_last(struct ots_stream_reading *reading,
                                             struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_stream_reading_next(struct ots_stream_reading *reading,
                                        struct ots_error *err) OTS_MUST_CHECK;

#endif
