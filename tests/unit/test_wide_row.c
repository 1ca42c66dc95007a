#include "tests/unit/wide_fixture.h"

#include "backend/server/layout.h"
#include "backend/server/wide_key.h"
#include "backend/server/wide_row.h"
#include "backend/wire/service_code.h"

#include <stdlib.h>

#define NOW_MS INT64_C(1700000000000)

static const struct ots_field_key key_schema[] = {{OTS_SLICE("k"), OTS_KEY_BINARY},
                                                  {OTS_SLICE("n"), OTS_KEY_INTEGER}};

static struct ots_wide_meta table(void)
{
    struct ots_wide_meta meta = OTS_WIDE_META_DEFAULT;
    meta.name = OTS_SLICE("t");
    meta.key = key_schema;
    meta.key_count = 2;
    return meta;
}

/* ---- keys ---- */

static int compare_cells(const struct ots_cell *a, const struct ots_cell *b)
{
    bool is_a = a->type == OTS_CELL_INF_MIN || b->type == OTS_CELL_INF_MAX;
    bool is_b = b->type == OTS_CELL_INF_MIN || a->type == OTS_CELL_INF_MAX;
    if (a->type == b->type && (is_a || is_b))
        return 0;
    if (is_a || is_b)
        return is_a ? -1 : 1;
    if (a->type == OTS_CELL_INTEGER)
        return (a->integer > b->integer) - (a->integer < b->integer);
    return ots_slice_compare(a->bytes, b->bytes);
}

static struct ots_cell random_blob(uint8_t *space, unsigned *seed)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0x02, 0xfe, 0xff};
    size_t size = (size_t)rand_r(seed) % 4;
    for (size_t i = 0; i < size; i++)
        space[i] = bytes[(size_t)rand_r(seed) % sizeof(bytes)];
    struct ots_cell cell = {.name = OTS_SLICE("k"), .type = OTS_CELL_BLOB};
    cell.bytes = ots_slice(space, size);
    return cell;
}

static struct ots_cell random_cell(uint8_t *space, bool is_blob, unsigned *seed)
{
    static const int64_t numbers[] = {INT64_MIN, -256, -1, 0, 1, 255, 256, INT64_MAX};
    int kind = rand_r(seed) % 8;
    if (kind == 0)
        return wide_infinite("n", OTS_CELL_INF_MIN);
    if (kind == 1)
        return wide_infinite("n", OTS_CELL_INF_MAX);
    return is_blob ? random_blob(space, seed) : wide_integer("n", numbers[rand_r(seed) % 8]);
}

/* Bytes in the engine compare as keys do, column by column. Behind an infinity nothing counts. */
static void test_key_order(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int i = 0; i < 20000; i++) {
        struct ots_cell cells[2][2];
        uint8_t space[2][4];
        struct ots_buf keys[2] = {OTS_BUF_INIT, OTS_BUF_INIT};
        for (size_t j = 0; j < 2; j++) {
            cells[j][0] = random_cell(space[j], true, &seed);
            cells[j][1] = random_cell(space[j], false, &seed);
            ots_wide_key_append(&keys[j], 7,
                                &(struct ots_plain_row){.key = cells[j], .key_count = 2});
            assert_int_equal(ots_buf_status(&keys[j]), OTS_OK);
        }
        int expected = compare_cells(&cells[0][0], &cells[1][0]);
        bool is_infinite = cells[0][0].type != OTS_CELL_BLOB;
        if (!expected && !is_infinite)
            expected = compare_cells(&cells[0][1], &cells[1][1]);
        int order = ots_slice_compare(ots_buf_slice(&keys[0]), ots_buf_slice(&keys[1]));
        assert_int_equal((order > 0) - (order < 0), (expected > 0) - (expected < 0));
        ots_buf_deinit(&keys[0]);
        ots_buf_deinit(&keys[1]);
    }
}

/* ---- kept rows ---- */

static void test_encode_decode(void **state)
{
    (void)state;
    const struct ots_cell key[] = {wide_string("a", "x"), wide_integer("n", -1)};
    const struct ots_cell cells[] = {
        wide_at(wide_string("a", ""), 5),
        wide_at(wide_integer("b", INT64_MIN), INT64_MAX),
        wide_at((struct ots_cell){.name = OTS_SLICE("c"), .type = OTS_CELL_DOUBLE, .real = -0.0},
                1),
        wide_at((struct ots_cell){.name = OTS_SLICE("d"), .type = OTS_CELL_BOOLEAN, .boolean = 1},
                1),
    };
    const struct ots_wide_row row = {77, {.key = key, 2, cells, 4, false, false, {0}}};
    struct ots_buf value = OTS_BUF_INIT;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_wide_row read;
    struct ots_error err;
    assert_int_equal(ots_wide_row_encode(&row, &value, &err), OTS_OK);
    assert_int_equal(ots_wide_row_decode(ots_buf_slice(&value), &arena, &read, &err), OTS_OK);
    assert_int_equal(read.time_ms, 77);
    assert_int_equal(read.row.key_count, 2);
    assert_int_equal(read.row.cell_count, 4);
    assert_int_equal(read.row.cells[1].integer, INT64_MIN);
    assert_int_equal(read.row.cells[1].timestamp_ms, INT64_MAX);
    assert_true(read.row.cells[3].boolean);
    /* No part of it may be missing or wrong. */
    for (size_t size = 0; size < value.size; size++)
        assert_int_equal(ots_wide_row_decode(ots_slice(value.data, size), &arena, &read, &err),
                         OTS_CORRUPT);
    for (size_t at = 8; at < value.size; at++) {
        value.data[at] ^= 0x20;
        assert_int_equal(ots_wide_row_decode(ots_buf_slice(&value), &arena, &read, &err),
                         OTS_CORRUPT);
        value.data[at] ^= 0x20;
    }
    ots_arena_deinit(&arena);
    ots_buf_deinit(&value);
}

