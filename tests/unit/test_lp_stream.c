/* The reader over many lines and pieces; single lines are in test_lp_parse.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/lp_record.h"

static const struct ots_lp_options NS = {OTS_PRECISION_NS, -1};

/* --- pieces ----------------------------------------------------------------------------------- */

static const char DOCUMENT[] =
    "# comment with \"quotes\" and f=\"\n"
    "m,a=b f=1i,g=\"x\" 1000\n"
    "\r\n"
    "m,a=b f=2i,g=\"x,\n\\\"y\\\\\" 2000\r\n"
    "  \t\n"
    "m,a=b f=x,h=\"a\nb\" 3\n"
    "m,c\\ d=e\\\\f,_data_source=\"0A f@b64=\"Af8=\",g@str=\"\\\\n\" 4000\n"
    "bad line\n"
    " m,a=b f=2,h=t 5001\n"
    "m,a=b f=\"unclosed 6\n"
    "m,a=b f=\"closed\" 7\n"
    "m\\\n"
    "m,a=\\\nm f=1 2,\"=3\n"
    "m\\,\\ x,a=b \\=f=\"=,\\\\\\\"\" 8000\n"
    "m f=\"a\\\"b\nc\" 10000\n"
    "m f=\"a\\\\\",g=\"b\nc\" 11000\n"
    "m\\\\ x f=\"a\nb\" 12000\n"
    "m f\\\\=x=\"a\nb\" 13000\n"
    "m,_data_source=s,a=b f=1 14000\n"
    "m,_data_source=s,a=b f=2 15000\n"
    "m f=\"\\\n\",g=1 9000\n"
    "m f=\"unfinished\nstring\n";

/* Cut in two at every byte, and into pieces of every size, it is the same. */
static void test_pieces(void **state)
{
    (void)state;
    struct ots_slice text = OTS_SLICE(DOCUMENT);
    struct lp_record whole;
    lp_record_parse(&whole, &NS, text, text.size);
    assert_true(whole.row_count >= 12 && whole.problem_count >= 5);
    ots_buf_append_byte(&whole.text, 0);
    for (size_t piece = 1; piece < text.size; piece++) {
        struct lp_record record;
        lp_record_parse(&record, &NS, text, piece);
        lp_record_assert(&record, (const char *)whole.text.data);
        lp_record_deinit(&record);
    }
    lp_record_deinit(&whole);
}

static void test_two_pieces(void **state)
{
    (void)state;
    struct ots_slice text = OTS_SLICE(DOCUMENT);
    struct lp_record whole;
    lp_record_parse(&whole, &NS, text, text.size);
    ots_buf_append_fmt(&whole.text, "%c", 0);
    for (size_t cut = 0; cut <= text.size; cut++) {
        struct lp_record record;
        struct ots_lp_handler handler = lp_record_handler(&record);
        struct ots_lp_parser *parser;
        assert_int_equal(ots_lp_parser_new(&NS, &handler, &parser), OTS_OK);
        assert_int_equal(ots_lp_parser_feed(parser, ots_slice(text.data, cut)), OTS_OK);
        bool ended = cut == 0 || text.data[cut - 1] == '\n';
        assert_true(ended || ots_lp_parser_rest(parser).size > 0);
        assert_int_equal(ots_lp_parser_feed(parser, ots_slice(text.data + cut, text.size - cut)),
                         OTS_OK);
        struct ots_slice rest = ots_lp_parser_rest(parser);
        assert_true(rest.size < text.size);
        assert_memory_equal(rest.data, text.data + text.size - rest.size, rest.size);
        ots_buf_append_fmt(&record.text, "rest %zu\n", rest.size);
        lp_record_assert(&record, (const char *)whole.text.data);
        ots_lp_parser_free(parser);
        lp_record_deinit(&record);
    }
    lp_record_deinit(&whole);
}

/* A long line in many small pieces; looked at anew with each piece it would take hours. */
static void test_long_string(void **state)
{
    (void)state;
    enum { STRING_BYTES = 4 * 1024 * 1024, PIECE_BYTES = 64 };
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_str(&text, "m f=\"");
    for (size_t i = 0; i < STRING_BYTES / 4; i++)
        ots_buf_append_str(&text, "abc\n");
    ots_buf_append_str(&text, "\" 1000\nbad\n");
    struct lp_record record;
    lp_record_parse(&record, &NS, ots_buf_slice(&text), PIECE_BYTES);
    assert_int_equal(record.row_count, 1);
    assert_int_equal(record.problem_count, 1);
    ots_buf_append_byte(&record.text, 0);
    assert_non_null(
        strstr((const char *)record.text.data, "\n1048578:4: the line has no fields\n"));
    lp_record_deinit(&record);
    ots_buf_deinit(&text);
}

