#include "backend/wire/tsrows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/wire/plainbuf.h"
#include "tests/unit/hex.h"
#include "tests/unit/make_rows.h"
#include "tests/unit/mangle.h"

/* cpu / host_1 / os=linux at 1700000000000000 with load = 0.5, n = -7, s = "abc": as Java writes
 * it, with "h" for the hash. */
static const char worked_row[] =
    "75000000 01"
    "0304030000005f2368 05060000000301000000680a65"
    "0304070000005f6d5f6e616d65 0508000000 03030000006370750ac3"
    "03040c0000005f646174615f736f75726365 050b000000 0306000000686f73745f310a77"
    "0304050000005f74616773 0511000000 030c0000005b226f733d6c696e7578225d0aba"
    "0304050000005f74696d65 0509000000 0000401e18240a06000a1d"
    "02"
    "0304060000006c6f61643a64 0509000000 01000000000000e03f0a70"
    "0304030000006e3a69 0509000000 00f9ffffffffffffff0aba"
    "030403000000733a73 0508000000 03030000006162630ad7"
    "09e3";

static const struct ots_tag os_tag = {{(const uint8_t *)"os", 2}, {(const uint8_t *)"linux", 5}};

static struct ots_series_key worked_key(void)
{
    return (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE("host_1"), &os_tag, 1};
}

static struct ots_rows worked_rows(struct ots_arena *arena)
{
    struct ots_rows rows = {NULL, 0, 0};
    struct ots_series_key *key = ots_arena_array(arena, 1, sizeof(*key));
    struct ots_field *fields = ots_arena_array(arena, 3, sizeof(*fields));
    *key = worked_key();
    fields[0] = (struct ots_field){OTS_SLICE("load"), {.type = OTS_DOUBLE, .real = 0.5}};
    fields[1] = (struct ots_field){OTS_SLICE("n"), {.type = OTS_INTEGER, .integer = -7}};
    fields[2] = (struct ots_field){OTS_SLICE("s"), {.type = OTS_STRING, .bytes = OTS_SLICE("abc")}};
    const struct ots_row row = {key, 1700000000000000, fields, 3};
    assert_int_equal(ots_rows_append(&rows, arena, &row), OTS_OK);
    return rows;
}

static enum ots_status decode(struct ots_slice input, struct ots_arena *arena,
                              struct ots_rows *rows, struct ots_error *err)
{
    *rows = (struct ots_rows){NULL, 0, 0};
    return ots_tsrows_decode(input, arena, rows, err);
}

static void test_worked_row(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf input = test_hex(worked_row);
    struct ots_rows expected = worked_rows(&arena);
    struct ots_rows rows;
    assert_int_equal(decode(ots_buf_slice(&input), &arena, &rows, NULL), OTS_OK);
    test_assert_rows(&rows, &expected);

    /* What we write differs only in the hash. */
    struct ots_buf output = OTS_BUF_INIT;
    assert_int_equal(ots_tsrows_encode(rows.items, rows.count, NULL, &output), OTS_OK);
    size_t from = 4 + 1 + 22;
    assert_int_equal(output.size, input.size + 7);
    assert_memory_equal(output.data + from + 7, input.data + from, input.size - from - 1);
    ots_buf_deinit(&output);
    ots_buf_deinit(&input);
    ots_arena_deinit(&arena);
}

static void test_no_rows(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf output = OTS_BUF_INIT;
    struct ots_rows rows;
    assert_int_equal(ots_tsrows_encode(NULL, 0, NULL, &output), OTS_OK);
    assert_int_equal(output.size, 0);
    assert_int_equal(decode(ots_buf_slice(&output), &arena, &rows, NULL), OTS_OK);
    assert_int_equal(rows.count, 0);
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
}

