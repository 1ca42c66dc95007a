/*
 * The least a client can do, as a peer for the mount: rows from reply to put, without text, without
 * files. And what fills tables for the benchmarks of the mount.
 *
 *   bench_scan_put fill DIR TABLE TIMELINES ROWS [FIRST [MEASUREMENTS]]
 *       rows FIRST (0) to FIRST + ROWS - 1 of each timeline, a second apart, 5 fields, in the order
 *       of timelines, which are of 10 measurements in turn; creates the table unless it is there
 *   bench_scan_put copy DIR TABLE DIR
 *       a table to another instance: split scans in flight, each page as puts of 200 rows
 *   bench_scan_put scan DIR TABLE
 *       the same without the puts
 *   bench_scan_put list DIR TABLE
 *       metadata of all timelines, page after page
 *
 * DIR is the directory of an otslocal that serves. Prints one JSON object.
 */
#include "tests/soak/server.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    FIELDS = 5,
    LANES = 8,
    SPLITS = 32,
    PUTS_PER_PAGE = OTS_PAGE_ROWS_MAX / OTS_PUT_ROWS_MAX,
    META_PAGE = 1000,
    MEASUREMENTS_DEFAULT = 10
};

static const int64_t FIRST_US = INT64_C(1700000000000000);

struct job {
    struct ots_store *from;
    struct ots_store *to; /* NULL: nothing is put */
    struct ots_slice table;
    uint64_t timelines;
    uint64_t rows_each;
    uint64_t first_row;
    uint64_t measurements;
    const struct ots_slice *splits;
    size_t split_count;
    atomic_size_t next; /* the next split, or put */
    atomic_ulong rows;
    atomic_ulong requests;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_scan_put: %s: %s\n", what, why);
    exit(1);
}

static struct ots_store *connect_store(const char *directory)
{
    return soak_connect(directory, &(struct soak_client_options){.connections_max = 16,
                                                                 .put_layout = OTS_PUT_SHARED});
}

static void run(struct ots_store *store, struct ots_call *call)
{
    struct ots_error err = {0};
    if (ots_store_run(store, call, NULL, &err) != OTS_OK)
        die(ots_action_name(call->action), err.message);
}

static void create(struct ots_store *store, struct ots_slice table)
{
    struct ots_call call;
    struct ots_error err = {0};
    ots_call_init(&call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = table;
    enum ots_status status = ots_store_run(store, &call, NULL, &err);
    if (status != OTS_OK && status != OTS_EXISTS)
        die("CreateTimeseriesTable", err.message);
    ots_call_deinit(&call);
}

/* --- puts in flight --------------------------------------------------------------------------- */

struct latch {
    pthread_mutex_t lock;
    pthread_cond_t is_zero;
    size_t count;
};

static void latch_wait(struct latch *latch)
{
    pthread_mutex_lock(&latch->lock);
    while (latch->count)
        pthread_cond_wait(&latch->is_zero, &latch->lock);
    pthread_mutex_unlock(&latch->lock);
}

static void put_done(struct ots_call *call, void *context)
{
    struct latch *latch = context;
    if (call->status != OTS_OK)
        die("PutTimeseriesData", call->error.message);
    if (call->response.put.failed_row_count)
        die("PutTimeseriesData", "rows were refused");
    pthread_mutex_lock(&latch->lock);
    if (--latch->count == 0)
        pthread_cond_signal(&latch->is_zero);
    pthread_mutex_unlock(&latch->lock);
}

/* Submit rows as puts of 200; `latch` tells when all are done. */
static void submit_puts(struct job *job, const struct ots_rows *rows, struct ots_call *puts,
                        struct latch *latch)
{
    size_t count = (rows->count + OTS_PUT_ROWS_MAX - 1) / OTS_PUT_ROWS_MAX;
    latch->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t at = i * OTS_PUT_ROWS_MAX;
        size_t left = rows->count - at;
        ots_call_init(&puts[i], OTS_ACTION_PUT);
        puts[i].request.put.table = job->table;
        puts[i].request.put.rows = rows->items + at;
        puts[i].request.put.row_count = left < OTS_PUT_ROWS_MAX ? left : OTS_PUT_ROWS_MAX;
        puts[i].done = put_done;
        puts[i].done_context = latch;
        job->to->ops->submit(job->to, &puts[i]);
    }
    atomic_fetch_add(&job->requests, count);
}

/* --- copy and scan ---------------------------------------------------------------------------- */

/* A page and the puts of its rows. */
struct page {
    struct ots_call scan;
    struct ots_call puts[PUTS_PER_PAGE];
    struct latch latch;
    size_t put_count;
    bool is_used;
};