/* --- lines that are too long ------------------------------------------------------------------ */

static struct ots_buf line_of(const char *head, char filler, size_t size, const char *tail)
{
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_str(&text, head);
    size_t fill = size - strlen(head) - strlen(tail);
    uint8_t *to = ots_buf_reserve(&text, fill);
    assert_non_null(to);
    memset(to, filler, fill);
    ots_buf_advance(&text, fill);
    ots_buf_append_str(&text, tail);
    ots_buf_append_str(&text, "\nm f=1 0\nbad\n");
    assert_int_equal(ots_buf_status(&text), OTS_OK);
    return text;
}

static void assert_too_long(struct ots_buf text, const char *expected)
{
    const size_t pieces[] = {text.size,
                             (text.size - 6) / 2,
                             1000003,
                             OTS_LP_LINE_BYTES_MAX,
                             OTS_LP_LINE_BYTES_MAX + 1,
                             OTS_LP_LINE_BYTES_MAX + 2};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct lp_record record;
        lp_record_parse(&record, &NS, ots_buf_slice(&text), pieces[i]);
        lp_record_assert(&record, expected);
        lp_record_deinit(&record);
    }
    ots_buf_deinit(&text);
}

static void test_line_too_long(void **state)
{
    (void)state;
    const char *after_one = "1:8388609: a line of more than 8 MiB\nm f=1 0\n"
                            "3:4: the line has no fields\n";
    const size_t over = OTS_LP_LINE_BYTES_MAX + 1;
    assert_too_long(line_of("m f=\"", 'x', over, "\" 0"), after_one);
    assert_too_long(line_of("m f=", '1', over, ""), after_one);
    assert_too_long(line_of("", ' ', over, ""), after_one);
    assert_too_long(line_of("#", ' ', over, ""), after_one);
    assert_too_long(line_of("bad", 'x', over + 5000000, ""), after_one);
    assert_too_long(line_of("m f=\"\n", 'x', over, "\n\" 0"),
                    "1:8388609: a line of more than 8 MiB\nm f=1 0\n"
                    "5:4: the line has no fields\n");
    assert_too_long(line_of("#", ' ', OTS_LP_LINE_BYTES_MAX, ""),
                    "m f=1 0\n3:4: the line has no fields\n");
    assert_too_long(line_of("m f=", '0', OTS_LP_LINE_BYTES_MAX, " 7000"),
                    "m f=0 7000\nm f=1 0\n3:4: the line has no fields\n");
}

static void test_rest_of_skipped(void **state)
{
    (void)state;
    struct ots_buf text = line_of("m f=\"", 'x', OTS_LP_LINE_BYTES_MAX + 10, "\" 0");
    struct lp_record record;
    lp_record_parse(&record, &NS, ots_slice(text.data, OTS_LP_LINE_BYTES_MAX + 2), 1000000);
    lp_record_assert(&record, "1:8388609: a line of more than 8 MiB\n");
    lp_record_deinit(&record);
    ots_buf_deinit(&text);
}

static void append_many(struct ots_buf *text, const char *separator, const char *format,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ots_buf_append_str(text, i ? separator : "");
        ots_buf_append_fmt(text, "%s%zu=1", format, i);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    struct ots_buf text = OTS_BUF_INIT;
    for (size_t count = 1024; count <= 1025; count++) {
        ots_buf_append_str(&text, "m ");
        append_many(&text, ",", "f", count);
        ots_buf_append_str(&text, " 0\nm,");
        append_many(&text, ",", "t", count);
        ots_buf_append_str(&text, " f=1 0\n");
    }
    struct lp_record record;
    lp_record_parse(&record, &NS, ots_buf_slice(&text), text.size);
    assert_int_equal(record.row_count, 2);
    assert_int_equal(record.problem_count, 2);
    ots_buf_append_byte(&record.text, 0);
    const char *problems = strstr((const char *)record.text.data, "\n3:");
    assert_non_null(problems);
    assert_string_equal(problems, "\n3:7085: more than 1024 fields\n4:7084: more than 1024 tags\n");
    lp_record_deinit(&record);
    ots_buf_deinit(&text);
}

