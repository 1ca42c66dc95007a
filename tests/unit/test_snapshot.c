#include "fs/view/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/page_fixture.h"

/* --- snapshots --------------------------------------------------------------------------------*/

static struct ots_snapshot *snapshot_new(struct view_fixture *fixture, const char *table,
                                         const struct ots_marks *marks)
{
    struct ots_snapshot *snapshot = malloc(sizeof(*snapshot));
    const struct ots_snapshot_options options = {.source = page_source(fixture, table)};
    assert_int_equal(ots_snapshot_init(snapshot, &options, marks), OTS_OK);
    return snapshot;
}

static void snapshot_free(struct ots_snapshot *snapshot)
{
    ots_snapshot_deinit(snapshot);
    free(snapshot);
}

/* Lines of 25 bytes, with their marks. */
static char *put_many(struct view_fixture *fixture, int64_t count, struct ots_marks *marks)
{
    char *lines = view_lines("cpu,host=a", 100000, count);
    size_t size = strlen(lines) / (size_t)count;
    struct ots_extent at = {0};
    size_t next = 0;
    fake_store_put(fixture->fake, "t", lines);
    for (int64_t i = 0; i < count; i++) {
        ots_marks_pass(marks, &next, &at, 100000 + i);
        at.size_bytes += size;
        at.row_count++;
    }
    fake_store_forget_counts(fixture->fake);
    return lines;
}

static enum ots_status read_status(struct ots_snapshot *snapshot, uint64_t offset, size_t size)
{
    struct ots_buf out = OTS_BUF_INIT;
    struct ots_error err;
    enum ots_status status = ots_snapshot_read(snapshot, offset, size, NULL, &out, &err);
    if (status != OTS_OK)
        assert_int_equal(out.size, 0);
    ots_buf_deinit(&out);
    return status;
}

/* What is read from `offset` is what `text` has there. */
static void expect(struct ots_snapshot *snapshot, const char *text, uint64_t offset, size_t size)
{
    struct ots_buf out = OTS_BUF_INIT;
    struct ots_error err;
    uint64_t length = strlen(text);
    uint64_t left = offset < length ? length - offset : 0;
    assert_int_equal(ots_snapshot_read(snapshot, offset, size, NULL, &out, &err), OTS_OK);
    assert_int_equal(out.size, left < size ? left : size);
    if (out.size)
        assert_memory_equal(out.data, text + offset, out.size);
    ots_buf_deinit(&out);
}

static void only_what_is_needed_is_fetched(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    page_put_lines(fixture, 25);
    struct ots_snapshot *snapshot = snapshot_new(fixture, "t", NULL);
    /* 25 bytes a line. */
    const struct {
        uint64_t offset;
        size_t gets;
        bool has_end;
    } cases[] = {{0, 1, false},   {249, 1, false}, {250, 3, false},
                 {499, 3, false}, {500, 3, true},  {UINT64_MAX, 3, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ots_snapshot_fetch(snapshot, cases[i].offset, 1, NULL, NULL), OTS_OK);
        /* With the second page the third is asked for. */
        assert_int_equal(page_count_gets(fixture), cases[i].gets);
        assert_int_equal(snapshot->has_end, cases[i].has_end);
    }
    assert_int_equal(snapshot->end.size_bytes, 625);
    assert_int_equal(snapshot->end.row_count, 25);
    assert_int_equal(snapshot->end.last_time_us, 124);
    snapshot_free(snapshot);
}

static void who_reads_on_finds_the_next_page_on_its_way(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    struct ots_marks marks = {0};
    char *text = put_many(fixture, 100, &marks);
    struct ots_snapshot *snapshot = snapshot_new(fixture, "t", NULL);
    size_t quarter = strlen(text) / 40;
    expect(snapshot, text, 0, quarter);
    assert_int_equal(page_count_gets(fixture), 1);
    expect(snapshot, text, quarter, quarter);
    assert_int_equal(page_count_gets(fixture), 1);
    expect(snapshot, text, 2 * quarter, quarter);
    assert_int_equal(page_count_gets(fixture), 2);
    expect(snapshot, text, 3 * quarter, 2 * quarter);
    assert_int_equal(page_count_gets(fixture), 3);
    expect(snapshot, text, 0, strlen(text) + 1);
    assert_int_equal(page_count_gets(fixture), 10);
    snapshot_free(snapshot);
    free(text);
}

