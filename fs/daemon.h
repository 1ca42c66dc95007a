/*
 * Going to the background before any thread starts, and telling the terminal how it went.
 */
#ifndef OTS_FS_DAEMON_H
#define OTS_FS_DAEMON_H

#include "backend/base/status.h"

struct ots_daemon {
    int ready_fd; /* -1: in the foreground */
};

/*
 * Fork. Only the child returns. The parent waits until the child is ready and exits with 0, or
 * exits with the child's exit code when it ends before; the child's messages still reach the
 * terminal. With `is_foreground` nothing happens. Errors: OTS_IO.
 */
enum ots_status ots_daemon_start(struct ots_daemon *daemon, bool is_foreground,
                                 struct ots_error *err) OTS_MUST_CHECK;

/* Let go of the terminal: the parent exits, standard input and output become /dev/null. */
void ots_daemon_ready(struct ots_daemon *daemon);

#endif
