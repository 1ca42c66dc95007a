/*
 * One line per event, to standard error or to syslog.
 *
 * Each line is written once, where an error stops travelling. Secrets and signatures never reach
 * a log. Threads: safe.
 */
#ifndef OTS_BASE_LOG_H
#define OTS_BASE_LOG_H

#include "backend/base/status.h"

enum ots_log_level { OTS_LOG_ERROR, OTS_LOG_WARNING, OTS_LOG_INFO, OTS_LOG_DEBUG };

struct ots_log {
    /* The program's name, put before each line. */
    const char *program;
    /* Lines above this level are dropped. */
    enum ots_log_level level;
    /* To syslog instead of standard error; set once the program is in the background. */
    bool is_syslog;
};

void ots_log(const struct ots_log *log, enum ots_log_level level, const char *fmt, ...)
    OTS_PRINTF(3, 4);

/* `what: message (service code, request id)` at `level`. */
void ots_log_error(const struct ots_log *log, enum ots_log_level level, const char *what,
                   const struct ots_error *err);

#endif
