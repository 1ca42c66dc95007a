#include "backend/wire/plainbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/hex.h"
#include "tests/unit/make_rows.h"
#include "tests/unit/mangle.h"

/* cpu / host_1 / os=linux at 1700000000000000 with load = 0.5, n = -7, s = "abc": as Java writes
 * it. */
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

/* Stream records decoded by the Java SDK: a put, a delete, an update of single cells. */
static const char put_record[] =
    "75000000010304030000005f23680507000000030200000031660ac30304070000005f6d5f6e616d6505080000"
    "0003030000006370750ac303040c0000005f646174615f736f757263650507000000030200000068310ac50304"
    "050000005f74616773050d00000003080000005b22617a3d61225d0a0a0304050000005f74696d650509000000"
    "0000401e18240a06000a1d02030403000000643a64050900000001000000000000f83f070068e5cf8b0100000a"
    "13030403000000693a6c0509000000000700000000000000070068e5cf8b0100000aac0b180000000c13000000"
    "0d000000000e40222018240a06000f030000000957";
static const char delete_record[] =
    "75000000010304030000005f23680507000000030200000031660ac30304070000005f6d5f6e616d6505080000"
    "0003030000006370750ac303040c0000005f646174615f736f757263650507000000030200000068310ac50304"
    "050000005f74616773050d00000003080000005b22617a3d61225d0a0a0304050000005f74696d650509000000"
    "0000401e18240a06000a1d080b180000000c130000000d000000000e41222018240a06000f0000000009c2";
static const char update_record[] =
    "7500000001030402000000706b05060000000301000000610ad40203040200000063310603070068e5cf8b0100"
    "000a17030402000000633206010aac03040200000063330506000000030100000078070068e5cf8b0100000acf"
    "0b180000000c130000000d010000000e42222018240a06000f00000000097b";

/* Key arguments and rows that the Java SDK sends to wide tables. */
static const char range_start[] =
    "750000000103040800000053747265616d49640501000000090ad403040a000000537461747573547970650501"
    "000000090acc03040b00000053746174757356616c75650501000000090a08094a";
static const char wide_put[] =
    "750000000103040800000053747265616d496405060000000301000000730ac303040a00000053746174757354"
    "797065051d0000000318000000436865636b706f696e74466f7244617461785265616465720a6b03040b000000"
    "53746174757356616c75650519000000031400000020202031363832323433343030303030097368310abf0203"
    "040700000056657273696f6e05060000000301000000760ab703040a000000436865636b706f696e7405070000"
    "00030200000069740acf030409000000536b6970436f756e7405090000000000000000000000000aa4095d";
static const char wide_delete[] =
    "750000000103040800000053747265616d496405060000000301000000730ac303040a00000053746174757354"
    "797065051d0000000318000000436865636b706f696e74466f7244617461785265616465720a6b03040b000000"
    "53746174757356616c75650519000000031400000020202031363832323433343030303030097368310abf0809"
    "32";

static const char *const goldens[] = {worked_row,  put_record, delete_record, update_record,
                                      range_start, wide_put,   wide_delete};
enum { GOLDEN_COUNT = sizeof(goldens) / sizeof(goldens[0]) };

/* Read all rows and write them again; the status of reading. */
static enum ots_status rewrite(struct ots_slice input, struct ots_buf *output, size_t *count,
                               struct ots_error *err)
{
    struct ots_plainbuf_reader reader;
    struct ots_plain_row row;
    bool has_row = true;
    *count = 0;
    enum ots_status status = ots_plainbuf_reader_init(&reader, input, err);
    if (status == OTS_OK && input.size)
        ots_plainbuf_header_append(output);
    while (status == OTS_OK) {
        status = ots_plainbuf_read_row(&reader, &row, &has_row, err);
        if (status != OTS_OK || !has_row)
            break;
        ots_plainbuf_row_append(output, &row);
        ++*count;
    }
    ots_plainbuf_reader_deinit(&reader);
    return status;
}

static enum ots_status read_hex(const char *text, struct ots_error *err)
{
    struct ots_buf input = test_hex(text);
    struct ots_buf output = OTS_BUF_INIT;
    size_t count;
    enum ots_status status = rewrite(ots_buf_slice(&input), &output, &count, err);
    ots_buf_deinit(&output);
    ots_buf_deinit(&input);
    return status;
}

static void test_goldens_are_read_and_written_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct ots_error err = {0};
        struct ots_buf input = test_hex(goldens[i]);
        struct ots_buf output = OTS_BUF_INIT;
        size_t count;
        assert_int_equal(rewrite(ots_buf_slice(&input), &output, &count, &err), OTS_OK);
        assert_int_equal(count, 1);
        test_assert_hex(ots_buf_slice(&output), goldens[i]);
        ots_buf_deinit(&output);
        ots_buf_deinit(&input);
    }
}

