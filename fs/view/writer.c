#include "fs/view/writer.h"

#include <inttypes.h>

#include "fs/lp/names.h"
#include "fs/view/merge.h"
#include "fs/view/unsaved.h"

/* Whether a line's key is that of the file: both of its names must be the file's. */
static enum ots_status check_key(const struct ots_writer *writer, const struct ots_series_key *key,
                                 struct ots_error *err)
{
    enum ots_status status = ots_series_key_check(key, false, err);
    if (status != OTS_OK)
        return status;
    struct ots_buf name = OTS_BUF_INIT;
    status = ots_timeline_name_append(key, &name);
    if (status == OTS_OK && !ots_slice_equal(ots_buf_slice(&name), writer->timeline->name))
        status = ots_error_set(err, OTS_INVALID, "is of another timeline: %.*s",
                               OTS_SLICE_FMT(ots_buf_slice(&name)));
    ots_buf_reset(&name);
    if (status == OTS_OK)
        status = ots_measurement_name_append(key->measurement, &name);
    if (status == OTS_OK && !ots_slice_equal(ots_buf_slice(&name), writer->timeline->parent->name))
        status = ots_error_set(err, OTS_INVALID, "is of another measurement: %.*s",
                               OTS_SLICE_FMT(ots_buf_slice(&name)));
    ots_buf_deinit(&name);
    return status;
}

static enum ots_status learn_key(struct ots_writer *writer, const struct ots_series_key *key)
{
    enum ots_status status = ots_series_key_copy(&writer->arena, key, &writer->key);
    if (status != OTS_OK)
        return status;
    writer->has_key = true;
    struct ots_view *view = writer->table->view;
    pthread_mutex_lock(&view->synced.lock);
    status = ots_node_set_key(writer->timeline, key);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static enum ots_status check_row(struct ots_writer *writer, const struct ots_row *row,
                                 struct ots_error *err)
{
    bool is_known_key = writer->has_key && ots_series_key_equal(&writer->key, row->key);
    enum ots_status status = is_known_key ? OTS_OK : check_key(writer, row->key, err);
    if (status == OTS_OK)
        status = ots_row_check_put(row, err);
    return status == OTS_OK && !is_known_key ? learn_key(writer, row->key) : status;
}

/* Two lines that only the cut makes equal: the second would take the first one's place. */
static bool is_cut_onto_last(const struct ots_writer *writer, const struct ots_row *row,
                             uint32_t cut_ns)
{
    return writer->has_key && row->time_us == writer->last_time_us && cut_ns != writer->last_cut_ns;
}

/* --- what others must know --------------------------------------------------------------------*/

static void note_write(struct ots_writer *writer)
{
    struct ots_view *view = writer->table->view;
    pthread_mutex_lock(&view->synced.lock);
    ots_table_note_write_locked(writer->table, writer->timeline, writer->written_from_us);
    writer->mtime_ns = writer->timeline->mtime_ns;
    writer->is_unflushed = true;
    pthread_mutex_unlock(&view->synced.lock);
}

void ots_writer_note_flush(struct ots_writer *writer)
{
    struct ots_view *view = writer->table->view;
    if (!writer->is_unflushed)
        return;
    writer->is_unflushed = false;
    pthread_mutex_lock(&view->synced.lock);
    if (writer->timeline->mtime_ns == writer->mtime_ns) {
        writer->timeline->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
        ots_table_note_changed_locked(writer->table, writer->timeline, false);
    }
    pthread_mutex_unlock(&view->synced.lock);
}

/* Before the row can be seen, so that who sees it knows that it is new. */
static void note_row(struct ots_writer *writer, int64_t time_us)
{
    ots_history_put_row(writer->history, time_us);
    if (time_us >= writer->written_from_us)
        return;
    writer->written_from_us = time_us;
    note_write(writer);
}

/* --- handing rows over ------------------------------------------------------------------------*/

/* `sum`: the row's, or NULL. */
static enum ots_status add_row(struct ots_writer *writer, const struct ots_row *row,
                               const struct ots_row_sum *sum, struct ots_error *err)
{
    struct ots_pipeline *pipeline = writer->table->pipeline;
    ots_readback_note(&writer->readback, row->time_us);
    enum ots_status status =
        ots_pipeline_add_summed(pipeline, row, sum, writer->origin, writer->interrupt);
    if (status != OTS_OK && status != OTS_NOMEM && status != OTS_CANCELLED)
        ots_pipeline_failure(pipeline, err);
    return status;
}

/* The row's time was handed over before, and the row is on its way or was stored. */
static enum ots_status merge_with_stored(struct ots_writer *writer, const struct ots_row *row,
                                         struct ots_error *err)
{
    const struct ots_row *stored;
    enum ots_status status =
        ots_readback_find(&writer->readback, row->time_us, writer->interrupt, &stored, err);
    if (status != OTS_OK)
        return status;
    /* It was rejected, expired or deleted meanwhile. */
    if (!stored)
        return add_row(writer, row, NULL, err);
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_row merged;
    status = ots_rows_merge(&arena, stored, row, &merged, err);
    if (status == OTS_OK)
        status = add_row(writer, &merged, NULL, err);
    ots_arena_deinit(&arena);
    return status;
}

static enum ots_status hand_over(struct ots_writer *writer, const struct ots_row *row,
                                 const struct ots_row_sum *sum, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    bool is_there = false;
    bool is_merged = false;
    note_row(writer, row->time_us);
    if (!ots_handed_is_behind(&writer->handed, row->time_us))
        status = ots_handed_has(&writer->handed, row->time_us, &is_there, err);
    if (status == OTS_OK && is_there)
        status = ots_pipeline_merge(writer->table->pipeline, row, writer->origin, &is_merged, err);
    if (status != OTS_OK || is_merged)
        return status;
    if (is_there)
        return merge_with_stored(writer, row, err);
    status = add_row(writer, row, sum, err);
    return status == OTS_OK ? ots_handed_add(&writer->handed, row->time_us, err) : status;
}

/* Errors: OTS_INVALID, OTS_LIMIT (the line is to be rejected); others end the write. */
static enum ots_status take_row(struct ots_writer *writer, const struct ots_row *row,
                                const struct ots_row_sum *sum, uint32_t cut_ns)
{
    struct ots_error *err = &writer->failure;
    enum ots_status status = OTS_OK;
    if (is_cut_onto_last(writer, row, cut_ns))
        status = ots_error_set(err, OTS_INVALID, OTS_CUT_ONTO_LAST);
    if (status == OTS_OK)
        status = check_row(writer, row, err);
    if (status == OTS_OK)
        status = hand_over(writer, row, sum, err);
    if (status != OTS_OK)
        return status;
    writer->digits_cut_count += cut_ns != 0;
    if (cut_ns)
        atomic_fetch_add(&writer->table->digits_cut, 1);
    writer->last_time_us = row->time_us;
    writer->last_cut_ns = cut_ns;
    return OTS_OK;
}

static void reject_row(struct ots_writer *writer, struct ots_slice text)
{
    ots_problems_reject(&writer->problems, ots_lp_parser_line(writer->parser), 0,
                        writer->failure.message, text);
}

static enum ots_status on_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct ots_writer *writer = context;
    enum ots_status status = take_row(writer, row, NULL, cut_ns);
    if (status != OTS_INVALID && status != OTS_LIMIT)
        return status;
    reject_row(writer, ots_lp_parser_text(writer->parser));
    return OTS_OK;
}