/* A reader of one place wants nothing behind it. */
static void who_jumps_about_gets_no_page_ahead(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_marks marks = {0};
    char *text = put_many(fixture, 30000, &marks);
    struct ots_snapshot *snapshot = snapshot_new(fixture, "t", &marks);
    for (uint64_t i = 6; i-- > 0;) {
        expect(snapshot, text, i * strlen(text) / 6 + 4000 * i, 1000);
        assert_int_equal(page_count_gets(fixture), 6 - i);
    }
    snapshot_free(snapshot);
    ots_marks_deinit(&marks);
    free(text);
}

static void a_read_at_the_end_begins_at_the_last_mark(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_marks marks = {0};
    char *text = put_many(fixture, 27000, &marks);
    struct ots_snapshot *snapshot = snapshot_new(fixture, "t", &marks);
    expect(snapshot, text, strlen(text) - 500, 500);
    assert_int_equal(page_count_gets(fixture), 1);
    assert_int_equal(snapshot->windows.runs[0].row_count, 2000);
    expect(snapshot, text, strlen(text) - 500, 5000);
    assert_int_equal(page_count_gets(fixture), 1);
    assert_true(snapshot->has_end);
    assert_int_equal(snapshot->end.size_bytes, strlen(text));
    assert_int_equal(snapshot->end.row_count, 27000);
    snapshot_free(snapshot);
    ots_marks_deinit(&marks);
    free(text);
}

/* Whatever is read in whatever order: the bytes are right and no row is fetched twice. */
static void any_order_of_reads_gives_the_same_bytes(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_marks marks = {0};
    char *text = put_many(fixture, 43210, &marks);
    uint64_t length = strlen(text);
    unsigned seed = 1;
    for (int round = 0; round < 20; round++) {
        struct ots_snapshot *snapshot = snapshot_new(fixture, "t", round % 2 ? &marks : NULL);
        fake_store_forget_counts(fixture->fake);
        for (int i = 0; i < 60; i++) {
            uint64_t offset = (uint64_t)rand_r(&seed) % (length + 1000);
            expect(snapshot, text, offset, (size_t)rand_r(&seed) % (i % 10 ? 3000 : 300000));
        }
        expect(snapshot, text, 0, length + 10);
        uint64_t rows = 0;
        for (size_t i = 0; i < snapshot->windows.count; i++)
            rows += snapshot->windows.runs[i].row_count;
        assert_int_equal(rows, 43210);
        /* Each stream ends with a page that is not full: some more than one for each 5,000. */
        assert_true(page_count_gets(fixture) <= 9 + snapshot->windows.count);
        assert_int_equal(snapshot->marks.count, marks.count);
        snapshot_free(snapshot);
    }
    ots_marks_deinit(&marks);
    free(text);
}

static void with_little_room_all_can_be_read(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_marks marks = {0};
    char *text = put_many(fixture, 43210, &marks);
    uint64_t length = strlen(text);
    unsigned seed = 2;
    const struct ots_snapshot_options options = {.source = page_source(fixture, "t"),
                                                 .windows_bytes_max = 300000};
    struct ots_snapshot snapshot;
    assert_int_equal(ots_snapshot_init(&snapshot, &options, NULL), OTS_OK);
    expect(&snapshot, text, 0, length + 10);
    for (int i = 0; i < 200; i++) {
        uint64_t offset = (uint64_t)rand_r(&seed) % (length + 1000);
        expect(&snapshot, text, offset, (size_t)rand_r(&seed) % (i % 10 ? 3000 : 600000));
        assert_true(snapshot.windows.spool.size_bytes <= 300000);
    }
    /* It has noted marks as it went, and so never begins at the front again. */
    fake_store_forget_counts(fixture->fake);
    expect(&snapshot, text, 0, 10);
    expect(&snapshot, text, length / 2, 10);
    expect(&snapshot, text, length - 10, 10);
    assert_true(page_count_gets(fixture) <= 3);
    assert_int_equal(snapshot.marks.count, marks.count);
    ots_snapshot_deinit(&snapshot);
    ots_marks_deinit(&marks);
    free(text);
}