struct golden {
    struct ots_buf input;
    struct ots_plainbuf_reader reader;
    struct ots_plain_row row;
};

static struct golden open_golden(const char *text)
{
    struct golden golden = {.input = test_hex(text)};
    bool has_row;
    assert_int_equal(ots_plainbuf_reader_init(&golden.reader, ots_buf_slice(&golden.input), NULL),
                     OTS_OK);
    assert_int_equal(ots_plainbuf_read_row(&golden.reader, &golden.row, &has_row, NULL), OTS_OK);
    assert_true(has_row);
    return golden;
}

static void close_golden(struct golden *golden)
{
    struct ots_plain_row row;
    bool has_row = true;
    assert_int_equal(ots_plainbuf_read_row(&golden->reader, &row, &has_row, NULL), OTS_OK);
    assert_false(has_row);
    ots_plainbuf_reader_deinit(&golden->reader);
    ots_buf_deinit(&golden->input);
}

static void assert_text(struct ots_slice text, const char *expected)
{
    assert_true(ots_slice_equal(text, ots_slice_str(expected)));
}

static void test_worked_row(void **state)
{
    (void)state;
    struct golden golden = open_golden(worked_row);
    const struct ots_plain_row *row = &golden.row;
    assert_int_equal(row->key_count, 5);
    assert_int_equal(row->cell_count, 3);
    assert_false(row->is_delete);
    assert_false(row->has_sequence);
    assert_text(row->key[3].name, "_tags");
    assert_text(row->key[3].bytes, "[\"os=linux\"]");
    assert_int_equal(row->key[4].type, OTS_CELL_INTEGER);
    assert_int_equal(row->key[4].integer, 1700000000000000);
    assert_text(row->cells[0].name, "load:d");
    assert_int_equal(row->cells[0].type, OTS_CELL_DOUBLE);
    assert_true(row->cells[0].real >= 0.5 && row->cells[0].real <= 0.5);
    assert_int_equal(row->cells[1].integer, -7);
    assert_text(row->cells[2].bytes, "abc");
    close_golden(&golden);
}

static void test_stream_records(void **state)
{
    (void)state;
    struct golden put = open_golden(put_record);
    assert_true(put.row.has_sequence);
    assert_int_equal(put.row.sequence.epoch, 0);
    assert_int_equal(put.row.sequence.timestamp_us, 1700000000123456);
    assert_int_equal(put.row.sequence.row_index, 3);
    assert_true(put.row.cells[0].has_timestamp);
    assert_int_equal(put.row.cells[1].timestamp_ms, 1700000000000);
    assert_int_equal(put.row.cells[1].integer, 7);
    close_golden(&put);

    struct golden deleted = open_golden(delete_record);
    assert_true(deleted.row.is_delete);
    assert_int_equal(deleted.row.cell_count, 0);
    assert_int_equal(deleted.row.sequence.timestamp_us, 1700000000123457);
    close_golden(&deleted);

    struct golden update = open_golden(update_record);
    assert_int_equal(update.row.sequence.epoch, 1);
    assert_int_equal(update.row.cells[0].operation, OTS_CELL_DELETE_ONE_VERSION);
    assert_int_equal(update.row.cells[0].type, OTS_CELL_NO_VALUE);
    assert_true(update.row.cells[0].has_timestamp);
    assert_int_equal(update.row.cells[1].operation, OTS_CELL_DELETE_ALL_VERSIONS);
    assert_false(update.row.cells[1].has_timestamp);
    assert_int_equal(update.row.cells[2].operation, OTS_CELL_PUT);
    assert_text(update.row.cells[2].bytes, "x");
    close_golden(&update);
}

static void test_cells_of_every_type(void **state)
{
    (void)state;
    const struct ots_cell key = {
        .name = OTS_SLICE("_time"), .type = OTS_CELL_INTEGER, .integer = 1700000000000000};
    const struct ots_cell cells[] = {
        {.name = OTS_SLICE("ok"), .type = OTS_CELL_BOOLEAN, .boolean = true},
        {.name = OTS_SLICE("raw"), .type = OTS_CELL_BLOB, .bytes = OTS_SLICE("\1\2")},
        {.name = OTS_SLICE("d"), .type = OTS_CELL_DOUBLE, .real = 10.5},
        {.name = OTS_SLICE("i"), .type = OTS_CELL_INTEGER, .integer = 1},
        {.name = OTS_SLICE("e"), .type = OTS_CELL_STRING, .bytes = OTS_SLICE("")},
    };
    struct ots_plain_row row = {.key = &key, .key_count = 1};
    struct ots_buf buf = OTS_BUF_INIT;
    ots_plainbuf_row_append(&buf, &row);
    test_assert_hex(ots_buf_slice(&buf), "01 0304050000005f74696d6505090000000000401e18240a0600"
                                         "0a1d 09be");
    ots_buf_reset(&buf);
    row.cells = cells;
    row.cell_count = sizeof(cells) / sizeof(cells[0]);
    ots_plainbuf_row_append(&buf, &row);
    struct ots_slice written = ots_slice(buf.data + 28, buf.size - 30);
    test_assert_hex(written, "02"
                             "0304020000006f6b050200000002010a83"
                             "0304030000007261770507000000070200000001020aef"
                             "0304010000006405090000000100000000000025400a93"
                             "0304010000006905090000000001000000000000000a57"
                             "030401000000650505000000"
                             "03000000000a66");
    ots_buf_deinit(&buf);
}