static enum ots_status on_problem(void *context, const struct ots_lp_problem *problem)
{
    struct ots_writer *writer = context;
    ots_problems_reject(&writer->problems, problem->line, problem->column, problem->reason,
                        problem->text);
    return OTS_OK;
}

/* --- the writer -------------------------------------------------------------------------------*/

enum ots_status ots_writer_init(struct ots_writer *writer, struct ots_table *table,
                                struct ots_node *timeline, bool is_append)
{
    *writer = (struct ots_writer){
        .table = table, .timeline = timeline, .is_append = is_append, .arena = OTS_ARENA_INIT};
    ots_handed_init(&writer->handed);
    ots_readback_init(&writer->readback, table, &writer->key);
    enum ots_status status = ots_problems_init(&writer->problems, timeline);
    if (status != OTS_OK)
        return status;
    writer->origin = ots_origin_new(timeline);
    pthread_mutex_lock(&table->view->synced.lock);
    writer->history = ots_node_hold_history(timeline);
    pthread_mutex_unlock(&table->view->synced.lock);
    if (!writer->origin || !writer->history)
        return OTS_NOMEM;
    struct ots_lp_options options = {.precision = table->view->options.precision,
                                     .default_time_us = -1};
    struct ots_lp_handler handler = {on_row, on_problem, writer};
    return ots_lp_parser_new(&options, &handler, &writer->parser);
}

void ots_writer_end(struct ots_writer *writer)
{
    if (!writer->parser)
        return;
    struct ots_slice rest = ots_lp_parser_rest(writer->parser);
    if (rest.size)
        ots_problems_reject(&writer->problems, ots_lp_parser_line(writer->parser), 0,
                            "the last line has no end and was left out", rest);
    ots_lp_parser_free(writer->parser);
    writer->parser = NULL;
}

void ots_writer_deinit(struct ots_writer *writer)
{
    struct ots_view *view = writer->table->view;
    ots_writer_end(writer);
    if (writer->digits_cut_count)
        ots_log(view->options.log, OTS_LOG_WARNING,
                "%.*s: %" PRIu64 " times were cut to microseconds",
                OTS_SLICE_FMT(writer->timeline->name), writer->digits_cut_count);
    pthread_mutex_lock(&view->synced.lock);
    if (writer->history)
        ots_node_release_history(writer->timeline);
    pthread_mutex_unlock(&view->synced.lock);
    ots_readback_deinit(&writer->readback);
    ots_handed_deinit(&writer->handed);
    ots_problems_deinit(&writer->problems);
    ots_origin_unref(writer->origin);
    ots_arena_deinit(&writer->arena);
}