static void test_random_rows_come_back(void **state)
{
    (void)state;
    struct test_random random = {2024};
    for (size_t round = 0; round < 60; round++) {
        struct ots_arena arena = OTS_ARENA_INIT;
        struct ots_buf output = OTS_BUF_INIT;
        struct ots_rows made = test_make_rows(&random, &arena, round);
        struct ots_rows rows;
        assert_int_equal(ots_tsrows_encode(made.items, made.count, NULL, &output), OTS_OK);
        assert_int_equal(decode(ots_buf_slice(&output), &arena, &rows, NULL), OTS_OK);
        test_assert_rows(&rows, &made);
        ots_buf_deinit(&output);
        ots_arena_deinit(&arena);
    }
}

/* Equal keys behind different pointers must give the same bytes as those behind one. */
static void test_rows_of_one_timeline_share_their_key(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key same = worked_key();
    struct ots_series_key other = worked_key();
    const struct ots_field field = {OTS_SLICE("n"), {.type = OTS_INTEGER, .integer = 1}};
    const struct ots_row one[] = {{&same, 1, &field, 1}, {&same, 2, &field, 1}};
    const struct ots_row two[] = {{&same, 1, &field, 1}, {&other, 2, &field, 1}};
    struct ots_buf from_one = OTS_BUF_INIT;
    struct ots_buf from_two = OTS_BUF_INIT;
    assert_int_equal(ots_tsrows_encode(one, 2, NULL, &from_one), OTS_OK);
    assert_int_equal(ots_tsrows_encode(two, 2, NULL, &from_two), OTS_OK);
    assert_true(ots_slice_equal(ots_buf_slice(&from_one), ots_buf_slice(&from_two)));

    struct ots_rows rows;
    assert_int_equal(decode(ots_buf_slice(&from_one), &arena, &rows, NULL), OTS_OK);
    assert_int_equal(rows.count, 2);
    assert_ptr_equal(rows.items[0].key, rows.items[1].key);
    ots_buf_deinit(&from_two);
    ots_buf_deinit(&from_one);
    ots_arena_deinit(&arena);
}

/* A row that mostly has the fields of the one before, with other values. */
static struct ots_cell text_cell(const char *name, const char *text)
{
    return (struct ots_cell){
        .name = ots_slice_str(name), .type = OTS_CELL_STRING, .bytes = ots_slice_str(text)};
}

/* One of eleven keys, of which each begins as some others do. Returns the number of cells. */
static size_t make_alike_key(size_t which, struct ots_cell cells[5])
{
    const struct ots_cell time = {
        .name = OTS_SLICE("_time"), .type = OTS_CELL_INTEGER, .integer = (int64_t)(which % 2)};
    size_t count = 0;
    if (which > 0)
        cells[count++] = text_cell("_m_name", which > 1 ? "a" : "b");
    if (which > 3)
        cells[count++] = text_cell("b", which == 4 ? "c" : "d");
    if (which > 6)
        cells[count++] = text_cell("c", "d");
    cells[count++] = time;
    if (which > 8)
        cells[count++] = text_cell("x", which > 9 ? "y" : "z");
    return count;
}

/* What is taken over from the row before changes nothing. */
static void test_rows_are_read_as_if_alone(void **state)
{
    (void)state;
    enum { KEYS = 11, ROWS = 5000 };
    struct test_random random = {5};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf all = OTS_BUF_INIT;
    struct ots_row alone[ROWS];
    ots_plainbuf_header_append(&all);
    for (size_t i = 0; i < ROWS; i++) {
        struct ots_cell key[5];
        struct ots_cell cell = {.name = OTS_SLICE("f:i"), .type = OTS_CELL_INTEGER, .integer = 1};
        size_t count = make_alike_key(test_random_below(&random, KEYS), key);
        struct ots_plain_row plain = {
            .key = key, .key_count = count, .cells = &cell, .cell_count = 1};
        struct ots_buf one = OTS_BUF_INIT;
        struct ots_rows rows;
        ots_plainbuf_row_append(&all, &plain);
        ots_plainbuf_header_append(&one);
        ots_plainbuf_row_append(&one, &plain);
        struct ots_slice bytes = ots_buf_slice(&one);
        assert_int_equal(ots_arena_adopt(&arena, &one), OTS_OK);
        assert_int_equal(decode(bytes, &arena, &rows, NULL), OTS_OK);
        assert_int_equal(rows.count, 1);
        alone[i] = rows.items[0];
    }
    struct ots_rows rows;
    assert_int_equal(decode(ots_buf_slice(&all), &arena, &rows, NULL), OTS_OK);
    assert_int_equal(rows.count, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(ots_row_equal(&rows.items[i], &alone[i]));
        assert_int_equal(rows.items[i].field_count, alone[i].field_count);
    }
    ots_buf_deinit(&all);
    ots_arena_deinit(&arena);
}