/* --- what is remembered from line to line ----------------------------------------------------- */

struct keys {
    const struct ots_series_key *seen[16];
    size_t count;
    size_t stop_at;
};

static enum ots_status note_key(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    (void)cut_ns;
    struct keys *keys = context;
    keys->seen[keys->count++] = row->key;
    return keys->count == keys->stop_at ? OTS_CANCELLED : OTS_OK;
}

static enum ots_status stop_at_problem(void *context, const struct ots_lp_problem *problem)
{
    (void)problem;
    struct keys *keys = context;
    return keys->stop_at ? OTS_DENIED : OTS_OK;
}

static enum ots_status feed_keys(struct keys *keys, const char *text)
{
    struct ots_lp_handler handler = {note_key, stop_at_problem, keys};
    struct ots_lp_parser *parser;
    assert_int_equal(ots_lp_parser_new(&NS, &handler, &parser), OTS_OK);
    enum ots_status status = ots_lp_parser_feed(parser, ots_slice_str(text));
    ots_lp_parser_free(parser);
    return status;
}

static void test_key_pointers(void **state)
{
    (void)state;
    struct keys keys = {.stop_at = 0};
    assert_int_equal(feed_keys(&keys, "a,t=1 f=1 0\n"
                                      "a,t=1 f=1 1\n"
                                      "b f=1 0\n"
                                      "b f=x 0\n"
                                      "b  f=1 1\n"
                                      "b f=1 2\n"
                                      "a,t=1 f=x 0\n"
                                      "c f=1 0\n"
                                      "c,t=1 f=1 0\n"),
                     OTS_OK);
    const struct ots_series_key **seen = keys.seen;
    assert_int_equal(keys.count, 7);
    assert_ptr_equal(seen[0], seen[1]);
    assert_ptr_not_equal(seen[1], seen[2]);
    assert_ptr_equal(seen[2], seen[3]);
    assert_ptr_equal(seen[3], seen[4]);
    assert_ptr_not_equal(seen[4], seen[5]);
    assert_ptr_not_equal(seen[5], seen[6]);
}

static void test_handler_stops(void **state)
{
    (void)state;
    struct keys keys = {.stop_at = 2};
    assert_int_equal(feed_keys(&keys, "a f=1 0\nb f=1 0\nc f=1 0\n"), OTS_CANCELLED);
    assert_int_equal(keys.count, 2);
    keys = (struct keys){.stop_at = 9};
    assert_int_equal(feed_keys(&keys, "a f=1 0\nb f=x 0\nc f=1 0\n"), OTS_DENIED);
    assert_int_equal(keys.count, 1);
}

/* A line of names that come, go, repeat and change their marks. */
static void append_varied_line(struct ots_buf *text, struct test_random *random)
{
    static const char *const FIELDS[] = {
        "a=1",    "b=2i",           "c=t",   "a=4", "bb=5", "d@=6", "d=7i",
        "e\\ =8", "d@b64=\"eA==\"", "ee@=1", "f=x"};
    static const char *const SERIES[] = {"m", "m,a=1", "m,a=12", "m,b=1,a=1", "mm", "m\\ "};
    ots_buf_append_str(text, SERIES[test_random_below(random, 6)]);
    size_t count = 1 + test_random_below(random, 5);
    for (size_t i = 0; i < count; i++) {
        uint32_t field = test_random_below(random, 3) ? (uint32_t)i : test_random_below(random, 11);
        ots_buf_append_str(text, i ? "," : " ");
        ots_buf_append_str(text, FIELDS[field]);
    }
    ots_buf_append_fmt(text, " %u\n", test_random_below(random, 1000));
}

