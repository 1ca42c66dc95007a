/*
 * Any bytes as line protocol. What came out as rows must come out the same when the bytes come in
 * two pieces, and must be the same rows after printing and parsing again.
 *
 * The first byte of the input says where it is cut.
 */
#include <stdlib.h>

#include "fs/lp/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct ots_lp_printer printer;
    struct ots_buf lines;    /* the rows, printed */
    struct ots_buf problems; /* line, column and text of each problem */
};

static void must(bool claim)
{
    if (!claim)
        abort();
}

static enum ots_status see_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct seen *seen = context;
    (void)cut_ns;
    ots_lp_printer_forget_key(&seen->printer);
    must(ots_lp_print(&seen->printer, row, &seen->lines, NULL) == OTS_OK);
    return OTS_OK;
}

static enum ots_status see_problem(void *context, const struct ots_lp_problem *problem)
{
    struct seen *seen = context;
    must(problem->column >= 1 && problem->column <= problem->text.size + 2);
    ots_buf_append_fmt(&seen->problems, "%llu %zu ", (unsigned long long)problem->line,
                       problem->column);
    ots_buf_append_slice(&seen->problems, problem->text);
    return OTS_OK;
}

static void feed(struct ots_lp_parser *parser, const uint8_t *data, size_t size)
{
    /* A copy of just this size lets the sanitizer see a read behind it. */
    uint8_t *copy = malloc(size ? size : 1);
    must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    must(ots_lp_parser_feed(parser, ots_slice(copy, size)) == OTS_OK);
    free(copy);
}

static void parse(struct seen *seen, const uint8_t *data, size_t size, size_t cut)
{
    *seen = (struct seen){.lines = OTS_BUF_INIT, .problems = OTS_BUF_INIT};
    ots_lp_printer_init(&seen->printer, OTS_PRECISION_NS);
    const struct ots_lp_options options = {OTS_PRECISION_NS, 1000};
    const struct ots_lp_handler handler = {see_row, see_problem, seen};
    struct ots_lp_parser *parser;
    must(ots_lp_parser_new(&options, &handler, &parser) == OTS_OK);
    feed(parser, data, cut);
    feed(parser, data + cut, size - cut);
    ots_buf_append_slice(&seen->problems, ots_lp_parser_rest(parser));
    ots_lp_parser_free(parser);
    ots_lp_printer_deinit(&seen->printer);
}

static void seen_deinit(struct seen *seen)
{
    ots_buf_deinit(&seen->lines);
    ots_buf_deinit(&seen->problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    size_t cut = data[0] % size;
    data++;
    size--;
    struct seen whole;
    struct seen pieces;
    struct seen again;
    parse(&whole, data, size, size);
    parse(&pieces, data, size, cut < size ? cut : size);
    must(ots_slice_equal(ots_buf_slice(&whole.lines), ots_buf_slice(&pieces.lines)));
    must(ots_slice_equal(ots_buf_slice(&whole.problems), ots_buf_slice(&pieces.problems)));
    if (!whole.lines.size)
        ots_buf_append_byte(&whole.lines, '\n');
    parse(&again, whole.lines.data, whole.lines.size, whole.lines.size / 2);
    must(whole.lines.size == 1 ||
         ots_slice_equal(ots_buf_slice(&whole.lines), ots_buf_slice(&again.lines)));
    must(!again.problems.size);
    seen_deinit(&whole);
    seen_deinit(&pieces);
    seen_deinit(&again);
    return 0;
}
