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
#include "backend/base/clock.h"
#include "backend/store.h"
#include "tests/soak/server.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
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
    struct soak_server server;
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
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)bench->server.pid);
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
    snprintf(path, sizeof(path), "/proc/%d/status", (int)bench->server.pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmHWM: %ld", &peak_kb) == 1)
            break;
    if (file)
        fclose(file);
    return peak_kb / 1024;
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
    soak_server_kill(&bench->server);
    double start = wall_seconds();
    soak_server_start(&bench->server);
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

int main(void)
{
    struct bench bench = {0};
    size_t rows = size_from("BENCH_ROWS", 2000000);
    size_t timelines = size_from("BENCH_TIMELINES", 200000);
    setvbuf(stdout, NULL, _IOLBF, 0);
    soak_server_init(&bench.server, "/var/tmp");
    soak_server_start(&bench.server);
    bench.store = soak_connect(bench.server.directory,
                               &(struct soak_client_options){.connections_max = LANES});
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
    soak_server_deinit(&bench.server);
    return 0;
}
