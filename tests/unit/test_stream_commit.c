/*
 * What streams promise while much goes on at once: everything once, in order, nothing skipped; the
 * last record of a row is the row that stays; and after kill -9 log and rows agree.
 */
#include "backend/server/stream_commands.h"
#include "tests/unit/stream_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WRITERS = 4,
    PUTS_EACH = 150,
    ROWS_EACH = 8,
    TOTAL = WRITERS * PUTS_EACH * ROWS_EACH,
    SPLITS = 5,
};

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        test_create_table(*state, "t");
    return failed;
}

/* ---- an engine whose writes take their time, each another one ---- */

struct slow_engine {
    struct ots_engine engine;
    struct ots_engine *inner;
    atomic_uint writes;
};

static struct slow_engine *slow_of(struct ots_engine *engine)
{
    return (struct slow_engine *)engine;
}

static enum ots_status slow_get(struct ots_engine *engine, struct ots_slice key,
                                struct ots_buf *value, bool *is_found, struct ots_error *err)
{
    struct ots_engine *inner = slow_of(engine)->inner;
    return inner->ops->get(inner, key, value, is_found, err);
}

static struct ots_batch *slow_batch_new(struct ots_engine *engine)
{
    struct ots_engine *inner = slow_of(engine)->inner;
    return inner->ops->batch_new(inner);
}

/* Every second write is late: without a lock, one that began after it ends before it. */
static enum ots_status slow_write(struct ots_engine *engine, struct ots_batch *batch,
                                  struct ots_error *err)
{
    struct ots_engine *inner = slow_of(engine)->inner;
    if (atomic_fetch_add(&slow_of(engine)->writes, 1) % 2)
        usleep(200);
    return inner->ops->write(inner, batch, err);
}

static struct ots_cursor *slow_cursor_new(struct ots_engine *engine, struct ots_slice begin,
                                          struct ots_slice end)
{
    struct ots_engine *inner = slow_of(engine)->inner;
    return inner->ops->cursor_new(inner, begin, end);
}

static void slow_set_filter(struct ots_engine *engine, const struct ots_engine_filter *filter)
{
    struct ots_engine *inner = slow_of(engine)->inner;
    inner->ops->set_filter(inner, filter);
}

static void slow_merge_old(struct ots_engine *engine, int32_t age_s)
{
    struct ots_engine *inner = slow_of(engine)->inner;
    inner->ops->merge_old(inner, age_s);
}

static void slow_free(struct ots_engine *engine)
{
    struct ots_engine *inner = slow_of(engine)->inner;
    inner->ops->free(inner);
    free(engine);
}

static const struct ots_engine_ops slow_ops = {
    .get = slow_get,
    .batch_new = slow_batch_new,
    .write = slow_write,
    .cursor_new = slow_cursor_new,
    .set_filter = slow_set_filter,
    .merge_old = slow_merge_old,
    .free = slow_free,
};

static int setup_slow(void **state)
{
    if (setup(state))
        return 1;
    struct test_instance *test = *state;
    struct ots_error err = {0};
    const struct ots_rocksdb_options options = {.directory = test->directory.path};
    struct slow_engine *slow = calloc(1, sizeof(*slow));
    assert_non_null(slow);
    slow->engine.ops = &slow_ops;
    ots_instance_close(test->instance);
    assert_int_equal(ots_rocksdb_open(&options, &slow->inner, &err), OTS_OK);
    assert_int_equal(ots_instance_open(&slow->engine, &test->clock.clock, &test->instance, &err),
                     OTS_OK);
    return 0;
}

/* ---- many at once ---- */

struct crowd {
    struct test_instance *test;
    atomic_uint failures; /* of threads, where no assertion may be */
    atomic_uint writing;
    /* The reader's, by number of the row. */
    uint8_t seen[TOTAL];
    int64_t last_of_writer[WRITERS];
    size_t count;
};

struct writer {
    struct crowd *crowd;
    unsigned index;
};

/* Row `at` of writer `index` has the number at * WRITERS + index, and a timeline of its own but
 * for the row "shared", which all put. */
static void put_some(struct writer *writer, unsigned put)
{
    struct ots_series_key keys[ROWS_EACH];
    struct ots_field fields[ROWS_EACH];
    struct ots_row rows[ROWS_EACH];
    char hosts[ROWS_EACH][24];
    struct ots_tag tags[ROWS_EACH];
    for (unsigned i = 0; i < ROWS_EACH; i++) {
        int64_t number = (int64_t)(put * ROWS_EACH + i) * WRITERS + writer->index;
        snprintf(hosts[i], sizeof(hosts[i]), i ? "w%u-%u" : "shared", writer->index, i);
        tags[i] = (struct ots_tag){OTS_SLICE("host"), ots_slice_str(hosts[i])};
        keys[i] = (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE(""), &tags[i], 1};
        fields[i] = (struct ots_field){OTS_SLICE("n"), {.type = OTS_INTEGER, .integer = number}};
        rows[i] = (struct ots_row){&keys[i], i ? number : 0, &fields[i], 1};
    }
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_PUT);
    call.request.put.table = OTS_SLICE("t");
    call.request.put.rows = rows;
    call.request.put.row_count = ROWS_EACH;
    ots_instance_call(writer->crowd->test->instance, &call);
    if (call.status != OTS_OK)
        atomic_fetch_add(&writer->crowd->failures, 1);
    ots_call_deinit(&call);
}

