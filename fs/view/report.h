/*
 * What a source of a mount tells of itself: the texts of `.otsfs/status` (JSON) and
 * `.otsfs/metrics` (Prometheus' text format, version 0.0.4). otsfs(1) lists the names; they stay.
 *
 * Threads: none of this locks or waits.
 */
#ifndef OTS_VIEW_REPORT_H
#define OTS_VIEW_REPORT_H

#include "backend/base/buf.h"
#include "backend/model/meter.h"

/*
 * What is counted of each table, since the mount began or (gauge) at this moment.
 * X(NAME, "object in the JSON", "its member", "metric's type", "what it is").
 * The metric is called otsfs_OBJECT_MEMBER, a counter with _total behind it.
 */
#define OTS_FIGURE_LIST(X)                                                                         \
    X(ROWS_TAKEN, "rows", "taken", "counter",                                                      \
      "Rows of written lines, also those that a later line replaced before they were sent.")       \
    X(ROWS_COPIED, "rows", "copied", "counter",                                                    \
      "Rows that came from another file of the mount without becoming text.")                      \
    X(ROWS_ON_THEIR_WAY, "rows", "on_their_way", "gauge",                                          \
      "Rows that were handed over and are not acknowledged yet.")                                  \
    X(ROWS_STORED, "rows", "stored", "counter", "Rows that the service acknowledged.")             \
    X(ROWS_REFUSED, "rows", "refused", "counter", "Rows that the service refused for good.")       \
    X(ROWS_SUPERSEDED, "rows", "superseded", "counter",                                            \
      "Rows of an earlier mount that were rejected, because the table changed since.")             \
    X(LINES_REJECTED, "lines", "rejected", "counter",                                              \
      "Lines that were not stored, for whatever reason; rejected/TABLE.lp has them.")              \
    X(LINES_NOT_KEPT, "lines", "not_kept", "counter",                                              \
      "Rejected lines that rejected/TABLE.lp does not have, because it is full.")                  \
    X(LINES_DIGITS_CUT, "lines", "digits_cut", "counter",                                          \
      "Lines whose time lost digits below a microsecond.")                                         \
    X(JOURNAL_BATCHES, "journal", "batches", "gauge",                                              \
      "Batches in the journal that are not acknowledged yet.")                                     \
    X(JOURNAL_BYTES, "journal", "bytes", "gauge", "Size of the journal's files.")                  \
    X(JOURNAL_OLD_SEGMENTS, "journal", "old_segments", "gauge",                                    \
      "Files of earlier mounts in the journal that were not gone through yet.")                    \
    X(SCAN_ROWS, "scan", "rows", "gauge", "Rows that the last scan found.")                        \
    X(SCAN_TIMELINES, "scan", "timelines", "gauge", "Timelines that the last scan found.")         \
    X(SCAN_MILLISECONDS, "scan", "milliseconds", "gauge", "What the last scan took.")              \
    X(STREAM_POLLS, "stream", "polls", "counter", "Looks at the table's stream.")                  \
    X(STREAM_RECORDS, "stream", "records", "counter", "Records of the stream that were read.")     \
    X(STREAM_OWN, "stream", "own", "counter",                                                      \
      "Records of rows that this mount, or an earlier one, put.")                                  \
    X(STREAM_FOREIGN, "stream", "foreign", "counter", "Records of what others changed.")           \
    X(STREAM_GAPS, "stream", "gaps", "counter",                                                    \
      "Times that a part of the stream was removed before it was read.")                           \
    X(STREAM_BEHIND_SECONDS, "stream", "behind_seconds", "gauge",                                  \
      "Time since the stream was read to its end.")

enum ots_figure {
#define X(name, object, member, type, help) OTS_FIGURE_##name,
    OTS_FIGURE_LIST(X)
#undef X
        OTS_FIGURE_COUNT
};

/* Times: microseconds since 1970, UTC. */
struct ots_table_report {
    struct ots_slice name;
    uint64_t figures[OTS_FIGURE_COUNT]; /* those of a scan count only with `scanned_us` */
    int64_t scanned_us;                 /* when the last scan ended; 0: there was none */
    int64_t shown_from_us;              /* rows of an earlier time are not shown; 0: all are */
    bool has_field_keys;                /* otsfs cannot show it */
    const char *stream;                 /* what is done with its stream; NULL: not told */
    int64_t last_gap_us;                /* 0: there was none */
    bool is_unsaved;                    /* what is known of it cannot be written to the disk */
    bool is_journal_failing;            /* nor rows on their way */
};

enum ots_setting_kind {
    OTS_SETTING_TEXT,
    OTS_SETTING_NUMBER,
    OTS_SETTING_FLAG,
    OTS_SETTING_SECONDS, /* told in seconds */
};

/* One option of the mount, as it is in effect. */
struct ots_setting {
    const char *name;
    enum ots_setting_kind kind;
    const char *text;
    int64_t number; /* of a flag: not 0 when it is set; of seconds: microseconds */
};

struct ots_report {
    const char *source; /* names; never a secret */
    const char *endpoint;
    const char *instance;
    int64_t now_us;
    int64_t service_now_us;
    int64_t mounted_us;
    int64_t settle_us;  /* after which windows of changes are complete */
    bool is_incomplete; /* listings come from metadata */
    const struct ots_setting *settings;
    size_t setting_count;
    const struct ots_meter *meter; /* NULL: nobody counts */
    struct ots_table_report *tables;
    size_t table_count;
};

/* Append the text. Errors: OTS_NOMEM. */
enum ots_status ots_report_json(const struct ots_report *report,
                                struct ots_buf *text) OTS_MUST_CHECK;
enum ots_status ots_report_metrics(const struct ots_report *report,
                                   struct ots_buf *text) OTS_MUST_CHECK;

#endif
