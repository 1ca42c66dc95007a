#include "tests/unit/server_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    struct test_directory directory;
    struct ots_engine *engine;
};

static struct ots_engine *open_engine(const struct fixture *fixture)
{
    const struct ots_rocksdb_options options = {.directory = fixture->directory.path};
    struct ots_engine *engine = NULL;
    struct ots_error err = {0};
    if (ots_rocksdb_open(&options, &engine, &err) != OTS_OK)
        fail_msg("%s", err.message);
    return engine;
}

static int setup(void **state)
{
    static struct fixture fixture;
    test_directory_make(&fixture.directory);
    fixture.engine = open_engine(&fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    fixture->engine->ops->free(fixture->engine);
    test_directory_remove(&fixture->directory);
    return 0;
}

static void put(struct ots_engine *engine, const char *key, const char *value)
{
    OTS_AUTO(ots_batch_freep) struct ots_batch *batch = engine->ops->batch_new(engine);
    batch->ops->put(batch, ots_slice_str(key), ots_slice_str(value));
    assert_int_equal(engine->ops->write(engine, batch, NULL), OTS_OK);
}

static bool has_value(struct ots_engine *engine, const char *key, const char *expected)
{
    struct ots_buf value = OTS_BUF_INIT;
    bool is_found = false;
    assert_int_equal(engine->ops->get(engine, ots_slice_str(key), &value, &is_found, NULL), OTS_OK);
    bool is_equal = is_found && ots_slice_equal(ots_buf_slice(&value), ots_slice_str(expected));
    ots_buf_deinit(&value);
    return is_equal;
}

static struct ots_cursor *cursor_over(struct ots_engine *engine, const char *begin, const char *end)
{
    struct ots_cursor *cursor =
        engine->ops->cursor_new(engine, ots_slice_str(begin), ots_slice_str(end));
    assert_non_null(cursor);
    assert_false(cursor->is_valid);
    return cursor;
}

static void assert_at(struct ots_cursor *cursor, const char *key)
{
    assert_true(cursor->is_valid);
    assert_true(ots_slice_equal(cursor->key, ots_slice_str(key)));
}

static void assert_at_end(struct ots_cursor *cursor)
{
    assert_false(cursor->is_valid);
    assert_int_equal(cursor->ops->check(cursor, NULL), OTS_OK);
}

static void test_get(void **state)
{
    struct fixture *fixture = *state;
    struct ots_buf value = OTS_BUF_INIT;
    bool is_found = true;
    put(fixture->engine, "a", "1");
    assert_true(has_value(fixture->engine, "a", "1"));
    put(fixture->engine, "a", "2");
    assert_true(has_value(fixture->engine, "a", "2"));
    assert_int_equal(
        fixture->engine->ops->get(fixture->engine, OTS_SLICE("b"), &value, &is_found, NULL),
        OTS_OK);
    assert_false(is_found);
    assert_int_equal(value.size, 0);
}

static void test_batch_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct ots_engine *engine = fixture->engine;
    put(engine, "gone", "x");
    put(engine, "r1", "x");
    put(engine, "r2", "x");
    put(engine, "s", "x");
    OTS_AUTO(ots_batch_freep) struct ots_batch *batch = engine->ops->batch_new(engine);
    batch->ops->put(batch, OTS_SLICE("a"), OTS_SLICE("first"));
    batch->ops->put(batch, OTS_SLICE("a"), OTS_SLICE("second"));
    batch->ops->put(batch, OTS_SLICE("empty"), OTS_SLICE_NONE);
    batch->ops->remove(batch, OTS_SLICE("gone"));
    batch->ops->remove_range(batch, OTS_SLICE("r"), OTS_SLICE("s"));
    assert_false(has_value(engine, "a", "second"));
    assert_int_equal(engine->ops->write(engine, batch, NULL), OTS_OK);
    assert_true(has_value(engine, "a", "second"));
    assert_true(has_value(engine, "empty", ""));
    assert_false(has_value(engine, "gone", "x"));
    assert_false(has_value(engine, "r1", "x"));
    assert_false(has_value(engine, "r2", "x"));
    assert_true(has_value(engine, "s", "x"));
}

static void test_cursor_forward(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->engine, "a", "1");
    put(fixture->engine, "b", "2");
    put(fixture->engine, "d", "4");
    put(fixture->engine, "e", "5");
    OTS_AUTO(ots_cursor_freep) struct ots_cursor *cursor = cursor_over(fixture->engine, "b", "e");
    cursor->ops->seek(cursor, OTS_SLICE("a"));
    assert_at(cursor, "b");
    assert_true(ots_slice_equal(cursor->value, OTS_SLICE("2")));
    cursor->ops->next(cursor);
    assert_at(cursor, "d");
    cursor->ops->next(cursor);
    assert_at_end(cursor);
    cursor->ops->seek(cursor, OTS_SLICE("c"));
    assert_at(cursor, "d");
}

