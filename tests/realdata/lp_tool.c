/*
 * The line-protocol reader and writer as a filter, for check_lp.py.
 *
 * `parse`: frames of a 32-bit little-endian length and line protocol on standard input; per frame
 * one JSON line of rows and problems.
 *
 * `print`: rows as words on standard input, one per line (see read_row); per row a JSON line with
 * its line and its file name. Byte strings are base64, `-` when empty.
 *
 * `echo ns|s`: line protocol on standard input, the same rows printed on output.
 *
 * A last line without LF gets one. Rows without a time get TIME_ABSENT.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/base/base64.h"
#include "fs/lp/names.h"
#include "fs/lp/parse.h"

static const int64_t TIME_ABSENT = 1234567890123456;

enum { FRAME_BYTES_MAX = 64 * 1024 * 1024, PIECE_BYTES = 64 * 1024 };

static void die(const char *what)
{
    fprintf(stderr, "lp_tool: %s\n", what);
    exit(2);
}

static void must(enum ots_status status)
{
    if (status != OTS_OK)
        die(ots_status_text(status));
}

static void put_bytes(struct ots_slice bytes)
{
    struct ots_buf text = OTS_BUF_INIT;
    ots_base64_append(&text, bytes);
    must(ots_buf_status(&text));
    printf("\"%.*s\"", OTS_SLICE_FMT(text));
    ots_buf_deinit(&text);
}

/* --- parse ------------------------------------------------------------------------------------ */

struct found {
    size_t row_count;
    size_t problem_count;
    struct ots_buf problems;
};

static void put_value(const struct ots_value *value)
{
    uint64_t bits;
    printf(",\"%s\",", ots_value_type_name(value->type));
    switch (value->type) {
    case OTS_INTEGER:
        printf("\"%" PRId64 "\"", value->integer);
        break;
    case OTS_BOOLEAN:
        printf("\"%s\"", value->boolean ? "true" : "false");
        break;
    case OTS_DOUBLE:
        memcpy(&bits, &value->real, sizeof(bits));
        printf("\"%016" PRIx64 "\"", bits);
        break;
    case OTS_STRING:
    case OTS_BINARY:
        put_bytes(value->bytes);
        break;
    }
}

static enum ots_status put_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct found *found = context;
    printf("%s{\"measurement\":", found->row_count++ ? "," : "");
    put_bytes(row->key->measurement);
    printf(",\"data_source\":");
    put_bytes(row->key->data_source);
    printf(",\"tags\":[");
    for (size_t i = 0; i < row->key->tag_count; i++) {
        printf("%s[", i ? "," : "");
        put_bytes(row->key->tags[i].name);
        printf(",");
        put_bytes(row->key->tags[i].value);
        printf("]");
    }
    printf("],\"time_us\":\"%" PRId64 "\",\"cut\":%s,\"fields\":[", row->time_us,
           cut_ns ? "true" : "false");
    for (size_t i = 0; i < row->field_count; i++) {
        printf("%s[", i ? "," : "");
        put_bytes(row->fields[i].name);
        put_value(&row->fields[i].value);
        printf("]");
    }
    printf("]}");
    return OTS_OK;
}

static enum ots_status note_problem(void *context, const struct ots_lp_problem *problem)
{
    struct found *found = context;
    ots_buf_append_fmt(&found->problems, "%s[%" PRIu64 ",%zu,\"", found->problem_count++ ? "," : "",
                       problem->line, problem->column);
    for (const char *at = problem->reason; *at; at++) {
        if (*at == '"' || *at == '\\')
            ots_buf_append_byte(&found->problems, '\\');
        ots_buf_append_byte(&found->problems, (uint8_t)*at);
    }
    ots_buf_append_str(&found->problems, "\"]");
    return OTS_OK;
}

