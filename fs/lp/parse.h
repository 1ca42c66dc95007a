/*
 * InfluxDB line protocol to rows: incremental, pure, one pass.
 *
 * Bytes come in pieces of any size; each whole line becomes one row or one error. Empty lines and
 * lines of blanks, and comments (first byte '#'), are skipped. CRLF counts as LF. A LF inside a
 * quoted string belongs to the string. Accepts what InfluxDB 1, 2, 3 and Telegraf all accept, and
 * undoes the printer's markers; refuses what the service could not store.
 */
#ifndef OTS_LP_PARSE_H
#define OTS_LP_PARSE_H

#include "backend/model/row.h"
#include "fs/lp/print.h"

/* A line that gave no row. */
struct ots_lp_problem {
    uint64_t line;         /* counted from 1 over all input; a LF in a string counts too */
    size_t column;         /* byte in the line, from 1 */
    struct ots_slice text; /* the line without its line end; the first 8 MiB of a longer one */
    char reason[200];
};

struct ots_lp_handler {
    /*
     * A line was parsed. `row` and all it points to live until the call returns, except
     * row->key, which stays the same pointer while the key's bytes do not change and lives until
     * the next different key or the parser's end; two different keys in a row never have the same
     * pointer. Fields stand as in the line, but of two with one name the last. `cut_ns` is
     * what was cut off its time, 0 to 999 nanoseconds. Return a status other than OTS_OK to stop
     * the parse with it, as if the line had not been fed.
     */
    enum ots_status (*row)(void *context, const struct ots_row *row, uint32_t cut_ns);
    /*
     * A line could not be parsed; parsing goes on behind the next LF that is not in a string.
     * `problem` lives until the call returns. The same return rule.
     */
    enum ots_status (*problem)(void *context, const struct ots_lp_problem *problem);
    void *context;
};

struct ots_lp_options {
    enum ots_precision precision; /* of the timestamps read */
    /* Lines without a timestamp get this time; negative: they are problems. */
    int64_t default_time_us;
};

struct ots_lp_parser;

enum { OTS_LP_LINE_BYTES_MAX = 8 * 1024 * 1024 };

/* Errors: OTS_NOMEM. */
enum ots_status ots_lp_parser_new(const struct ots_lp_options *options,
                                  const struct ots_lp_handler *handler,
                                  struct ots_lp_parser **out) OTS_MUST_CHECK;
void ots_lp_parser_free(struct ots_lp_parser *parser);

/*
 * Parse what became whole with `bytes`; an unfinished line is kept for the next call.
 * A line over OTS_LP_LINE_BYTES_MAX is a problem and is skipped to its end.
 * Errors: what the handler returned: the bytes behind ots_lp_parser_taken were not taken, and may
 * be fed again; OTS_NOMEM: nothing may be fed any more.
 */
enum ots_status ots_lp_parser_feed(struct ots_lp_parser *parser,
                                   struct ots_slice bytes) OTS_MUST_CHECK;

/* Bytes of the last feed that were taken: all, unless it failed. */
size_t ots_lp_parser_taken(const struct ots_lp_parser *parser);

/* Change the time that lines without one get, from the next line on; also within a handler. */
void ots_lp_parser_set_default_time(struct ots_lp_parser *parser, int64_t time_us);

/* Within the row handler: the line without its line end. */
struct ots_slice ots_lp_parser_text(const struct ots_lp_parser *parser);

/* The number of the line that is being parsed (within a handler) or comes next, from 1. */
uint64_t ots_lp_parser_line(const struct ots_lp_parser *parser);

/* Whether no line is unfinished, not even one that is too long and is being skipped. */
bool ots_lp_parser_is_between_lines(const struct ots_lp_parser *parser);

/* So many lines, whose rows came another way, count as fed. Between lines only. */
void ots_lp_parser_pass_lines(struct ots_lp_parser *parser, size_t count);

/* The bytes of the unfinished line; empty when the input so far ended in LF, and while a line that
 * is too long, and was reported, is skipped. */
struct ots_slice ots_lp_parser_rest(const struct ots_lp_parser *parser);

#endif
