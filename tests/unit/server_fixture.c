#include "tests/unit/server_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void test_directory_make(struct test_directory *directory)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory->path, sizeof(directory->path), "%s/otslocal-test-XXXXXX",
             base && base[0] ? base : "/tmp");
    assert_non_null(mkdtemp(directory->path));
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

void test_directory_remove(struct test_directory *directory)
{
    assert_int_equal(nftw(directory->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int64_t fixed_now(const struct ots_clock *clock)
{
    const struct test_clock *test = clock->context;
    return test->now_us;
}

void test_clock_init(struct test_clock *clock)
{
    clock->now_us = TEST_NOW_US;
    clock->clock = (struct ots_clock){fixed_now, fixed_now, clock};
}

static void open_instance(struct test_instance *test)
{
    struct ots_error err = {0};
    struct ots_engine *engine = NULL;
    const struct ots_rocksdb_options options = {
        .directory = test->directory.path,
        .cache_bytes = 1 << 20,
        .memtable_bytes = 3 << 20,
    };
    assert_int_equal(ots_rocksdb_open(&options, &engine, &err), OTS_OK);
    assert_int_equal(ots_instance_open(engine, &test->clock.clock, &test->instance, &err), OTS_OK);
}

int test_instance_setup(void **state)
{
    struct test_instance *test = calloc(1, sizeof(*test));
    assert_non_null(test);
    test_directory_make(&test->directory);
    test_clock_init(&test->clock);
    test->arena = OTS_ARENA_INIT;
    open_instance(test);
    *state = test;
    return 0;
}

int test_instance_teardown(void **state)
{
    struct test_instance *test = *state;
    ots_instance_close(test->instance);
    ots_arena_deinit(&test->arena);
    test_directory_remove(&test->directory);
    free(test);
    return 0;
}

void test_instance_reopen(struct test_instance *test)
{
    ots_instance_close(test->instance);
    open_instance(test);
}

void test_call_ok(struct test_instance *test, struct ots_call *call)
{
    ots_instance_call(test->instance, call);
    if (call->status != OTS_OK)
        fail_msg("%s: %s %s", ots_action_name(call->action), call->error.service_code,
                 call->error.message);
}

void test_call_refused(struct test_instance *test, struct ots_call *call, const char *code)
{
    ots_instance_call(test->instance, call);
    assert_int_not_equal(call->status, OTS_OK);
    assert_int_equal(call->status, call->error.status);
    assert_string_equal(call->error.service_code, code);
    assert_true(call->error.message[0] != '\0');
}

void test_create_table(struct test_instance *test, const char *name)
{
    TEST_CALL(call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = ots_slice_str(name);
    test_call_ok(test, &call);
}

struct ots_series_key *test_key(struct test_instance *test, const char *measurement,
                                const char *host)
{
    struct ots_series_key *key = ots_arena_array(&test->arena, 1, sizeof(*key));
    struct ots_tag *tag = ots_arena_array(&test->arena, 1, sizeof(*tag));
    assert_non_null(key);
    assert_non_null(tag);
    key->measurement = ots_slice_str(ots_arena_strdup(&test->arena, ots_slice_str(measurement)));
    if (host) {
        tag->name = OTS_SLICE("host");
        tag->value = ots_slice_str(ots_arena_strdup(&test->arena, ots_slice_str(host)));
        key->tags = tag;
        key->tag_count = 1;
    }
    return key;
}

struct ots_row test_row(struct test_instance *test, const struct ots_series_key *key,
                        int64_t time_us, int64_t number)
{
    struct ots_field *field = ots_arena_array(&test->arena, 1, sizeof(*field));
    assert_non_null(field);
    field->name = OTS_SLICE("n");
    field->value.type = OTS_INTEGER;
    field->value.integer = number;
    return (struct ots_row){key, time_us, field, 1};
}

void test_put(struct test_instance *test, const char *table, const struct ots_row *rows,
              size_t count)
{
    TEST_CALL(call, OTS_ACTION_PUT);
    call.request.put.table = ots_slice_str(table);
    call.request.put.rows = rows;
    call.request.put.row_count = count;
    test_call_ok(test, &call);
}

void test_put_one(struct test_instance *test, const char *table, const char *measurement,
                  const char *host, int64_t time_us, int64_t number)
{
    struct ots_row row = test_row(test, test_key(test, measurement, host), time_us, number);
    test_put(test, table, &row, 1);
}

size_t test_read_pages(struct test_instance *test, struct ots_call *call, int64_t *times,
                       size_t *count, size_t count_max)
{
    size_t pages = 0;
    struct ots_buf token = OTS_BUF_INIT;
    *count = 0;
    do {
        test_call_ok(test, call);
        const struct ots_page_response *page = &call->response.page;
        for (size_t i = 0; i < page->rows.count; i++) {
            assert_true(*count < count_max);
            times[(*count)++] = page->rows.items[i].time_us;
        }
        ots_buf_reset(&token);
        ots_buf_append_slice(&token, page->next_token);
        if (call->action == OTS_ACTION_GET)
            call->request.get.token = ots_buf_slice(&token);
        else
            call->request.scan.token = ots_buf_slice(&token);
        ots_arena_reset(&call->arena);
        pages++;
    } while (token.size);
    ots_buf_deinit(&token);
    return pages;
}

void test_assert_times(const struct ots_call *call, const int64_t *times, size_t count)
{
    const struct ots_rows *rows = &call->response.page.rows;
    assert_int_equal(rows->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rows->items[i].time_us, times[i]);
}
