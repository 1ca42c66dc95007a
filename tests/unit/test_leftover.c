#include "fs/view/leftover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* When the rows were handed over. */
static const int64_t THEN_US = INT64_C(1700000000000000);

struct fixture {
    struct ots_leftovers leftovers;
    struct ots_leftover_facts facts;
    struct ots_buf problems;
    struct ots_tag tag;
    struct ots_series_key key;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->facts = (struct ots_leftover_facts){OTS_SLICE("s 1"), 0, THEN_US + 1000000};
    fixture->tag = (struct ots_tag){OTS_SLICE("host"), OTS_SLICE("a")};
    fixture->key = (struct ots_series_key){OTS_SLICE("m"), OTS_SLICE_NONE, &fixture->tag, 1};
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_leftovers_deinit(&fixture->leftovers);
    ots_buf_deinit(&fixture->problems);
    free(fixture);
    return 0;
}

static void note_problem(void *context, struct ots_slice text, const char *reason)
{
    struct fixture *fixture = context;
    assert_true(reason[0] != '\0');
    ots_buf_append_fmt(&fixture->problems, "[%.*s]", OTS_SLICE_FMT(text));
}

/* The text must live as long as the test. */
static void add_of(struct fixture *fixture, const char *lines, int64_t time_us,
                   struct ots_slice identity)
{
    struct ots_journal_batch batch = {
        .number = 1, .time_us = time_us, .identity = identity, .rows = ots_slice_str(lines)};
    assert_int_equal(ots_leftovers_add(&fixture->leftovers, &batch, note_problem, fixture), OTS_OK);
}

static void add(struct fixture *fixture, const char *lines)
{
    add_of(fixture, lines, THEN_US, OTS_SLICE("s 1"));
}

static void see(struct fixture *fixture, int64_t value, int64_t after_us, uint32_t index)
{
    struct ots_field field = {OTS_SLICE("v"), {.type = OTS_INTEGER, .integer = value}};
    struct ots_stream_record record = {
        .type = value < 0 ? OTS_CHANGE_DELETE : OTS_CHANGE_PUT,
        .sequence = {0, THEN_US + after_us, index},
        .row = {&fixture->key, 1, &field, value < 0 ? 0 : 1},
    };
    ots_leftovers_see(&fixture->leftovers, &record);
}

/* Of the last row. */
static enum ots_leftover_fate fate(struct fixture *fixture)
{
    const struct ots_leftovers *leftovers = &fixture->leftovers;
    return ots_leftover_fate(&leftovers->rows[leftovers->count - 1], &fixture->facts);
}

#define ROW(v) "m,host=a v=" #v "i 1000\n"

static void the_last_version_counts(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, ROW(1) "m,host=b v=1i 1000\n");
    add(fixture, ROW(2) "m,host=a v=1i 2000\n");
    add(fixture, ROW(3));
    ots_leftovers_sort(&fixture->leftovers);
    assert_int_equal(fixture->leftovers.count, 5);
    size_t last_count = 0;
    for (size_t i = 0; i < 5; i++) {
        const struct ots_leftover_row *row = &fixture->leftovers.rows[i];
        last_count += row->is_last;
        enum ots_leftover_fate wanted = row->is_last ? OTS_LEFTOVER_PUT : OTS_LEFTOVER_OLDER;
        assert_int_equal(ots_leftover_fate(row, &fixture->facts), wanted);
    }
    assert_int_equal(last_count, 3);
    assert_int_equal(fixture->leftovers.rows[2].row.fields[0].value.integer, 3);
    assert_true(fixture->leftovers.rows[2].is_last);
}

static void what_is_no_row_is_told(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, "nonsense\n" ROW(1) "m,host=a v=1i 1000");
    assert_int_equal(fixture->leftovers.count, 1);
    ots_buf_append_byte(&fixture->problems, '\0');
    assert_string_equal((char *)fixture->problems.data, "[nonsense][m,host=a v=1i 1000]");
}

static void the_stream_is_read_from_the_oldest_hand_over(void **state)
{
    struct fixture *fixture = *state;
    ots_leftovers_sort(&fixture->leftovers);
    assert_int_equal(ots_leftovers_since(&fixture->leftovers), INT64_MAX);
    /* The first version of the one row does not count. */
    add_of(fixture, ROW(1), THEN_US - 99, OTS_SLICE("s 1"));
    add(fixture, ROW(2));
    add_of(fixture, "m,host=b v=1i 1000\n", THEN_US + 5, OTS_SLICE("s 1"));
    ots_leftovers_sort(&fixture->leftovers);
    assert_int_equal(ots_leftovers_since(&fixture->leftovers), THEN_US - OTS_LEFTOVER_BLUR_US);
}