/* What is remembered never changes what a line says. */
static void test_lines_alone(void **state)
{
    (void)state;
    struct test_random random = {9};
    struct ots_buf text = OTS_BUF_INIT;
    struct ots_buf alone = OTS_BUF_INIT;
    for (size_t i = 0; i < 5000; i++) {
        size_t start = text.size;
        append_varied_line(&text, &random);
        struct lp_record record;
        lp_record_parse(&record, &NS, ots_slice(text.data + start, text.size - start), 1000);
        if (record.row_count)
            ots_buf_append_slice(&alone, ots_buf_slice(&record.text));
        lp_record_deinit(&record);
    }
    struct lp_record all;
    lp_record_parse(&all, &NS, ots_buf_slice(&text), text.size);
    struct ots_buf rows = OTS_BUF_INIT;
    for (size_t at = 0; at < all.text.size;) {
        const uint8_t *line = all.text.data + at;
        size_t size = (size_t)((const uint8_t *)memchr(line, '\n', all.text.size - at) - line) + 1;
        if (*line < '0' || *line > '9')
            ots_buf_append(&rows, line, size);
        at += size;
    }
    assert_true(all.row_count > 3000 && all.problem_count > 100);
    assert_int_equal(rows.size, alone.size);
    assert_memory_equal(rows.data, alone.data, alone.size);
    lp_record_deinit(&all);
    ots_buf_deinit(&rows);
    ots_buf_deinit(&alone);
    ots_buf_deinit(&text);
}

/* --- there and back --------------------------------------------------------------------------- */

struct expected_row {
    const struct ots_row *row;
    size_t count;
};

static enum ots_status compare_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct expected_row *expected = context;
    assert_int_equal(cut_ns, 0);
    assert_true(ots_row_equal(row, &expected->row[expected->count]));
    expected->count++;
    return OTS_OK;
}

static enum ots_status fail_problem(void *context, const struct ots_lp_problem *problem)
{
    (void)context;
    fail_msg("%.*s: %s", OTS_SLICE_FMT(problem->text), problem->reason);
    return OTS_OK;
}

/* Every row, printed and parsed, is the row again, bit for bit. */
static void test_hostile_rows(void **state)
{
    (void)state;
    enum { ROUNDS = 300, ROWS = 100 };
    struct test_random random = {1};
    for (size_t round = 0; round < ROUNDS; round++) {
        struct ots_arena arena = OTS_ARENA_INIT;
        struct ots_row rows[ROWS];
        struct ots_lp_printer printer;
        struct ots_buf text = OTS_BUF_INIT;
        ots_lp_printer_init(&printer, OTS_PRECISION_NS);
        for (size_t i = 0; i < ROWS; i++) {
            rows[i] = lp_hostile_row(&random, &arena);
            if (i && test_random_below(&random, 2))
                rows[i].key = rows[i - 1].key;
            assert_int_equal(ots_lp_print(&printer, &rows[i], &text, NULL), OTS_OK);
        }
        struct expected_row expected = {rows, 0};
        struct ots_lp_handler handler = {compare_row, fail_problem, &expected};
        struct ots_lp_parser *parser;
        assert_int_equal(ots_lp_parser_new(&NS, &handler, &parser), OTS_OK);
        assert_int_equal(ots_lp_parser_feed(parser, ots_buf_slice(&text)), OTS_OK);
        assert_int_equal(ots_lp_parser_rest(parser).size, 0);
        assert_int_equal(expected.count, ROWS);
        ots_lp_parser_free(parser);
        ots_buf_deinit(&text);
        ots_lp_printer_deinit(&printer);
        ots_arena_deinit(&arena);
    }
}

/* Refuses every line at first. */
struct reluctant {
    bool has_refused;
    size_t refused_count;
    struct ots_lp_parser *parser;
    struct ots_buf seen;
};

static enum ots_status take_at_second_try(struct reluctant *taker, uint64_t line,
                                          struct ots_slice text)
{
    taker->has_refused = !taker->has_refused;
    taker->refused_count += taker->has_refused;
    if (taker->has_refused)
        return OTS_CANCELLED;
    ots_buf_append_fmt(&taker->seen, "%d: %.*s\n", (int)line, OTS_SLICE_FMT(text));
    return OTS_OK;
}

static enum ots_status take_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    (void)cut_ns;
    struct reluctant *taker = context;
    assert_int_equal(row->field_count, 1);
    return take_at_second_try(taker, ots_lp_parser_line(taker->parser),
                              ots_lp_parser_text(taker->parser));
}

static enum ots_status take_problem(void *context, const struct ots_lp_problem *problem)
{
    return take_at_second_try(context, problem->line, problem->text);
}