static enum ots_status check_offset(const struct ots_writer *writer, uint64_t offset,
                                    struct ots_error *err)
{
    if (writer->broken != OTS_OK)
        return ots_error_set(err, writer->broken, "an earlier write failed: %s",
                             ots_status_text(writer->broken));
    if (!writer->is_append && writer->has_offset && offset != writer->next_offset)
        return ots_error_set(err, OTS_INVALID,
                             "a timeline is written from front to back, not at %" PRIu64, offset);
    if (writer->problems.count >= OTS_PROBLEMS_MAX)
        return ots_error_set(err, OTS_INVALID, "over %d lines are no rows", OTS_PROBLEMS_MAX);
    return OTS_OK;
}

/* Before and after: a measurement that began in between must not count as one of all rows. */
static void begin_write(struct ots_writer *writer, struct ots_interrupt *interrupt)
{
    writer->written_from_us = INT64_MAX;
    note_write(writer);
    writer->interrupt = interrupt;
    ots_error_set(&writer->failure, OTS_NOMEM, "out of memory");
}

static void end_write(struct ots_writer *writer, uint64_t offset, size_t taken)
{
    writer->interrupt = NULL;
    note_write(writer);
    ots_view_wake_sender(writer->table->view);
    writer->has_offset = writer->has_offset || taken;
    writer->next_offset = offset + taken;
}

enum ots_status ots_writer_write(struct ots_writer *writer, uint64_t offset, struct ots_slice bytes,
                                 struct ots_interrupt *interrupt, size_t *taken,
                                 struct ots_error *err)
{
    *taken = 0;
    enum ots_status status = check_offset(writer, offset, err);
    if (status != OTS_OK)
        return status;
    begin_write(writer, interrupt);
    status = ots_lp_parser_feed(writer->parser, bytes);
    *taken = ots_lp_parser_taken(writer->parser);
    end_write(writer, offset, *taken);
    if (status == OTS_NOMEM)
        writer->broken = status;
    else if (*taken)
        return OTS_OK;
    return status == OTS_OK ? OTS_OK : ots_problems_failure(status, &writer->failure, err);
}

/* --- rows instead of text ---------------------------------------------------------------------*/

static bool can_take(const struct ots_writer *writer, const struct ots_series_key *key)
{
    if (!ots_lp_parser_is_between_lines(writer->parser))
        return false;
    return writer->has_key ? ots_series_key_equal(&writer->key, key)
                           : check_key(writer, key, NULL) == OTS_OK;
}

/* The line is kept with the reason. */
static enum ots_status reject_line_of(struct ots_writer *writer, const struct ots_row *row)
{
    struct ots_lp_printer printer;
    struct ots_buf line = OTS_BUF_INIT;
    ots_lp_printer_init(&printer, writer->table->view->options.precision);
    enum ots_status status = ots_lp_print(&printer, row, &line, NULL);
    if (status == OTS_OK)
        reject_row(writer, ots_slice(line.data, line.size - 1));
    ots_buf_deinit(&line);
    ots_lp_printer_deinit(&printer);
    return status;
}

/* One row, which has a line. */
static enum ots_status copy_row(struct ots_writer *writer, const struct ots_row *row,
                                const struct ots_row_sum *sum)
{
    enum ots_status status = take_row(writer, row, sum, 0);
    if (status == OTS_INVALID || status == OTS_LIMIT)
        status = reject_line_of(writer, row);
    if (status == OTS_OK)
        ots_lp_parser_pass_lines(writer->parser, 1);
    return status;
}

enum ots_status ots_writer_take_rows(struct ots_writer *writer, uint64_t offset,
                                     const struct ots_row_span *span,
                                     struct ots_interrupt *interrupt, size_t *taken,
                                     struct ots_error *err)
{
    size_t copied = 0;
    *taken = 0;
    enum ots_status status = check_offset(writer, offset, err);
    if (status != OTS_OK || !span->count || !can_take(writer, span->rows[0].key))
        return status;
    begin_write(writer, interrupt);
    for (size_t i = 0; status == OTS_OK && i < span->count; i++) {
        struct ots_row row = span->rows[i];
        if (!span->sums[i].size_bytes)
            continue;
        /* Equal keys are found so by their pointers. */
        if (writer->has_key && row.key == span->rows[0].key)
            row.key = &writer->key;
        status = copy_row(writer, &row, &span->sums[i]);
        *taken += status == OTS_OK ? span->sums[i].size_bytes : 0;
        copied += status == OTS_OK;
    }
    end_write(writer, offset, *taken);
    atomic_fetch_add(&writer->table->rows_copied, copied);
    if (*taken || status == OTS_OK)
        return OTS_OK;
    return ots_problems_failure(status, &writer->failure, err);
}

enum ots_status ots_writer_check(struct ots_writer *writer, struct ots_error *err)
{
    if (writer->broken != OTS_OK)
        return ots_error_set(err, writer->broken, "a write failed: %s",
                             ots_status_text(writer->broken));
    enum ots_status status = ots_problems_tell(&writer->problems, err);
    if (status == OTS_OK && writer->parser && ots_lp_parser_rest(writer->parser).size)
        status = ots_error_set(err, OTS_INVALID, "the last line has no end");
    return status;
}
