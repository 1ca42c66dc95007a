#include "fs/view/leftover.h"

#include <stdlib.h>

#include "backend/base/search.h"
#include "fs/lp/parse.h"

void ots_leftovers_deinit(struct ots_leftovers *leftovers)
{
    ots_arena_deinit(&leftovers->arena);
    free(leftovers->rows);
    *leftovers = (struct ots_leftovers){0};
}

/* --- adding -----------------------------------------------------------------------------------*/

/* One batch being parsed. */
struct adding {
    struct ots_leftovers *leftovers;
    const struct ots_journal_batch *batch;
    const struct ots_series_key *parsed_key; /* the parser's, and the copy of it */
    const struct ots_series_key *key;
    void (*problem)(void *context, struct ots_slice text, const char *reason);
    void *context;
};

static enum ots_status grow(struct ots_leftovers *leftovers)
{
    if (leftovers->count < leftovers->capacity)
        return OTS_OK;
    size_t more = leftovers->capacity ? 2 * leftovers->capacity : 256;
    struct ots_leftover_row *grown = reallocarray(leftovers->rows, more, sizeof(*grown));
    if (!grown)
        return OTS_NOMEM;
    leftovers->rows = grown;
    leftovers->capacity = more;
    return OTS_OK;
}

static enum ots_status copy_key(struct adding *adding, const struct ots_series_key *parsed)
{
    if (adding->parsed_key == parsed)
        return OTS_OK;
    struct ots_series_key *copy = ots_arena_alloc(&adding->leftovers->arena, sizeof(*copy));
    if (!copy || ots_series_key_copy(&adding->leftovers->arena, parsed, copy) != OTS_OK)
        return OTS_NOMEM;
    adding->parsed_key = parsed;
    adding->key = copy;
    return OTS_OK;
}

static enum ots_status on_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    (void)cut_ns;
    struct adding *adding = context;
    struct ots_leftovers *leftovers = adding->leftovers;
    struct ots_row copy;
    if (copy_key(adding, row->key) != OTS_OK || grow(leftovers) != OTS_OK ||
        ots_row_copy(&leftovers->arena, row, adding->key, &copy) != OTS_OK)
        return OTS_NOMEM;
    leftovers->rows[leftovers->count] = (struct ots_leftover_row){
        .row = copy,
        .time_us = adding->batch->time_us,
        .identity = adding->batch->identity,
        .order = leftovers->count,
    };
    leftovers->count++;
    return OTS_OK;
}

static enum ots_status on_problem(void *context, const struct ots_lp_problem *problem)
{
    struct adding *adding = context;
    adding->problem(adding->context, problem->text, problem->reason);
    return OTS_OK;
}

enum ots_status
ots_leftovers_add(struct ots_leftovers *leftovers, const struct ots_journal_batch *batch,
                  void (*problem)(void *context, struct ots_slice text, const char *reason),
                  void *context)
{
    struct adding adding = {
        .leftovers = leftovers, .batch = batch, .problem = problem, .context = context};
    struct ots_lp_options options = {.precision = OTS_PRECISION_NS, .default_time_us = -1};
    struct ots_lp_handler handler = {on_row, on_problem, &adding};
    struct ots_lp_parser *parser;
    enum ots_status status = ots_lp_parser_new(&options, &handler, &parser);
    if (status != OTS_OK)
        return status;
    status = ots_lp_parser_feed(parser, batch->rows);
    struct ots_slice rest = ots_lp_parser_rest(parser);
    if (status == OTS_OK && rest.size)
        problem(context, rest, "the line has no end");
    ots_lp_parser_free(parser);
    return status;
}

/* --- versions ---------------------------------------------------------------------------------*/

static int compare_rows(const struct ots_row *a, const struct ots_row *b)
{
    int order = a->key == b->key ? 0 : ots_series_key_compare(a->key, b->key);
    if (order != 0)
        return order;
    return a->time_us < b->time_us ? -1 : a->time_us > b->time_us;
}

static int compare_leftovers(const void *a, const void *b)
{
    const struct ots_leftover_row *left = a;
    const struct ots_leftover_row *right = b;
    int order = compare_rows(&left->row, &right->row);
    if (order != 0)
        return order;
    return left->order < right->order ? -1 : left->order > right->order;
}

