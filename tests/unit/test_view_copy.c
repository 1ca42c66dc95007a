/*
 * Copying from one open file to another: the same as reading and writing, by rows where it can be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/file.h"
#include "tests/unit/make_rows.h"
#include "tests/unit/view_fixture.h"

static const char *const SOURCE = "t/cpu/host=a.lp";
static const char *const TARGET = "u/cpu/host=a.lp";

enum { FIRST = 100000 };

static int setup(void **state)
{
    view_setup(state);
    struct view_fixture *fixture = *state;
    fake_store_add_table(fixture->fake, "u", false);
    view_grow_old(fixture);
    assert_int_equal(view_mkdir(fixture, "u/cpu"), OTS_OK);
    return 0;
}

/* Lines of equal size in the source; to be freed. */
static char *put_lines(struct view_fixture *fixture, int64_t count)
{
    char *lines = view_lines("cpu,host=a", FIRST, count);
    fake_store_put(fixture->fake, "t", lines);
    assert_int_equal(view_attr(fixture, SOURCE).size_bytes, strlen(lines));
    fake_store_forget_counts(fixture->fake);
    return lines;
}

/* A source and a target that are open. */
struct pair {
    struct ots_file *from;
    struct ots_file *to;
};

static struct pair pair_open(struct view_fixture *fixture)
{
    return (struct pair){view_open(fixture, SOURCE, OTS_OPEN_READ),
                         view_open(fixture, TARGET, OTS_OPEN_WRITE)};
}

static void pair_close(struct pair *pair)
{
    ots_file_close(pair->from);
    ots_file_close(pair->to);
}

static enum ots_status copy(const struct pair *pair, uint64_t offset, size_t size, size_t *copied)
{
    struct ots_error err;
    return ots_file_copy(pair->from, offset, pair->to, offset, size, NULL, copied, &err);
}

/* To the same offset, in as many calls as it takes. */
static void copy_all(const struct pair *pair, uint64_t offset, uint64_t end)
{
    while (offset < end) {
        size_t copied;
        assert_int_equal(copy(pair, offset, end - offset, &copied), OTS_OK);
        assert_true(copied > 0 && copied <= end - offset);
        offset += copied;
    }
}

static uint64_t rows_copied(const struct ots_file *file)
{
    return atomic_load(&ots_node_table(file->node)->rows_copied);
}

static size_t count_gets(struct view_fixture *fixture)
{
    return fake_store_count(fixture->fake, OTS_ACTION_GET);
}

static void rows_are_copied_without_text(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 450);
    size_t copied;
    struct pair pair = pair_open(fixture);
    assert_int_equal(copy(&pair, 0, 1000000, &copied), OTS_OK);
    assert_int_equal(copied, strlen(lines));
    assert_int_equal(copy(&pair, copied, 1000000, &copied), OTS_OK);
    assert_int_equal(copied, 0);
    assert_int_equal(view_flush(pair.to), OTS_OK);
    assert_int_equal(rows_copied(pair.to), 450);
    pair_close(&pair);
    /* Its size is known without reading it. */
    assert_int_equal(view_attr(fixture, TARGET).size_bytes, strlen(lines));
    assert_int_equal(count_gets(fixture), 1);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), 3);
    view_expect_stored(fixture, "u", lines);
    view_expect_text(fixture, TARGET, lines);
    free(lines);
}

static void long_timelines_are_copied_page_by_page(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    char *lines = put_lines(fixture, 95);
    struct pair pair = pair_open(fixture);
    copy_all(&pair, 0, strlen(lines));
    assert_int_equal(rows_copied(pair.to), 95);
    assert_int_equal(count_gets(fixture), 10);
    /* Text that is wanted after all is fetched. */
    char *text = view_read_file(pair.from, 0, strlen(lines));
    assert_string_equal(text, lines);
    free(text);
    pair_close(&pair);
    view_expect_text(fixture, TARGET, lines);
    free(lines);
}