static void test_rows_that_grow_too_large(void **state)
{
    (void)state;
    uint8_t *bytes = calloc(1, OTS_WIDE_VALUE_BYTES_MAX);
    const struct ots_cell key[] = {wide_integer("n", 1)};
    struct ots_cell cells[8];
    struct ots_buf value = OTS_BUF_INIT;
    struct ots_error err;
    assert_non_null(bytes);
    for (size_t i = 0; i < 8; i++) {
        cells[i] = wide_at(wide_string("c", ""), (int64_t)(8 - i));
        cells[i].bytes = ots_slice(bytes, OTS_WIDE_VALUE_BYTES_MAX);
    }
    struct ots_wide_row row = {1, {.key = key, 1, cells, 7, false, false, {0}}};
    assert_int_equal(ots_wide_row_encode(&row, &value, &err), OTS_OK);
    ots_buf_reset(&value);
    row.row.cell_count = 8;
    assert_int_equal(ots_wide_row_encode(&row, &value, &err), OTS_LIMIT);
    assert_string_equal(err.service_code, OTS_CODE_ROW_SIZE);
    ots_buf_deinit(&value);
    free(bytes);
}

/* ---- checks ---- */

static enum ots_status check(enum ots_wide_operation operation, const struct ots_cell *cells,
                             size_t count, struct ots_error *err)
{
    const struct ots_wide_meta meta = table();
    const struct ots_wide_write write = {
        .operation = operation,
        .row = {.cells = cells, .cell_count = count},
    };
    return ots_wide_write_check(&write, &meta, NOW_MS, err);
}

static void test_forms_of_cells(void **state)
{
    (void)state;
    struct ots_error err;
    struct ots_cell cell = wide_integer("c", 1);
    assert_int_equal(check(OTS_WIDE_PUT, &cell, 1, &err), OTS_OK);
    assert_int_equal(check(OTS_WIDE_UPDATE, &cell, 1, &err), OTS_OK);
    assert_int_equal(check(OTS_WIDE_DELETE, &cell, 1, &err), OTS_INVALID);
    assert_int_equal(check(OTS_WIDE_DELETE, NULL, 0, &err), OTS_OK);
    assert_int_equal(check(OTS_WIDE_PUT, NULL, 0, &err), OTS_OK);
    assert_int_equal(check(OTS_WIDE_UPDATE, NULL, 0, &err), OTS_INVALID);
    const struct ots_cell only_updates[] = {wide_increment("c", 1), wide_delete_all("c"),
                                            wide_delete_one("c", 5)};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(check(OTS_WIDE_UPDATE, &only_updates[i], 1, &err), OTS_OK);
        assert_int_equal(check(OTS_WIDE_PUT, &only_updates[i], 1, &err), OTS_INVALID);
    }
    struct ots_cell bad[] = {
        wide_string("c", "x"),   wide_at(wide_delete_all("c"), 5),
        wide_delete_one("c", 5), wide_infinite("c", OTS_CELL_INF_MIN),
        wide_delete_all("c"),    wide_integer("", 1),
        wide_integer("n", 1),
    };
    bad[0].operation = OTS_CELL_INCREMENT;
    bad[2].has_timestamp = false;
    bad[4].operation = OTS_CELL_PUT;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check(OTS_WIDE_UPDATE, &bad[i], 1, &err), OTS_INVALID);
}