static void test_cursor_backward(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->engine, "a", "1");
    put(fixture->engine, "b", "2");
    put(fixture->engine, "d", "4");
    put(fixture->engine, "e", "5");
    OTS_AUTO(ots_cursor_freep) struct ots_cursor *cursor = cursor_over(fixture->engine, "b", "e");
    /* The end is not part of the range, though it is where the search starts. */
    cursor->ops->seek_back(cursor, OTS_SLICE("e"));
    assert_at(cursor, "d");
    cursor->ops->seek_back(cursor, OTS_SLICE("c"));
    assert_at(cursor, "b");
    cursor->ops->prev(cursor);
    assert_at_end(cursor);
    cursor->ops->seek_back(cursor, OTS_SLICE("a"));
    assert_at_end(cursor);
}

static void test_cursor_is_snapshot(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->engine, "a", "old");
    OTS_AUTO(ots_cursor_freep) struct ots_cursor *cursor = cursor_over(fixture->engine, "a", "z");
    put(fixture->engine, "a", "new");
    put(fixture->engine, "b", "new");
    cursor->ops->seek(cursor, OTS_SLICE("a"));
    assert_at(cursor, "a");
    assert_true(ots_slice_equal(cursor->value, OTS_SLICE("old")));
    cursor->ops->next(cursor);
    assert_at_end(cursor);
}

/* ---- a filter that wants everything away whose key begins with "dead" ---- */

static void *begin_filter(void *context)
{
    return context;
}

static bool is_dead(const void *merge, struct ots_slice key)
{
    (void)merge;
    return ots_slice_starts(key, OTS_SLICE("dead"));
}

static void end_filter(void *merge)
{
    (void)merge;
}

/* What was written once and is never touched again is merged nevertheless. */
static void test_merge_old(void **state)
{
    enum { AGE_S = 1, TRIES = 1500 };
    struct fixture *fixture = *state;
    static int context;
    const struct ots_engine_filter filter = {begin_filter, is_dead, end_filter, &context};
    put(fixture->engine, "dead-1", "x");
    put(fixture->engine, "live-1", "x");
    /* Opening writes the log to a file. */
    fixture->engine->ops->free(fixture->engine);
    fixture->engine = open_engine(fixture);
    fixture->engine->ops->set_filter(fixture->engine, &filter);
    assert_true(has_value(fixture->engine, "dead-1", "x"));
    int tries = 0;
    do {
        usleep(10000);
        if (tries % 100 == 0)
            fixture->engine->ops->merge_old(fixture->engine, AGE_S);
    } while (has_value(fixture->engine, "dead-1", "x") && tries++ < TRIES);
    assert_false(has_value(fixture->engine, "dead-1", "x"));
    assert_true(has_value(fixture->engine, "live-1", "x"));
    fixture->engine->ops->free(fixture->engine);
    fixture->engine = open_engine(fixture);
    assert_true(has_value(fixture->engine, "live-1", "x"));
}

static void test_opened_twice(void **state)
{
    struct fixture *fixture = *state;
    const struct ots_rocksdb_options options = {.directory = fixture->directory.path};
    struct ots_engine *second = NULL;
    struct ots_error err = {0};
    assert_int_equal(ots_rocksdb_open(&options, &second, &err), OTS_EXISTS);
    assert_null(second);
}

static void test_no_directory(void **state)
{
    (void)state;
    const struct ots_rocksdb_options options = {.directory = "/proc/nothing/here"};
    struct ots_engine *engine = NULL;
    struct ots_error err = {0};
    assert_int_not_equal(ots_rocksdb_open(&options, &engine, &err), OTS_OK);
    assert_null(engine);
    assert_non_null(strstr(err.message, "/proc/nothing/here"));
}

/* A child writes numbered keys, tells each one that was acknowledged, and is killed. */
static void write_until_killed(const char *directory, int acknowledged)
{
    const struct ots_rocksdb_options options = {.directory = directory};
    struct ots_engine *engine = NULL;
    if (ots_rocksdb_open(&options, &engine, NULL) != OTS_OK)
        _exit(1);
    for (uint32_t i = 0;; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%08x", i);
        put(engine, key, "value");
        if (write(acknowledged, &i, sizeof(i)) != (ssize_t)sizeof(i))
            _exit(1);
    }
}

/* Runs first: RocksDB's threads do not live on in a child. */
static void test_survives_kill(void **state)
{
    (void)state;
    struct fixture fixture;
    struct ots_engine *second = NULL;
    int ends[2];
    uint32_t last = 0;
    test_directory_make(&fixture.directory);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        write_until_killed(fixture.directory.path, ends[1]);
    close(ends[1]);
    while (last < 500)
        assert_int_equal(read(ends[0], &last, sizeof(last)), sizeof(last));
    const struct ots_rocksdb_options options = {.directory = fixture.directory.path};
    assert_int_equal(ots_rocksdb_open(&options, &second, NULL), OTS_EXISTS);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    while (read(ends[0], &last, sizeof(last)) == (ssize_t)sizeof(last))
        ;
    close(ends[0]);
    fixture.engine = open_engine(&fixture);
    for (uint32_t i = 0; i <= last; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%08x", i);
        assert_true(has_value(fixture.engine, key, "value"));
    }
    fixture.engine->ops->free(fixture.engine);
    test_directory_remove(&fixture.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_survives_kill),
        cmocka_unit_test_setup_teardown(test_get, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cursor_forward, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cursor_backward, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cursor_is_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_opened_twice, setup, teardown),
        cmocka_unit_test(test_no_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
