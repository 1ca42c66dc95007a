#include "backend/base/log.h"

#include <stdio.h>
#include <syslog.h>

void ots_log(const struct ots_log *log, enum ots_log_level level, const char *fmt, ...)
{
    static const int syslog_levels[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    if (level > log->level)
        return;
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (log->is_syslog)
        syslog(syslog_levels[level], "%s: %s", log->program, line);
    else
        fprintf(stderr, "%s: %s\n", log->program, line);
}

void ots_log_error(const struct ots_log *log, enum ots_log_level level, const char *what,
                   const struct ots_error *err)
{
    const char *message = err->message[0] ? err->message : ots_status_text(err->status);
    if (!err->service_code[0])
        ots_log(log, level, "%s: %s", what, message);
    else
        ots_log(log, level, "%s: %s (%s, request %s)", what, message, err->service_code,
                err->request_id[0] ? err->request_id : "unknown");
}