static void a_range_ends_with_a_line(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 20);
    size_t line = strlen(lines) / 20;
    size_t copied;
    struct pair pair = pair_open(fixture);
    for (size_t i = 0; i < 20; i += 2) {
        assert_int_equal(copy(&pair, i * line, 3 * line - 1, &copied), OTS_OK);
        assert_int_equal(copied, 2 * line);
    }
    assert_int_equal(rows_copied(pair.to), 20);
    pair_close(&pair);
    view_expect_text(fixture, TARGET, lines);
    free(lines);
}

static void what_holds_no_line_is_copied_as_text(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 20);
    size_t line = strlen(lines) / 20;
    size_t copied;
    struct pair pair = pair_open(fixture);
    assert_int_equal(copy(&pair, 0, 2 * line, &copied), OTS_OK);
    assert_int_equal(copy(&pair, 2 * line, line - 1, &copied), OTS_OK);
    assert_int_equal(copied, line - 1);
    assert_int_equal(rows_copied(pair.to), 2);
    /* The line is not whole. */
    assert_int_equal(view_flush(pair.to), OTS_INVALID);
    copy_all(&pair, 3 * line - 1, strlen(lines));
    assert_int_equal(view_flush(pair.to), OTS_OK);
    pair_close(&pair);
    view_expect_text(fixture, TARGET, lines);
    free(lines);
}

/* In pieces of any size, some of them by hand: nothing is lost, nothing comes twice. */
static void pieces_fit_together(void **state)
{
    struct view_fixture *fixture = *state;
    struct test_random random = {7};
    fake_store_page_rows(fixture->fake, 16);
    char *lines = put_lines(fixture, 300);
    size_t size = strlen(lines);
    for (unsigned round = 0; round < 20; round++) {
        struct pair pair = pair_open(fixture);
        for (size_t at = 0; at < size;) {
            size_t piece = test_random_below(&random, 900) + 1;
            size_t copied;
            piece = piece < size - at ? piece : size - at;
            if (test_random_below(&random, 3)) {
                copy_all(&pair, at, at + piece);
            } else {
                struct ots_error err;
                char *text = view_read_file(pair.from, at, piece);
                assert_int_equal(
                    ots_file_write(pair.to, at, ots_slice(text, piece), NULL, &copied, &err),
                    OTS_OK);
                assert_int_equal(copied, piece);
                free(text);
            }
            at += piece;
        }
        assert_int_equal(view_flush(pair.to), OTS_OK);
        pair_close(&pair);
        view_expect_text(fixture, TARGET, lines);
    }
    view_expect_stored(fixture, "u", lines);
    free(lines);
}

static void lines_of_another_timeline_are_rejected(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 3);
    size_t copied;
    struct pair pair = {view_open(fixture, SOURCE, OTS_OPEN_READ),
                        view_open(fixture, "u/cpu/host=b.lp", OTS_OPEN_WRITE)};
    assert_int_equal(copy(&pair, 0, 1000, &copied), OTS_OK);
    assert_int_equal(copied, strlen(lines));
    assert_int_equal(view_flush(pair.to), OTS_INVALID);
    assert_int_equal(rows_copied(pair.to), 0);
    pair_close(&pair);
    view_expect_stored(fixture, "u", "");
    free(lines);
}

static void an_unfinished_line_takes_the_next_one(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 3);
    size_t line = strlen(lines) / 3;
    struct ots_error err;
    struct pair pair = pair_open(fixture);
    size_t copied;
    assert_int_equal(view_write(pair.to, 0, "cpu,host=a v=1i"), OTS_OK);
    assert_int_equal(ots_file_copy(pair.from, 0, pair.to, 15, 1000, NULL, &copied, &err), OTS_OK);
    assert_int_equal(copied, 3 * line);
    assert_int_equal(view_flush(pair.to), OTS_INVALID);
    pair_close(&pair);
    view_sync(fixture, "u");
    view_expect_stored(fixture, "u", lines + line);
    free(lines);
}