static void make_alike(struct test_random *random, struct ots_arena *arena,
                       const struct ots_row *before, struct ots_row *row)
{
    struct ots_field *fields = ots_arena_array(arena, before->field_count, sizeof(*fields));
    *row = *before;
    row->fields = fields;
    row->field_count = 0;
    row->time_us += test_random_below(random, 3);
    for (size_t i = 0; i < before->field_count; i++) {
        struct ots_field field = before->fields[i];
        uint32_t chance = test_random_below(random, 40);
        if (chance == 0 && before->field_count > 1)
            continue;
        if (chance == 1)
            field.name.size--;
        if (field.value.type == OTS_INTEGER)
            field.value.integer = (int64_t)random->state * (chance % 2 ? -1 : 1);
        else if (field.value.type == OTS_DOUBLE)
            field.value.real = (double)random->state / -7;
        if (chance == 2)
            field.value = (struct ots_value){.type = OTS_INTEGER, .integer = -1};
        else if (chance == 3)
            field.value =
                (struct ots_value){.type = OTS_STRING, .bytes = OTS_SLICE("another length")};
        fields[row->field_count++] = field;
    }
}

/* Whatever is taken over from the row before, a row's bytes are those of the row alone. */
static void test_rows_are_written_as_if_alone(void **state)
{
    (void)state;
    struct test_random random = {77};
    struct ots_table_meta meta = OTS_TABLE_META_DEFAULT;
    const struct ots_field_key key = {OTS_SLICE("field_01"), OTS_KEY_STRING};
    for (size_t round = 0; round < 100; round++) {
        struct ots_arena arena = OTS_ARENA_INIT;
        struct ots_buf together = OTS_BUF_INIT;
        struct ots_buf alone = OTS_BUF_INIT;
        struct ots_row rows[30];
        rows[0] = test_make_rows(&random, &arena, 1).items[0];
        for (size_t i = 1; i < 30; i++) {
            make_alike(&random, &arena, &rows[i - 1], &rows[i]);
            if (rows[i].field_count == 0 || i % 15 == 0)
                rows[i] = test_make_rows(&random, &arena, 1).items[0];
        }
        meta.field_keys = &key;
        meta.field_key_count = round % 2;
        assert_int_equal(ots_tsrows_encode(rows, 30, &meta, &together), OTS_OK);
        size_t offset = 4;
        for (size_t i = 0; i < 30; i++) {
            ots_buf_reset(&alone);
            assert_int_equal(ots_tsrows_encode(&rows[i], 1, &meta, &alone), OTS_OK);
            assert_true(alone.size - 4 <= together.size - offset);
            assert_memory_equal(together.data + offset, alone.data + 4, alone.size - 4);
            offset += alone.size - 4;
        }
        assert_int_equal(offset, together.size);
        ots_buf_deinit(&alone);
        ots_buf_deinit(&together);
        ots_arena_deinit(&arena);
    }
}

