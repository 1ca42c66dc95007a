#include "fs/view/tally.h"

#include <stdlib.h>

#include "fs/state/state_dir.h"
#include "fs/view/follower.h"

static void add_rows(struct ots_table *table, struct ots_table_report *report)
{
    uint64_t *figures = report->figures;
    struct ots_pipeline_counts rows;
    ots_pipeline_counts(table->pipeline, &rows);
    figures[OTS_FIGURE_ROWS_TAKEN] = rows.rows_added;
    figures[OTS_FIGURE_ROWS_COPIED] = atomic_load(&table->rows_copied);
    figures[OTS_FIGURE_ROWS_ON_THEIR_WAY] = rows.rows_waiting;
    figures[OTS_FIGURE_ROWS_STORED] = rows.rows_stored;
    figures[OTS_FIGURE_ROWS_REFUSED] = rows.rows_failed;
    report->is_journal_failing = rows.is_journal_failing;
}

static void add_lines(struct ots_table *table, uint64_t *figures)
{
    struct ots_reject_counts lines = {0};
    if (table->instance->state)
        ots_rejects_counts(ots_state_rejects(table->instance->state), table->node->name, &lines);
    figures[OTS_FIGURE_LINES_REJECTED] = lines.lines;
    figures[OTS_FIGURE_LINES_NOT_KEPT] = lines.dropped;
    figures[OTS_FIGURE_LINES_DIGITS_CUT] = atomic_load(&table->digits_cut);
}

static void add_journal(struct ots_table *table, uint64_t *figures)
{
    struct ots_journal *journal = ots_pipeline_journal(table->pipeline);
    struct ots_journal_counts counts = {0};
    if (journal)
        ots_journal_counts(journal, &counts);
    figures[OTS_FIGURE_JOURNAL_BATCHES] = counts.batches;
    figures[OTS_FIGURE_JOURNAL_BYTES] = counts.bytes;
    figures[OTS_FIGURE_JOURNAL_OLD_SEGMENTS] = counts.old_segments;
}

static void add_scan(struct ots_table *table, struct ots_table_report *report)
{
    const struct ots_extract *whole = &table->whole;
    pthread_mutex_lock(&table->view->synced.lock);
    report->figures[OTS_FIGURE_ROWS_SUPERSEDED] = table->superseded_rows;
    report->figures[OTS_FIGURE_SCAN_ROWS] = whole->row_count;
    report->figures[OTS_FIGURE_SCAN_TIMELINES] = whole->timeline_count;
    report->figures[OTS_FIGURE_SCAN_MILLISECONDS] = (uint64_t)(whole->scan_cost_us / 1000);
    report->scanned_us = whole->scanned_us;
    report->shown_from_us = whole->scanned_us ? whole->cut_us : 0;
    report->has_field_keys = table->has_field_keys;
    pthread_mutex_unlock(&table->view->synced.lock);
}

static const char *stream_state(const struct ots_view *view, enum ots_follower_state state)
{
    if (view->options.is_browse || view->options.stream_off)
        return "off";
    switch (state) {
    case OTS_FOLLOWER_CATCHING_UP:
        return "catching_up";
    case OTS_FOLLOWER_FOLLOWING:
        return "following";
    case OTS_FOLLOWER_UNREADABLE:
        return "unreadable";
    case OTS_FOLLOWER_OFF:
        break;
    }
    return "unused";
}

static void add_stream(struct ots_table *table, struct ots_table_report *report)
{
    struct ots_follower_report stream;
    pthread_mutex_lock(&table->view->synced.lock);
    ots_follower_report_locked(table, &stream);
    pthread_mutex_unlock(&table->view->synced.lock);
    report->stream = stream_state(table->view, stream.state);
    report->last_gap_us = stream.last_gap_us;
    report->is_unsaved = stream.is_unsaved;
    report->figures[OTS_FIGURE_STREAM_POLLS] = stream.polls;
    report->figures[OTS_FIGURE_STREAM_RECORDS] = stream.records;
    report->figures[OTS_FIGURE_STREAM_OWN] = stream.own;
    report->figures[OTS_FIGURE_STREAM_FOREIGN] = stream.foreign;
    report->figures[OTS_FIGURE_STREAM_GAPS] = stream.gaps;
    report->figures[OTS_FIGURE_STREAM_BEHIND_SECONDS] = (uint64_t)(stream.behind_us / 1000000);
}

/* A table that is gone is told of as long as it has a count. */
static bool is_worth_telling(const struct ots_table *table, const struct ots_table_report *report)
{
    pthread_mutex_lock(&table->view->synced.lock);
    bool is_worth = table->node->is_listed;
    pthread_mutex_unlock(&table->view->synced.lock);
    for (size_t i = 0; i < OTS_FIGURE_SCAN_ROWS; i++)
        is_worth = is_worth || report->figures[i];
    return is_worth;
}

static int compare_tables(const void *a, const void *b)
{
    const struct ots_table_report *left = a;
    const struct ots_table_report *right = b;
    return ots_slice_compare(left->name, right->name);
}

static enum ots_status gather_table(struct ots_table *table, struct ots_report *report)
{
    struct ots_table_report one = {.name = table->node->name};
    add_rows(table, &one);
    add_lines(table, one.figures);
    add_journal(table, one.figures);
    add_scan(table, &one);
    add_stream(table, &one);
    if (!is_worth_telling(table, &one))
        return OTS_OK;
    struct ots_table_report *grown =
        reallocarray(report->tables, report->table_count + 1, sizeof(*grown));
    if (!grown)
        return OTS_NOMEM;
    report->tables = grown;
    report->tables[report->table_count++] = one;
    return OTS_OK;
}

enum ots_status ots_tally(struct ots_instance *instance, struct ots_report *report)
{
    const struct ots_view *view = instance->view;
    *report = (struct ots_report){
        .source = instance->source.name ? instance->source.name : "",
        .endpoint = instance->source.endpoint ? instance->source.endpoint : "",
        .instance = instance->source.instance ? instance->source.instance : "",
        .now_us = ots_clock_now_us(view->options.clock),
        .service_now_us = ots_store_now_us(instance->store),
        .mounted_us = view->mounted_us,
        .settle_us = instance->source.settle_us,
        .is_incomplete = view->options.is_browse,
        .settings = view->options.settings,
        .setting_count = view->options.setting_count,
        .meter = instance->store->meter,
    };
    enum ots_status status = OTS_OK;
    struct ots_table *table = NULL;
    while (status == OTS_OK && (table = ots_instance_next_table(instance, table)))
        status = gather_table(table, report);
    if (report->table_count)
        qsort(report->tables, report->table_count, sizeof(*report->tables), compare_tables);
    return status;
}

void ots_tally_end(struct ots_report *report)
{
    free(report->tables);
    report->tables = NULL;
}
