#include "backend/server/listen_socket.h"

#include "backend/base/cleanup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { BACKLOG = 511, HOST_BYTES = 64 };

static enum ots_status errno_of_bind(int errnum, const char *what, struct ots_error *err)
{
    if (errnum == EADDRINUSE)
        return ots_error_set(err, OTS_EXISTS, "cannot listen on %s: it is in use", what);
    return ots_error_errno(err, errnum, "cannot listen on %s", what);
}

/* Cut "HOST:PORT" or "[HOST]:PORT" in two; `host` gets a copy. */
static const char *split_address(const char *address, char host[HOST_BYTES])
{
    const char *colon = strrchr(address, ':');
    const char *start = address;
    if (!colon || colon == address)
        return NULL;
    size_t size = (size_t)(colon - address);
    if (address[0] == '[') {
        if (colon[-1] != ']')
            return NULL;
        start++;
        size -= 2;
    }
    if (size == 0 || size >= HOST_BYTES)
        return NULL;
    memcpy(host, start, size);
    host[size] = '\0';
    return colon + 1;
}

/* getaddrinfo takes larger numbers and cuts them. */
static bool is_port(const char *text)
{
    size_t size = strlen(text);
    return size >= 1 && size <= 5 && strspn(text, "0123456789") == size && atoi(text) <= UINT16_MAX;
}

static enum ots_status bind_tcp(const struct addrinfo *info, const char *address, int *fd,
                                struct ots_error *err)
{
    const int on = 1;
    *fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return ots_error_errno(err, errno, "cannot make a socket");
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(*fd, info->ai_addr, info->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0)
        return OTS_OK;
    enum ots_status status = errno_of_bind(errno, address, err);
    close(*fd);
    *fd = -1;
    return status;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0)
        return 0;
    if (bound.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
    return ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

enum ots_status ots_listen_tcp(const char *address, int *fd, unsigned *port, struct ots_error *err)
{
    char host[HOST_BYTES];
    *fd = -1;
    const char *service = split_address(address, host);
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
    };
    struct addrinfo *info = NULL;
    if (!service || !is_port(service) || getaddrinfo(host, service, &hints, &info) != 0)
        return ots_error_set(err, OTS_INVALID,
                             "%s is no address to listen on, as 127.0.0.1:8087 is", address);
    enum ots_status status = bind_tcp(info, address, fd, err);
    freeaddrinfo(info);
    if (status == OTS_OK)
        *port = port_of(*fd);
    return status;
}

/* Whether somebody accepts connections on the socket. */
static bool is_served(const struct sockaddr_un *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    bool answers = connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0;
    /* A full queue of connections is somebody's too. */
    bool is_dead = !answers && errno == ECONNREFUSED;
    close(fd);
    return !is_dead;
}

static enum ots_status remove_stale(const struct sockaddr_un *name, struct ots_error *err)
{
    struct stat info;
    if (lstat(name->sun_path, &info) != 0)
        return errno == ENOENT ? OTS_OK
                               : ots_error_errno(err, errno, "cannot look at %s", name->sun_path);
    if (!S_ISSOCK(info.st_mode))
        return ots_error_set(err, OTS_EXISTS, "%s exists and is no socket", name->sun_path);
    if (is_served(name))
        return ots_error_set(err, OTS_EXISTS, "cannot listen on %s: it is in use", name->sun_path);
    if (unlink(name->sun_path) != 0 && errno != ENOENT)
        return ots_error_errno(err, errno, "cannot remove %s", name->sun_path);
    return OTS_OK;
}

enum ots_status ots_listen_unix(const char *path, int *fd, struct ots_error *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    *fd = -1;
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(name.sun_path))
        return ots_error_set(err, OTS_INVALID,
                             "the socket's path has %zu bytes instead of 1 to %zu", size,
                             sizeof(name.sun_path) - 1);
    memcpy(name.sun_path, path, size + 1);
    enum ots_status status = remove_stale(&name, err);
    if (status != OTS_OK)
        return status;
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return ots_error_errno(err, errno, "cannot make a socket");
    /* The mode of the socket before bind is that of its path, whatever the umask. */
    bool is_bound =
        fchmod(made, 0600) == 0 && bind(made, (const struct sockaddr *)&name, sizeof(name)) == 0;
    if (!is_bound || chmod(path, 0600) != 0 || listen(made, BACKLOG) != 0) {
        status = errno_of_bind(errno, path, err);
        close(made);
        if (is_bound)
            unlink(path);
        return status;
    }
    *fd = made;
    return OTS_OK;
}

bool ots_listen_is_loopback(const struct sockaddr *address)
{
    if (!address)
        return false;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *v6 = (const void *)address;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return v6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}
