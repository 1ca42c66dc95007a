/*
 * otslocal as a process, over its Unix socket, with our client as the load: CPU per row of the
 * server alone (its utime and stime), rows per second, the largest memory it had.
 *
 * `one`: puts of 200 rows laid out as the SDKs do, timeline after timeline; `hosts`: 200 timelines
 * in each put; `merge`: what RocksDB does behind them until it rests; `scan`. Then kill -9 and the
 * time until the first answer of the next start; and a table of many timelines, whose metadata is
 * read page by page, the first pages beside the last.
 *
 * BENCH_ROWS (2000000) and BENCH_TIMELINES (200000) in the environment set the sizes.
 */
#include "backend/base/json.h"
#include "backend/client/client.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    FIELDS = 10,
    PUT_ROWS = OTS_PUT_ROWS_MAX,
    LANES = 8,
    SPLITS = 4,
    META_PAGE = 1000,
    QUIET_MS = 500
};

struct bench {
    char directory[128];
    char program[512];
    pid_t server;
    struct ots_store *store;
};

static _Noreturn void die(const char *what, const struct ots_error *err)
{
    fprintf(stderr, "bench_server: %s: %s\n", what, err ? err->message : "failed");
    exit(1);
}

static double wall_seconds(void)
{
    return (double)ots_clock_monotonic_us(&ots_clock_system) / 1e6;
}

static double server_cpu_seconds(const struct bench *bench)
{
    char path[64];
    unsigned long user = 0;
    unsigned long system = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)bench->server);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                        &system) != 2)
        die(path, NULL);
    fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static long server_peak_mb(const struct bench *bench)
{
    char path[64];
    char line[256];
    long peak_kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)bench->server);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmHWM: %ld", &peak_kb) == 1)
            break;
    if (file)
        fclose(file);
    return peak_kb / 1024;
}

static void start_server(struct bench *bench)
{
    char socket[160];
    snprintf(socket, sizeof(socket), "%s/socket", bench->directory);
    bench->server = fork();
    if (bench->server < 0)
        die("fork", NULL);
    if (bench->server == 0) {
        int null_fd = open("/dev/null", O_WRONLY);
        dup2(null_fd, STDOUT_FILENO);
        execl(bench->program, bench->program, bench->directory, "--socket", socket, (char *)NULL);
        _exit(127);
    }
}