/* A number written over another's cell gives the bytes and checksums of a cell of its own. */
static void test_numbers_written_over_others(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, 1, -1, INT64_MIN, INT64_MAX, 1700000000000000, 0x100};
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);
    for (size_t type = 0; type < 2; type++) {
        struct ots_cell cell = {.name = OTS_SLICE("usage:d"),
                                .type = type ? OTS_CELL_DOUBLE : OTS_CELL_INTEGER};
        struct ots_buf expected = OTS_BUF_INIT;
        struct ots_buf written = OTS_BUF_INIT;
        struct ots_plainbuf_writer expecting;
        struct ots_plainbuf_writer writer;
        ots_plainbuf_row_begin(&expecting, &expected);
        ots_plainbuf_row_begin(&writer, &written);
        size_t offset = 1;
        for (size_t i = 0; i < count; i++) {
            memcpy(&cell.integer, &numbers[i], sizeof(numbers[i]));
            memcpy(&cell.real, &numbers[i], sizeof(numbers[i]));
            ots_plainbuf_cell_append(&expecting, &cell);
            if (i == 0)
                ots_plainbuf_cell_append(&writer, &cell);
            else
                offset = ots_plainbuf_cell_repeat(&writer, offset, (uint64_t)numbers[i]);
            assert_int_equal(writer.row_crc, expecting.row_crc);
        }
        assert_int_equal(ots_plainbuf_cell_end(&written, offset), written.size);
        assert_true(ots_slice_equal(ots_buf_slice(&written), ots_buf_slice(&expected)));
        ots_buf_deinit(&written);
        ots_buf_deinit(&expected);
    }
}

static void test_no_rows(void **state)
{
    (void)state;
    assert_int_equal(read_hex("", NULL), OTS_OK);
    assert_int_equal(read_hex("75000000", NULL), OTS_OK);
}

static void test_framing_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *message;
    } cases[] = {
        {"75", "wrong header"},
        {"76000000", "wrong header"},
        {"75000001", "wrong header"},
        {"75000000 02", "something else than a row"},
        {"75000000 75000000", "something else than a row"},
        {"75000000 01", "a row without a key"},
        {"75000000 01 0900", "a row without a key"},
        {"75000000 01 03", "a cell without a name"},
        {"75000000 01 03 05", "a cell without a name"},
        {"75000000 01 03 04 010000", "cut short"},
        {"75000000 01 03 04 02000000 61", "a length beyond the end"},
        {"75000000 01 03 04 ffffffff 61", "a length beyond the end"},
        {"75000000 01 03 04 01000000 61", "a cell without its checksum"},
        {"75000000 01 03 04 01000000 61 05 00000000", "an unknown type of value"},
        {"75000000 01 03 04 01000000 61 05 01000000 04", "an unknown type of value"},
        {"75000000 01 03 04 01000000 61 05 01000000 06", "an unknown type of value"},
        {"75000000 01 03 04 01000000 61 05 01000000 ff", "an unknown type of value"},
        {"75000000 01 03 04 01000000 61 05 02000000 00 01", "does not fit its type"},
        {"75000000 01 03 04 01000000 61 05 0a000000 01 000000000000000000",
         "does not fit its type"},
        {"75000000 01 03 04 01000000 61 05 02000000 02 02", "does not fit its type"},
        {"75000000 01 03 04 01000000 61 05 03000000 02 0100", "does not fit its type"},
        {"75000000 01 03 04 01000000 61 05 06000000 03 02000000 61", "does not fit its type"},
        {"75000000 01 03 04 01000000 61 05 07000000 07 01000000 6161", "does not fit its type"},
        {"75000000 01 03 04 01000000 61 05 03000000 03 0100", "does not fit its type"},
        {"75000000 01 03 04 01000000 61 05 02000000 09 00", "does not fit its type"},
        {"75000000 01 03 04 01000000 61 06", "cut short"},
        {"75000000 01 03 04 01000000 61 06 00", "an unknown operation"},
        {"75000000 01 03 04 01000000 61 06 02", "an unknown operation"},
        {"75000000 01 03 04 01000000 61 06 05", "an unknown operation"},
        {"75000000 01 03 04 01000000 61 07 00000000000000", "cut short"},
        /* operation and timestamp in the wrong order */
        {"75000000 01 03 04 01000000 61 07 0000000000000000 06 01", "without its checksum"},
        {"75000000 01 03 04 01000000 61 0a", "cut short"},
        {"75000000 01 03 04 01000000 61 0a 21", "the wrong checksum of a cell"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_error err = {0};
        assert_int_equal(read_hex(cases[i].bytes, &err), OTS_CORRUPT);
        if (!strstr(err.message, cases[i].message))
            fail_msg("%s: %s", cases[i].bytes, err.message);
    }
}