static void test_limits_of_a_write(void **state)
{
    (void)state;
    struct ots_error err;
    static struct ots_cell cells[OTS_WIDE_CELLS_MAX + 1];
    static char bytes[OTS_WIDE_VALUE_BYTES_MAX + 1];
    for (size_t i = 0; i <= OTS_WIDE_CELLS_MAX; i++)
        cells[i] = wide_integer("c", 1);
    assert_int_equal(check(OTS_WIDE_PUT, cells, OTS_WIDE_CELLS_MAX, &err), OTS_OK);
    assert_int_equal(check(OTS_WIDE_PUT, cells, OTS_WIDE_CELLS_MAX + 1, &err), OTS_LIMIT);
    assert_string_equal(err.service_code, OTS_CODE_COLUMN_COUNT);
    cells[0].name = ots_slice(bytes, OTS_WIDE_NAME_BYTES_MAX);
    assert_int_equal(check(OTS_WIDE_PUT, cells, 1, &err), OTS_OK);
    cells[0].name.size++;
    assert_int_equal(check(OTS_WIDE_PUT, cells, 1, &err), OTS_INVALID);
    for (size_t i = 0; i < 2; i++) {
        cells[i] = wide_string("c", "");
        cells[i].bytes = ots_slice(bytes, OTS_WIDE_VALUE_BYTES_MAX);
    }
    assert_int_equal(check(OTS_WIDE_PUT, cells, 1, &err), OTS_OK);
    assert_int_equal(check(OTS_WIDE_PUT, cells, 2, &err), OTS_LIMIT);
    assert_string_equal(err.service_code, OTS_CODE_ROW_SIZE);
    cells[0].bytes.size++;
    assert_int_equal(check(OTS_WIDE_PUT, cells, 1, &err), OTS_INVALID);
}

static void test_versions_near_now(void **state)
{
    (void)state;
    struct ots_error err;
    static const struct {
        int64_t version_ms;
        enum ots_status status;
    } cases[] = {
        {NOW_MS, OTS_OK},
        {NOW_MS - 86399999, OTS_OK},
        {NOW_MS + 86399999, OTS_OK},
        {NOW_MS - 86400000, OTS_INVALID},
        {NOW_MS + 86400000, OTS_INVALID},
        {0, OTS_INVALID},
        {-1, OTS_INVALID},
        {INT64_MIN, OTS_INVALID},
        {INT64_MAX, OTS_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_cell cell = wide_at(wide_integer("c", 1), cases[i].version_ms);
        assert_int_equal(check(OTS_WIDE_PUT, &cell, 1, &err), cases[i].status);
        cell = wide_delete_one("c", cases[i].version_ms);
        assert_int_equal(check(OTS_WIDE_UPDATE, &cell, 1, &err), OTS_OK);
    }
}

/* ---- changes ---- */

static void test_increment_of_something_else(void **state)
{
    (void)state;
    const struct ots_wide_meta meta = table();
    const struct ots_cell old_cell = wide_at(wide_string("c", "x"), 1);
    const struct ots_wide_row old = {1, {.cells = &old_cell, .cell_count = 1}};
    const struct ots_cell change = wide_increment("c", 1);
    const struct ots_wide_write write = {
        .operation = OTS_WIDE_UPDATE,
        .row = {.cells = &change, .cell_count = 1},
    };
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_wide_row out;
    struct ots_error err;
    bool is_there = false;
    assert_int_equal(ots_wide_row_apply(&old, &write, &meta, 2, &arena, &out, &is_there, &err),
                     OTS_INVALID);
    ots_arena_deinit(&arena);
}

/* Changes of one column count in the order in which they came; sums wrap. */
static void test_order_of_changes(void **state)
{
    (void)state;
    struct ots_wide_meta meta = table();
    meta.max_versions = 2;
    const struct ots_cell old_cells[] = {wide_at(wide_integer("c", INT64_MAX), 5),
                                         wide_at(wide_integer("d", 1), 5)};
    const struct ots_wide_row old = {9, {.cells = old_cells, .cell_count = 2}};
    const struct ots_cell changes[] = {
        wide_at(wide_integer("d", 2), 4),
        wide_increment("c", 1),
        wide_at(wide_integer("d", 3), 3),
        wide_delete_all("b"),
        wide_integer("b", 1),
        wide_integer("e", 1),
        wide_delete_all("e"),
    };
    const struct ots_wide_write write = {
        .operation = OTS_WIDE_UPDATE,
        .row = {.cells = changes, .cell_count = sizeof(changes) / sizeof(changes[0])},
    };
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_wide_row out;
    struct ots_error err;
    bool is_there = false;
    assert_int_equal(ots_wide_row_apply(&old, &write, &meta, 7, &arena, &out, &is_there, &err),
                     OTS_OK);
    assert_true(is_there);
    assert_int_equal(out.time_ms, 9);
    assert_int_equal(out.row.cell_count, 5);
    const struct ots_cell *cells = out.row.cells;
    assert_true(ots_slice_equal(cells[0].name, OTS_SLICE("b")));
    assert_int_equal(cells[1].integer, INT64_MIN);
    assert_int_equal(cells[1].timestamp_ms, 7);
    assert_int_equal(cells[2].timestamp_ms, 5);
    assert_int_equal(cells[3].timestamp_ms, 5);
    assert_int_equal(cells[4].timestamp_ms, 4);
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_order),
        cmocka_unit_test(test_encode_decode),
        cmocka_unit_test(test_rows_that_grow_too_large),
        cmocka_unit_test(test_forms_of_cells),
        cmocka_unit_test(test_limits_of_a_write),
        cmocka_unit_test(test_versions_near_now),
        cmocka_unit_test(test_increment_of_something_else),
        cmocka_unit_test(test_order_of_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