static void both_offsets_count(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 4);
    size_t line = strlen(lines) / 4;
    struct ots_error err;
    struct pair pair = pair_open(fixture);
    size_t copied;
    assert_int_equal(ots_file_copy(pair.from, line, pair.to, 500, line, NULL, &copied, &err),
                     OTS_OK);
    assert_int_equal(copied, line);
    /* A hole. */
    assert_int_equal(ots_file_copy(pair.from, 2 * line, pair.to, 500, line, NULL, &copied, &err),
                     OTS_INVALID);
    assert_int_equal(copied, 0);
    assert_int_equal(
        ots_file_copy(pair.from, 3 * line, pair.to, 500 + line, line, NULL, &copied, &err), OTS_OK);
    assert_int_equal(view_write(pair.to, 500 + 2 * line, "cpu,host=a v=7i 7000\n"), OTS_OK);
    assert_int_equal(rows_copied(pair.to), 2);
    assert_int_equal(view_flush(pair.to), OTS_OK);
    pair_close(&pair);
    view_sync(fixture, "u");
    struct ots_file *file = view_open(fixture, TARGET, OTS_OPEN_READ);
    char *text = view_read_file(file, 0, 1000);
    assert_memory_equal(text, "cpu,host=a v=7i 7000\n", 21);
    assert_memory_equal(text + 21, lines + line, line);
    assert_string_equal(text + 21 + line, lines + 3 * line);
    free(text);
    ots_file_close(file);
    free(lines);
}

static void lines_are_numbered_as_if_written(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 5);
    struct ots_error err;
    size_t copied;
    struct pair pair = pair_open(fixture);
    assert_int_equal(copy(&pair, 0, strlen(lines), &copied), OTS_OK);
    assert_int_equal(view_write(pair.to, copied, "nonsense\n"), OTS_OK);
    assert_int_equal(ots_file_flush(pair.to, true, NULL, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "line 6"));
    pair_close(&pair);
    free(lines);
}

/* What others have put into a table need not be what may be put. */
static void a_row_that_cannot_be_put_is_rejected(void **state)
{
    struct view_fixture *fixture = *state;
    static const struct ots_tag tag = {OTS_SLICE("host"), OTS_SLICE("a")};
    static const struct ots_series_key key = {OTS_SLICE("cpu"), OTS_SLICE(""), &tag, 1};
    const struct ots_field fields[] = {{OTS_SLICE("v"), {.type = OTS_INTEGER, .integer = 1}},
                                       {OTS_SLICE("V"), {.type = OTS_INTEGER, .integer = 2}}};
    const struct ots_row rows[] = {
        {&key, 1, fields, 1}, {&key, 2, fields + 1, 1}, {&key, 3, fields, 0}, {&key, 4, fields, 1}};
    const struct ots_row_sum sums[] = {{1, 21, 1}, {2, 24, 2}, {3, 0, 0}, {4, 21, 4}};
    const struct ots_row_span span = {rows, sums, 4};
    struct ots_error err;
    size_t taken;
    struct ots_file *file = view_open(fixture, TARGET, OTS_OPEN_WRITE);
    assert_int_equal(file->ops->take_rows(file, 0, &span, NULL, &taken, &err), OTS_OK);
    assert_int_equal(taken, 21 + 24 + 21);
    assert_int_equal(ots_file_flush(file, true, NULL, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "line 2"));
    ots_file_close(file);
    view_sync(fixture, "u");
    view_expect_stored(fixture, "u", "cpu,host=a v=1i 1000\ncpu,host=a v=1i 4000\n");
}

