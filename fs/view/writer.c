#include "fs/view/writer.h"

#include <inttypes.h>
#include <stdio.h>

#include "fs/lp/names.h"

static void reject(struct ots_writer *writer, uint64_t line, const char *reason)
{
    const struct ots_node *timeline = writer->timeline;
    writer->problem_count++;
    if (writer->problem_count == writer->problem_count_told + 1)
        snprintf(writer->first_problem, sizeof(writer->first_problem), "line %" PRIu64 ": %.150s",
                 line, reason);
    if (writer->problem_count > OTS_WRITER_PROBLEMS_LOGGED_MAX)
        return;
    bool is_last = writer->problem_count == OTS_WRITER_PROBLEMS_LOGGED_MAX;
    ots_log(writer->table->view->options.log, OTS_LOG_WARNING,
            "%.*s/%.*s/%.*s: line %" PRIu64 ": %s%s", OTS_SLICE_FMT(writer->table->node->name),
            OTS_SLICE_FMT(timeline->parent->name), OTS_SLICE_FMT(timeline->name), line, reason,
            is_last ? " (further lines of this file are not logged)" : "");
}

/* Whether a line's key is that of the file: both of its names must be the file's. */
static enum ots_status check_key(struct ots_writer *writer, const struct ots_series_key *key,
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

/* A row must fit in a put, even alone. */
static enum ots_status check_size(const struct ots_row *row, struct ots_error *err)
{
    size_t size = ots_row_size(row);
    if (size <= OTS_PUT_BYTES_MAX)
        return OTS_OK;
    return ots_error_set(err, OTS_LIMIT, "the row has %zu bytes, and a put at most %d", size,
                         OTS_PUT_BYTES_MAX);
}

static enum ots_status check_row(struct ots_writer *writer, const struct ots_row *row,
                                 struct ots_error *err)
{
    bool is_known_key = writer->has_key && ots_series_key_equal(&writer->key, row->key);
    enum ots_status status = is_known_key ? OTS_OK : check_key(writer, row->key, err);
    if (status == OTS_OK)
        status = ots_row_check(row, err);
    if (status == OTS_OK)
        status = check_size(row, err);
    return status == OTS_OK && !is_known_key ? learn_key(writer, row->key) : status;
}

/* Two lines that only the cut makes equal: the second would take the first one's place. */
static bool is_cut_onto_last(const struct ots_writer *writer, const struct ots_row *row,
                             uint32_t cut_ns)
{
    return writer->has_key && row->time_us == writer->last_time_us && cut_ns != writer->last_cut_ns;
}

static enum ots_status on_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct ots_writer *writer = context;
    struct ots_error err;
    enum ots_status status = OTS_OK;
    if (is_cut_onto_last(writer, row, cut_ns))
        status = ots_error_set(&err, OTS_INVALID,
                               "has the time of the line before but for digits below a "
                               "microsecond, which the service does not store");
    if (status == OTS_OK)
        status = check_row(writer, row, &err);
    if (status == OTS_INVALID || status == OTS_LIMIT) {
        reject(writer, ots_lp_parser_line(writer->parser), err.message);
        return OTS_OK;
    }
    if (status != OTS_OK)
        return status;
    writer->digits_cut_count += cut_ns != 0;
    writer->last_time_us = row->time_us;
    writer->last_cut_ns = cut_ns;
    return ots_pipeline_add(writer->table->pipeline, row, writer->origin, writer->interrupt);
}

static enum ots_status on_problem(void *context, const struct ots_lp_problem *problem)
{
    struct ots_writer *writer = context;
    char reason[sizeof(problem->reason) + 32];
    snprintf(reason, sizeof(reason), "column %zu: %s", problem->column, problem->reason);
    reject(writer, problem->line, reason);
    return OTS_OK;
}

enum ots_status ots_writer_init(struct ots_writer *writer, struct ots_table *table,
                                struct ots_node *timeline, bool is_append)
{
    *writer = (struct ots_writer){
        .table = table, .timeline = timeline, .is_append = is_append, .arena = OTS_ARENA_INIT};
    writer->origin = ots_origin_new(timeline);
    if (!writer->origin)
        return OTS_NOMEM;
    struct ots_lp_options options = {.precision = OTS_PRECISION_NS, .default_time_us = -1};
    struct ots_lp_handler handler = {on_row, on_problem, writer};
    return ots_lp_parser_new(&options, &handler, &writer->parser);
}

void ots_writer_deinit(struct ots_writer *writer)
{
    if (writer->parser && ots_lp_parser_rest(writer->parser).size)
        reject(writer, ots_lp_parser_line(writer->parser),
               "the last line has no end and was left out");
    if (writer->digits_cut_count)
        ots_log(writer->table->view->options.log, OTS_LOG_WARNING,
                "%.*s: %" PRIu64 " times were cut to microseconds",
                OTS_SLICE_FMT(writer->timeline->name), writer->digits_cut_count);
    ots_lp_parser_free(writer->parser);
    ots_origin_unref(writer->origin);
    ots_arena_deinit(&writer->arena);
}

static void note_write(struct ots_writer *writer)
{
    struct ots_view *view = writer->table->view;
    pthread_mutex_lock(&view->synced.lock);
    ots_table_note_write_locked(writer->table, writer->timeline);
    pthread_mutex_unlock(&view->synced.lock);
}

enum ots_status ots_writer_write(struct ots_writer *writer, uint64_t offset, struct ots_slice bytes,
                                 struct ots_interrupt *interrupt, struct ots_error *err)
{
    if (writer->broken != OTS_OK)
        return ots_error_set(err, writer->broken, "an earlier write failed: %s",
                             ots_status_text(writer->broken));
    if (!writer->is_append && writer->has_offset && offset != writer->next_offset)
        return ots_error_set(err, OTS_INVALID,
                             "a timeline is written from front to back, not at %" PRIu64, offset);
    if (writer->problem_count >= OTS_WRITER_PROBLEMS_MAX)
        return ots_error_set(err, OTS_INVALID, "over %d lines are no rows",
                             OTS_WRITER_PROBLEMS_MAX);
    /* Before and after: a measurement that began in between must not count as one of all rows. */
    note_write(writer);
    writer->interrupt = interrupt;
    enum ots_status status = ots_lp_parser_feed(writer->parser, bytes);
    writer->interrupt = NULL;
    note_write(writer);
    ots_view_wake_sender(writer->table->view);
    writer->broken = status;
    if (status != OTS_OK)
        return ots_error_set(err, status, "%s", ots_status_text(status));
    writer->has_offset = true;
    writer->next_offset = offset + bytes.size;
    return OTS_OK;
}

enum ots_status ots_writer_check(struct ots_writer *writer, struct ots_error *err)
{
    if (writer->broken != OTS_OK)
        return ots_error_set(err, writer->broken, "a write failed: %s",
                             ots_status_text(writer->broken));
    if (writer->problem_count > writer->problem_count_told) {
        uint64_t count = writer->problem_count - writer->problem_count_told;
        writer->problem_count_told = writer->problem_count;
        return ots_error_set(err, OTS_INVALID, "%" PRIu64 " line%s left out, the first: %s", count,
                             count == 1 ? "" : "s", writer->first_problem);
    }
    if (ots_lp_parser_rest(writer->parser).size)
        return ots_error_set(err, OTS_INVALID, "the last line has no end");
    return OTS_OK;
}
