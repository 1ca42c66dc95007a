/*
 * What the process that asked is interrupted by. The kernel interrupts a request for every signal
 * that its caller handles, also for the end of a child, and programs do not expect a file system to
 * end with EINTR for that: a shell's pattern would match nothing.
 */
#ifndef OTS_MOUNT_CALLER_H
#define OTS_MOUNT_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether all that is pending for the thread `id` are signals that ask nobody to stop: SIGCHLD,
 * SIGCONT, SIGWINCH, SIGURG (Go's own), and those of profilers. False when that cannot be known, as
 * of a thread in a pid namespace that is not below ours. Reads /proc; from any thread.
 */
bool ots_caller_may_go_on(pid_t id);

/* The same of the text of /proc/ID/status. */
bool ots_caller_status_may_go_on(const char *status);

#endif