/* After a whole cell: a key named "a" without a value. */
static void test_row_end_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *end;
        const char *message;
    } cases[] = {
        {"", "a row without its checksum"},
        {"09", "cut short"},
        {"02 0900", "a data part without cells"},
        {"09 00", "the wrong checksum of a row"},
        {"0808", "a row without its checksum"},
        {"0b 000000", "cut short"},
        {"0b 17000000 0c", "an unknown extension"},
        {"0b 18000000 0d", "an unknown extension"},
        {"0b 18000000 0c 12000000 0d", "an unknown form of sequence"},
        {"0b 18000000 0c 13000000 0e", "an unknown form of sequence"},
        {"0b 18000000 0c 13000000 0d 0000", "cut short"},
        {"0b 18000000 0c 13000000 0d 00000000 0f", "a sequence without its time"},
        {"0b 18000000 0c 13000000 0d 00000000 0e 00", "cut short"},
        {"0b 18000000 0c 13000000 0d 00000000 0e 0000000000000000 09", "without its row index"},
        {"0b 18000000 0c 13000000 0d 00000000 0e 0000000000000000 0f 00", "cut short"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_error err = {0};
        char text[256];
        snprintf(text, sizeof(text), "75000000 01 03 04 01000000 61 0a 20 %s", cases[i].end);
        assert_int_equal(read_hex(text, &err), OTS_CORRUPT);
        if (!strstr(err.message, cases[i].message))
            fail_msg("%s: %s", text, err.message);
    }
}

static bool is_read(struct ots_slice input, void *context)
{
    struct ots_buf output = OTS_BUF_INIT;
    size_t count;
    (void)context;
    enum ots_status status = rewrite(input, &output, &count, NULL);
    ots_buf_deinit(&output);
    return status == OTS_OK;
}

static void test_damage_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct ots_buf input = test_hex(goldens[i]);
        struct test_mangled cut = test_truncate(ots_buf_slice(&input), is_read, NULL);
        assert_int_equal(cut.tried, input.size);
        assert_int_equal(cut.accepted, 2); /* nothing, and the header alone */
        struct test_mangled bad = test_corrupt(ots_buf_slice(&input), is_read, NULL);
        /* No checksum covers the 16 bytes of a sequence's numbers; of others nothing passes. */
        size_t free_bytes = strstr(goldens[i], "0b180000000c13000000") ? 16 : 0;
        assert_true(bad.tried >= 8 * input.size);
        assert_true(bad.accepted >= free_bytes * 8 && bad.accepted <= free_bytes * 10);
        ots_buf_deinit(&input);
    }
}

static void test_many_cells(void **state)
{
    (void)state;
    struct test_random random = {7};
    struct ots_cell cells[100];
    char names[100][8];
    for (size_t i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "c%zu", i);
        cells[i] = (struct ots_cell){.name = ots_slice_str(names[i]),
                                     .type = OTS_CELL_INTEGER,
                                     .integer = test_random_below(&random, 1000)};
    }
    struct ots_buf buf = OTS_BUF_INIT;
    struct ots_buf again = OTS_BUF_INIT;
    ots_plainbuf_header_append(&buf);
    for (size_t keys = 1; keys < 100; keys += 9) {
        struct ots_plain_row row = {cells, keys, cells + keys, 100 - keys, false, false, {0, 0, 0}};
        ots_plainbuf_row_append(&buf, &row);
    }
    size_t count;
    assert_int_equal(rewrite(ots_buf_slice(&buf), &again, &count, NULL), OTS_OK);
    assert_int_equal(count, 11);
    assert_true(ots_slice_equal(ots_buf_slice(&buf), ots_buf_slice(&again)));
    ots_buf_deinit(&again);
    ots_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens_are_read_and_written_again),
        cmocka_unit_test(test_worked_row),
        cmocka_unit_test(test_stream_records),
        cmocka_unit_test(test_cells_of_every_type),
        cmocka_unit_test(test_numbers_written_over_others),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_framing_is_strict),
        cmocka_unit_test(test_row_end_is_strict),
        cmocka_unit_test(test_damage_is_found),
        cmocka_unit_test(test_many_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