static void page_finish(struct page *page)
{
    if (!page->is_used)
        return;
    latch_wait(&page->latch);
    for (size_t i = 0; i < page->put_count; i++)
        ots_call_deinit(&page->puts[i]);
    ots_call_deinit(&page->scan);
    page->is_used = false;
}

/* One page is read while the rows of the one before are put. */
static void copy_split(struct job *job, struct ots_slice split, struct page *pages)
{
    struct ots_buf token = OTS_BUF_INIT;
    size_t turn = 0;
    do {
        struct page *page = &pages[turn++ % 2];
        page_finish(page);
        ots_call_init(&page->scan, OTS_ACTION_SCAN);
        page->scan.request.scan.table = job->table;
        page->scan.request.scan.split = split;
        page->scan.request.scan.limit = OTS_PAGE_ROWS_MAX;
        page->scan.request.scan.token = ots_buf_slice(&token);
        run(job->from, &page->scan);
        const struct ots_page_response *response = &page->scan.response.page;
        ots_buf_reset(&token);
        ots_buf_append_slice(&token, response->next_token);
        atomic_fetch_add(&job->rows, response->rows.count);
        if (response->rows.count > OTS_PAGE_ROWS_MAX)
            die("ScanTimeseriesData", "a page is too long");
        page->put_count = 0;
        page->is_used = true;
        if (job->to) {
            page->put_count = (response->rows.count + OTS_PUT_ROWS_MAX - 1) / OTS_PUT_ROWS_MAX;
            submit_puts(job, &response->rows, page->puts, &page->latch);
        }
    } while (token.size);
    page_finish(&pages[0]);
    page_finish(&pages[1]);
    ots_buf_deinit(&token);
}

static void *copy_lane(void *context)
{
    struct job *job = context;
    struct page *pages = calloc(2, sizeof(*pages));
    if (!pages)
        die("copy", "no memory");
    for (size_t i = 0; i < 2; i++) {
        pthread_mutex_init(&pages[i].latch.lock, NULL);
        pthread_cond_init(&pages[i].latch.is_zero, NULL);
    }
    size_t at;
    while ((at = atomic_fetch_add(&job->next, 1)) < job->split_count)
        copy_split(job, job->splits[at], pages);
    free(pages);
    return NULL;
}

static void run_lanes(struct job *job, void *(*lane)(void *context))
{
    pthread_t threads[LANES];
    for (size_t i = 0; i < LANES; i++)
        if (pthread_create(&threads[i], NULL, lane, job) != 0)
            die("pthread_create", "failed");
    for (size_t i = 0; i < LANES; i++)
        pthread_join(threads[i], NULL);
}

static void copy(struct job *job)
{
    struct ots_call call;
    if (job->to)
        create(job->to, job->table);
    ots_call_init(&call, OTS_ACTION_SPLIT);
    call.request.split.table = job->table;
    call.request.split.split_count_hint = SPLITS;
    run(job->from, &call);
    job->splits = call.response.split.splits;
    job->split_count = call.response.split.count;
    run_lanes(job, copy_lane);
    ots_call_deinit(&call);
}

/* --- fill ------------------------------------------------------------------------------------- */

/* A put's rows with all that they point to. */
struct batch {
    struct ots_rows rows;
    struct ots_row items[OTS_PUT_ROWS_MAX];
    struct ots_series_key keys[OTS_PUT_ROWS_MAX];
    struct ots_tag tags[OTS_PUT_ROWS_MAX][2];
    struct ots_field fields[OTS_PUT_ROWS_MAX][FIELDS];
    char measurements[OTS_PUT_ROWS_MAX][8];
    char hosts[OTS_PUT_ROWS_MAX][24];
};

