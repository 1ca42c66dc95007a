/*
 * The line-protocol reader and writer on rows as TSBS's devops case has them: 10 tags, 10 fields.
 *
 * Per kind of row: MB/s of text parsed and printed on one core, beside what memcpy does with the
 * same text. `hosts`: every row is of another timeline than the one before; `one`: all rows are of
 * one timeline.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fs/lp/parse.h"
#include "tests/bench/bench.h"
#include "tests/bench/devops.h"

enum { ROWS = 20000 };

struct bench {
    struct ots_arena arena;
    const struct ots_row *rows;
    struct ots_buf text;
    struct ots_buf copy;
    size_t row_count;
};

static enum ots_status take_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct bench *bench = context;
    (void)cut_ns;
    bench->row_count += row->field_count == DEVOPS_FIELDS;
    return OTS_OK;
}

static enum ots_status take_problem(void *context, const struct ots_lp_problem *problem)
{
    (void)context;
    fprintf(stderr, "bench_lp: %s\n", problem->reason);
    return OTS_CORRUPT;
}

static void print_all(void *context)
{
    struct bench *bench = context;
    struct ots_lp_printer printer;
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    ots_buf_reset(&bench->text);
    for (size_t i = 0; i < ROWS; i++)
        bench_must(ots_lp_print(&printer, &bench->rows[i], &bench->text, NULL), "print");
    ots_lp_printer_deinit(&printer);
}

/* In pieces as they come from the kernel. */
static void parse_all(void *context)
{
    enum { PIECE_BYTES = 128 * 1024 };
    struct bench *bench = context;
    const struct ots_lp_options options = {OTS_PRECISION_NS, -1};
    const struct ots_lp_handler handler = {take_row, take_problem, bench};
    struct ots_lp_parser *parser;
    bench_must(ots_lp_parser_new(&options, &handler, &parser), "parse");
    bench->row_count = 0;
    for (size_t at = 0; at < bench->text.size; at += PIECE_BYTES) {
        size_t left = bench->text.size - at;
        struct ots_slice piece = {bench->text.data + at, left < PIECE_BYTES ? left : PIECE_BYTES};
        bench_must(ots_lp_parser_feed(parser, piece), "parse");
    }
    ots_lp_parser_free(parser);
    if (bench->row_count != ROWS)
        bench_must(OTS_CORRUPT, "parse");
}

static void copy_all(void *context)
{
    struct bench *bench = context;
    ots_buf_reset(&bench->copy);
    ots_buf_append_slice(&bench->copy, ots_buf_slice(&bench->text));
    bench_must(ots_buf_status(&bench->copy), "copy");
}

static void tell(const char *what, const char *name, const char *unit, double value, double memcpy)
{
    char full[64];
    snprintf(full, sizeof(full), "%s, %s", what, name);
    struct bench_figure figure = {full, unit, value, memcpy > 0 ? "memcpy" : NULL, memcpy};
    bench_tell("lp", &figure);
}

static void measure(const char *name, enum devops_number number, bool is_one)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bench_must(bench ? OTS_OK : OTS_NOMEM, "bench");
    const struct devops_options options = {number, is_one, ROWS};
    bench->rows = devops_rows(&bench->arena, &options);
    print_all(bench);
    double megabytes = (double)bench->text.size / 1e6;
    double copy = megabytes / bench_seconds(copy_all, bench);
    tell("print", name, "MB/s", megabytes / bench_seconds(print_all, bench), copy);
    tell("print", name, "mallocs/row", bench_allocations(print_all, bench) / ROWS, 0);
    tell("parse", name, "MB/s", megabytes / bench_seconds(parse_all, bench), copy);
    tell("parse", name, "mallocs/row", bench_allocations(parse_all, bench) / ROWS, 0);
    ots_arena_deinit(&bench->arena);
    ots_buf_deinit(&bench->text);
    ots_buf_deinit(&bench->copy);
    free(bench);
}

int main(void)
{
    measure("whole, hosts", DEVOPS_WHOLE, false);
    measure("whole, one", DEVOPS_WHOLE, true);
    measure("2 decimals, hosts", DEVOPS_DECIMALS_2, false);
    measure("2 decimals, one", DEVOPS_DECIMALS_2, true);
    measure("17 digits, hosts", DEVOPS_DIGITS_17, false);
    measure("17 digits, one", DEVOPS_DIGITS_17, true);
    return 0;
}
