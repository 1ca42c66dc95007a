#include "tests/unit/lp_record.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static enum ots_status record_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct lp_record *record = context;
    struct ots_lp_printer printer;
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    if (cut_ns)
        ots_buf_append_str(&record->text, "cut ");
    assert_int_equal(ots_lp_print(&printer, row, &record->text, NULL), OTS_OK);
    ots_lp_printer_deinit(&printer);
    record->row_count++;
    return OTS_OK;
}

static enum ots_status record_problem(void *context, const struct ots_lp_problem *problem)
{
    struct lp_record *record = context;
    ots_buf_append_fmt(&record->text, "%" PRIu64 ":%zu: %s\n", problem->line, problem->column,
                       problem->reason);
    record->problem_count++;
    return OTS_OK;
}

struct ots_lp_handler lp_record_handler(struct lp_record *record)
{
    *record = (struct lp_record){OTS_BUF_INIT, 0, 0};
    return (struct ots_lp_handler){record_row, record_problem, record};
}

void lp_record_parse(struct lp_record *record, const struct ots_lp_options *options,
                     struct ots_slice text, size_t piece_bytes)
{
    struct ots_lp_handler handler = lp_record_handler(record);
    struct ots_lp_parser *parser;
    assert_int_equal(ots_lp_parser_new(options, &handler, &parser), OTS_OK);
    for (size_t at = 0; at < text.size; at += piece_bytes) {
        size_t size = text.size - at < piece_bytes ? text.size - at : piece_bytes;
        /* Memory of just the piece's size, so that a sanitizer sees a read behind it. */
        uint8_t *piece = malloc(size);
        assert_non_null(piece);
        memcpy(piece, text.data + at, size);
        assert_int_equal(ots_lp_parser_feed(parser, ots_slice(piece, size)), OTS_OK);
        /* Nothing of it may be needed later. */
        memset(piece, '?', size);
        free(piece);
    }
    size_t rest = ots_lp_parser_rest(parser).size;
    if (rest)
        ots_buf_append_fmt(&record->text, "rest %zu\n", rest);
    assert_int_equal(ots_buf_status(&record->text), OTS_OK);
    ots_lp_parser_free(parser);
}

void lp_record_deinit(struct lp_record *record)
{
    ots_buf_deinit(&record->text);
}

void lp_record_assert(const struct lp_record *record, const char *expected)
{
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_slice(&text, ots_buf_slice(&record->text));
    ots_buf_append_byte(&text, 0);
    assert_int_equal(ots_buf_status(&text), OTS_OK);
    assert_string_equal((const char *)text.data, expected);
    ots_buf_deinit(&text);
}

/* --- hostile rows ----------------------------------------------------------------------------- */

struct ots_slice lp_hostile_text(struct test_random *random, struct ots_arena *arena,
                                 uint32_t pieces_max)
{
    static const char *const PALETTE[] = {",",    " ",
                                          "=",    "\\",
                                          "\"",   "#",
                                          "@",    "%",
                                          "/",    ".",
                                          "\n",   "\r",
                                          "\t",   "\x01",
                                          "\x1f", "\x7f",
                                          "_",    "i",
                                          "n",    "x",
                                          "5C",   "\"22",
                                          "b64",  "@str",
                                          "time", "web",
                                          "0",    "-1",
                                          "\\n",  "é",
                                          "杭州", "\xEF\xBB\xBF",
                                          "😀",    "\xE2\x80\xA8",
                                          "\\\\", "\\\"",
                                          "a",    "B",
                                          "'",    "\\x"};
    struct ots_buf text = OTS_BUF_INIT;
    struct ots_slice copy;
    uint32_t pieces = test_random_below(random, pieces_max + 1);
    for (uint32_t i = 0; i < pieces; i++)
        ots_buf_append_str(
            &text, PALETTE[test_random_below(random, sizeof(PALETTE) / sizeof(PALETTE[0]))]);
    if (test_random_below(random, 8) == 0)
        ots_buf_append_byte(&text, 0);
    assert_int_equal(ots_buf_status(&text), OTS_OK);
    assert_int_equal(ots_arena_copy(arena, ots_buf_slice(&text), &copy), OTS_OK);
    ots_buf_deinit(&text);
    return copy;
}