static void fill_row(struct batch *batch, size_t at, unsigned measurement, uint64_t timeline,
                     uint64_t row)
{
    struct ots_field *fields = batch->fields[at];
    snprintf(batch->measurements[at], sizeof(batch->measurements[at]), "m%u", measurement % 1000);
    snprintf(batch->hosts[at], sizeof(batch->hosts[at]), "h%07" PRIu64, timeline);
    batch->tags[at][0] = (struct ots_tag){OTS_SLICE("az"), OTS_SLICE("b")};
    batch->tags[at][1] = (struct ots_tag){OTS_SLICE("host"), ots_slice_str(batch->hosts[at])};
    batch->keys[at] = (struct ots_series_key){ots_slice_str(batch->measurements[at]), OTS_SLICE(""),
                                              batch->tags[at], 2};
    uint64_t mixed = (timeline * 7919 + row) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    fields[0] = (struct ots_field){OTS_SLICE("busy"),
                                   {.type = OTS_DOUBLE, .real = (double)(mixed % 10001) / 100}};
    fields[1] = (struct ots_field){OTS_SLICE("count"),
                                   {.type = OTS_INTEGER, .integer = (int64_t)(row * 7)}};
    fields[2] = (struct ots_field){OTS_SLICE("load"),
                                   {.type = OTS_DOUBLE, .real = (double)(mixed % 800) / 8}};
    fields[3] =
        (struct ots_field){OTS_SLICE("state"), {.type = OTS_STRING, .bytes = OTS_SLICE("running")}};
    fields[4] =
        (struct ots_field){OTS_SLICE("up"), {.type = OTS_BOOLEAN, .boolean = mixed % 16 != 0}};
    batch->items[at] =
        (struct ots_row){&batch->keys[at], FIRST_US + (int64_t)row * 1000000, fields, FIELDS};
}

static void *fill_lane(void *context)
{
    struct job *job = context;
    struct batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        die("fill", "no memory");
    struct latch latch = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    uint64_t total = job->timelines * job->rows_each;
    uint64_t at;
    while ((at = atomic_fetch_add(&job->next, 1) * OTS_PUT_ROWS_MAX) < total) {
        struct ots_call put;
        batch->rows = (struct ots_rows){.items = batch->items};
        for (uint64_t i = at; i < total && i < at + OTS_PUT_ROWS_MAX; i++)
            fill_row(batch, batch->rows.count++, (unsigned)(i / job->rows_each % job->measurements),
                     i / job->rows_each, job->first_row + i % job->rows_each);
        submit_puts(job, &batch->rows, &put, &latch);
        latch_wait(&latch);
        ots_call_deinit(&put);
        atomic_fetch_add(&job->rows, batch->rows.count);
    }
    free(batch);
    return NULL;
}

static void list(struct job *job)
{
    struct ots_buf token = OTS_BUF_INIT;
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_QUERY_META);
        call.request.query_meta.table = job->table;
        call.request.query_meta.limit = META_PAGE;
        call.request.query_meta.token = ots_buf_slice(&token);
        run(job->from, &call);
        job->rows += call.response.query_meta.count;
        job->requests++;
        ots_buf_reset(&token);
        ots_buf_append_slice(&token, call.response.query_meta.next_token);
        ots_call_deinit(&call);
    } while (token.size);
    ots_buf_deinit(&token);
}

/* ---------------------------------------------------------------------------------------------- */

static void tell(const struct job *job, int64_t start_us)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    double wall = (double)(ots_clock_monotonic_us(&ots_clock_system) - start_us) / 1e6;
    printf(
        "{\"rows\":%lu,\"requests\":%lu,\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"peak_kb\":%ld}\n",
        atomic_load(&job->rows), atomic_load(&job->requests), wall, cpu, usage.ru_maxrss);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*end || end == text)
        die(text, "no number");
    return value;
}

int main(int argc, char **argv)
{
    struct job job = {0};
    const char *what = argc > 3 ? argv[1] : "";
    int64_t start_us = ots_clock_monotonic_us(&ots_clock_system);
    if (argc > 3) {
        job.from = connect_store(argv[2]);
        job.table = ots_slice_str(argv[3]);
    }
    if (strcmp(what, "fill") == 0 && argc >= 6 && argc <= 8) {
        job.timelines = number(argv[4]);
        job.rows_each = number(argv[5]);
        job.first_row = argc > 6 ? number(argv[6]) : 0;
        job.measurements = argc > 7 ? number(argv[7]) : MEASUREMENTS_DEFAULT;
        if (!job.measurements)
            die("fill", "no measurements");
        job.to = job.from;
        create(job.to, job.table);
        run_lanes(&job, fill_lane);
    } else if (strcmp(what, "copy") == 0 && argc == 5) {
        job.to = connect_store(argv[4]);
        copy(&job);
        ots_store_free(job.to);
    } else if (strcmp(what, "scan") == 0 && argc == 4) {
        copy(&job);
    } else if (strcmp(what, "list") == 0 && argc == 4) {
        list(&job);
    } else {
        die("usage", "fill DIR TABLE TIMELINES ROWS [FIRST [MEASUREMENTS]] | copy DIR TABLE DIR | "
                     "scan DIR TABLE | list DIR TABLE");
    }
    ots_store_free(job.from);
    tell(&job, start_us);
    return 0;
}