static void *write_all(void *context)
{
    struct writer *writer = context;
    for (unsigned put = 0; put < PUTS_EACH; put++)
        put_some(writer, put);
    atomic_fetch_sub(&writer->crowd->writing, 1);
    return NULL;
}

/* Splits the newest shard and merges the two of them, while puts go on. */
static void *split_all(void *context)
{
    struct crowd *crowd = context;
    for (unsigned i = 0; i < SPLITS; i++) {
        char ids[3][32];
        for (unsigned j = 0; j < 3; j++)
            snprintf(ids[j], sizeof(ids[j]), "00000001-%08x", 3 * i + j + 1);
        struct ots_error err;
        if (ots_streams_split(crowd->test->instance, OTS_SLICE("t"), ots_slice_str(ids[0]), &err) !=
                OTS_OK ||
            ots_streams_merge(crowd->test->instance, OTS_SLICE("t"), ots_slice_str(ids[1]),
                              ots_slice_str(ids[2]), &err) != OTS_OK)
            atomic_fetch_add(&crowd->failures, 1);
    }
    return NULL;
}

static void take_record(struct crowd *crowd, const struct test_record *record)
{
    assert_in_range(record->number, 0, TOTAL - 1);
    assert_int_equal(crowd->seen[record->number], 0);
    crowd->seen[record->number] = 1;
    crowd->count++;
}

/* Follow one shard, as puts go on; a writer's puts come in its order, for it waits for each. */
static void follow(struct crowd *crowd)
{
    struct test_instance *test = crowd->test;
    struct test_record records[64];
    struct test_record last = {0};
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name at = test_iterator(test, &stream, &shard.id);
    bool is_last_look = false;
    for (int32_t limit = 1;; limit = limit % 40 + 1) {
        is_last_look = atomic_load(&crowd->writing) == 0;
        size_t found = test_read_records(test, &at, limit, records, 64);
        for (size_t i = 0; i < found; i++) {
            unsigned writer = (unsigned)(records[i].number % WRITERS);
            take_record(crowd, &records[i]);
            assert_true(!last.commit_us || test_record_before(&last, &records[i]));
            assert_true(records[i].number > crowd->last_of_writer[writer]);
            crowd->last_of_writer[writer] = records[i].number;
            last = records[i];
        }
        if (!found && is_last_look)
            return;
    }
}

static int64_t stored_shared_row(struct test_instance *test)
{
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t");
    get.request.get.key = *test_key(test, "cpu", "shared");
    test_call_ok(test, &get);
    assert_int_equal(get.response.page.rows.count, 1);
    return get.response.page.rows.items[0].fields[0].value.integer;
}

static void start_writers(struct crowd *crowd, struct writer *writers, pthread_t *threads)
{
    atomic_store(&crowd->writing, WRITERS);
    for (unsigned i = 0; i < WRITERS; i++) {
        crowd->last_of_writer[i] = -1;
        writers[i] = (struct writer){crowd, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_all, &writers[i]), 0);
    }
}

static void join(pthread_t *threads, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void test_followed(void **state)
{
    static struct crowd crowd;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    crowd = (struct crowd){.test = *state};
    start_writers(&crowd, writers, threads);
    follow(&crowd);
    join(threads, WRITERS);
    assert_int_equal(atomic_load(&crowd.failures), 0);
    assert_int_equal(crowd.count, TOTAL);
}

/* The last record of a row that all put at once is the row that stayed. */
static void test_last_record_stays(void **state)
{
    static struct crowd crowd;
    static struct test_record records[TOTAL];
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    crowd = (struct crowd){.test = *state};
    start_writers(&crowd, writers, threads);
    join(threads, WRITERS);
    struct test_name stream = test_stream_of(crowd.test, "t");
    struct test_shard shard = test_only_shard(crowd.test, &stream);
    struct test_name at = test_iterator(crowd.test, &stream, &shard.id);
    size_t count = test_read_all(crowd.test, &at, records, TOTAL);
    assert_int_equal(count, TOTAL);
    int64_t last = -1;
    for (size_t i = 0; i < count; i++)
        last = records[i].time_us == 0 ? records[i].number : last;
    assert_int_equal(stored_shared_row(crowd.test), last);
}

/* Shards split and merge under the writers; read afterwards, everything is there once. */
static void test_splits_under_puts(void **state)
{
    static struct crowd crowd;
    static struct test_record records[TOTAL];
    struct test_shard shards[TEST_SHARDS_MAX];
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS + 1];
    crowd = (struct crowd){.test = *state};
    start_writers(&crowd, writers, threads);
    assert_int_equal(pthread_create(&threads[WRITERS], NULL, split_all, &crowd), 0);
    join(threads, WRITERS + 1);
    assert_int_equal(atomic_load(&crowd.failures), 0);
    struct test_name stream = test_stream_of(crowd.test, "t");
    size_t shard_count = test_shards_of(crowd.test, &stream, shards);
    assert_int_equal(shard_count, 3 * SPLITS + 1);
    int64_t last = -1;
    for (size_t i = 0; i < shard_count; i++) {
        struct test_name at = test_iterator(crowd.test, &stream, &shards[i].id);
        size_t count = test_read_all(crowd.test, &at, records, TOTAL);
        assert_int_equal(at.text[0] != '\0', i == shard_count - 1);
        for (size_t j = 0; j < count; j++) {
            take_record(&crowd, &records[j]);
            last = records[j].time_us == 0 ? records[j].number : last;
        }
    }
    assert_int_equal(crowd.count, TOTAL);
    assert_int_equal(stored_shared_row(crowd.test), last);
}