static struct ots_json *read_credentials(const struct bench *bench)
{
    char path[192];
    char text[4096];
    snprintf(path, sizeof(path), "%s/credentials.json", bench->directory);
    for (int tries = 0; tries < 1000; tries++) {
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

static void connect_store(struct bench *bench)
{
    OTS_AUTO(ots_json_freep) struct ots_json *json = read_credentials(bench);
    char socket[160];
    struct ots_error err = {0};
    struct ots_transport *transport;
    snprintf(socket, sizeof(socket), "%s/socket", bench->directory);
    struct ots_curl_options curl = {
        .endpoint = "http://localhost", .unix_socket = socket, .connections_max = LANES};
    struct ots_client_options client = {
        .instance = ots_json_string(json, "instanceName"),
        .access_key_id = ots_json_string(json, "accessId"),
        .access_key_secret = ots_json_string(json, "accessKey"),
        .put_layout = OTS_PUT_PLAIN,
        .clock = &ots_clock_system,
    };
    if (ots_curl_transport_new(&curl, &transport, &err) != OTS_OK ||
        ots_client_new(&client, transport, &bench->store, &err) != OTS_OK)
        die("client", &err);
}

static void run(struct bench *bench, struct ots_call *call)
{
    struct ots_error err = {0};
    if (ots_store_run(bench->store, call, NULL, &err) != OTS_OK)
        die(ots_action_name(call->action), &err);
}

/* --- puts -------------------------------------------------------------------------------------*/

/* A put with all that its rows point to. */
struct batch {
    struct ots_call call;
    struct ots_row rows[PUT_ROWS];
    struct ots_series_key keys[PUT_ROWS];
    struct ots_tag tags[PUT_ROWS];
    struct ots_field fields[PUT_ROWS][FIELDS];
    char hosts[PUT_ROWS][24];
    char names[FIELDS][8];
};

/* Row i is of host `first_host + i * host_step` at `first_us + i * step_us`. */
static void fill(struct batch *batch, const char *table, uint64_t first_host, uint64_t host_step,
                 int64_t first_us, int64_t step_us, size_t field_count)
{
    for (size_t f = 0; f < FIELDS; f++)
        snprintf(batch->names[f], sizeof(batch->names[f]), "usage%zu", f);
    for (size_t i = 0; i < PUT_ROWS; i++) {
        int size = snprintf(batch->hosts[i], sizeof(batch->hosts[i]), "host_%" PRIu64,
                            first_host + i * host_step);
        batch->tags[i] =
            (struct ots_tag){OTS_SLICE("hostname"), ots_slice(batch->hosts[i], (size_t)size)};
        batch->keys[i] =
            (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE("telegraf"), &batch->tags[i], 1};
        int64_t time_us = first_us + (int64_t)i * step_us;
        for (size_t f = 0; f < field_count; f++)
            batch->fields[i][f] = (struct ots_field){
                ots_slice_str(batch->names[f]),
                {.type = OTS_DOUBLE, .real = (double)(time_us / 1000000 % 997) / (double)(f + 1)}};
        batch->rows[i] = (struct ots_row){&batch->keys[i], time_us, batch->fields[i], field_count};
    }
    ots_call_init(&batch->call, OTS_ACTION_PUT);
    batch->call.request.put.table = ots_slice_str(table);
    batch->call.request.put.rows = batch->rows;
    batch->call.request.put.row_count = PUT_ROWS;
}

enum order { ONE_TIMELINE, MANY_TIMELINES, NEW_TIMELINES };

struct lane {
    struct bench *bench;
    const char *table;
    enum order order;
    size_t first_put;
    size_t put_count;
    pthread_t thread;
};

static void *run_lane(void *argument)
{
    const struct lane *lane = argument;
    struct batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        die("memory", NULL);
    for (size_t p = lane->first_put; p < lane->first_put + lane->put_count; p++) {
        if (lane->order == ONE_TIMELINE)
            fill(batch, lane->table, p / 50, 0, (int64_t)(p % 50) * PUT_ROWS * 1000000, 1000000,
                 FIELDS);
        else if (lane->order == MANY_TIMELINES)
            fill(batch, lane->table, lane->first_put * PUT_ROWS, 1,
                 (int64_t)(p - lane->first_put) * 1000000, 0, FIELDS);
        else
            fill(batch, lane->table, p * PUT_ROWS, 1, 1000000, 0, 1);
        run(lane->bench, &batch->call);
        ots_call_deinit(&batch->call);
    }
    free(batch);
    return NULL;
}

static void create(struct bench *bench, const char *table)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = ots_slice_str(table);
    run(bench, &call);
    ots_call_deinit(&call);
}

static void report(const struct bench *bench, const char *what, size_t rows, double cpu,
                   double wall)
{
    printf("%-10s %9zu rows  %6.2f us server CPU/row  %8.0f rows/s  %4ld MB\n", what, rows,
           1e6 * cpu / (double)rows, (double)rows / wall, server_peak_mb(bench));
}

static void bench_puts(struct bench *bench, const char *table, enum order order, size_t rows)
{
    struct lane lanes[LANES];
    size_t puts_each = rows / PUT_ROWS / LANES;
    create(bench, table);
    double cpu = server_cpu_seconds(bench);
    double wall = wall_seconds();
    for (size_t i = 0; i < LANES; i++) {
        lanes[i] = (struct lane){bench, table, order, i * puts_each, puts_each, 0};
        if (pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]) != 0)
            die("thread", NULL);
    }
    for (size_t i = 0; i < LANES; i++)
        pthread_join(lanes[i].thread, NULL);
    report(bench, table, puts_each * LANES * PUT_ROWS, server_cpu_seconds(bench) - cpu,
           wall_seconds() - wall);
}

/* What the puts left the server to merge is not to be counted as reading. */
static void bench_merge(struct bench *bench, size_t rows)
{
    double cpu = server_cpu_seconds(bench);
    double wall = wall_seconds();
    double seen = -1;
    double now = cpu;
    while (now > seen) {
        seen = now;
        nanosleep(&(struct timespec){0, QUIET_MS * 1000000}, NULL);
        now = server_cpu_seconds(bench);
    }
    report(bench, "merge", rows, now - cpu, wall_seconds() - wall);
}

/* --- reading ----------------------------------------------------------------------------------*/