static void what_grows_at_the_end_appears(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_snapshot *snapshot = snapshot_new(fixture, "t", NULL);
    char *text = view_lines("cpu,host=a", 100, 50);
    expect(snapshot, "", 0, 10);
    for (int64_t count = 0; count < 50; count += 7) {
        page_put_lines(fixture, count);
        size_t known = (size_t)snapshot->end.size_bytes;
        fake_store_forget_counts(fixture->fake);
        char end = text[25 * count];
        text[25 * count] = '\0';
        /* Not before it is said to have grown. */
        assert_int_equal(read_status(snapshot, known, 10), OTS_OK);
        assert_int_equal(page_count_gets(fixture), 0);
        ots_snapshot_grow(snapshot);
        expect(snapshot, text, 0, 10000);
        assert_int_equal(page_count_gets(fixture), 1);
        assert_int_equal(snapshot->end.row_count, count);
        text[25 * count] = end;
    }
    snapshot_free(snapshot);
    free(text);
}

/* --- changes ----------------------------------------------------------------------------------*/

static void another_version_is_never_mixed_in(void **state)
{
    struct view_fixture *fixture = *state;
    atomic_uint_least64_t version = 5;
    const struct ots_snapshot_options options = {.source = page_source(fixture, "t"),
                                                 .version = &version};
    struct ots_snapshot snapshot;
    fake_store_page_rows(fixture->fake, 10);
    struct ots_marks marks = {0};
    char *text = put_many(fixture, 95, &marks);
    size_t page = strlen(text) / 95 * 10;
    assert_int_equal(ots_snapshot_init(&snapshot, &options, NULL), OTS_OK);
    expect(&snapshot, text, 0, page);
    version = 6;
    expect(&snapshot, text, 10, page - 10);
    assert_int_equal(read_status(&snapshot, page, 1), OTS_STALE);
    assert_int_equal(read_status(&snapshot, 10, page), OTS_STALE);
    assert_int_equal(read_status(&snapshot, 100000, 1), OTS_STALE);
    expect(&snapshot, text, 10, page - 10);
    ots_snapshot_deinit(&snapshot);
    /* Once all of it is there nothing can be stale. */
    assert_int_equal(ots_snapshot_init(&snapshot, &options, NULL), OTS_OK);
    expect(&snapshot, text, 0, strlen(text) + 1);
    version = 7;
    expect(&snapshot, text, 0, strlen(text) + 100);
    expect(&snapshot, text, strlen(text), 100);
    ots_snapshot_deinit(&snapshot);
    free(text);
}

/* What was whole before it grew stays so: nobody is told of a change that he cannot see. */
static void a_change_after_growth_keeps_the_end(void **state)
{
    struct view_fixture *fixture = *state;
    atomic_uint_least64_t version = 5;
    const struct ots_snapshot_options options = {.source = page_source(fixture, "t"),
                                                 .version = &version};
    struct ots_snapshot snapshot;
    page_put_lines(fixture, 30);
    char *text = view_lines("cpu,host=a", 100, 30);
    assert_int_equal(ots_snapshot_init(&snapshot, &options, NULL), OTS_OK);
    expect(&snapshot, text, 0, 10000);
    page_put_lines(fixture, 40);
    ots_snapshot_grow(&snapshot);
    version = 6;
    expect(&snapshot, text, 0, 10000);
    expect(&snapshot, text, strlen(text), 100);
    ots_snapshot_grow(&snapshot);
    expect(&snapshot, text, 0, 10000);
    ots_snapshot_deinit(&snapshot);
    free(text);
}

/* The page was asked for before the change and came after it. */
static void a_page_ahead_of_a_change_is_not_shown(void **state)
{
    struct view_fixture *fixture = *state;
    atomic_uint_least64_t version = 5;
    const struct ots_snapshot_options options = {.source = page_source(fixture, "t"),
                                                 .version = &version};
    struct ots_snapshot snapshot;
    fake_store_page_rows(fixture->fake, 10);
    page_put_lines(fixture, 30);
    char *text = view_lines("cpu,host=a", 100, 30);
    assert_int_equal(ots_snapshot_init(&snapshot, &options, NULL), OTS_OK);
    expect(&snapshot, text, 0, 250);
    assert_true(snapshot.stream.pages.is_asked);
    version = 6;
    assert_int_equal(read_status(&snapshot, 250, 1), OTS_STALE);
    expect(&snapshot, text, 0, 250);
    ots_snapshot_deinit(&snapshot);
    free(text);
}