double lp_hostile_real(struct test_random *random, bool is_finite)
{
    static const double KNOWN[] = {0.0,
                                   -0.0,
                                   1.0,
                                   -1.5,
                                   0.1,
                                   1e21,
                                   1e-7,
                                   5e-324,
                                   1e22,
                                   1e-6,
                                   123.45,
                                   9007199254740993.0,
                                   1.7976931348623157e308,
                                   2.2250738585072014e-308,
                                   99999999999.9999};
    for (;;) {
        double real;
        uint64_t bits = (uint64_t)test_random_below(random, UINT32_MAX) << 32 |
                        test_random_below(random, UINT32_MAX);
        switch (test_random_below(random, 5)) {
        case 0:
            real = KNOWN[test_random_below(random, sizeof(KNOWN) / sizeof(KNOWN[0]))];
            break;
        case 1:
            real = (double)(int32_t)(uint32_t)bits / 100.0;
            break;
        case 2:
            bits |= UINT64_C(0x7FF0000000000000);
            memcpy(&real, &bits, sizeof(real));
            break;
        case 3:
            real = test_random_below(random, 2) ? INFINITY : -INFINITY;
            break;
        default:
            memcpy(&real, &bits, sizeof(real));
        }
        if (!is_finite || isfinite(real))
            return real;
    }
}

static struct ots_value hostile_value(struct test_random *random, struct ots_arena *arena)
{
    struct ots_value value = {.type = (enum ots_value_type)(1 + test_random_below(random, 5))};
    uint64_t bits = (uint64_t)test_random_below(random, UINT32_MAX) << 32 |
                    test_random_below(random, UINT32_MAX);
    switch (value.type) {
    case OTS_INTEGER:
        value.integer = (int64_t)(bits >> test_random_below(random, 64));
        if (test_random_below(random, 4) == 0)
            value.integer = test_random_below(random, 2) ? INT64_MIN : INT64_MAX;
        break;
    case OTS_BOOLEAN:
        value.boolean = bits & 1;
        break;
    case OTS_DOUBLE:
        value.real = lp_hostile_real(random, false);
        break;
    case OTS_STRING:
        value.bytes = lp_hostile_text(random, arena, 12);
        break;
    case OTS_BINARY:
        assert_int_equal(ots_arena_copy(arena, ots_slice(&bits, bits % 9), &value.bytes), OTS_OK);
        break;
    }
    return value;
}

static struct ots_slice hostile_name(struct test_random *random, struct ots_arena *arena)
{
    static const char *const NAMES[] = {
        "time", "_data_source", "_field", "_measurement", "__chunk_order", "", "usage_user", "_x"};
    if (test_random_below(random, 3) == 0)
        return ots_slice_str(NAMES[test_random_below(random, sizeof(NAMES) / sizeof(NAMES[0]))]);
    return lp_hostile_text(random, arena, 6);
}

static void make_tags(struct test_random *random, struct ots_arena *arena,
                      struct ots_series_key *key)
{
    key->tag_count = test_random_below(random, 5);
    struct ots_tag *tags = ots_arena_array(arena, key->tag_count, sizeof(*tags));
    assert_non_null(tags);
    do {
        for (size_t i = 0; i < key->tag_count; i++) {
            tags[i].name = hostile_name(random, arena);
            tags[i].value = lp_hostile_text(random, arena, 6);
        }
    } while (ots_tags_sort(tags, key->tag_count, NULL) != OTS_OK);
    key->tags = tags;
}

static bool has_name(const struct ots_field *fields, size_t count, struct ots_slice name)
{
    for (size_t i = 0; i < count; i++)
        if (ots_slice_equal(fields[i].name, name))
            return true;
    return false;
}

struct ots_row lp_hostile_row(struct test_random *random, struct ots_arena *arena)
{
    struct ots_series_key *key = ots_arena_array(arena, 1, sizeof(*key));
    assert_non_null(key);
    key->measurement = lp_hostile_text(random, arena, 6);
    key->data_source = lp_hostile_text(random, arena, 2);
    make_tags(random, arena, key);
    struct ots_row row = {.key = key, .field_count = 1 + test_random_below(random, 5)};
    struct ots_field *fields = ots_arena_array(arena, row.field_count, sizeof(*fields));
    assert_non_null(fields);
    for (size_t i = 0; i < row.field_count; i++) {
        do
            fields[i].name = hostile_name(random, arena);
        while (has_name(fields, i, fields[i].name));
        fields[i].value = hostile_value(random, arena);
    }
    row.fields = fields;
    static const int64_t TIMES[] = {0, 1, 1700000000123456, INT64_MAX / 1000, INT64_MAX};
    row.time_us = TIMES[test_random_below(random, 5)];
    return row;
}
