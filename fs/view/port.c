#include "fs/view/port.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/lp/parse.h"
#include "fs/view/gather.h"
#include "fs/view/merge.h"
#include "fs/view/problems.h"
#include "fs/view/refusal.h"
#include "fs/view/timelines.h"

/* To hand over more takes longer than who may not wait has. */
enum { QUICK_BYTES_MAX = 32 * 1024 };

const struct ots_slice OTS_PORT_NAME = {(const uint8_t *)".write", 6};

struct ots_port_file {
    struct ots_file base;
    struct ots_table *table;
    struct ots_origin *origin;
    struct ots_lp_parser *parser;
    struct ots_problems problems;
    struct ots_interrupt *interrupt; /* of the write under way */
    struct ots_error failure;        /* of the write under way */
    enum ots_status broken;          /* no memory for a line */
    struct ots_gather gather;
    size_t handed_count; /* of what was gathered: these are in the pipeline */
    bool has_nodes;      /* the gathered rows have their nodes: no row may be added */
    int64_t started_us;  /* when the first row was gathered, monotonic */
    int64_t default_us;  /* time of the next line without one */
    /* The last row, for lines that differ from it by less than a microsecond. */
    const struct ots_series_key *last_key;
    int64_t last_time_us;
    uint32_t last_cut_ns;
    /* Guarded by the ports' lock. */
    struct ots_port_file *next;
    size_t user_count; /* who waits for the file without having it open: it stays */
    bool is_closed;
};

static struct ots_port_file *of(struct ots_file *file)
{
    return (struct ots_port_file *)(void *)file;
}

/* --- handing over -----------------------------------------------------------------------------*/

static enum ots_status find_nodes_locked(struct ots_port_file *port)
{
    struct ots_gather *gather = &port->gather;
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && i < gather->count; i++) {
        struct ots_gathered *row = &gather->rows[i];
        if (i && row->row.key == row[-1].row.key)
            row->node = row[-1].node;
        else
            status = ots_table_make_timeline_locked(port->table, row->row.key, &row->node);
        if (status == OTS_OK && !row->history)
            row->history = ots_node_hold_history(row->node);
        if (status == OTS_OK && !row->history)
            status = OTS_NOMEM;
    }
    return status;
}

/* The gathered rows were handed over, or never will be. */
static void forget_rows(struct ots_port_file *port)
{
    struct ots_view *view = port->base.view;
    const struct ots_gather *gather = &port->gather;
    pthread_mutex_lock(&view->synced.lock);
    for (size_t i = 0; i < gather->count; i++)
        if (gather->rows[i].history)
            ots_node_release_history(gather->rows[i].node);
    pthread_mutex_unlock(&view->synced.lock);
    ots_gather_reset(&port->gather);
    port->handed_count = 0;
    port->has_nodes = false;
}

/* The rows from `first` on that are of one timeline are written; returns where the next begin. */
static size_t note_timeline_locked(struct ots_port_file *port, size_t first)
{
    const struct ots_gather *gather = &port->gather;
    struct ots_node *node = gather->rows[first].node;
    int64_t from_us = INT64_MAX;
    size_t i;
    for (i = first; i < gather->count && gather->rows[i].node == node; i++)
        if (gather->rows[i].row.time_us < from_us)
            from_us = gather->rows[i].row.time_us;
    ots_table_note_write_locked(port->table, node, from_us);
    return i;
}