static void parse_frame(struct ots_slice input)
{
    struct found found = {0, 0, OTS_BUF_INIT};
    struct ots_lp_options options = {OTS_PRECISION_NS, TIME_ABSENT};
    struct ots_lp_handler handler = {put_row, note_problem, &found};
    struct ots_lp_parser *parser;
    must(ots_lp_parser_new(&options, &handler, &parser));
    printf("{\"rows\":[");
    must(ots_lp_parser_feed(parser, input));
    if (ots_lp_parser_rest(parser).size)
        must(ots_lp_parser_feed(parser, OTS_SLICE("\n")));
    bool is_unfinished = ots_lp_parser_rest(parser).size != 0;
    must(ots_buf_status(&found.problems));
    printf("],\"problems\":[%.*s],\"unfinished\":%s}\n", OTS_SLICE_FMT(found.problems),
           is_unfinished ? "true" : "false");
    ots_lp_parser_free(parser);
    ots_buf_deinit(&found.problems);
}

static void parse_frames(void)
{
    uint8_t head[4];
    while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
        size_t size =
            head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
        if (size > FRAME_BYTES_MAX)
            die("a frame that is too long");
        uint8_t *data = malloc(size + 1);
        if (!data || fread(data, 1, size, stdin) != size)
            die("a frame that is cut");
        parse_frame(ots_slice(data, size));
        free(data);
    }
}

/* --- print ------------------------------------------------------------------------------------ */

struct words {
    char *next;
    struct ots_arena arena;
};

static const char *next_word(struct words *words)
{
    char *word = strsep(&words->next, " \n");
    if (!word)
        die("a row with too few words");
    return word;
}

static struct ots_slice next_bytes(struct words *words)
{
    struct ots_slice word = ots_slice_str(next_word(words));
    struct ots_slice bytes;
    struct ots_buf decoded = OTS_BUF_INIT;
    if (!ots_slice_equal(word, OTS_SLICE("-")))
        must(ots_base64_decode(word, &decoded));
    must(ots_arena_copy(&words->arena, ots_buf_slice(&decoded), &bytes));
    ots_buf_deinit(&decoded);
    return bytes;
}

static size_t next_count(struct words *words)
{
    return strtoul(next_word(words), NULL, 10);
}

static struct ots_value next_value(struct words *words)
{
    struct ots_value value = {.type = (enum ots_value_type)next_count(words)};
    uint64_t bits;
    switch (value.type) {
    case OTS_INTEGER:
        value.integer = strtoll(next_word(words), NULL, 10);
        break;
    case OTS_BOOLEAN:
        value.boolean = strcmp(next_word(words), "true") == 0;
        break;
    case OTS_DOUBLE:
        bits = strtoull(next_word(words), NULL, 16);
        memcpy(&value.real, &bits, sizeof(bits));
        break;
    case OTS_STRING:
    case OTS_BINARY:
        value.bytes = next_bytes(words);
        break;
    }
    return value;
}

/* measurement source tag-count (name value)* time_us field-count (name type value)* */
static void read_row(struct words *words, struct ots_series_key *key, struct ots_row *row)
{
    key->measurement = next_bytes(words);
    key->data_source = next_bytes(words);
    key->tag_count = next_count(words);
    struct ots_tag *tags = ots_arena_array(&words->arena, key->tag_count, sizeof(*tags));
    for (size_t i = 0; i < key->tag_count; i++) {
        tags[i].name = next_bytes(words);
        tags[i].value = next_bytes(words);
    }
    must(ots_tags_sort(tags, key->tag_count, NULL));
    key->tags = tags;
    row->key = key;
    row->time_us = strtoll(next_word(words), NULL, 10);
    row->field_count = next_count(words);
    struct ots_field *fields = ots_arena_array(&words->arena, row->field_count, sizeof(*fields));
    for (size_t i = 0; i < row->field_count; i++) {
        fields[i].name = next_bytes(words);
        fields[i].value = next_value(words);
    }
    row->fields = fields;
}

/* Whether the names read back as the key; `false` for a hashed one. */
static bool is_decodable(const struct ots_series_key *key, struct ots_slice directory,
                         struct ots_slice file, struct ots_arena *arena)
{
    struct ots_series_key decoded;
    return ots_measurement_name_decode(directory, arena, &decoded.measurement, NULL) == OTS_OK &&
           ots_timeline_name_decode(file, arena, &decoded, NULL) == OTS_OK &&
           ots_series_key_equal(key, &decoded);
}