static void a_refused_row_is_told(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 300);
    struct ots_error err;
    size_t copied;
    fake_store_refuse(fixture->fake, FIRST + 7);
    struct pair pair = pair_open(fixture);
    assert_int_equal(copy(&pair, 0, strlen(lines), &copied), OTS_OK);
    assert_int_equal(copied, strlen(lines));
    assert_int_equal(ots_file_sync(pair.to, NULL, &err), OTS_IO);
    pair_close(&pair);
    assert_int_equal(view_attr(fixture, TARGET).size_bytes, strlen(lines) / 300 * 299);
    assert_int_equal(view_sync(fixture, "u"), OTS_IO);
    free(lines);
}

static void a_source_that_changes_is_stale(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    char *lines = put_lines(fixture, 100);
    size_t copied;
    struct pair pair = pair_open(fixture);
    assert_int_equal(copy(&pair, 0, strlen(lines) / 20, &copied), OTS_OK);
    assert_int_equal(view_store(fixture, SOURCE, "cpu,host=a v=1i 1000\n"), OTS_OK);
    /* Not even what is there: the range may have been cut at the new size. */
    assert_int_equal(copy(&pair, copied, 1000000, &copied), OTS_STALE);
    assert_int_equal(rows_copied(pair.to), 5);
    pair_close(&pair);
    free(lines);
}

/* Who asks for all gets what the kernel takes for all, and that can be another text's size. */
static void a_whole_that_changed_is_to_be_read(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 100);
    size_t copied;
    struct pair pair = pair_open(fixture);
    assert_int_equal(view_store(fixture, SOURCE, "cpu,host=a v=1i 1000\n"), OTS_OK);
    assert_int_equal(copy(&pair, 0, 1000000, &copied), OTS_NOT_PERMITTED);
    assert_int_equal(copied, 0);
    char *text = view_read_file(pair.from, 0, 1000000);
    assert_string_equal(text, lines);
    free(text);
    pair_close(&pair);
    view_expect_text(fixture, TARGET, "");
    free(lines);
}

/* Nobody has told of the longer line in the second page yet. */
static void a_line_cut_at_the_known_size_is_stale(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    char *lines = put_lines(fixture, 20);
    struct pair pair = pair_open(fixture);
    size_t copied;
    size_t more;
    fake_store_put(fixture->fake, "t", "cpu,host=a v=123456789i 100015000\n");
    assert_int_equal(copy(&pair, 0, strlen(lines), &copied), OTS_OK);
    assert_true(copied < strlen(lines));
    assert_int_equal(copy(&pair, copied, strlen(lines) - copied, &more), OTS_STALE);
    assert_int_equal(view_flush(pair.to), OTS_OK);
    /* Any other range may end within a line. */
    assert_int_equal(copy(&pair, copied, 3, &more), OTS_OK);
    assert_int_equal(more, 3);
    pair_close(&pair);
    free(lines);
}

static void growth_is_copied(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 3);
    size_t copied;
    struct pair pair = pair_open(fixture);
    copy_all(&pair, 0, strlen(lines));
    char *more = view_lines("cpu,host=a", FIRST + 3, 1);
    assert_int_equal(view_store(fixture, SOURCE, more), OTS_OK);
    assert_int_equal(copy(&pair, strlen(lines), 1000, &copied), OTS_OK);
    assert_int_equal(copied, strlen(more));
    pair_close(&pair);
    free(more);
    free(lines);
    lines = view_lines("cpu,host=a", FIRST, 4);
    view_expect_text(fixture, TARGET, lines);
    free(lines);
}

/* Rows that are there are replaced, and what is known of the target is measured. */
static void rows_that_are_there_are_replaced(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 5);
    assert_int_equal(view_store(fixture, TARGET, "cpu,host=a longer=1i,v=2i 100001000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, "u"), OTS_OK);
    struct pair pair = pair_open(fixture);
    copy_all(&pair, 0, strlen(lines));
    pair_close(&pair);
    view_expect_text(fixture, TARGET, lines);
    free(lines);
}

/* Lines that step back in one open file are merged with their rows. */
static void copied_twice_is_copied_once(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 250);
    struct ots_error err;
    size_t copied;
    struct pair pair = pair_open(fixture);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            ots_file_copy(pair.from, 0, pair.to, i * strlen(lines), 1000000, NULL, &copied, &err),
            OTS_OK);
        assert_int_equal(copied, strlen(lines));
    }
    assert_int_equal(view_flush(pair.to), OTS_OK);
    pair_close(&pair);
    view_expect_text(fixture, TARGET, lines);
    free(lines);
}