/* Note that the timelines of all gathered rows are written. */
static enum ots_status note_writes(struct ots_port_file *port)
{
    struct ots_view *view = port->base.view;
    const struct ots_gather *gather = &port->gather;
    enum ots_status status = OTS_OK;
    bool is_first = !port->has_nodes;
    pthread_mutex_lock(&view->synced.lock);
    if (is_first)
        status = find_nodes_locked(port);
    port->has_nodes = status == OTS_OK;
    for (size_t i = 0; status == OTS_OK && is_first && i < gather->count; i++)
        ots_history_put_row(gather->rows[i].history, gather->rows[i].row.time_us);
    for (size_t i = 0; status == OTS_OK && i < gather->count;)
        i = note_timeline_locked(port, i);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

/* All gathered rows into the pipeline. When it fails, those that are there stay, and the next call
 * goes on. */
static enum ots_status hand_over(struct ots_port_file *port, struct ots_interrupt *interrupt,
                                 struct ots_error *err)
{
    struct ots_gather *gather = &port->gather;
    if (!gather->count)
        return OTS_OK;
    /* Before and after: a measurement that began in between must not count as one of all rows. */
    enum ots_status status = note_writes(port);
    while (status == OTS_OK && port->handed_count < gather->count) {
        const struct ots_row *row = &gather->rows[port->handed_count].row;
        status = ots_pipeline_add(port->table->pipeline, row, port->origin, interrupt);
        port->handed_count += status == OTS_OK;
    }
    if (port->has_nodes && note_writes(port) != OTS_OK)
        status = OTS_NOMEM;
    ots_view_wake_sender(port->base.view);
    if (status == OTS_NOMEM || status == OTS_CANCELLED)
        return ots_error_set(err, status, "%s", ots_status_text(status));
    if (status != OTS_OK) {
        ots_pipeline_failure(port->table->pipeline, err);
        return status;
    }
    forget_rows(port);
    return OTS_OK;
}

/* The same for whoever works on files. */
static enum ots_status hand_over_or_leave(struct ots_port_file *port,
                                          struct ots_interrupt *interrupt, struct ots_error *err)
{
    if (port->gather.bytes > QUICK_BYTES_MAX && ots_interrupt_is_raised(interrupt))
        return ots_error_set(err, OTS_CANCELLED, "interrupted");
    return hand_over(port, interrupt, err);
}

static bool is_due(const struct ots_port_file *port)
{
    return port->gather.count &&
           (port->has_nodes || ots_gather_is_full(&port->gather) ||
            ots_view_now_us(port->base.view) - port->started_us >= OTS_PORT_AGE_US);
}

/* --- lines ------------------------------------------------------------------------------------*/

static enum ots_status check_row(const struct ots_port_file *port, const struct ots_row *row,
                                 uint32_t cut_ns, struct ots_error *err)
{
    if (row->key == port->last_key && row->time_us == port->last_time_us &&
        cut_ns != port->last_cut_ns)
        return ots_error_set(err, OTS_INVALID, OTS_CUT_ONTO_LAST);
    enum ots_status status = ots_series_key_check(row->key, false, err);
    return status == OTS_OK ? ots_row_check_put(row, err) : status;
}

/* The time of a line without one, as the mount can show it. */
static int64_t now_us(const struct ots_port_file *port)
{
    const struct ots_view_options *options = &port->base.view->options;
    return ots_precision_cut(options->precision, ots_clock_now_us(options->clock));
}

/*
 * Of two lines without a time the second has a later one, or they would be one row. Not when the
 * mount's times have steps of a millisecond or more: then many lines would end in the future.
 */
static void pass_default_time(struct ots_port_file *port, const struct ots_row *row)
{
    if (row->time_us != port->default_us)
        return;
    int64_t next_us = port->default_us + 1;
    int64_t now = now_us(port);
    if (now > port->default_us)
        port->default_us = now;
    else if (ots_precision_cut(port->base.view->options.precision, next_us) == next_us)
        port->default_us = next_us;
    ots_lp_parser_set_default_time(port->parser, port->default_us);
}

static enum ots_status gather_row(struct ots_port_file *port, const struct ots_row *row,
                                  struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    if (is_due(port))
        status = hand_over_or_leave(port, port->interrupt, err);
    if (status != OTS_OK)
        return status;
    if (!port->gather.count)
        port->started_us = ots_view_now_us(port->base.view);
    return ots_gather_add(&port->gather, row, err);
}

static enum ots_status on_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct ots_port_file *port = context;
    struct ots_error *err = &port->failure;
    enum ots_status status = check_row(port, row, cut_ns, err);
    if (status == OTS_OK)
        status = gather_row(port, row, err);
    if (status == OTS_INVALID || status == OTS_LIMIT) {
        ots_problems_reject(&port->problems, ots_lp_parser_line(port->parser), 0, err->message,
                            ots_lp_parser_text(port->parser));
        /* The pointer may come to mean another key with the row after the next. */
        if (row->key != port->last_key)
            port->last_key = NULL;
        return OTS_OK;
    }
    if (status != OTS_OK)
        return status;
    pass_default_time(port, row);
    port->last_key = row->key;
    port->last_time_us = row->time_us;
    port->last_cut_ns = cut_ns;
    if (cut_ns)
        atomic_fetch_add(&port->table->digits_cut, 1);
    return OTS_OK;
}

