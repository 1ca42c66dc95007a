#include "tests/unit/wide_fixture.h"

#include <inttypes.h>
#include <string.h>

struct ots_cell wide_string(const char *name, const char *value)
{
    return (struct ots_cell){
        .name = ots_slice_str(name), .type = OTS_CELL_STRING, .bytes = ots_slice_str(value)};
}

struct ots_cell wide_integer(const char *name, int64_t value)
{
    return (struct ots_cell){
        .name = ots_slice_str(name), .type = OTS_CELL_INTEGER, .integer = value};
}

struct ots_cell wide_infinite(const char *name, enum ots_cell_type type)
{
    return (struct ots_cell){.name = ots_slice_str(name), .type = type};
}

struct ots_cell wide_delete_all(const char *name)
{
    return (struct ots_cell){.name = ots_slice_str(name),
                             .type = OTS_CELL_NO_VALUE,
                             .operation = OTS_CELL_DELETE_ALL_VERSIONS};
}

struct ots_cell wide_delete_one(const char *name, int64_t version_ms)
{
    struct ots_cell cell = wide_delete_all(name);
    cell.operation = OTS_CELL_DELETE_ONE_VERSION;
    return wide_at(cell, version_ms);
}

struct ots_cell wide_increment(const char *name, int64_t value)
{
    struct ots_cell cell = wide_integer(name, value);
    cell.operation = OTS_CELL_INCREMENT;
    return cell;
}

struct ots_cell wide_at(struct ots_cell cell, int64_t version_ms)
{
    cell.has_timestamp = true;
    cell.timestamp_ms = version_ms;
    return cell;
}

void wide_create(struct test_instance *test, int32_t max_versions, int32_t time_to_live_s)
{
    static const struct ots_field_key key[] = {{OTS_SLICE("a"), OTS_KEY_STRING},
                                               {OTS_SLICE("n"), OTS_KEY_INTEGER}};
    TEST_CALL(call, OTS_ACTION_WIDE_CREATE);
    struct ots_wide_meta *meta = &call.request.wide.create.meta;
    *meta = OTS_WIDE_META_DEFAULT;
    meta->name = OTS_SLICE("t");
    meta->key = key;
    meta->key_count = 2;
    meta->max_versions = max_versions;
    meta->time_to_live_s = time_to_live_s;
    test_call_ok(test, &call);
}

struct ots_plain_row wide_key(struct test_instance *test, const char *a, int64_t n)
{
    struct ots_cell *key = ots_arena_array(&test->arena, 2, sizeof(*key));
    assert_non_null(key);
    key[0] = wide_string("a", a);
    key[1] = wide_integer("n", n);
    return (struct ots_plain_row){.key = key, .key_count = 2};
}

struct ots_plain_row wide_row(struct test_instance *test, const char *a, int64_t n,
                              const struct ots_cell *cells, size_t count)
{
    struct ots_plain_row row = wide_key(test, a, n);
    struct ots_cell *own = ots_arena_array(&test->arena, count, sizeof(*own));
    assert_non_null(own);
    memcpy(own, cells, count * sizeof(*own));
    row.cells = own;
    row.cell_count = count;
    return row;
}

void wide_write_fill(struct ots_call *call, struct ots_plain_row row,
                     enum ots_expectation expectation)
{
    struct ots_wide_write *write = &call->request.wide.write.write;
    call->request.wide.write.table = OTS_SLICE("t");
    write->operation = call->action == OTS_ACTION_WIDE_PUT_ROW      ? OTS_WIDE_PUT
                       : call->action == OTS_ACTION_WIDE_UPDATE_ROW ? OTS_WIDE_UPDATE
                                                                    : OTS_WIDE_DELETE;
    write->row = row;
    write->row.is_delete = write->operation == OTS_WIDE_DELETE;
    write->expectation = expectation;
}

void wide_write(struct test_instance *test, enum ots_action action, struct ots_plain_row row,
                enum ots_expectation expectation)
{
    TEST_CALL(call, action);
    wide_write_fill(&call, row, expectation);
    test_call_ok(test, &call);
}

const char *wide_text(struct test_instance *test, const struct ots_plain_row *row)
{
    struct ots_buf text = OTS_BUF_INIT;
    for (size_t i = 0; i < row->cell_count; i++) {
        const struct ots_cell *cell = &row->cells[i];
        assert_true(cell->has_timestamp);
        assert_int_equal(cell->operation, OTS_CELL_PUT);
        ots_buf_append_fmt(&text, "%s%.*s=", i ? " " : "", OTS_SLICE_FMT(cell->name));
        if (cell->type == OTS_CELL_INTEGER)
            ots_buf_append_fmt(&text, "%" PRId64, cell->integer);
        else
            ots_buf_append_slice(&text, cell->bytes);
        ots_buf_append_fmt(&text, "@%" PRId64, cell->timestamp_ms - TEST_NOW_US / 1000);
    }
    const char *kept = ots_arena_strdup(&test->arena, ots_buf_slice(&text));
    ots_buf_deinit(&text);
    assert_non_null(kept);
    return kept;
}

void wide_expect(struct test_instance *test, const char *a, int64_t n, const char *text)
{
    TEST_CALL(call, OTS_ACTION_WIDE_GET_ROW);
    call.request.wide.get.table = OTS_SLICE("t");
    call.request.wide.get.key = wide_key(test, a, n);
    call.request.wide.get.selection.has_max_versions = true;
    call.request.wide.get.selection.max_versions = 100;
    test_call_ok(test, &call);
    const struct ots_wide_row_response *response = &call.response.wide.row;
    assert_true(response->consumed.read > 0);
    assert_int_equal(response->has_row, text != NULL);
    if (!text)
        return;
    assert_int_equal(response->row.key_count, 2);
    assert_true(ots_slice_equal(response->row.key[0].bytes, ots_slice_str(a)));
    assert_int_equal(response->row.key[1].integer, n);
    assert_string_equal(wide_text(test, &response->row), text);
}