void ots_leftovers_sort(struct ots_leftovers *leftovers)
{
    struct ots_leftover_row *rows = leftovers->rows;
    if (leftovers->count)
        qsort(rows, leftovers->count, sizeof(*rows), compare_leftovers);
    for (size_t i = 0; i < leftovers->count; i++)
        rows[i].is_last =
            i + 1 == leftovers->count || compare_rows(&rows[i].row, &rows[i + 1].row) != 0;
}

int64_t ots_leftovers_since(const struct ots_leftovers *leftovers)
{
    int64_t since_us = INT64_MAX;
    for (size_t i = 0; i < leftovers->count; i++)
        if (leftovers->rows[i].is_last && leftovers->rows[i].time_us < since_us)
            since_us = leftovers->rows[i].time_us;
    return since_us == INT64_MAX ? since_us : since_us - OTS_LEFTOVER_BLUR_US;
}

/* --- what the stream shows --------------------------------------------------------------------*/

static bool is_later(const struct ots_sequence *a, const struct ots_sequence *b)
{
    if (a->epoch != b->epoch)
        return a->epoch > b->epoch;
    if (a->timestamp_us != b->timestamp_us)
        return a->timestamp_us > b->timestamp_us;
    return a->row_index > b->row_index;
}

static bool is_until(const void *leftover, const void *row)
{
    return compare_rows(&((const struct ots_leftover_row *)leftover)->row, row) <= 0;
}

/* The last version of the row that was left, NULL when none was. */
static struct ots_leftover_row *find_last(struct ots_leftovers *leftovers,
                                          const struct ots_row *row)
{
    size_t until =
        ots_search(leftovers->rows, leftovers->count, sizeof(*leftovers->rows), is_until, row);
    if (!until || compare_rows(&leftovers->rows[until - 1].row, row) != 0)
        return NULL;
    return &leftovers->rows[until - 1];
}

static bool is_earlier_version(const struct ots_leftovers *leftovers,
                               const struct ots_leftover_row *last, const struct ots_row *row)
{
    const struct ots_leftover_row *version = last;
    while (version > leftovers->rows && compare_rows(&version[-1].row, row) == 0)
        if (ots_row_equal(&(--version)->row, row))
            return true;
    return false;
}

void ots_leftovers_see(struct ots_leftovers *leftovers, const struct ots_stream_record *record)
{
    struct ots_leftover_row *last = find_last(leftovers, &record->row);
    if (!last || record->sequence.timestamp_us < last->time_us - OTS_LEFTOVER_BLUR_US)
        return;
    struct ots_leftover_sighting *sighting = &last->sighting;
    bool is_put = record->type == OTS_CHANGE_PUT;
    bool is_own = is_put && ots_row_equal(&last->row, &record->row);
    sighting->was_own = sighting->was_own || is_own;
    if (sighting->is_seen && !is_later(&record->sequence, &sighting->last))
        return;
    sighting->is_seen = true;
    sighting->last = record->sequence;
    sighting->is_own = is_own;
    sighting->is_earlier = is_put && !is_own && is_earlier_version(leftovers, last, &record->row);
}

static enum ots_leftover_fate fate_by_stream(const struct ots_leftover_row *row)
{
    const struct ots_leftover_sighting *sighting = &row->sighting;
    if (!sighting->is_seen || sighting->is_earlier)
        return OTS_LEFTOVER_PUT;
    if (sighting->is_own)
        return OTS_LEFTOVER_STORED;
    bool is_since = sighting->last.timestamp_us > row->time_us + OTS_LEFTOVER_BLUR_US;
    return is_since || sighting->was_own ? OTS_LEFTOVER_SUPERSEDED : OTS_LEFTOVER_PUT;
}

enum ots_leftover_fate ots_leftover_fate(const struct ots_leftover_row *row,
                                         const struct ots_leftover_facts *facts)
{
    if (!row->is_last)
        return OTS_LEFTOVER_OLDER;
    bool is_known = row->identity.size && facts->identity.size;
    if (is_known && !ots_slice_equal(row->identity, facts->identity))
        return OTS_LEFTOVER_OTHER;
    if (is_known && facts->readable_from_us <= row->time_us + OTS_LEFTOVER_BLUR_US)
        return fate_by_stream(row);
    int64_t age_us = facts->now_us - row->time_us;
    bool is_young = age_us <= OTS_LEFTOVER_AGE_US_MAX && age_us >= -OTS_LEFTOVER_AGE_US_MAX;
    return is_young ? OTS_LEFTOVER_PUT : OTS_LEFTOVER_UNKNOWN;
}