static enum ots_status on_problem(void *context, const struct ots_lp_problem *problem)
{
    struct ots_port_file *port = context;
    ots_problems_reject(&port->problems, problem->line, problem->column, problem->reason,
                        problem->text);
    return OTS_OK;
}

/* --- the functions of an open file ------------------------------------------------------------*/

static void set_default_time(struct ots_port_file *port)
{
    int64_t now = now_us(port);
    if (now > port->default_us)
        port->default_us = now;
    ots_lp_parser_set_default_time(port->parser, port->default_us);
}

/* Offsets do not count: bytes come in the order of the writes. */
static enum ots_status write_file(struct ots_file *base, uint64_t offset, struct ots_slice bytes,
                                  struct ots_interrupt *interrupt, size_t *taken,
                                  struct ots_error *err)
{
    (void)offset;
    struct ots_port_file *port = of(base);
    if (port->broken != OTS_OK)
        return ots_error_set(err, port->broken, "an earlier write failed: %s",
                             ots_status_text(port->broken));
    if (port->problems.count >= OTS_PROBLEMS_MAX)
        return ots_error_set(err, OTS_INVALID, "over %d lines are no rows", OTS_PROBLEMS_MAX);
    set_default_time(port);
    port->interrupt = interrupt;
    ots_error_set(&port->failure, OTS_NOMEM, "out of memory");
    enum ots_status status = ots_lp_parser_feed(port->parser, bytes);
    port->interrupt = NULL;
    *taken = ots_lp_parser_taken(port->parser);
    ots_view_wake_sender(base->view);
    if (status == OTS_NOMEM)
        port->broken = status;
    else if (*taken)
        return OTS_OK;
    return status == OTS_OK ? OTS_OK : ots_problems_failure(status, &port->failure, err);
}