static size_t scan_split(struct bench *bench, const char *table, struct ots_slice split)
{
    size_t count = 0;
    struct ots_buf token = OTS_BUF_INIT;
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_SCAN);
        call.request.scan.table = ots_slice_str(table);
        call.request.scan.split = split;
        call.request.scan.limit = OTS_PAGE_ROWS_MAX;
        call.request.scan.token = ots_buf_slice(&token);
        run(bench, &call);
        count += call.response.page.rows.count;
        ots_buf_reset(&token);
        ots_buf_append_slice(&token, call.response.page.next_token);
        ots_call_deinit(&call);
    } while (token.size);
    ots_buf_deinit(&token);
    return count;
}

static void bench_scan(struct bench *bench, const char *table)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_SPLIT);
    call.request.split.table = ots_slice_str(table);
    call.request.split.split_count_hint = SPLITS;
    run(bench, &call);
    double cpu = server_cpu_seconds(bench);
    double wall = wall_seconds();
    size_t rows = 0;
    for (size_t i = 0; i < call.response.split.count; i++)
        rows += scan_split(bench, table, call.response.split.splits[i]);
    report(bench, "scan", rows, server_cpu_seconds(bench) - cpu, wall_seconds() - wall);
    ots_call_deinit(&call);
}

/* Pages of metadata of one measurement; the mean time of the first and of the last tenth. */
static void bench_meta(struct bench *bench, const char *table, size_t timelines)
{
    size_t pages = 0;
    size_t found = 0;
    size_t tenth = timelines / META_PAGE / 10 + 1;
    double first = 0;
    double last = 0;
    struct ots_buf token = OTS_BUF_INIT;
    struct ots_condition condition = {
        .kind = OTS_CONDITION_MEASUREMENT, .comparison = OTS_EQUAL, .value = OTS_SLICE("cpu")};
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_QUERY_META);
        call.request.query_meta.table = ots_slice_str(table);
        call.request.query_meta.condition = &condition;
        call.request.query_meta.limit = META_PAGE;
        call.request.query_meta.token = ots_buf_slice(&token);
        double start = wall_seconds();
        run(bench, &call);
        double spent = wall_seconds() - start;
        first += pages < tenth ? spent : 0;
        last += found + META_PAGE * tenth >= timelines ? spent : 0;
        pages++;
        found += call.response.query_meta.count;
        ots_buf_reset(&token);
        ots_buf_append_slice(&token, call.response.query_meta.next_token);
        ots_call_deinit(&call);
    } while (token.size);
    ots_buf_deinit(&token);
    printf("%-10s %9zu timelines  pages of %d: %.2f ms at the start, %.2f ms at the end\n", "meta",
           found, META_PAGE, 1e3 * first / (double)tenth, 1e3 * last / (double)tenth);
}

static void bench_restart(struct bench *bench, size_t rows)
{
    kill(bench->server, SIGKILL);
    waitpid(bench->server, NULL, 0);
    double start = wall_seconds();
    start_server(bench);
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    run(bench, &call);
    ots_call_deinit(&call);
    printf("%-10s %9zu rows  %.2f s from kill -9 to the first answer\n", "restart", rows,
           wall_seconds() - start);
}

static size_t size_from(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text ? (size_t)strtoull(text, NULL, 10) : otherwise;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void find_program(struct bench *bench)
{
    char self[384];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (size < 0)
        die("/proc/self/exe", NULL);
    self[size] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(bench->program, sizeof(bench->program), "%s/../../otslocal", self);
}

int main(void)
{
    struct bench bench = {0};
    const char *tmp = getenv("TMPDIR");
    size_t rows = size_from("BENCH_ROWS", 2000000);
    size_t timelines = size_from("BENCH_TIMELINES", 200000);
    setvbuf(stdout, NULL, _IOLBF, 0);
    find_program(&bench);
    snprintf(bench.directory, sizeof(bench.directory), "%s/bench.XXXXXX", tmp ? tmp : "/var/tmp");
    if (!mkdtemp(bench.directory))
        die(bench.directory, NULL);
    start_server(&bench);
    connect_store(&bench);
    bench_puts(&bench, "one", ONE_TIMELINE, rows);
    bench_merge(&bench, rows);
    bench_scan(&bench, "one");
    bench_puts(&bench, "hosts", MANY_TIMELINES, rows / 4);
    bench_merge(&bench, rows / 4);
    bench_scan(&bench, "hosts");
    bench_restart(&bench, rows + rows / 4);
    bench_puts(&bench, "timelines", NEW_TIMELINES, timelines);
    bench_meta(&bench, "timelines", timelines);
    ots_store_free(bench.store);
    kill(bench.server, SIGTERM);
    waitpid(bench.server, NULL, 0);
    nftw(bench.directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
