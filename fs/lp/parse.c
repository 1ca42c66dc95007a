/*
 * Each piece is cut behind its last LF. Whole lines before the cut are parsed where they lie. What
 * is left, the beginning of a line, is kept in `rest`, and so is a line whose last LF turned out to
 * be inside a string. ots_lp_line_end_find looks for the end of such a line in the pieces that
 * follow, each byte once; only then is the line parsed.
 *
 * A line that is too long is a problem as soon as that is known; `is_skipping` then drops the rest
 * of it.
 */
#include "fs/lp/parse.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/lp/line.h"
#include "fs/lp/line_end.h"

struct ots_lp_parser {
    struct ots_lp_handler handler;
    struct ots_lp_line *line;
    struct ots_buf rest;
    enum ots_lp_place rest_place;
    bool is_unfinished; /* a line has begun: in `rest`, or being skipped */
    bool is_skipping;
    uint64_t line_number;  /* of the line that begins next, or of the unfinished one */
    struct ots_slice text; /* of the line whose handler runs */
    size_t taken;          /* bytes of the last feed */
};

enum ots_status ots_lp_parser_new(const struct ots_lp_options *options,
                                  const struct ots_lp_handler *handler, struct ots_lp_parser **out)
{
    struct ots_lp_parser *parser = calloc(1, sizeof(*parser));
    if (!parser)
        return OTS_NOMEM;
    parser->handler = *handler;
    parser->line_number = 1;
    enum ots_status status = ots_lp_line_new(options, &parser->line);
    if (status != OTS_OK) {
        free(parser);
        return status;
    }
    *out = parser;
    return OTS_OK;
}

void ots_lp_parser_free(struct ots_lp_parser *parser)
{
    if (!parser)
        return;
    ots_lp_line_free(parser->line);
    ots_buf_deinit(&parser->rest);
    free(parser);
}

struct ots_slice ots_lp_parser_rest(const struct ots_lp_parser *parser)
{
    return ots_buf_slice(&parser->rest);
}

bool ots_lp_parser_is_between_lines(const struct ots_lp_parser *parser)
{
    return !parser->is_unfinished;
}

void ots_lp_parser_pass_lines(struct ots_lp_parser *parser, size_t count)
{
    assert(!parser->is_unfinished);
    parser->line_number += count;
}

uint64_t ots_lp_parser_line(const struct ots_lp_parser *parser)
{
    return parser->line_number;
}

struct ots_slice ots_lp_parser_text(const struct ots_lp_parser *parser)
{
    return parser->text;
}

size_t ots_lp_parser_taken(const struct ots_lp_parser *parser)
{
    return parser->taken;
}

void ots_lp_parser_set_default_time(struct ots_lp_parser *parser, int64_t time_us)
{
    ots_lp_line_set_default_time(parser->line, time_us);
}

static size_t count_lines(struct ots_slice text)
{
    size_t count = 0;
    const uint8_t *at = text.data;
    const uint8_t *end = text.data + text.size;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        count++;
        at++;
    }
    return count;
}

/* --- problems --------------------------------------------------------------------------------- */

static enum ots_status report(struct ots_lp_parser *parser, struct ots_slice text,
                              const uint8_t *wrong, const char *reason)
{
    struct ots_lp_problem problem = {.line = parser->line_number, .text = text};
    problem.column = (size_t)(wrong - text.data) + 1;
    snprintf(problem.reason, sizeof(problem.reason), "%s", reason);
    return parser->handler.problem(parser->handler.context, &problem);
}

/* `text` begins with the line and goes at least one byte over its maximum. */
static enum ots_status report_long(struct ots_lp_parser *parser, const uint8_t *text)
{
    return report(parser, ots_slice(text, OTS_LP_LINE_BYTES_MAX), text + OTS_LP_LINE_BYTES_MAX,
                  "a line of more than 8 MiB");
}

