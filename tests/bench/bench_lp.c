/*
 * The line-protocol reader and writer on rows as TSBS's devops case has them: 10 tags, 10 fields.
 *
 * Per kind of row: MB/s of text read and written on one core, the best of several rounds, beside
 * what memcpy does with the same text in the same run. `hosts`: every row is of another timeline
 * than the one before; `one`: all rows are of one timeline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fs/lp/parse.h"

enum { ROWS = 20000, HOSTS = 100, FIELDS = 10, ROUNDS = 15 };

enum number_kind { WHOLE, DECIMALS_2, DIGITS_17 };

struct bench {
    struct ots_arena arena;
    struct ots_series_key keys[HOSTS];
    struct ots_row rows[ROWS];
    struct ots_buf text;
    struct ots_buf copy;
    size_t row_count;
};

static void must(enum ots_status status)
{
    if (status == OTS_OK)
        return;
    fprintf(stderr, "bench_lp: %s\n", ots_status_text(status));
    exit(1);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* --- rows ------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 11;
}

static struct ots_slice keep(struct bench *bench, const char *text)
{
    struct ots_slice copy;
    must(ots_arena_copy(&bench->arena, ots_slice_str(text), &copy));
    return copy;
}

static void make_key(struct bench *bench, size_t host)
{
    static const char *const NAMES[] = {
        "arch",    "datacenter",          "hostname",        "os",  "rack", "region",
        "service", "service_environment", "service_version", "team"};
    static const char *const VALUES[] = {
        "x64", "eu-central-1a", NULL, "Ubuntu16.04LTS", "31", "eu-central-1", "18", "staging", "1",
        "LON"};
    struct ots_tag *tags = ots_arena_array(&bench->arena, 10, sizeof(*tags));
    if (!tags)
        must(OTS_NOMEM);
    for (size_t i = 0; i < 10; i++) {
        char host_name[32];
        snprintf(host_name, sizeof(host_name), "host_%zu", host);
        tags[i].name = keep(bench, NAMES[i]);
        tags[i].value = keep(bench, VALUES[i] ? VALUES[i] : host_name);
    }
    bench->keys[host] = (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE(""), tags, 10};
}

static struct ots_value make_value(enum number_kind kind, uint64_t *state)
{
    uint64_t number = next_random(state);
    if (kind == WHOLE)
        return (struct ots_value){.type = OTS_INTEGER, .integer = (int64_t)(number % 101)};
    struct ots_value value = {.type = OTS_DOUBLE};
    value.real = kind == DECIMALS_2 ? (double)(number % 10001) / 100.0
                                    : (double)number / 9007199254740992.0 * 100.0;
    return value;
}

static void make_rows(struct bench *bench, enum number_kind kind, bool is_one)
{
    static const char *const NAMES[FIELDS] = {
        "usage_guest", "usage_guest_nice", "usage_idle",  "usage_iowait", "usage_irq",
        "usage_nice",  "usage_softirq",    "usage_steal", "usage_system", "usage_user"};
    uint64_t state = 42;
    ots_arena_reset(&bench->arena);
    for (size_t host = 0; host < HOSTS; host++)
        make_key(bench, host);
    for (size_t i = 0; i < ROWS; i++) {
        struct ots_field *fields = ots_arena_array(&bench->arena, FIELDS, sizeof(*fields));
        if (!fields)
            must(OTS_NOMEM);
        for (size_t f = 0; f < FIELDS; f++)
            fields[f] = (struct ots_field){ots_slice_str(NAMES[f]), make_value(kind, &state)};
        int64_t time_us = 1451606400000000 + (int64_t)i * 10000000;
        bench->rows[i] =
            (struct ots_row){&bench->keys[is_one ? 0 : i % HOSTS], time_us, fields, FIELDS};
    }
}

/* --- what is measured ------------------------------------------------------------------------- */

static enum ots_status take_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct bench *bench = context;
    (void)cut_ns;
    bench->row_count += row->field_count == FIELDS;
    return OTS_OK;
}

static enum ots_status take_problem(void *context, const struct ots_lp_problem *problem)
{
    (void)context;
    fprintf(stderr, "bench_lp: %s\n", problem->reason);
    return OTS_CORRUPT;
}

static void print_all(struct bench *bench)
{
    struct ots_lp_printer printer;
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    ots_buf_reset(&bench->text);
    for (size_t i = 0; i < ROWS; i++)
        must(ots_lp_print(&printer, &bench->rows[i], &bench->text, NULL));
    ots_lp_printer_deinit(&printer);
}

/* In pieces as they come from the kernel. */
static void parse_all(struct bench *bench)
{
    enum { PIECE_BYTES = 128 * 1024 };
    const struct ots_lp_options options = {OTS_PRECISION_NS, -1};
    const struct ots_lp_handler handler = {take_row, take_problem, bench};
    struct ots_lp_parser *parser;
    must(ots_lp_parser_new(&options, &handler, &parser));
    bench->row_count = 0;
    for (size_t at = 0; at < bench->text.size; at += PIECE_BYTES) {
        size_t left = bench->text.size - at;
        struct ots_slice piece = {bench->text.data + at, left < PIECE_BYTES ? left : PIECE_BYTES};
        must(ots_lp_parser_feed(parser, piece));
    }
    ots_lp_parser_free(parser);
    if (bench->row_count != ROWS)
        must(OTS_CORRUPT);
}

static void copy_all(struct bench *bench)
{
    ots_buf_reset(&bench->copy);
    ots_buf_append_slice(&bench->copy, ots_buf_slice(&bench->text));
    must(ots_buf_status(&bench->copy));
}

static double best_seconds(struct bench *bench, void (*run)(struct bench *bench))
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds_now();
        run(bench);
        double taken = seconds_now() - start;
        best = taken < best ? taken : best;
    }
    return best;
}

static void measure(struct bench *bench, const char *name, enum number_kind kind, bool is_one)
{
    make_rows(bench, kind, is_one);
    double print_s = best_seconds(bench, print_all);
    double parse_s = best_seconds(bench, parse_all);
    double copy_s = best_seconds(bench, copy_all);
    double megabytes = (double)bench->text.size / 1e6;
    printf("%-24s %4zu B/row  parse %5.0f MB/s %4.0f ns/row  print %5.0f MB/s %4.0f ns/row  "
           "memcpy %5.0f MB/s\n",
           name, bench->text.size / ROWS, megabytes / parse_s, 1e9 * parse_s / ROWS,
           megabytes / print_s, 1e9 * print_s / ROWS, megabytes / copy_s);
}

int main(void)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    if (!bench)
        must(OTS_NOMEM);
    measure(bench, "lp whole, hosts", WHOLE, false);
    measure(bench, "lp whole, one", WHOLE, true);
    measure(bench, "lp 2 decimals, hosts", DECIMALS_2, false);
    measure(bench, "lp 2 decimals, one", DECIMALS_2, true);
    measure(bench, "lp 17 digits, hosts", DIGITS_17, false);
    measure(bench, "lp 17 digits, one", DIGITS_17, true);
    ots_arena_deinit(&bench->arena);
    ots_buf_deinit(&bench->text);
    ots_buf_deinit(&bench->copy);
    free(bench);
    return 0;
}