static void print_row(struct ots_lp_printer *printer, char *text)
{
    struct words words = {text, OTS_ARENA_INIT};
    struct ots_series_key key;
    struct ots_row row;
    read_row(&words, &key, &row);
    struct ots_buf line = OTS_BUF_INIT;
    struct ots_buf directory = OTS_BUF_INIT;
    struct ots_buf file = OTS_BUF_INIT;
    ots_lp_printer_forget_key(printer);
    must(ots_lp_print(printer, &row, &line, NULL));
    must(ots_measurement_name_append(key.measurement, &directory));
    must(ots_timeline_name_append(&key, &file));
    bool is_reversible =
        is_decodable(&key, ots_buf_slice(&directory), ots_buf_slice(&file), &words.arena);
    printf("{\"line\":");
    put_bytes(ots_buf_slice(&line));
    printf(",\"directory\":");
    put_bytes(ots_buf_slice(&directory));
    printf(",\"file\":");
    put_bytes(ots_buf_slice(&file));
    printf(",\"reversible\":%s}\n", is_reversible ? "true" : "false");
    ots_buf_deinit(&line);
    ots_buf_deinit(&directory);
    ots_buf_deinit(&file);
    ots_arena_deinit(&words.arena);
}

static void print_rows(void)
{
    struct ots_lp_printer printer;
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    char *text = NULL;
    size_t capacity = 0;
    while (getline(&text, &capacity, stdin) > 0)
        print_row(&printer, text);
    free(text);
    ots_lp_printer_deinit(&printer);
}

/* --- echo ------------------------------------------------------------------------------------- */

struct echo {
    struct ots_lp_printer printer;
    struct ots_buf line;
    bool has_failed;
};

static enum ots_status echo_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct echo *echo = context;
    (void)cut_ns;
    ots_buf_reset(&echo->line);
    must(ots_lp_print(&echo->printer, row, &echo->line, NULL));
    fwrite(echo->line.data, 1, echo->line.size, stdout);
    return OTS_OK;
}

static enum ots_status echo_problem(void *context, const struct ots_lp_problem *problem)
{
    struct echo *echo = context;
    echo->has_failed = true;
    fprintf(stderr, "%" PRIu64 ":%zu: %s: %.*s\n", problem->line, problem->column, problem->reason,
            OTS_SLICE_FMT(problem->text));
    return OTS_OK;
}

static bool echo_lines(const char *precision)
{
    struct echo echo = {.line = OTS_BUF_INIT};
    struct ots_lp_options options = {OTS_PRECISION_NS, -1};
    if (strcmp(precision, "s") == 0)
        options.precision = OTS_PRECISION_S;
    struct ots_lp_handler handler = {echo_row, echo_problem, &echo};
    struct ots_lp_parser *parser;
    ots_lp_printer_init(&echo.printer, options.precision);
    must(ots_lp_parser_new(&options, &handler, &parser));
    static uint8_t piece[PIECE_BYTES];
    size_t size;
    while ((size = fread(piece, 1, sizeof(piece), stdin)) > 0)
        must(ots_lp_parser_feed(parser, ots_slice(piece, size)));
    if (ots_lp_parser_rest(parser).size)
        must(ots_lp_parser_feed(parser, OTS_SLICE("\n")));
    bool is_good = !echo.has_failed && !ots_lp_parser_rest(parser).size;
    ots_lp_parser_free(parser);
    ots_lp_printer_deinit(&echo.printer);
    ots_buf_deinit(&echo.line);
    return is_good;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "parse") == 0)
        parse_frames();
    else if (argc == 2 && strcmp(argv[1], "print") == 0)
        print_rows();
    else if (argc == 3 && strcmp(argv[1], "echo") == 0)
        return echo_lines(argv[2]) ? 0 : 1;
    else
        die("usage: lp_tool parse | print | echo ns|s");
    return 0;
}