static void *read_all(void *argument)
{
    struct ots_snapshot *snapshot = argument;
    return (void *)(uintptr_t)read_status(snapshot, 0, 1000);
}

/* Read while the version changes; `rows` a page. */
static enum ots_status read_across_a_change(struct view_fixture *fixture, size_t rows)
{
    atomic_uint_least64_t version = 5;
    const struct ots_snapshot_options options = {.source = page_source(fixture, "t"),
                                                 .version = &version};
    struct ots_snapshot snapshot;
    pthread_t thread;
    void *status;
    fake_store_page_rows(fixture->fake, rows);
    assert_int_equal(ots_snapshot_init(&snapshot, &options, NULL), OTS_OK);
    fake_store_hold(fixture->fake, OTS_ACTION_GET);
    assert_int_equal(pthread_create(&thread, NULL, read_all, &snapshot), 0);
    fake_store_wait_held(fixture->fake, OTS_ACTION_GET, 1);
    version = 6;
    fake_store_release(fixture->fake, OTS_ACTION_GET);
    pthread_join(thread, &status);
    assert_false(ots_snapshot_is_current(&snapshot));
    ots_snapshot_deinit(&snapshot);
    return (enum ots_status)(uintptr_t)status;
}

/* Who opens what is written all the time gets a page like any other. */
static void one_page_is_of_one_version(void **state)
{
    struct view_fixture *fixture = *state;
    page_put_lines(fixture, 5);
    assert_int_equal(read_across_a_change(fixture, 10), OTS_OK);
    assert_int_equal(read_across_a_change(fixture, 3), OTS_STALE);
}

/* Somebody else put a row in front of what is marked. */
static void wrong_marks_are_noticed(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_marks marks = {0};
    char *before = put_many(fixture, 20000, &marks);
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 1000\n");
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_fmt(&text, "cpu,host=a v=1i 1000\n%s%c", before, 0);
    const char *after = (const char *)text.data;
    /* Who reads from the front gets the new text. */
    struct ots_snapshot *snapshot = snapshot_new(fixture, "t", &marks);
    expect(snapshot, after, 0, text.size);
    assert_true(snapshot->has_changed);
    assert_int_equal(snapshot->marks.count, 4);
    snapshot_free(snapshot);
    /* Who was at the end before does not. */
    snapshot = snapshot_new(fixture, "t", &marks);
    expect(snapshot, before, strlen(before) - 100, 100);
    assert_int_equal(read_status(snapshot, 0, text.size), OTS_STALE);
    assert_true(snapshot->has_changed);
    expect(snapshot, before, strlen(before) - 100, 100);
    snapshot_free(snapshot);
    ots_buf_deinit(&text);
    ots_marks_deinit(&marks);
    free(before);
}

static void a_timeline_that_shrank_is_noticed(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_marks marks = {0};
    char *text = put_many(fixture, 12000, &marks);
    fake_store_remove(fixture->fake, "t", "cpu");
    struct ots_snapshot *snapshot = snapshot_new(fixture, "t", &marks);
    assert_int_equal(read_status(snapshot, 0, 100), OTS_OK);
    assert_true(snapshot->has_changed);
    assert_int_equal(snapshot->end.size_bytes, 0);
    snapshot_free(snapshot);
    ots_marks_deinit(&marks);
    free(text);
}

/* --- precision --------------------------------------------------------------------------------*/

