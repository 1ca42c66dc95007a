/*
 * Copying many files of a view: those of a walk, and more that are open than keep rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/file.h"
#include "fs/view/reader.h"
#include "tests/unit/view_fixture.h"

enum { HOSTS = OTS_READERS_WITH_ROWS_MAX + 6, ROWS = 5 };

static int setup(void **state)
{
    view_setup(state);
    struct view_fixture *fixture = *state;
    char series[32];
    for (int host = 0; host < HOSTS; host++) {
        snprintf(series, sizeof(series), "cpu,host=%02d", host);
        char *lines = view_lines(series, 10, ROWS);
        fake_store_put(fixture->fake, "t", lines);
        free(lines);
    }
    fake_store_add_table(fixture->fake, "u", false);
    view_grow_old(fixture);
    assert_int_equal(view_mkdir(fixture, "u/cpu"), OTS_OK);
    view_attr(fixture, "t/cpu");
    fake_store_forget_counts(fixture->fake);
    return 0;
}

static struct ots_file *open_host(struct view_fixture *fixture, char table, int host, unsigned mode)
{
    char path[64];
    snprintf(path, sizeof(path), "%c/cpu/host=%02d.lp", table, host);
    return view_open(fixture, path, mode);
}

/* Copy the open file to the target's host, and close both. Returns how many rows were no text. */
static uint64_t copy_host(struct view_fixture *fixture, struct ots_file *from, int host)
{
    struct ots_error err;
    size_t copied;
    struct ots_file *to = open_host(fixture, 'u', host, OTS_OPEN_WRITE);
    const struct ots_table *table = ots_node_table(to->node);
    uint64_t before = atomic_load(&table->rows_copied);
    assert_int_equal(ots_file_copy(from, 0, to, 0, 1000, NULL, &copied, &err), OTS_OK);
    assert_true(copied > 0);
    assert_int_equal(ots_file_copy(from, copied, to, copied, 1000, NULL, &copied, &err), OTS_OK);
    assert_int_equal(copied, 0);
    assert_int_equal(ots_file_flush(to, true, NULL, &err), OTS_OK);
    ots_file_close(from);
    ots_file_close(to);
    return atomic_load(&table->rows_copied) - before;
}

static void expect_copy(struct view_fixture *fixture)
{
    struct ots_buf text = OTS_BUF_INIT;
    fake_store_dump(fixture->fake, "t", &text);
    ots_buf_append_byte(&text, '\0');
    assert_int_equal(view_sync(fixture, "u"), OTS_OK);
    view_expect_stored(fixture, "u", (const char *)text.data);
    ots_buf_deinit(&text);
}

static void a_walk_is_copied_by_rows(void **state)
{
    struct view_fixture *fixture = *state;
    for (int host = 0; host < HOSTS; host++)
        assert_int_equal(copy_host(fixture, open_host(fixture, 't', host, OTS_OPEN_READ), host),
                         ROWS);
    expect_copy(fixture);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), HOSTS);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), (HOSTS * ROWS + 199) / 200);
}

/* Those that were opened when there were too many are copied as text. */
static void few_open_files_keep_rows(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *files[HOSTS];
    for (int round = 0; round < 2; round++) {
        for (int host = 0; host < HOSTS; host++)
            files[host] = open_host(fixture, 't', host, OTS_OPEN_READ);
        assert_int_equal(atomic_load(&fixture->view->kept_rows), OTS_READERS_WITH_ROWS_MAX);
        for (int host = HOSTS - 1; host >= 0; host--)
            assert_int_equal(copy_host(fixture, files[host], host),
                             host < OTS_READERS_WITH_ROWS_MAX ? ROWS : 0);
        assert_int_equal(atomic_load(&fixture->view->kept_rows), 0);
    }
    expect_copy(fixture);
}

static void who_reads_text_keeps_no_rows(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = open_host(fixture, 't', 7, OTS_OPEN_READ);
    assert_int_equal(atomic_load(&fixture->view->kept_rows), 1);
    for (int i = 0; i < 2; i++) {
        free(view_read_file(file, 0, 10));
        assert_int_equal(atomic_load(&fixture->view->kept_rows), 0);
    }
    assert_int_equal(copy_host(fixture, file, 7), 0);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 1);
}

#define WITH_VIEW(test) cmocka_unit_test_setup_teardown(test, setup, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_VIEW(a_walk_is_copied_by_rows),
        WITH_VIEW(few_open_files_keep_rows),
        WITH_VIEW(who_reads_text_keeps_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