static enum ots_status tell_lost_rows(struct ots_port_file *port, struct ots_error *err)
{
    struct ots_view *view = port->base.view;
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = ots_origin_tell_loss(port->origin, err);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static enum ots_status check(struct ots_port_file *port, struct ots_error *err)
{
    if (port->broken != OTS_OK)
        return ots_error_set(err, port->broken, "a write failed: %s",
                             ots_status_text(port->broken));
    enum ots_status status = ots_problems_tell(&port->problems, err);
    if (status == OTS_OK && ots_lp_parser_rest(port->parser).size)
        status = ots_error_set(err, OTS_INVALID, "the last line has no end");
    return status == OTS_OK ? tell_lost_rows(port, err) : status;
}

static enum ots_status flush_file(struct ots_file *base, bool is_writer,
                                  struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_port_file *port = of(base);
    struct ots_pipeline *pipeline = port->table->pipeline;
    /* Whoever else closes it need not wait for a writer. */
    if (!is_writer && !ots_file_try_enter(base))
        return OTS_OK;
    enum ots_status status = is_writer ? ots_file_enter(base, interrupt) : OTS_OK;
    if (status != OTS_OK)
        return ots_error_set(err, status, "interrupted");
    status = hand_over_or_leave(port, interrupt, err);
    if (status == OTS_OK)
        status = ots_pipeline_hand_over(pipeline, err);
    if (status == OTS_OK && base->view->options.is_sync)
        status = ots_pipeline_settle(pipeline, interrupt, err);
    if (status == OTS_OK && is_writer)
        status = check(port, err);
    ots_file_leave(base);
    return status;
}

static enum ots_status sync_file(struct ots_file *base, struct ots_interrupt *interrupt,
                                 struct ots_error *err)
{
    struct ots_port_file *port = of(base);
    enum ots_status status = ots_ports_hand_over(port->table, interrupt, err);
    if (status == OTS_OK)
        status = ots_file_enter(base, interrupt);
    if (status != OTS_OK)
        return status;
    status = ots_pipeline_settle(port->table->pipeline, interrupt, err);
    if (status == OTS_OK)
        status = check(port, err);
    ots_file_leave(base);
    return status;
}

static void port_free(struct ots_port_file *port)
{
    ots_lp_parser_free(port->parser);
    if (port->gather.count)
        forget_rows(port);
    ots_gather_deinit(&port->gather);
    ots_problems_deinit(&port->problems);
    ots_origin_unref(port->origin);
    ots_file_deinit(&port->base);
    free(port);
}

/* Nobody writes any more: what is gathered is the sender's, and the file too. */
static void close_file(struct ots_file *base)
{
    struct ots_port_file *port = of(base);
    struct ots_view *view = base->view;
    struct ots_slice rest = ots_lp_parser_rest(port->parser);
    if (rest.size)
        ots_problems_reject(&port->problems, ots_lp_parser_line(port->parser), 0,
                            "the last line has no end and was left out", rest);
    pthread_mutex_lock(&view->ports.lock);
    port->is_closed = true;
    pthread_mutex_unlock(&view->ports.lock);
    ots_view_wake_sender(view);
}

static const struct ots_file_ops PORT_OPS = {
    .write = write_file,
    .flush = flush_file,
    .sync = sync_file,
    .close = close_file,
};

/* --- opening ----------------------------------------------------------------------------------*/

static struct ots_port_file *port_new(struct ots_node *node)
{
    struct ots_port_file *port = calloc(1, sizeof(*port));
    if (!port)
        return NULL;
    struct ots_table *table = ots_node_table(node);
    ots_file_init(&port->base, &PORT_OPS, table->view, node);
    port->table = table;
    struct ots_lp_options options = {.precision = table->view->options.precision,
                                     .default_time_us = 0};
    struct ots_lp_handler handler = {on_row, on_problem, port};
    port->origin = ots_origin_new(NULL);
    if (port->origin && ots_gather_init(&port->gather) == OTS_OK &&
        ots_problems_init(&port->problems, node) == OTS_OK &&
        ots_lp_parser_new(&options, &handler, &port->parser) == OTS_OK)
        return port;
    port_free(port);
    return NULL;
}

enum ots_status ots_port_open(struct ots_node *node, unsigned mode, struct ots_file **out,
                              struct ots_error *err)
{
    struct ots_table *table = ots_node_table(node);
    struct ots_view *view = table->view;
    if (mode & OTS_OPEN_READ)
        return ots_error_set(err, OTS_DENIED, "it can only be written");
    pthread_mutex_lock(&view->synced.lock);
    bool has_field_keys = table->has_field_keys;
    pthread_mutex_unlock(&view->synced.lock);
    if (has_field_keys)
        return ots_error_set(err, OTS_UNSUPPORTED, "the table has fields in its primary key");
    struct ots_port_file *port = port_new(node);
    if (!port)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    pthread_mutex_lock(&view->ports.lock);
    port->next = view->ports.first;
    view->ports.first = port;
    pthread_mutex_unlock(&view->ports.lock);
    *out = &port->base;
    return OTS_OK;
}

enum ots_status ots_port_find_locked(struct ots_view *view, struct ots_node *table,
                                     struct ots_node **port)
{
    *port = ots_node_child_make(table, OTS_NODE_PORT, OTS_PORT_NAME);
    if (!*port)
        return OTS_NOMEM;
    if (!(*port)->mtime_ns)
        (*port)->mtime_ns = table->mtime_ns;
    return ots_tree_list(&view->synced.tree, *port);
}

/* --- the sender -------------------------------------------------------------------------------*/

/* Whether rows are left. With a raised `interrupt`, as the ports' lock is held and the file stays.
 */
static bool send_older(struct ots_port_file *port, struct ots_interrupt *interrupt)
{
    struct ots_error err;
    if (!ots_file_try_enter(&port->base))
        return true;
    if ((is_due(port) || port->is_closed) && hand_over(port, interrupt, &err) != OTS_OK &&
        err.status != OTS_CANCELLED)
        ots_log_error(port->base.view->options.log, OTS_LOG_WARNING, ".write", &err);
    bool has_rows = port->gather.count;
    ots_file_leave(&port->base);
    return has_rows;
}

bool ots_ports_send_older(struct ots_view *view)
{
    bool has_rows = false;
    struct ots_interrupt raised;
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    pthread_mutex_lock(&view->ports.lock);
    struct ots_port_file **link = &view->ports.first;
    while (*link) {
        struct ots_port_file *port = *link;
        bool is_left = send_older(port, &raised) || (port->is_closed && port->user_count);
        has_rows = has_rows || is_left;
        if (!port->is_closed || is_left) {
            link = &port->next;
            continue;
        }
        *link = port->next;
        port_free(port);
    }
    pthread_mutex_unlock(&view->ports.lock);
    ots_interrupt_deinit(&raised);
    return has_rows;
}

static enum ots_status wait_for_file(struct ots_port_file *port, struct ots_interrupt *interrupt,
                                     struct ots_error *err)
{
    enum ots_status status = ots_file_enter(&port->base, interrupt);
    if (status != OTS_OK)
        return ots_error_set(err, status, "interrupted");
    status = hand_over_or_leave(port, interrupt, err);
    ots_file_leave(&port->base);
    if (status != OTS_OK && status != OTS_CANCELLED)
        err->status = status = OTS_IO;
    return status;
}

enum ots_status ots_ports_hand_over(struct ots_table *table, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct ots_view *view = table->view;
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&view->ports.lock);
    struct ots_port_file *port = view->ports.first;
    while (port && status == OTS_OK) {
        if (port->table == table) {
            port->user_count++;
            pthread_mutex_unlock(&view->ports.lock);
            status = wait_for_file(port, interrupt, err);
            pthread_mutex_lock(&view->ports.lock);
            port->user_count--;
        }
        port = port->next;
    }
    pthread_mutex_unlock(&view->ports.lock);
    return status;
}

