#include "tests/loop/window_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "backend/server/stream_commands.h"

static const int64_t SECOND_US = 1000000;

/* --- what the stream tells --------------------------------------------------------------------*/

/* A call whose answer is looked at. */
struct watched {
    struct window_fixture *fixture;
    void (*done)(struct ots_call *call, void *context);
    void *done_context;
};

static bool has_field(const struct ots_row *row, struct ots_slice name)
{
    for (size_t i = 0; i < row->field_count; i++)
        if (ots_slice_equal(row->fields[i].name, name))
            return true;
    return false;
}

/* The local service only puts; others also tell of rows that were deleted, or changed in part. */
static void change_type(struct ots_stream_record *record)
{
    if (has_field(&record->row, OTS_SLICE("updated")))
        record->type = OTS_CHANGE_UPDATE;
    if (!has_field(&record->row, OTS_SLICE("deleted")))
        return;
    record->type = OTS_CHANGE_DELETE;
    record->row.field_count = 0;
}

static void watch_answer(struct ots_call *call, void *context)
{
    struct watched watched = *(struct watched *)context;
    struct ots_stream_records_response *response = &call->response.stream_records;
    free(context);
    call->done = watched.done;
    call->done_context = watched.done_context;
    if (call->status == OTS_OK) {
        atomic_fetch_add(&watched.fixture->record_count, response->count);
        bool is_changing_types = watched.fixture->is_changing_types;
        struct ots_stream_record *records =
            ots_arena_array(&call->arena, response->count, sizeof(*records));
        for (size_t i = 0; is_changing_types && i < response->count; i++) {
            records[i] = response->records[i];
            change_type(&records[i]);
        }
        if (is_changing_types)
            response->records = records;
    }
    call->done(call, call->done_context);
}

static void pass_on(void *context, struct ots_call *call)
{
    struct window_fixture *fixture = context;
    if (call->action == OTS_ACTION_STREAM_RECORDS) {
        struct watched *watched = malloc(sizeof(*watched));
        *watched = (struct watched){fixture, call->done, call->done_context};
        call->done = watch_answer;
        call->done_context = watched;
    }
    fixture->loop.store->ops->submit(fixture->loop.store, call);
}

/* --- the view ---------------------------------------------------------------------------------*/

static void start_view(struct window_fixture *fixture, enum ots_precision precision,
                       bool stream_off)
{
    const struct ots_view_source source = {.store = &fixture->tap.store,
                                           .settle_us = WINDOW_SETTLE_S * SECOND_US};
    const struct ots_view_options options = {
        .sources = &source,
        .source_count = 1,
        .clock = &fixture->loop.client_clock,
        .log = &fixture->log,
        .scan_lanes = 2,
        .precision = precision,
        .stream_off = stream_off,
    };
    assert_int_equal(ots_view_new(&options, &fixture->mount.view, NULL), OTS_OK);
}

int window_setup(void **state)
{
    struct window_fixture *fixture = calloc(1, sizeof(*fixture));
    setenv("TZ", "UTC", 1);
    loop_start(&fixture->loop, (struct loop_options){.seed = 1, .threads = 2});
    atomic_store(&fixture->loop.now_us, WINDOW_BASE_US - 10 * SECOND_US);
    loop_create_table(&fixture->loop, "t");
    window_at(fixture, 0);
    fixture->log = (struct ots_log){.program = "test", .level = OTS_LOG_ERROR};
    tap_init(&fixture->tap, fixture->loop.store);
    fixture->tap.pass_on = pass_on;
    fixture->tap.pass_context = fixture;
    start_view(fixture, OTS_PRECISION_NS, false);
    *state = fixture;
    return 0;
}

int window_teardown(void **state)
{
    struct window_fixture *fixture = *state;
    ots_view_free(fixture->mount.view);
    loop_stop(&fixture->loop);
    tap_deinit(&fixture->tap);
    free(fixture);
    return 0;
}

void window_remount(struct window_fixture *fixture, enum ots_precision precision, bool stream_off)
{
    ots_view_free(fixture->mount.view);
    start_view(fixture, precision, stream_off);
}

/* --- the service ------------------------------------------------------------------------------*/

void window_at_us(struct window_fixture *fixture, int64_t time_us)
{
    atomic_store(&fixture->loop.now_us, WINDOW_BASE_US + time_us);
}

void window_at(struct window_fixture *fixture, int64_t seconds)
{
    window_at_us(fixture, seconds * SECOND_US);
}

void window_put(struct window_fixture *fixture, const char *host, int64_t time_us,
                const char *field, int64_t number)
{
    const struct ots_tag tag = {OTS_SLICE("host"), ots_slice_str(host)};
    const struct ots_series_key key = {OTS_SLICE("cpu"), OTS_SLICE_NONE, &tag, 1};
    const struct ots_field fields = {ots_slice_str(field), {OTS_INTEGER, {number}}};
    struct ots_row row = {&key, time_us, &fields, 1};
    const struct ots_rows rows = {&row, 1, 1};
    loop_put(&fixture->loop, "t", &rows, 1);
}