static void a_view_is_copied_by_rows(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t",
                   "cpu,host=a v=1i,w=1i 1000\ncpu,host=a v=2i 2000\ncpu,host=a v=3i,w=3i 3000\n");
    const char *text = "cpu,host=a w=1i 1000\ncpu,host=a w=3i 3000\n";
    struct pair pair = {view_open(fixture, "t/.fields/w/cpu/host=a.lp", OTS_OPEN_READ),
                        view_open(fixture, TARGET, OTS_OPEN_WRITE)};
    copy_all(&pair, 0, strlen(text));
    assert_int_equal(rows_copied(pair.to), 2);
    pair_close(&pair);
    view_expect_text(fixture, TARGET, text);
}

static void staging_files_get_text(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 30);
    struct pair pair = {view_open(fixture, SOURCE, OTS_OPEN_READ),
                        view_open(fixture, "u/cpu/.new", OTS_OPEN_READ | OTS_OPEN_WRITE)};
    copy_all(&pair, 0, strlen(lines));
    char *text = view_read_file(pair.to, 0, 10000);
    assert_string_equal(text, lines);
    free(text);
    pair_close(&pair);
    free(lines);
}

static void a_file_is_not_copied_to_itself(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 3);
    size_t copied;
    struct ots_file *file = view_open(fixture, SOURCE, OTS_OPEN_READ | OTS_OPEN_WRITE);
    struct pair pair = {file, file};
    assert_int_equal(copy(&pair, 0, 100, &copied), OTS_UNSUPPORTED);
    /* Through two it is written as it is. */
    pair.from = view_open(fixture, SOURCE, OTS_OPEN_READ);
    copy_all(&pair, 0, strlen(lines));
    pair_close(&pair);
    view_expect_text(fixture, SOURCE, lines);
    free(lines);
}

static void times_that_cannot_be_shown_end_it(void **state)
{
    struct view_fixture *fixture = *state;
    size_t copied;
    view_use_precision(fixture, OTS_PRECISION_MS);
    assert_int_equal(view_mkdir(fixture, "u/cpu"), OTS_OK);
    fake_store_put(fixture->fake, "t",
                   "cpu,host=a v=1i 1000000\ncpu,host=a v=2i 2001000\ncpu,host=a v=3i 3000000\n");
    struct pair pair = pair_open(fixture);
    assert_int_equal(copy(&pair, 0, 1000, &copied), OTS_OK);
    assert_int_equal(copied, strlen("cpu,host=a v=1i 1\n"));
    assert_int_equal(rows_copied(pair.to), 1);
    assert_int_equal(copy(&pair, copied, 1000, &copied), OTS_IO);
    assert_int_equal(view_flush(pair.to), OTS_OK);
    pair_close(&pair);
    view_expect_text(fixture, TARGET, "cpu,host=a v=1i 1\n");
}

/* --- interrupts -------------------------------------------------------------------------------*/

struct copier {
    struct view_waiter waiter; /* the first member */
    struct pair pair;
    size_t copied;
};

static enum ots_status copy_waiting(struct view_waiter *waiter)
{
    struct copier *copier = (struct copier *)(void *)waiter;
    struct ots_error err;
    return ots_file_copy(copier->pair.from, 0, copier->pair.to, 0, 1000000, &waiter->interrupt,
                         &copier->copied, &err);
}

