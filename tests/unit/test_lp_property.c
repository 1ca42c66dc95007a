/*
 * Any row of the service's model survives printing and parsing, bit for bit.
 *
 *   test_lp_property [ROWS [SEED]]     ROWS: 50,000 unless told
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/lp_record.h"

enum { BATCH = 100, ROWS = 50000 };

struct property {
    uint64_t rows;
    uint64_t seed;
};

struct expectation {
    const struct ots_row *rows;
    size_t next;
};

static enum ots_status compare_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct expectation *expectation = context;
    assert_true(expectation->next < BATCH);
    assert_int_equal(cut_ns, 0);
    assert_true(ots_row_equal(row, &expectation->rows[expectation->next]));
    expectation->next++;
    return OTS_OK;
}

static enum ots_status fail_problem(void *context, const struct ots_lp_problem *problem)
{
    (void)context;
    fail_msg("line %" PRIu64 ", column %zu: %s", problem->line, problem->column, problem->reason);
    return OTS_OK;
}

/* A string or binary that spans many pieces of what is fed. */
static struct ots_value make_long_value(struct test_random *random, struct ots_arena *arena)
{
    size_t size = test_random_below(random, 100000);
    uint8_t *bytes = ots_arena_alloc(arena, size + 1);
    assert_non_null(bytes);
    bool is_text = test_random_below(random, 2);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)test_random_below(random, is_text ? 128 : 256);
    return (struct ots_value){.type = is_text ? OTS_STRING : OTS_BINARY,
                              .bytes = ots_slice(bytes, size)};
}

/* As many fields as a row can have. */
static void make_wide(struct test_random *random, struct ots_arena *arena, struct ots_row *row)
{
    struct ots_field *fields = ots_arena_array(arena, OTS_FIELDS_PER_ROW_MAX, sizeof(*fields));
    assert_non_null(fields);
    for (size_t i = 0; i < OTS_FIELDS_PER_ROW_MAX; i++) {
        char name[32];
        int size = snprintf(name, sizeof(name), "f%zu", OTS_FIELDS_PER_ROW_MAX - i);
        assert_int_equal(ots_arena_copy(arena, ots_slice(name, (size_t)size), &fields[i].name),
                         OTS_OK);
        fields[i].value = row->fields[test_random_below(random, (uint32_t)row->field_count)].value;
    }
    row->fields = fields;
    row->field_count = OTS_FIELDS_PER_ROW_MAX;
}

static struct ots_row make_row(struct test_random *random, struct ots_arena *arena,
                               const struct ots_row *before, enum ots_precision precision)
{
    struct ots_row row = lp_hostile_row(random, arena);
    if (before && test_random_below(random, 2))
        row.key = before->key;
    if (test_random_below(random, 1000) == 0)
        make_wide(random, arena, &row);
    if (test_random_below(random, 1000) == 0) {
        struct ots_field *field = ots_arena_array(arena, 1, sizeof(*field));
        assert_non_null(field);
        *field = (struct ots_field){row.fields[0].name, make_long_value(random, arena)};
        row.fields = field;
        row.field_count = 1;
    }
    /* Times in nanoseconds end where 64 bits do, times in seconds where microseconds do. */
    if (precision == OTS_PRECISION_NS)
        row.time_us %= INT64_MAX / 1000;
    row.time_us = ots_precision_cut(precision, row.time_us);
    return row;
}

/* Feed the text in pieces of random sizes. */
static void feed(struct test_random *random, struct ots_lp_parser *parser, struct ots_slice text)
{
    uint32_t piece_max = test_random_below(random, 2) ? 50 : 20000;
    for (size_t at = 0; at < text.size;) {
        size_t size = 1 + test_random_below(random, piece_max);
        size = size < text.size - at ? size : text.size - at;
        assert_int_equal(ots_lp_parser_feed(parser, ots_slice(text.data + at, size)), OTS_OK);
        at += size;
    }
}

static void check_batch(struct test_random *random)
{
    enum ots_precision precision = (enum ots_precision)test_random_below(random, 4);
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_row rows[BATCH];
    struct ots_lp_printer printer;
    struct ots_buf text = OTS_BUF_INIT;
    ots_lp_printer_init(&printer, precision);
    for (size_t i = 0; i < BATCH; i++) {
        rows[i] = make_row(random, &arena, i ? &rows[i - 1] : NULL, precision);
        assert_int_equal(ots_lp_print(&printer, &rows[i], &text, NULL), OTS_OK);
    }
    struct expectation expectation = {rows, 0};
    const struct ots_lp_options options = {precision, -1};
    const struct ots_lp_handler handler = {compare_row, fail_problem, &expectation};
    struct ots_lp_parser *parser;
    assert_int_equal(ots_lp_parser_new(&options, &handler, &parser), OTS_OK);
    feed(random, parser, ots_buf_slice(&text));
    assert_int_equal(ots_lp_parser_rest(parser).size, 0);
    assert_int_equal(expectation.next, BATCH);
    ots_lp_parser_free(parser);
    ots_buf_deinit(&text);
    ots_lp_printer_deinit(&printer);
    ots_arena_deinit(&arena);
}

static void rows_survive_print_and_parse(void **state)
{
    const struct property *property = *state;
    struct test_random random = {property->seed};
    for (uint64_t done = 0; done < property->rows; done += BATCH)
        check_batch(&random);
}

int main(int argc, char **argv)
{
    struct property property = {ROWS, 1};
    if (argc > 1)
        property.rows = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        property.seed = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(rows_survive_print_and_parse, &property),
    };
    if (argc > 1)
        printf("lp: %" PRIu64 " rows, seed %" PRIu64 "\n", property.rows, property.seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