/* The sender must not see them any more, but go on: who waits here may wait for it. */
static struct ots_port_file *take_all(struct ots_view *view)
{
    pthread_mutex_lock(&view->ports.lock);
    struct ots_port_file *first = view->ports.first;
    view->ports.first = NULL;
    pthread_mutex_unlock(&view->ports.lock);
    return first;
}

/* Gathered rows that the pipeline has no room for, and nobody will make any. */
static void keep_rest(const struct ots_port_file *port, const struct ots_error *error)
{
    const struct ots_table *table = port->table;
    char reason[sizeof(error->message) + 64];
    snprintf(reason, sizeof(reason), "otsfs ended before the service took it: %s", error->message);
    for (size_t i = port->handed_count; i < port->gather.count; i++)
        ots_refusal_keep(table->instance->state, table->node->name, &port->gather.rows[i].row,
                         reason);
    ots_log(port->base.view->options.log, OTS_LOG_ERROR,
            "table %.*s: %zu rows written to .write were rejected: %s",
            OTS_SLICE_FMT(table->node->name), port->gather.count - port->handed_count, reason);
}

void ots_ports_end(struct ots_view *view)
{
    struct ots_port_file *port = take_all(view);
    while (port) {
        struct ots_port_file *next = port->next;
        struct ots_error err;
        if (hand_over(port, NULL, &err) != OTS_OK)
            keep_rest(port, &err);
        port_free(port);
        port = next;
    }
}