static void an_interrupt_makes_it_short(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = put_lines(fixture, 4000);
    size_t line = strlen(lines) / 4000;
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    struct copier copier = {.waiter = {.fixture = fixture, .run = copy_waiting},
                            .pair = pair_open(fixture)};
    /* All that may be in flight is, and it waits for room. */
    view_expect_interrupted(&copier.waiter, OTS_ACTION_PUT, 8, OTS_OK);
    assert_true(copier.copied >= 1600 * line && copier.copied < 4000 * line);
    assert_int_equal(copier.copied % line, 0);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    copy_all(&copier.pair, copier.copied, strlen(lines));
    assert_int_equal(view_flush(copier.pair.to), OTS_OK);
    assert_int_equal(rows_copied(copier.pair.to), 4000);
    pair_close(&copier.pair);
    view_expect_text(fixture, TARGET, lines);
    free(lines);
}

/* Row after row; once the source was changed nothing is copied any more. */
static enum ots_status copy_often(struct ots_file *from, struct ots_file *to)
{
    enum ots_status status = OTS_OK;
    for (unsigned i = 0; i < 200 && (status == OTS_OK || status == OTS_NOT_PERMITTED); i++) {
        struct ots_error err;
        size_t copied;
        status = ots_file_copy(from, 0, to, i * 21, 21, NULL, &copied, &err);
        assert_int_equal(copied, status == OTS_OK ? 21 : 0);
    }
    return status == OTS_NOT_PERMITTED ? OTS_OK : status;
}

static enum ots_status copy_back(struct view_waiter *waiter)
{
    const struct copier *copier = (struct copier *)(void *)waiter;
    return copy_often(copier->pair.to, copier->pair.from);
}

static void both_directions_at_once_end(void **state)
{
    struct view_fixture *fixture = *state;
    unsigned mode = OTS_OPEN_READ | OTS_OPEN_WRITE;
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 1000\n");
    fake_store_put(fixture->fake, "u", "cpu,host=a v=1i 1000\n");
    view_grow_old(fixture);
    struct copier copier;
    copier.pair = (struct pair){view_open(fixture, SOURCE, mode), view_open(fixture, TARGET, mode)};
    copier.waiter = (struct view_waiter){.fixture = fixture, .run = copy_back};
    view_waiter_start(&copier.waiter);
    assert_int_equal(copy_often(copier.pair.from, copier.pair.to), OTS_OK);
    view_waiter_join(&copier.waiter);
    assert_int_equal(copier.waiter.status, OTS_OK);
    pair_close(&copier.pair);
}

#define WITH_VIEW(test) cmocka_unit_test_setup_teardown(test, setup, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_VIEW(rows_are_copied_without_text),
        WITH_VIEW(long_timelines_are_copied_page_by_page),
        WITH_VIEW(a_range_ends_with_a_line),
        WITH_VIEW(what_holds_no_line_is_copied_as_text),
        WITH_VIEW(pieces_fit_together),
        WITH_VIEW(lines_of_another_timeline_are_rejected),
        WITH_VIEW(an_unfinished_line_takes_the_next_one),
        WITH_VIEW(both_offsets_count),
        WITH_VIEW(lines_are_numbered_as_if_written),
        WITH_VIEW(a_row_that_cannot_be_put_is_rejected),
        WITH_VIEW(a_refused_row_is_told),
        WITH_VIEW(a_source_that_changes_is_stale),
        WITH_VIEW(a_whole_that_changed_is_to_be_read),
        WITH_VIEW(a_line_cut_at_the_known_size_is_stale),
        WITH_VIEW(growth_is_copied),
        WITH_VIEW(rows_that_are_there_are_replaced),
        WITH_VIEW(copied_twice_is_copied_once),
        WITH_VIEW(a_view_is_copied_by_rows),
        WITH_VIEW(staging_files_get_text),
        WITH_VIEW(a_file_is_not_copied_to_itself),
        WITH_VIEW(times_that_cannot_be_shown_end_it),
        WITH_VIEW(an_interrupt_makes_it_short),
        WITH_VIEW(both_directions_at_once_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