/* ---- kill -9 ---- */

enum { KILLS = 4, KILL_ROWS = 20, KILL_HOSTS = 5 };

/* In a process of its own: put until killed, telling each acknowledged put on its output. */
static int put_until_killed(const char *directory, int64_t round)
{
    struct test_instance test = {.arena = OTS_ARENA_INIT};
    struct ots_engine *engine = NULL;
    struct ots_error err;
    const struct ots_rocksdb_options options = {.directory = directory, .memtable_bytes = 3 << 20};
    test_clock_init(&test.clock);
    if (ots_rocksdb_open(&options, &engine, &err) != OTS_OK ||
        ots_instance_open(engine, &test.clock.clock, &test.instance, &err) != OTS_OK)
        return 1;
    for (;; round++) {
        test_put_numbers(&test, "t", round * KILL_ROWS, KILL_ROWS, KILL_HOSTS);
        if (write(STDOUT_FILENO, &round, sizeof(round)) != sizeof(round))
            return 1;
    }
}

/* Let a process put for a while, kill it; the last round that it told of. */
static int64_t kill_one(struct test_instance *test, int64_t round, unsigned puts)
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char first[24];
        snprintf(first, sizeof(first), "%lld", (long long)round);
        dup2(pipe_fds[1], STDOUT_FILENO);
        close(pipe_fds[0]);
        execl("/proc/self/exe", "test_stream_commit", test->directory.path, first, (char *)NULL);
        _exit(127);
    }
    close(pipe_fds[1]);
    int64_t last = round - 1;
    for (unsigned i = 0; i < puts; i++)
        assert_int_equal(read(pipe_fds[0], &last, sizeof(last)), sizeof(last));
    assert_int_equal(kill(child, SIGKILL), 0);
    /* What it told before it died counts too. */
    while (read(pipe_fds[0], &last, sizeof(last)) == sizeof(last))
        continue;
    close(pipe_fds[0]);
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    return last;
}

static size_t count_rows(struct test_instance *test)
{
    static int64_t times[1 << 20];
    size_t count = 0;
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_read_pages(test, &scan, times, &count, sizeof(times) / sizeof(times[0]));
    return count;
}

/* Every row once, in the log and as a row, up to some round at or behind the last one told. */
static int64_t assert_agree(struct test_instance *test, int64_t last)
{
    static struct test_record records[1 << 20];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name at = test_iterator(test, &stream, &shard.id);
    size_t count = test_read_all(test, &at, records, sizeof(records) / sizeof(records[0]));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(records[i].number, i);
    assert_int_equal(count % KILL_ROWS, 0);
    int64_t rounds = (int64_t)(count / KILL_ROWS);
    assert_in_range(rounds, last + 1, last + 2);
    assert_int_equal(count_rows(test), count);
    return rounds;
}

static void test_kill(void **state)
{
    struct test_instance *test = *state;
    int64_t round = 0;
    for (unsigned i = 0; i < KILLS; i++) {
        ots_instance_close(test->instance);
        test->instance = NULL;
        int64_t last = kill_one(test, round, 5 + 60 * i);
        struct ots_engine *engine = NULL;
        struct ots_error err = {0};
        const struct ots_rocksdb_options options = {.directory = test->directory.path};
        assert_int_equal(ots_rocksdb_open(&options, &engine, &err), OTS_OK);
        assert_int_equal(ots_instance_open(engine, &test->clock.clock, &test->instance, &err),
                         OTS_OK);
        round = assert_agree(test, last);
    }
}

/* With a directory and a number this is the process that is to be killed. */
int main(int argc, char **argv)
{
    if (argc == 3)
        return put_until_killed(argv[1], strtoll(argv[2], NULL, 10));
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_instance_teardown)
#define SLOW_TEST(name) cmocka_unit_test_setup_teardown(name, setup_slow, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        SLOW_TEST(test_followed),
        SLOW_TEST(test_last_record_stays),
        SLOW_TEST(test_splits_under_puts),
        TEST(test_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