/* In pieces of `piece` bytes. The rest of the text is fed after each refusal. */
static void feed_reluctant(const char *text, size_t piece, const char *wanted)
{
    struct reluctant taker = {.seen = OTS_BUF_INIT};
    struct ots_lp_handler handler = {take_row, take_problem, &taker};
    assert_int_equal(ots_lp_parser_new(&NS, &handler, &taker.parser), OTS_OK);
    size_t size = strlen(text);
    for (size_t at = 0; at < size; at += ots_lp_parser_taken(taker.parser)) {
        struct ots_slice bytes = ots_slice(text + at, piece < size - at ? piece : size - at);
        size_t refused = taker.refused_count;
        enum ots_status status = ots_lp_parser_feed(taker.parser, bytes);
        assert_int_equal(status, refused == taker.refused_count ? OTS_OK : OTS_CANCELLED);
        if (status == OTS_OK)
            assert_int_equal(ots_lp_parser_taken(taker.parser), bytes.size);
    }
    ots_buf_append_byte(&taker.seen, '\0');
    assert_string_equal((const char *)taker.seen.data, wanted);
    assert_true(ots_slice_equal(ots_lp_parser_rest(taker.parser), OTS_SLICE("a f=1")));
    ots_buf_deinit(&taker.seen);
    ots_lp_parser_free(taker.parser);
}

static void test_what_was_refused_is_fed_again(void **state)
{
    (void)state;
    static const char text[] =
        "a f=1 1\n# no row\nb f=\"x\ny\" 2\nb f=x 3\n\nb f=1 4\r\nb f=\"\n\n";
    static const char more[] = "\" 5\na f=1";
    char all[sizeof(text) + sizeof(more)];
    snprintf(all, sizeof(all), "%s%s", text, more);
    for (size_t piece = 1; piece < sizeof(all); piece++)
        feed_reluctant(all, piece,
                       "1: a f=1 1\n3: b f=\"x\ny\" 2\n5: b f=x 3\n7: b f=1 4\n"
                       "8: b f=\"\n\n\" 5\n");
}

/* Rows that came another way. */
static void test_lines_are_passed(void **state)
{
    (void)state;
    struct reluctant taker = {.seen = OTS_BUF_INIT};
    struct ots_lp_handler handler = {take_row, take_problem, &taker};
    assert_int_equal(ots_lp_parser_new(&NS, &handler, &taker.parser), OTS_OK);
    assert_true(ots_lp_parser_is_between_lines(taker.parser));
    ots_lp_parser_pass_lines(taker.parser, 5);
    assert_int_equal(ots_lp_parser_line(taker.parser), 6);
    assert_int_equal(ots_lp_parser_feed(taker.parser, OTS_SLICE("# x")), OTS_OK);
    assert_false(ots_lp_parser_is_between_lines(taker.parser));
    assert_int_equal(ots_lp_parser_feed(taker.parser, OTS_SLICE("\n")), OTS_OK);
    assert_true(ots_lp_parser_is_between_lines(taker.parser));
    assert_int_equal(ots_lp_parser_line(taker.parser), 7);
    ots_lp_parser_free(taker.parser);
    ots_buf_deinit(&taker.seen);
}

static enum ots_status note_default_time(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    (void)cut_ns;
    struct reluctant *taker = context;
    ots_buf_append_fmt(&taker->seen, "%d ", (int)row->time_us);
    ots_lp_parser_set_default_time(taker->parser, row->time_us + 10);
    return OTS_OK;
}

static void test_default_time_changes(void **state)
{
    (void)state;
    struct reluctant taker = {.seen = OTS_BUF_INIT};
    struct ots_lp_handler handler = {note_default_time, take_problem, &taker};
    struct ots_lp_options options = {.precision = OTS_PRECISION_NS, .default_time_us = 5};
    assert_int_equal(ots_lp_parser_new(&options, &handler, &taker.parser), OTS_OK);
    assert_int_equal(
        ots_lp_parser_feed(taker.parser, OTS_SLICE("a f=1\na f=1\na f=1 3000\na f=1\n")), OTS_OK);
    ots_buf_append_byte(&taker.seen, '\0');
    assert_string_equal((const char *)taker.seen.data, "5 15 3 13 ");
    ots_buf_deinit(&taker.seen);
    ots_lp_parser_free(taker.parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_two_pieces),
        cmocka_unit_test(test_long_string),
        cmocka_unit_test(test_line_too_long),
        cmocka_unit_test(test_rest_of_skipped),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_key_pointers),
        cmocka_unit_test(test_handler_stops),
        cmocka_unit_test(test_lines_alone),
        cmocka_unit_test(test_hostile_rows),
        cmocka_unit_test(test_what_was_refused_is_fed_again),
        cmocka_unit_test(test_lines_are_passed),
        cmocka_unit_test(test_default_time_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