static struct ots_slice strip_line_end(struct ots_slice line)
{
    line.size--;
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

/* --- whole lines ------------------------------------------------------------------------------ */

/* Skip what holds no row; false when a row begins at `cursor`. */
static bool skip_empty(struct ots_lp_cursor *cursor)
{
    const uint8_t *at = cursor->at;
    while (*at == ' ' || *at == '\t')
        at++;
    if (*at == '#')
        at = memchr(at, '\n', (size_t)(cursor->end - at));
    else if (*at == '\r' && at[1] == '\n')
        at++;
    bool is_empty = *at == '\n';
    cursor->at = at + is_empty;
    return is_empty;
}

/* What became of the line from `start` to `next`; `parsed` is OTS_INVALID or OTS_OK. */
struct outcome {
    const uint8_t *start;
    const uint8_t *next;
    enum ots_status parsed;
    bool is_empty;
    uint32_t cut_ns;
};

static enum ots_status hand_on(struct ots_lp_parser *parser, const struct outcome *line,
                               const struct ots_lp_cursor *cursor, const struct ots_row *row)
{
    enum ots_status status = OTS_OK;
    struct ots_slice text = ots_slice(line->start, (size_t)(line->next - line->start));
    size_t lines = 1 + cursor->inner_lines;
    if (text.size - 1 > OTS_LP_LINE_BYTES_MAX) {
        status = report_long(parser, text.data);
        lines = count_lines(text);
    } else if (line->parsed != OTS_OK) {
        status = report(parser, strip_line_end(text), cursor->wrong, cursor->reason);
        lines = count_lines(text);
    } else if (!line->is_empty) {
        parser->text = strip_line_end(text);
        status = parser->handler.row(parser->handler.context, row, line->cut_ns);
        if (status == OTS_OK)
            ots_lp_line_keep_key(parser->line);
    }
    if (status == OTS_OK)
        parser->line_number += lines;
    return status;
}

/* Parse the line at `cursor`; false when it goes on behind the bytes at hand. */
static bool parse_line(struct ots_lp_parser *parser, struct ots_lp_cursor *cursor,
                       struct outcome *line, struct ots_row *row)
{
    cursor->at = line->start;
    cursor->inner_lines = 0;
    line->cut_ns = 0;
    line->parsed = OTS_OK;
    line->is_empty = skip_empty(cursor);
    if (!line->is_empty)
        line->parsed = ots_lp_line_parse(parser->line, cursor, row, &line->cut_ns);
    line->next = cursor->at;
    if (line->parsed == OTS_INVALID) {
        enum ots_lp_place place = OTS_LP_AT_START;
        size_t left = (size_t)(cursor->end - line->start);
        line->next = ots_lp_line_end_find(&place, ots_slice(line->start, left));
    }
    return line->parsed != OTS_NOT_READY && line->next;
}

/*
 * Parse the lines in `text`, which ends in a LF, and set `*used` to the bytes of those that were
 * taken; less than all when a handler stopped or the last line's LF is inside a string.
 */
static enum ots_status parse_lines(struct ots_lp_parser *parser, struct ots_slice text,
                                   size_t *used)
{
    const uint8_t *end = text.data + text.size;
    struct ots_lp_cursor cursor = {.end = end};
    struct outcome line = {.start = text.data};
    struct ots_row row;
    enum ots_status status = OTS_OK;
    while (line.start < end && parse_line(parser, &cursor, &line, &row)) {
        status = line.parsed == OTS_NOMEM ? OTS_NOMEM : hand_on(parser, &line, &cursor, &row);
        if (status != OTS_OK)
            break;
        line.start = line.next;
    }
    *used = (size_t)(line.start - text.data);
    return status;
}

/* --- a line that comes in pieces -------------------------------------------------------------- */

/* Keep what fits of a line's next bytes, or give the line up. */
static enum ots_status keep_rest(struct ots_lp_parser *parser, struct ots_slice bytes)
{
    if (parser->is_skipping) {
        parser->line_number += count_lines(bytes);
        return OTS_OK;
    }
    size_t room = OTS_LP_LINE_BYTES_MAX - parser->rest.size;
    size_t counted = bytes.size - (parser->is_unfinished ? 0 : 1); /* without the line's LF */
    ots_buf_append(&parser->rest, bytes.data, counted <= room ? bytes.size : room);
    if (ots_buf_status(&parser->rest) != OTS_OK)
        return OTS_NOMEM;
    if (counted <= room)
        return OTS_OK;
    enum ots_status status = report_long(parser, parser->rest.data);
    if (status != OTS_OK)
        return status;
    parser->line_number += count_lines(ots_buf_slice(&parser->rest));
    parser->line_number += count_lines(ots_slice(bytes.data + room, bytes.size - room));
    ots_buf_reset(&parser->rest);
    parser->is_skipping = true;
    return OTS_OK;
}

/* The line that `rest` now holds whole. */
static enum ots_status end_rest(struct ots_lp_parser *parser)
{
    if (!parser->is_skipping) {
        size_t parsed;
        enum ots_status status = parse_lines(parser, ots_buf_slice(&parser->rest), &parsed);
        if (status != OTS_OK)
            return status;
        assert(parsed == parser->rest.size);
    }
    parser->rest_place = OTS_LP_AT_START;
    parser->is_skipping = false;
    ots_buf_reset(&parser->rest);
    return OTS_OK;
}

/* Begin or go on with the unfinished line. Sets `*used`: all bytes, or up to the line's end; none
 * when a handler stopped, and then all is as it was. */
static enum ots_status feed_rest(struct ots_lp_parser *parser, struct ots_slice bytes, size_t *used)
{
    size_t rest_size = parser->rest.size;
    enum ots_lp_place place = parser->rest_place;
    bool was_unfinished = parser->is_unfinished;
    const uint8_t *next = ots_lp_line_end_find(&parser->rest_place, bytes);
    *used = next ? (size_t)(next - bytes.data) : bytes.size;
    parser->is_unfinished = !next;
    enum ots_status status = keep_rest(parser, ots_slice(bytes.data, *used));
    if (status == OTS_OK && next)
        status = end_rest(parser);
    if (status != OTS_OK) {
        parser->rest.size = rest_size;
        parser->rest_place = place;
        parser->is_unfinished = was_unfinished;
        *used = 0;
    }
    return status;
}

static struct ots_slice skip_bytes(struct ots_slice bytes, size_t size)
{
    return ots_slice(bytes.data + size, bytes.size - size);
}

/* Take what `used` says of `bytes` away. */
static void take(struct ots_lp_parser *parser, struct ots_slice *bytes, size_t used)
{
    *bytes = skip_bytes(*bytes, used);
    parser->taken += used;
}

enum ots_status ots_lp_parser_feed(struct ots_lp_parser *parser, struct ots_slice bytes)
{
    enum ots_status status = OTS_OK;
    size_t used;
    parser->taken = 0;
    if (!bytes.size)
        return OTS_OK;
    if (parser->is_unfinished) {
        status = feed_rest(parser, bytes, &used);
        take(parser, &bytes, used);
    }
    const uint8_t *last = bytes.size ? memrchr(bytes.data, '\n', bytes.size) : NULL;
    if (status == OTS_OK && last) {
        struct ots_slice lines = ots_slice(bytes.data, (size_t)(last - bytes.data) + 1);
        status = parse_lines(parser, lines, &used);
        take(parser, &bytes, used);
    }
    if (status == OTS_OK && bytes.size) {
        status = feed_rest(parser, bytes, &used);
        take(parser, &bytes, used);
    }
    return status;
}
