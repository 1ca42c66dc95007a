#include "fs/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the parent: a byte says that the child is ready, the end of the pipe that it is no more. */
static _Noreturn void wait_for_child(int fd, pid_t child)
{
    char byte;
    ssize_t got;
    do
        got = read(fd, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        _exit(EXIT_SUCCESS);
    int result;
    if (waitpid(child, &result, 0) == child && WIFEXITED(result))
        _exit(WEXITSTATUS(result));
    _exit(EXIT_FAILURE);
}

enum ots_status ots_daemon_start(struct ots_daemon *daemon, bool is_foreground,
                                 struct ots_error *err)
{
    int fds[2];
    daemon->ready_fd = -1;
    if (is_foreground)
        return OTS_OK;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return ots_error_errno(err, errno, "pipe");
    pid_t child = fork();
    if (child < 0) {
        enum ots_status status = ots_error_errno(err, errno, "fork");
        close(fds[0]);
        close(fds[1]);
        return status;
    }
    if (child > 0) {
        close(fds[1]);
        wait_for_child(fds[0], child);
    }
    close(fds[0]);
    daemon->ready_fd = fds[1];
    setsid();
    return OTS_OK;
}

void ots_daemon_ready(struct ots_daemon *daemon)
{
    if (daemon->ready_fd < 0)
        return;
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd >= 0) {
        dup2(null_fd, STDIN_FILENO);
        dup2(null_fd, STDOUT_FILENO);
        dup2(null_fd, STDERR_FILENO);
        close(null_fd);
    }
    /* The mount must not keep the directory busy that it was started in. */
    if (chdir("/") != 0)
        errno = 0;
    ssize_t written = write(daemon->ready_fd, "r", 1);
    (void)written;
    close(daemon->ready_fd);
    daemon->ready_fd = -1;
}
