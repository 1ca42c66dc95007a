/*
 * The bytes of a journal's file: records one after another. Pure.
 *
 *   magic    4 bytes  F5 'O' 'J' '1'; F5 is in no UTF-8 text
 *   type     u32      enum ots_journal_type
 *   number   u64      of the batch
 *   time     i64      microseconds since 1970
 *   length   u64      of the payload
 *   sum      u64      over all of the above but the magic, and over the payload
 *   payload
 *
 * Integers are little-endian.
 */
#ifndef OTS_STATE_JOURNAL_FORMAT_H
#define OTS_STATE_JOURNAL_FORMAT_H

#include "backend/base/buf.h"

enum { OTS_JOURNAL_RECORD_BYTES = 40 }; /* without its payload */

enum ots_journal_type {
    OTS_JOURNAL_HEADER = 1, /* payload: the table's name, LF, its identity (may be empty) */
    OTS_JOURNAL_BATCH = 2,  /* payload: rows of batch `number`, handed over at `time` */
    OTS_JOURNAL_DONE = 3,   /* batch `number` is stored or rejected */
    OTS_JOURNAL_MOVED = 4,  /* what was put before `time` does not count against batch `number` */
};

struct ots_journal_record {
    enum ots_journal_type type;
    uint64_t number;
    int64_t time_us;
    struct ots_slice payload;
};

void ots_journal_record_append(struct ots_buf *buf, const struct ots_journal_record *record);

/* Bytes that are no record, though records follow, or all of a last record is there. */
struct ots_journal_damage {
    size_t offset;
    size_t size;
};

struct ots_journal_reader {
    struct ots_slice bytes;
    size_t offset;
};

enum ots_journal_result {
    OTS_JOURNAL_RECORD,  /* `record` is set; its payload is borrowed from the bytes */
    OTS_JOURNAL_DAMAGED, /* `damage` is set; what follows it can be read on */
    OTS_JOURNAL_END,     /* also where a last record was cut off */
};

/* Read on. */
enum ots_journal_result ots_journal_read(struct ots_journal_reader *reader,
                                         struct ots_journal_record *record,
                                         struct ots_journal_damage *damage);

#endif