void window_put_many(struct window_fixture *fixture, const char *host, int64_t first_us,
                     int64_t count)
{
    const struct ots_tag tag = {OTS_SLICE("host"), ots_slice_str(host)};
    const struct ots_series_key key = {OTS_SLICE("cpu"), OTS_SLICE_NONE, &tag, 1};
    struct ots_field *fields = calloc((size_t)count, sizeof(*fields));
    struct ots_row *items = calloc((size_t)count, sizeof(*items));
    for (int64_t i = 0; i < count; i++) {
        fields[i] = (struct ots_field){OTS_SLICE("v"), {OTS_INTEGER, {first_us + i}}};
        items[i] = (struct ots_row){&key, first_us + i, &fields[i], 1};
    }
    const struct ots_rows rows = {items, (size_t)count, (size_t)count};
    loop_put(&fixture->loop, "t", &rows, 200);
    free(items);
    free(fields);
}

enum { SHARDS_MAX = 64 };

/* Ids of the shards that are nobody's parent, in the order of the description. */
static size_t open_shards(struct window_fixture *fixture, struct ots_call *describe,
                          struct ots_slice ids[SHARDS_MAX])
{
    TEST_CALL(list, OTS_ACTION_LIST_STREAMS);
    list.request.list_streams.table = OTS_SLICE("t");
    loop_call_ok(&fixture->loop, &list);
    describe->request.describe_stream.stream = list.response.list_streams.streams[0].id;
    describe->request.describe_stream.accepts_timeseries = true;
    loop_call_ok(&fixture->loop, describe);
    const struct ots_describe_stream_response *response = &describe->response.describe_stream;
    size_t count = 0;
    for (size_t i = 0; i < response->shard_count; i++) {
        bool is_parent = false;
        for (size_t j = 0; j < response->shard_count; j++)
            is_parent = is_parent ||
                        ots_slice_equal(response->shards[j].parent, response->shards[i].id) ||
                        ots_slice_equal(response->shards[j].sibling, response->shards[i].id);
        if (!is_parent && count < SHARDS_MAX)
            ids[count++] = response->shards[i].id;
    }
    return count;
}

void window_split(struct window_fixture *fixture)
{
    struct ots_slice ids[SHARDS_MAX];
    struct ots_error err;
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_STREAM);
    assert_true(open_shards(fixture, &describe, ids) > 0);
    assert_int_equal(ots_streams_split(ots_service_instance(fixture->loop.service), OTS_SLICE("t"),
                                       ids[0], &err),
                     OTS_OK);
}

void window_merge(struct window_fixture *fixture)
{
    struct ots_slice ids[SHARDS_MAX];
    struct ots_error err;
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_STREAM);
    size_t count = open_shards(fixture, &describe, ids);
    assert_true(count > 1);
    assert_int_equal(ots_streams_merge(ots_service_instance(fixture->loop.service), OTS_SLICE("t"),
                                       ids[count - 2], ids[count - 1], &err),
                     OTS_OK);
}

void window_trim(struct window_fixture *fixture)
{
    struct ots_error err;
    assert_int_equal(
        ots_streams_trim(ots_service_instance(fixture->loop.service), OTS_SLICE("t"), 0, &err),
        OTS_OK);
}

void window_make_anew(struct window_fixture *fixture)
{
    TEST_CALL(remove, OTS_ACTION_DELETE_TABLE);
    remove.request.table.table = OTS_SLICE("t");
    loop_call_ok(&fixture->loop, &remove);
    loop_create_table(&fixture->loop, "t");
}

/* --- windows ----------------------------------------------------------------------------------*/

struct window_path window_path(int64_t from_s, int64_t to_s, const char *rest)
{
    struct window_path path;
    char names[2][20];
    const int64_t seconds[] = {from_s, to_s};
    for (int i = 0; i < 2; i++) {
        time_t time = (time_t)(WINDOW_BASE_US / SECOND_US + seconds[i]);
        struct tm parts;
        gmtime_r(&time, &parts);
        strftime(names[i], sizeof(names[i]), "%Y%m%d%H%M%SZ", &parts);
    }
    snprintf(path.text, sizeof(path.text), "t/.changes/%s-%s%s", names[0], names[1], rest);
    return path;
}

enum ots_status window_lookup(struct window_fixture *fixture, int64_t from_s, int64_t to_s)
{
    struct ots_attr attr;
    return view_lookup(&fixture->mount, window_path(from_s, to_s, "").text, &attr);
}

char *window_text(struct window_fixture *fixture, const char *path, const char *host)
{
    char name[1200];
    struct ots_attr attr;
    snprintf(name, sizeof(name), "%s/cpu", path);
    enum ots_status status = view_lookup(&fixture->mount, name, &attr);
    snprintf(name, sizeof(name), "%s/cpu/host=%s.lp", path, host);
    if (status == OTS_OK)
        status = view_lookup(&fixture->mount, name, &attr);
    if (status == OTS_NOT_FOUND)
        return NULL;
    assert_int_equal(status, OTS_OK);
    struct ots_file *file = view_open(&fixture->mount, name, OTS_OPEN_READ);
    char *text = view_read_file(file, 0, (size_t)attr.size_bytes + 1000);
    assert_int_equal(strlen(text), attr.size_bytes);
    ots_file_close(file);
    return text;
}

void window_expect(struct window_fixture *fixture, int64_t from_s, int64_t to_s, const char *host,
                   const char *wanted)
{
    char *text = window_text(fixture, window_path(from_s, to_s, "").text, host);
    if (wanted) {
        assert_non_null(text);
        assert_string_equal(text, wanted);
    } else {
        assert_null(text);
    }
    free(text);
}