static void a_row_that_does_not_fit_fails_where_it_stands(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(
        fixture->fake, "t",
        "cpu,host=a v=1i 1000000\ncpu,host=a v=2i 2000000\ncpu,host=a v=3i 3001000\n"
        "cpu,host=a v=4i 3002000\ncpu,host=a v=5i 5000000\ncpu,host=a v=6i 6000001000\n");
    const char *text =
        "cpu,host=a v=1i 1\ncpu,host=a v=2i 2\n....................................cpu,"
        "host=a v=5i 5\n";
    const struct ots_snapshot_options options = {.source = page_source(fixture, "t"),
                                                 .precision = OTS_PRECISION_MS};
    struct ots_snapshot snapshot;
    struct ots_buf out = OTS_BUF_INIT;
    struct ots_error err;
    assert_int_equal(ots_snapshot_init(&snapshot, &options, NULL), OTS_OK);
    expect(&snapshot, text, 0, 36);
    expect(&snapshot, text, 72, 18);
    for (uint64_t offset = 36; offset < 72; offset++)
        assert_int_equal(read_status(&snapshot, offset, 1), OTS_IO);
    assert_int_equal(read_status(&snapshot, 0, 37), OTS_IO);
    assert_int_equal(read_status(&snapshot, 71, 5), OTS_IO);
    assert_int_equal(ots_snapshot_read(&snapshot, 36, 1, NULL, &out, &err), OTS_IO);
    assert_non_null(strstr(err.message, "3001 us"));
    assert_int_equal(read_status(&snapshot, 80, 50), OTS_IO);
    /* The last line has the size of `... 6000`. */
    assert_int_equal(snapshot.end.size_bytes, 90 + 21);
    assert_int_equal(snapshot.end.row_count, 6);
    ots_buf_deinit(&out);
    ots_snapshot_deinit(&snapshot);
}

/* --- the rest ---------------------------------------------------------------------------------*/

static void a_timeline_without_rows_is_complete(void **state)
{
    struct ots_snapshot *snapshot = snapshot_new(*state, "t", NULL);
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, 1, NULL, NULL), OTS_OK);
    assert_true(snapshot->has_end);
    assert_int_equal(snapshot->end.size_bytes, 0);
    assert_int_equal(snapshot->end.row_count, 0);
    snapshot_free(snapshot);
}

static void the_key_may_go_away(void **state)
{
    struct view_fixture *fixture = *state;
    page_put_lines(fixture, 1);
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key copy;
    struct ots_snapshot snapshot;
    struct ots_snapshot_options options = {.source = page_source(fixture, "t")};
    options.source.key = &copy;
    assert_int_equal(ots_series_key_copy(&arena, &page_key, &copy), OTS_OK);
    assert_int_equal(ots_snapshot_init(&snapshot, &options, NULL), OTS_OK);
    ots_arena_deinit(&arena);
    memset(&copy, 0xFF, sizeof(copy));
    assert_int_equal(ots_snapshot_fetch(&snapshot, 0, 1, NULL, NULL), OTS_OK);
    assert_int_equal(snapshot.end.row_count, 1);
    ots_snapshot_deinit(&snapshot);
}

static void a_table_that_is_not_there_is_an_error(void **state)
{
    struct ots_snapshot *snapshot = snapshot_new(*state, "nothing", NULL);
    struct ots_error err;
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, 1, NULL, &err), OTS_NOT_FOUND);
    assert_false(snapshot->has_end);
    snapshot_free(snapshot);
}

static void a_raised_interrupt_asks_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_snapshot *snapshot = snapshot_new(fixture, "t", NULL);
    struct ots_interrupt raised;
    struct ots_error err;
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, 1, &raised, &err), OTS_CANCELLED);
    assert_int_equal(page_count_gets(fixture), 0);
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, 1, NULL, &err), OTS_OK);
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, 1, &raised, &err), OTS_OK);
    ots_interrupt_deinit(&raised);
    snapshot_free(snapshot);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_setup, view_teardown)
#define THREADS_TEST(name) cmocka_unit_test_setup_teardown(name, view_setup_threads, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_is_needed_is_fetched),
        TEST(who_reads_on_finds_the_next_page_on_its_way),
        TEST(who_jumps_about_gets_no_page_ahead),
        TEST(a_read_at_the_end_begins_at_the_last_mark),
        TEST(any_order_of_reads_gives_the_same_bytes),
        THREADS_TEST(any_order_of_reads_gives_the_same_bytes),
        TEST(with_little_room_all_can_be_read),
        TEST(what_grows_at_the_end_appears),
        TEST(another_version_is_never_mixed_in),
        TEST(one_page_is_of_one_version),
        TEST(a_change_after_growth_keeps_the_end),
        TEST(a_page_ahead_of_a_change_is_not_shown),
        TEST(wrong_marks_are_noticed),
        TEST(a_timeline_that_shrank_is_noticed),
        TEST(a_row_that_does_not_fit_fails_where_it_stands),
        TEST(a_timeline_without_rows_is_complete),
        TEST(the_key_may_go_away),
        TEST(a_table_that_is_not_there_is_an_error),
        TEST(a_raised_interrupt_asks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