static void add_one(struct fixture *fixture)
{
    add(fixture, ROW(1));
    ots_leftovers_sort(&fixture->leftovers);
}

static void puts_of_others_since_supersede(void **state)
{
    struct fixture *fixture = *state;
    add_one(fixture);
    see(fixture, 9, -OTS_LEFTOVER_BLUR_US - 1, 0);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_PUT);
    see(fixture, 9, OTS_LEFTOVER_BLUR_US, 0);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_PUT);
    see(fixture, 9, OTS_LEFTOVER_BLUR_US + 1, 0);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_SUPERSEDED);
}

static void a_deletion_since_supersedes(void **state)
{
    struct fixture *fixture = *state;
    add_one(fixture);
    see(fixture, -1, 1000000, 0);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_SUPERSEDED);
}

static void the_last_record_decides_in_any_order(void **state)
{
    struct fixture *fixture = *state;
    add_one(fixture);
    see(fixture, 1, 3000000, 1);
    see(fixture, 9, 3000000, 0);
    see(fixture, 9, 2000000, 5);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_STORED);
    see(fixture, 9, 3000000, 2);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_SUPERSEDED);
}

/* Our own put is where concurrency ends. */
static void what_follows_our_own_put_supersedes_at_once(void **state)
{
    struct fixture *fixture = *state;
    add_one(fixture);
    see(fixture, 1, 10, 0);
    see(fixture, 9, 20, 0);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_SUPERSEDED);
}

static void an_earlier_version_of_ours_does_not_supersede(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, ROW(7));
    add_one(fixture);
    see(fixture, 7, 5000000, 0);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_PUT);
    see(fixture, 8, 6000000, 0);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_SUPERSEDED);
}

static void records_of_other_rows_are_nothing(void **state)
{
    struct fixture *fixture = *state;
    add_one(fixture);
    fixture->tag.value = OTS_SLICE("b");
    see(fixture, 9, 5000000, 0);
    fixture->tag.value = OTS_SLICE("A");
    see(fixture, 9, 5000000, 0);
    assert_int_equal(fate(fixture), OTS_LEFTOVER_PUT);
}

static void another_identity_is_another_table(void **state)
{
    struct fixture *fixture = *state;
    add_one(fixture);
    fixture->facts.identity = OTS_SLICE("s 2");
    assert_int_equal(fate(fixture), OTS_LEFTOVER_OTHER);
    fixture->facts.identity = OTS_SLICE_NONE;
    assert_int_equal(fate(fixture), OTS_LEFTOVER_PUT);
}

static void age_decides_when_the_stream_cannot_tell(void **state)
{
    struct fixture *fixture = *state;
    add_one(fixture);
    fixture->facts.readable_from_us = INT64_MAX;
    see(fixture, 9, 5000000, 0);
    fixture->facts.now_us = THEN_US + OTS_LEFTOVER_AGE_US_MAX;
    assert_int_equal(fate(fixture), OTS_LEFTOVER_PUT);
    fixture->facts.now_us++;
    assert_int_equal(fate(fixture), OTS_LEFTOVER_UNKNOWN);
    /* A clock that was turned back tells nothing either. */
    fixture->facts.now_us = THEN_US - OTS_LEFTOVER_AGE_US_MAX - 1;
    assert_int_equal(fate(fixture), OTS_LEFTOVER_UNKNOWN);
    fixture->facts.readable_from_us = THEN_US;
    assert_int_equal(fate(fixture), OTS_LEFTOVER_SUPERSEDED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_version_counts),
        TEST(what_is_no_row_is_told),
        TEST(the_stream_is_read_from_the_oldest_hand_over),
        TEST(puts_of_others_since_supersede),
        TEST(a_deletion_since_supersedes),
        TEST(the_last_record_decides_in_any_order),
        TEST(what_follows_our_own_put_supersedes_at_once),
        TEST(an_earlier_version_of_ours_does_not_supersede),
        TEST(records_of_other_rows_are_nothing),
        TEST(another_identity_is_another_table),
        TEST(age_decides_when_the_stream_cannot_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
