#include "fs/mount/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/base/cleanup.h"

enum { STATUS_BYTES = 8192 };

static uint64_t bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

/* A set of signals, in hexadecimal digits behind its name. */
static bool find_set(const char *status, const char *name, uint64_t *set)
{
    const char *line = strstr(status, name);
    char *end;
    if (!line)
        return false;
    line += strlen(name);
    errno = 0;
    *set = strtoull(line, &end, 16);
    return end != line && !errno;
}

bool ots_caller_status_may_go_on(const char *status)
{
    const uint64_t harmless =
        bit(SIGCHLD) | bit(SIGCONT) | bit(SIGWINCH) | bit(SIGURG) | bit(SIGPROF) | bit(SIGVTALRM);
    uint64_t own;
    uint64_t shared;
    uint64_t blocked;
    uint64_t ignored;
    if (!find_set(status, "\nSigPnd:", &own) || !find_set(status, "\nShdPnd:", &shared) ||
        !find_set(status, "\nSigBlk:", &blocked) || !find_set(status, "\nSigIgn:", &ignored))
        return false;
    uint64_t pending = (own | shared) & ~blocked & ~ignored;
    return pending && !(pending & ~harmless);
}

bool ots_caller_may_go_on(pid_t id)
{
    char path[64];
    char status[STATUS_BYTES];
    snprintf(path, sizeof(path), "/proc/%jd/status", (intmax_t)id);
    OTS_AUTO(ots_close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (id <= 0 || fd < 0)
        return false;
    ssize_t size = read(fd, status, sizeof(status) - 1);
    if (size <= 0)
        return false;
    status[size] = '\0';
    return ots_caller_status_may_go_on(status);
}
