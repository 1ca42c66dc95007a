#include "tests/soak/server.h"

#include "backend/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void die(const char *what, const struct ots_error *err)
{
    if (err)
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, err->message);
    else
        perror(what);
    exit(1);
}

void soak_server_init(struct soak_server *server, const char *folder)
{
    const char *tmp = getenv("TMPDIR");
    char self[384];
    *server = (struct soak_server){0};
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (size < 0)
        die("/proc/self/exe", NULL);
    self[size] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(server->program, sizeof(server->program), "%s/../../otslocal", self);
    /* Short: a Unix socket's path holds at most 107 bytes. */
    snprintf(server->directory, sizeof(server->directory), "%s/ots.XXXXXX", tmp ? tmp : folder);
    if (!mkdtemp(server->directory))
        die(server->directory, NULL);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void soak_server_deinit(struct soak_server *server)
{
    soak_server_kill(server);
    nftw(server->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void soak_server_start(struct soak_server *server)
{
    char socket[128];
    pid_t parent = getpid();
    snprintf(socket, sizeof(socket), "%s/socket", server->directory);
    server->pid = fork();
    if (server->pid < 0)
        die("fork", NULL);
    if (server->pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        /* It must not outlive us, however we end. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
        dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        execl(server->program, server->program, server->directory, "--socket", socket,
              (char *)NULL);
        _exit(127);
    }
}

void soak_server_kill(struct soak_server *server)
{
    if (!server->pid)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

static struct ots_json *read_credentials(const char *directory)
{
    char path[256];
    char text[4096];
    snprintf(path, sizeof(path), "%s/credentials.json", directory);
    for (int tries = 0; tries < 3000; tries++) {
        FILE *file = fopen(path, "r");
        size_t size = file ? fread(text, 1, sizeof(text), file) : 0;
        struct ots_json *json = NULL;
        if (file)
            fclose(file);
        if (size && ots_json_parse(ots_slice(text, size), &json, NULL) == OTS_OK)
            return json;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    die(path, NULL);
}

struct ots_store *soak_connect(const char *directory, const struct soak_client_options *options)
{
    OTS_AUTO(ots_json_freep) struct ots_json *json = read_credentials(directory);
    struct ots_error err;
    struct ots_transport *transport;
    struct ots_store *store;
    struct ots_curl_options curl = {
        .endpoint = "http://localhost",
        .unix_socket = ots_json_string(json, "socket"),
        .connections_max = options->connections_max,
    };
    struct ots_client_options client = {
        .instance = ots_json_string(json, "instanceName"),
        .access_key_id = ots_json_string(json, "accessId"),
        .access_key_secret = ots_json_string(json, "accessKey"),
        .timeout_ms = options->timeout_ms,
        .put_layout = options->put_layout,
        .clock = &ots_clock_system,
    };
    if (ots_curl_transport_new(&curl, &transport, &err) != OTS_OK ||
        ots_client_new(&client, transport, &store, &err) != OTS_OK)
        die(directory, &err);
    return store;
}
