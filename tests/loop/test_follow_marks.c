/*
 * A long timeline after a mount has ended and begun again: its end is read without what lies
 * before, and what was changed meanwhile is never mixed with what was known.
 */
#include "tests/loop/follow_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define A "t/cpu/host=a.lp"

enum { ROWS = 60000, STEP_US = 10, LINE_BYTES = 40, TEXT_BYTES = ROWS * LINE_BYTES };

/* Requests for the end of a text with marks: the size's and what is read. */
enum { END_GETS = 3 };

static const int64_t SECOND_US = 1000000;

/* The lines of rows from `first` to before `end`, at the end of `text`. */
static void add_lines(char *text, int first, int end, int late_us)
{
    text += strlen(text);
    for (int i = first; i < end; i++)
        text +=
            snprintf(text, LINE_BYTES, "cpu,host=a v=%di %d000\n", i, (i + 1) * STEP_US + late_us);
}

static char *new_text(int count)
{
    char *text = calloc(1, TEXT_BYTES + 1);
    add_lines(text, 0, count, 0);
    return text;
}

/* `lines` as another wrote them, in their place before row `at`. */
static void insert_lines(char *text, int at, const char *lines)
{
    char before[LINE_BYTES];
    snprintf(before, sizeof(before), "cpu,host=a v=%di ", at);
    char *place = strstr(text, before);
    assert_non_null(place);
    memmove(place + strlen(lines), place, strlen(place) + 1);
    memcpy(place, lines, strlen(lines));
}

/* What is read from `offset` on is that part of `text`. Returns how many gets it took. */
static size_t expect_part(struct follow *follow, const char *text, size_t offset, size_t size)
{
    follow_wait_ready(follow, "t");
    follow_expect_size(follow, A, text);
    follow_forget_counts(follow);
    struct ots_file *file = view_open(&follow->mount, A, OTS_OPEN_READ);
    char *part = view_read_file(file, offset, size);
    size_t left = strlen(text) - offset;
    assert_int_equal(strlen(part), left < size ? left : size);
    assert_memory_equal(part, text + offset, strlen(part));
    ots_file_close(file);
    free(part);
    return follow_count(follow, OTS_ACTION_GET);
}

static size_t expect_end(struct follow *follow, const char *text)
{
    return expect_part(follow, text, strlen(text) - 300, 1000);
}

static void begin(struct follow *follow, const char *text)
{
    follow_put(follow, "t", text);
    follow_wait_ready(follow, "t");
    follow_expect_size(follow, A, text);
}

static void the_end_is_read_alone(void **state)
{
    struct follow *follow = *state;
    char *text = new_text(ROWS / 2);
    begin(follow, text);
    for (int i = 0; i < 2; i++) {
        follow_remount(follow);
        assert_in_range(expect_end(follow, text), 1, END_GETS);
        assert_in_range(expect_part(follow, text, strlen(text) / 2, 300), 1, END_GETS);
    }
    /* It grows, while it is mounted and while it is not. */
    char *more = calloc(1, TEXT_BYTES);
    add_lines(more, ROWS / 2, ROWS * 3 / 4, 0);
    follow_put(follow, "t", more);
    strcat(text, more);
    follow_wait_polls(follow, "t");
    follow_pass_time(follow, SECOND_US);
    follow_unmount(follow);
    *more = '\0';
    add_lines(more, ROWS * 3 / 4, ROWS, 0);
    follow_put(follow, "t", more);
    strcat(text, more);
    follow_mount(follow);
    assert_in_range(expect_end(follow, text), 1, END_GETS);
    follow_remount(follow);
    assert_in_range(expect_end(follow, text), 1, END_GETS);
    assert_in_range(expect_part(follow, text, 0, TEXT_BYTES), ROWS / 5000, ROWS / 5000 + 1);
    free(more);
    free(text);
}

/* A late row moves all that lies behind it; when nobody has read since, nothing is known of it. */
static void what_lies_behind_a_late_row_is_found_anew(void **state)
{
    struct follow *follow = *state;
    char *text = new_text(ROWS / 2);
    char late[LINE_BYTES * 20] = "";
    begin(follow, text);
    follow_remount(follow);
    assert_in_range(expect_end(follow, text), 1, END_GETS);
    /* Seen by the mount, and stored. */
    add_lines(late, 12000, 12009, -1);
    follow_put(follow, "t", late);
    for (int i = 12000; i < 12009; i++) {
        char line[LINE_BYTES] = "";
        add_lines(line, i, i + 1, -1);
        insert_lines(text, i, line);
    }
    follow_wait_polls(follow, "t");
    follow_pass_time(follow, SECOND_US);
    follow_wait_polls(follow, "t");
    follow_remount(follow);
    expect_end(follow, text);
    follow_remount(follow);
    assert_in_range(expect_end(follow, text), 1, END_GETS);
    expect_part(follow, text, strlen(text) / 2, 300);
    /* While it was not mounted. */
    follow_unmount(follow);
    char line[LINE_BYTES] = "";
    add_lines(line, 20000, 20001, -1);
    follow_put(follow, "t", line);
    insert_lines(text, 20000, line);
    follow_mount(follow);
    expect_end(follow, text);
    follow_remount(follow);
    assert_in_range(expect_end(follow, text), 1, END_GETS);
    expect_part(follow, text, 0, TEXT_BYTES);
    free(text);
}

/* A row that takes another's place, with a line that is as long, moves nothing. */
static void replaced_rows_are_read_as_they_are(void **state)
{
    struct follow *follow = *state;
    char *text = new_text(ROWS / 3);
    begin(follow, text);
    follow_unmount(follow);
    const char line[] = "cpu,host=a v=77777i 120010000\n";
    char *place = strstr(text, "cpu,host=a v=12000i ");
    assert_memory_equal(place + sizeof(line) - 11, line + sizeof(line) - 11, 10);
    memcpy(place, line, sizeof(line) - 1);
    follow_put(follow, "t", line);
    follow_mount(follow);
    expect_part(follow, text, 0, TEXT_BYTES);
    follow_remount(follow);
    assert_in_range(expect_end(follow, text), 1, END_GETS);
    expect_part(follow, text, (size_t)(place - text) - 100, 300);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, follow_setup, follow_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_end_is_read_alone),
        TEST(what_lies_behind_a_late_row_is_found_anew),
        TEST(replaced_rows_are_read_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