static void test_letters(void **state)
{
    (void)state;
    struct ots_series_key key = worked_key();
    const struct ots_field fields[] = {
        {OTS_SLICE("a:b"), {.type = OTS_INTEGER, .integer = 1}},
        {OTS_SLICE("c"), {.type = OTS_BOOLEAN, .boolean = true}},
        {OTS_SLICE("d"), {.type = OTS_DOUBLE, .real = 1}},
        {OTS_SLICE("e"), {.type = OTS_STRING, .bytes = OTS_SLICE("")}},
        {OTS_SLICE("f"), {.type = OTS_BINARY, .bytes = OTS_SLICE("\0")}},
    };
    const char *const names[] = {"a:b:i", "c:b", "d:d", "e:s", "f:r"};
    const struct ots_row row = {&key, 1, fields, 5};
    const struct ots_rows made = {(struct ots_row[]){row}, 1, 1};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf output = OTS_BUF_INIT;
    struct ots_plainbuf_reader reader;
    struct ots_plain_row plain;
    bool has_row;
    assert_int_equal(ots_tsrows_encode(&row, 1, NULL, &output), OTS_OK);
    assert_int_equal(ots_plainbuf_reader_init(&reader, ots_buf_slice(&output), NULL), OTS_OK);
    assert_int_equal(ots_plainbuf_read_row(&reader, &plain, &has_row, NULL), OTS_OK);
    assert_int_equal(plain.cell_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(ots_slice_equal(plain.cells[i].name, ots_slice_str(names[i])));
    ots_plainbuf_reader_deinit(&reader);

    struct ots_rows rows;
    assert_int_equal(decode(ots_buf_slice(&output), &arena, &rows, NULL), OTS_OK);
    test_assert_rows(&rows, &made);
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
}

static void assert_key_columns(const struct ots_plain_row *row, const char *const *names,
                               size_t count)
{
    assert_int_equal(row->key_count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(ots_slice_equal(row->key[i].name, ots_slice_str(names[i])));
}

static void test_own_identifiers(void **state)
{
    (void)state;
    const struct ots_slice schema[] = {OTS_SLICE("region"), OTS_SLICE("_tags"), OTS_SLICE("rack")};
    const struct ots_field_key field_keys[] = {{OTS_SLICE("seq"), OTS_KEY_INTEGER},
                                               {OTS_SLICE("kind"), OTS_KEY_STRING}};
    const struct ots_table_meta meta = {.key_schema = schema,
                                        .key_schema_count = 3,
                                        .field_keys = field_keys,
                                        .field_key_count = 2};
    const struct ots_tag tags[] = {{OTS_SLICE("az"), OTS_SLICE("a")},
                                   {OTS_SLICE("os"), OTS_SLICE("linux")},
                                   {OTS_SLICE("region"), OTS_SLICE("eu")}};
    const struct ots_series_key key = {OTS_SLICE(""), OTS_SLICE(""), tags, 3};
    const struct ots_field fields[] = {
        {OTS_SLICE("kind"), {.type = OTS_STRING, .bytes = OTS_SLICE("x")}},
        {OTS_SLICE("load"), {.type = OTS_DOUBLE, .real = 1}},
        {OTS_SLICE("seq"), {.type = OTS_INTEGER, .integer = 9}},
    };
    const struct ots_row row = {&key, 5, fields, 3};
    const struct ots_rows made = {(struct ots_row[]){row}, 1, 1};
    const char *const columns[] = {"_#h", "region", "_tags", "_time", "seq", "kind"};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf output = OTS_BUF_INIT;
    struct ots_plainbuf_reader reader;
    struct ots_plain_row plain;
    bool has_row;
    assert_int_equal(ots_tsrows_encode(&row, 1, &meta, &output), OTS_OK);
    assert_int_equal(ots_plainbuf_reader_init(&reader, ots_buf_slice(&output), NULL), OTS_OK);
    assert_int_equal(ots_plainbuf_read_row(&reader, &plain, &has_row, NULL), OTS_OK);
    assert_key_columns(&plain, columns, 6);
    assert_true(ots_slice_equal(plain.key[2].bytes, OTS_SLICE("[\"az=a\",\"os=linux\"]")));
    assert_int_equal(plain.cell_count, 1);
    ots_plainbuf_reader_deinit(&reader);

    struct ots_rows rows;
    assert_int_equal(decode(ots_buf_slice(&output), &arena, &rows, NULL), OTS_OK);
    test_assert_rows(&rows, &made);
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
}

static void test_row_of_key_fields_only(void **state)
{
    (void)state;
    const struct ots_field_key field_key = {OTS_SLICE("seq"), OTS_KEY_INTEGER};
    const struct ots_table_meta meta = {.field_keys = &field_key, .field_key_count = 1};
    struct ots_series_key key = worked_key();
    const struct ots_field field = {OTS_SLICE("seq"), {.type = OTS_INTEGER, .integer = 9}};
    const struct ots_row row = {&key, 5, &field, 1};
    const struct ots_rows made = {(struct ots_row[]){row}, 1, 1};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf output = OTS_BUF_INIT;
    struct ots_rows rows;
    assert_int_equal(ots_tsrows_encode(&row, 1, &meta, &output), OTS_OK);
    assert_int_equal(decode(ots_buf_slice(&output), &arena, &rows, NULL), OTS_OK);
    test_assert_rows(&rows, &made);
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
}

/* Decode one row made of these cells; the decoder's message if it refuses. */
static enum ots_status decode_cells(const struct ots_plain_row *plain, struct ots_row *row,
                                    struct ots_arena *arena, struct ots_buf *buf,
                                    struct ots_error *err)
{
    struct ots_rows rows;
    ots_buf_reset(buf);
    ots_plainbuf_header_append(buf);
    ots_plainbuf_row_append(buf, plain);
    enum ots_status status = decode(ots_buf_slice(buf), arena, &rows, err);
    assert_int_equal(rows.count, status == OTS_OK ? 1 : 0);
    if (status == OTS_OK)
        *row = rows.items[0];
    return status;
}

#define TEXT_CELL(column, text)                                                                    \
    {                                                                                              \
        .name = OTS_SLICE(column), .type = OTS_CELL_STRING, .bytes = OTS_SLICE(text)               \
    }
#define NUMBER_CELL(column, number)                                                                \
    {                                                                                              \
        .name = OTS_SLICE(column), .type = OTS_CELL_INTEGER, .integer = (number)                   \
    }

static void test_reading_goes_by_name(void **state)
{
    (void)state;
    const struct ots_cell key[] = {TEXT_CELL("zone", "z"), TEXT_CELL("_tags", "[\"a=1\"]"),
                                   TEXT_CELL("_m_name", "cpu"), NUMBER_CELL("_time", 3),
                                   NUMBER_CELL("seq", 4)};
    const struct ots_cell cells[] = {NUMBER_CELL("plain", 5), NUMBER_CELL("x:y:z", 6),
                                     NUMBER_CELL(":i", 7)};
    const struct ots_plain_row plain = {key, 5, cells, 3, false, false, {0, 0, 0}};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf buf = OTS_BUF_INIT;
    struct ots_row row;
    assert_int_equal(decode_cells(&plain, &row, &arena, &buf, NULL), OTS_OK);
    assert_true(ots_slice_equal(row.key->measurement, OTS_SLICE("cpu")));
    assert_int_equal(row.key->data_source.size, 0);
    assert_int_equal(row.key->tag_count, 2);
    assert_true(ots_slice_equal(row.key->tags[0].name, OTS_SLICE("a")));
    assert_true(ots_slice_equal(row.key->tags[1].name, OTS_SLICE("zone")));
    assert_int_equal(row.field_count, 4);
    assert_true(ots_slice_equal(row.fields[0].name, OTS_SLICE("seq")));
    assert_true(ots_slice_equal(row.fields[1].name, OTS_SLICE("plain")));
    assert_true(ots_slice_equal(row.fields[2].name, OTS_SLICE("x:y")));
    assert_int_equal(row.fields[3].name.size, 0);
    ots_buf_deinit(&buf);
    ots_arena_deinit(&arena);
}

static void test_bad_rows_are_refused(void **state)
{
    (void)state;
    static const struct ots_cell good[] = {NUMBER_CELL("_time", 3)};
    static const struct ots_cell no_time[] = {TEXT_CELL("_m_name", "cpu")};
    static const struct ots_cell text_time[] = {TEXT_CELL("_time", "3")};
    static const struct ots_cell before_1970[] = {NUMBER_CELL("_time", -1)};
    static const struct ots_cell number_name[] = {NUMBER_CELL("_m_name", 1),
                                                  NUMBER_CELL("_time", 3)};
    static const struct ots_cell bad_tags[] = {TEXT_CELL("_tags", "[a=1]"),
                                               NUMBER_CELL("_time", 3)};
    static const struct ots_cell tag_twice[] = {TEXT_CELL("_tags", "[\"a=1\",\"a=2\"]"),
                                                NUMBER_CELL("_time", 3)};
    static const struct ots_cell tag_and_column[] = {
        TEXT_CELL("a", "2"), TEXT_CELL("_tags", "[\"a=1\"]"), NUMBER_CELL("_time", 3)};
    static const struct ots_cell infinite[] = {
        NUMBER_CELL("_time", 3), {.name = {(const uint8_t *)"k", 1}, .type = OTS_CELL_INF_MIN}};
    static const struct ots_cell deleted = {.name = {(const uint8_t *)"f:i", 3},
                                            .type = OTS_CELL_NO_VALUE,
                                            .operation = OTS_CELL_DELETE_ALL_VERSIONS};
    static const struct ots_cell added = {.name = {(const uint8_t *)"f:i", 3},
                                          .type = OTS_CELL_INTEGER,
                                          .operation = OTS_CELL_INCREMENT};
    static const struct ots_plain_row cases[] = {
        {.key = no_time, .key_count = 1},
        {.key = text_time, .key_count = 1},
        {.key = before_1970, .key_count = 1},
        {.key = number_name, .key_count = 2},
        {.key = bad_tags, .key_count = 2},
        {.key = tag_twice, .key_count = 2},
        {.key = tag_and_column, .key_count = 3},
        {.key = infinite, .key_count = 2},
        {.key = good, .key_count = 1, .is_delete = true},
        {.key = good, .key_count = 1, .cells = &deleted, .cell_count = 1},
        {.key = good, .key_count = 1, .cells = &added, .cell_count = 1},
    };
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf buf = OTS_BUF_INIT;
    struct ots_row row;
    const struct ots_plain_row fine = {.key = good, .key_count = 1};
    assert_int_equal(decode_cells(&fine, &row, &arena, &buf, NULL), OTS_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_error err = {0};
        assert_int_equal(decode_cells(&cases[i], &row, &arena, &buf, &err), OTS_CORRUPT);
        assert_int_equal(err.status, OTS_CORRUPT);
        assert_true(strlen(err.message) > 0);
    }
    ots_buf_deinit(&buf);
    ots_arena_deinit(&arena);
}

static bool is_decoded(struct ots_slice input, void *context)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows;
    (void)context;
    enum ots_status status = decode(input, &arena, &rows, NULL);
    assert_true(status == OTS_OK || status == OTS_CORRUPT);
    assert_true(status == OTS_OK || rows.count == 0);
    ots_arena_deinit(&arena);
    return status == OTS_OK;
}

static void test_damage_is_found(void **state)
{
    (void)state;
    struct test_random random = {99};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf output = OTS_BUF_INIT;
    struct ots_rows made = test_make_rows(&random, &arena, 6);
    assert_int_equal(ots_tsrows_encode(made.items, made.count, NULL, &output), OTS_OK);
    struct test_mangled cut = test_truncate(ots_buf_slice(&output), is_decoded, NULL);
    /* Nothing, the header alone, and after each row but the last. */
    assert_int_equal(cut.accepted, 2 + made.count - 1);
    struct test_mangled bad = test_corrupt(ots_buf_slice(&output), is_decoded, NULL);
    assert_true(bad.tried >= 8 * output.size);
    assert_int_equal(bad.accepted, 0);
    ots_buf_deinit(&output);
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_row),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_random_rows_come_back),
        cmocka_unit_test(test_rows_of_one_timeline_share_their_key),
        cmocka_unit_test(test_rows_are_read_as_if_alone),
        cmocka_unit_test(test_rows_are_written_as_if_alone),
        cmocka_unit_test(test_letters),
        cmocka_unit_test(test_own_identifiers),
        cmocka_unit_test(test_row_of_key_fields_only),
        cmocka_unit_test(test_reading_goes_by_name),
        cmocka_unit_test(test_bad_rows_are_refused),
        cmocka_unit_test(test_damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
