/*
 * What the journal costs a row on its way: rows of five fields through a pipeline whose store
 * answers at once, without a journal, with one that is handed over to at the end of each file, and
 * with ever smaller files.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fs/view/pipeline.h"

enum { ROWS = 200000, FIELDS = 5, ROUNDS = 5 };

static void must(bool is_true, const char *what)
{
    if (is_true)
        return;
    fprintf(stderr, "bench_journal: %s\n", what);
    exit(1);
}

/* --- a store that stores nothing --------------------------------------------------------------*/

/* Holds one put back, so that rows are on their way when a file ends. */
struct slow_store {
    struct ots_store store;
    struct ots_call *held;
};

static void answer(struct ots_call *call)
{
    if (!call)
        return;
    call->status = OTS_OK;
    call->done(call, call->done_context);
}

static void submit(struct ots_store *store, struct ots_call *call)
{
    struct slow_store *slow = (struct slow_store *)(void *)store;
    struct ots_call *held = slow->held;
    slow->held = call;
    answer(held);
}

static int64_t now_us(struct ots_store *store)
{
    (void)store;
    return ots_clock_now_us(&ots_clock_system);
}

static const struct ots_store_ops slow_ops = {submit, NULL, NULL, now_us};

static void ignore_failure(void *context, const struct ots_failed_put *put)
{
    (void)context;
    (void)put;
}

/* --- measuring --------------------------------------------------------------------------------*/

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Rows of one timeline go through; `file_rows` 0: nothing is handed over. */
static double run(struct ots_journal *journal, int64_t file_rows)
{
    struct slow_store slow = {.store.ops = &slow_ops};
    struct ots_pipeline_options options = {
        .store = &slow.store,
        .table = OTS_SLICE("t"),
        .clock = &ots_clock_system,
        .in_flight_max = 8,
        .failed = ignore_failure,
    };
    struct ots_pipeline *pipeline;
    must(ots_pipeline_new(&options, &pipeline) == OTS_OK, "no pipeline");
    ots_pipeline_set_journal(pipeline, journal);
    struct ots_origin *origin = ots_origin_new(NULL);
    struct ots_tag tags[] = {{OTS_SLICE("az"), OTS_SLICE("b")},
                             {OTS_SLICE("host"), OTS_SLICE("web-1")}};
    struct ots_series_key key = {OTS_SLICE("cpu"), OTS_SLICE("telegraf"), tags, 2};
    char names[FIELDS][16];
    struct ots_field fields[FIELDS];
    double start_s = seconds_now();
    for (int64_t i = 0; i < ROWS; i++) {
        for (int f = 0; f < FIELDS; f++) {
            int size = snprintf(names[f], sizeof(names[f]), "usage_%d", f);
            fields[f] = (struct ots_field){ots_slice(names[f], (size_t)size),
                                           {.type = OTS_DOUBLE, .real = (double)(i % 1000) / 100}};
        }
        struct ots_row row = {&key, 1700000000000000 + i * 1000000, fields, FIELDS};
        must(ots_pipeline_add(pipeline, &row, origin, NULL) == OTS_OK, "add");
        if (file_rows && i % file_rows == file_rows - 1)
            must(ots_pipeline_hand_over(pipeline, NULL) == OTS_OK, "hand over");
    }
    while (slow.held) {
        struct ots_call *held = slow.held;
        slow.held = NULL;
        answer(held);
        ots_pipeline_send_older(pipeline, 0);
    }
    double seconds = seconds_now() - start_s;
    ots_origin_unref(origin);
    ots_pipeline_free(pipeline);
    return seconds;
}

static void measure(int dir_fd, const char *name, int64_t file_rows)
{
    struct ots_journal_options options = {.dir_fd = dir_fd, .table = OTS_SLICE("t")};
    struct ots_journal *journal = NULL;
    must(ots_journal_new(&options, &journal, NULL) == OTS_OK, "no journal");
    double best_s = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        double seconds = run(journal, file_rows);
        best_s = seconds < best_s ? seconds : best_s;
    }
    ots_journal_free(journal);
    printf("journal %-24s %5.0f ns/row\n", name, 1e9 * best_s / ROWS);
}

int main(void)
{
    char path[] = "/tmp/ots-bench.XXXXXX";
    must(mkdtemp(path), "no folder");
    int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(dir_fd >= 0, path);
    measure(dir_fd, "nothing handed over", 0);
    measure(dir_fd, "files of 5,000 rows", 5000);
    measure(dir_fd, "files of 200 rows", 200);
    measure(dir_fd, "files of 10 rows", 10);
    unlinkat(dir_fd, "journal/t", AT_REMOVEDIR);
    unlinkat(dir_fd, "journal", AT_REMOVEDIR);
    close(dir_fd);
    rmdir(path);
    return 0;
}
