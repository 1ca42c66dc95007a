/*
 * What the service has done since it started, or since the counters were reset: for tests that
 * assert on it.
 *
 * Threads: safe.
 */
#ifndef OTS_SERVER_COUNTERS_H
#define OTS_SERVER_COUNTERS_H

#include "backend/base/buf.h"
#include "backend/model/call.h"

struct ots_counters;

/* One answer. `code` is "" for success, else one of wire/service_code.c; bytes are of bodies as
 * they went over the wire. */
struct ots_count {
    const char *code;
    uint64_t rows_in;
    uint64_t rows_out;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

struct ots_counters *ots_counters_new(void);
void ots_counters_free(struct ots_counters *counters); /* accepts NULL */

/* `action` is NULL for a path that is none. The others here accept NULL counters and do nothing. */
void ots_counters_add(struct ots_counters *counters, const enum ots_action *action,
                      const struct ots_count *count);
void ots_counters_opened(struct ots_counters *counters);
void ots_counters_closed(struct ots_counters *counters);
/* A connection was cut because its client was too slow. */
void ots_counters_cut(struct ots_counters *counters);

/* Begin anew; connections that are open stay counted as open. */
void ots_counters_reset(struct ots_counters *counters);

/* Append a JSON document: see docs/PROTOCOL.md. Errors: OTS_NOMEM. */
enum ots_status ots_counters_print(struct ots_counters *counters,
                                   struct ots_buf *json) OTS_MUST_CHECK;

/* The rows that a call which succeeded took in and gave out; records of metadata and of streams are
 * rows too, and so is a row that is deleted. */
void ots_count_rows(const struct ots_call *call, struct ots_count *count);

#endif
