#include "fs/view/measuring.h"

#include <stdlib.h>
#include <string.h>

#include "backend/base/search.h"
#include "fs/view/apply.h"
#include "fs/view/finding.h"

void ots_measuring_begin_locked(struct ots_table *table, struct ots_node *timeline,
                                int64_t after_us, struct ots_measuring *measuring)
{
    *measuring = (struct ots_measuring){.next = table->measurings,
                                        .timeline = timeline,
                                        .after_us = after_us,
                                        .rows_from_us = INT64_MIN,
                                        .lost_from_us = INT64_MAX};
    table->measurings = measuring;
}

void ots_measuring_end_locked(struct ots_table *table, struct ots_measuring *measuring)
{
    struct ots_measuring **link = &table->measurings;
    while (*link != measuring)
        link = &(*link)->next;
    *link = measuring->next;
}

void ots_measuring_deinit(struct ots_measuring *measuring)
{
    free(measuring->rows);
    free(measuring->changes);
    measuring->rows = NULL;
    measuring->changes = NULL;
}

/* False without memory. */
static bool reserve(struct ots_row_sum **lines, size_t *capacity, size_t count)
{
    if (count <= *capacity)
        return true;
    size_t more = *capacity ? 2 * *capacity : 64;
    while (more < count)
        more *= 2;
    struct ots_row_sum *grown = reallocarray(*lines, more, sizeof(*grown));
    if (!grown)
        return false;
    *lines = grown;
    *capacity = more;
    return true;
}

/* --- rows that are read -----------------------------------------------------------------------*/

/* Forget the first `count` rows. */
static void forget_rows(struct ots_measuring *measuring, size_t count)
{
    if (!count)
        return;
    measuring->rows_from_us = measuring->rows[count - 1].time_us + 1;
    measuring->row_count -= count;
    memmove(measuring->rows, measuring->rows + count,
            measuring->row_count * sizeof(*measuring->rows));
}

void ots_measuring_read(struct ots_measuring *measuring, const struct ots_row_sum *lines,
                        size_t count)
{
    if (!count)
        return;
    if (!reserve(&measuring->rows, &measuring->row_capacity, measuring->row_count + count)) {
        measuring->row_count = 0;
        measuring->rows_from_us = lines[count - 1].time_us + 1;
        return;
    }
    memcpy(measuring->rows + measuring->row_count, lines, count * sizeof(*lines));
    measuring->row_count += count;
    /* Not each time, as that moves all of them. */
    if (measuring->row_count > 2 * OTS_MEASURING_ROWS_MAX)
        forget_rows(measuring, measuring->row_count - OTS_MEASURING_ROWS_MAX);
}

static bool is_before(const void *row, const void *time_us)
{
    return ((const struct ots_row_sum *)row)->time_us < *(const int64_t *)time_us;
}

/* How many of the rows are before that time. */
static size_t count_before(const struct ots_measuring *measuring, int64_t time_us)
{
    return ots_search(measuring->rows, measuring->row_count, sizeof(*measuring->rows), is_before,
                      &time_us);
}

/* --- changes ----------------------------------------------------------------------------------*/

static void note(struct ots_measuring *measuring, const struct ots_row_sum *sum)
{
    bool has_room =
        sum->size_bytes && measuring->change_count < OTS_MEASURING_CHANGES_MAX &&
        reserve(&measuring->changes, &measuring->change_capacity, measuring->change_count + 1);
    if (has_room)
        measuring->changes[measuring->change_count++] = *sum;
    else if (sum->time_us < measuring->lost_from_us)
        measuring->lost_from_us = sum->time_us;
}

void ots_measuring_note_locked(struct ots_table *table, const struct ots_node *timeline,
                               const struct ots_row_sum *sum)
{
    for (struct ots_measuring *measuring = table->measurings; measuring;
         measuring = measuring->next)
        if (measuring->timeline == timeline)
            note(measuring, sum);
}

/* The row at `index` has another line now. */
static void change_row(struct ots_measuring *measuring, size_t index,
                       const struct ots_row_sum *change, struct ots_found *found)
{
    struct ots_row_sum *row = &measuring->rows[index];
    found->extent.size_bytes += change->size_bytes - row->size_bytes;
    found->extent.hash += change->hash - row->hash;
    if (row->size_bytes != change->size_bytes || row->hash != change->hash)
        ots_marks_cut(&found->marks, change->time_us);
    *row = *change;
}

/* A row that was not there when its place was read. False without memory. */
static bool add_row(struct ots_measuring *measuring, size_t index, const struct ots_row_sum *change,
                    struct ots_found *found)
{
    if (!reserve(&measuring->rows, &measuring->row_capacity, measuring->row_count + 1))
        return false;
    struct ots_row_sum *place = &measuring->rows[index];
    memmove(place + 1, place, (measuring->row_count - index) * sizeof(*place));
    *place = *change;
    measuring->row_count++;
    bool is_last = !found->extent.row_count || change->time_us > found->extent.last_time_us;
    if (is_last) {
        ots_found_add(found, change, 1);
        return true;
    }
    ots_marks_cut(&found->marks, change->time_us);
    ots_extent_add(&found->extent, change);
    return true;
}

static bool settle_change(struct ots_measuring *measuring, const struct ots_row_sum *change,
                          struct ots_found *found)
{
    /* What was not read may have it or not, and what was read and is forgotten too. */
    if (change->time_us <= measuring->after_us || change->time_us < measuring->rows_from_us)
        return false;
    size_t index = count_before(measuring, change->time_us);
    bool is_there =
        index < measuring->row_count && measuring->rows[index].time_us == change->time_us;
    if (is_there)
        change_row(measuring, index, change, found);
    return is_there || add_row(measuring, index, change, found);
}

int64_t ots_measuring_settle_locked(struct ots_measuring *measuring, struct ots_found *found)
{
    int64_t unsure_us = measuring->lost_from_us;
    for (size_t i = 0; i < measuring->change_count; i++) {
        const struct ots_row_sum *change = &measuring->changes[i];
        if (!settle_change(measuring, change, found) && change->time_us < unsure_us)
            unsure_us = change->time_us;
    }
    measuring->change_count = 0;
    return unsure_us;
}

/* --- the end ----------------------------------------------------------------------------------*/

void ots_measuring_count_locked(struct ots_table *table, const struct ots_measuring *measuring)
{
    struct ots_ahead *ahead = table->ahead;
    int64_t from_us = measuring->rows_from_us;
    if (!atomic_load(&table->is_followed))
        return;
    if (from_us > measuring->after_us)
        ots_ahead_forget_contents(ahead, measuring->timeline, measuring->after_us, from_us);
    size_t skipped = measuring->row_count > OTS_MEASURING_ROWS_MAX
                         ? measuring->row_count - OTS_MEASURING_ROWS_MAX
                         : 0;
    for (size_t i = 0; i < measuring->row_count; i++) {
        const struct ots_row_sum *row = &measuring->rows[i];
        ots_ahead_id id = ots_ahead_content(ahead, measuring->timeline, row->time_us);
        const struct ots_row_sum known = ots_ahead_sum(ahead, id);
        if (id && ots_row_sum_equal(&known, row))
            continue;
        if (i >= skipped)
            ots_ahead_count(ahead, measuring->timeline, row);
        else
            ots_ahead_forget_content(ahead, measuring->timeline, row->time_us);
    }
}

void ots_measuring_supersede_locked(struct ots_table *table, const struct ots_node *timeline)
{
    for (struct ots_measuring *measuring = table->measurings; measuring;
         measuring = measuring->next)
        measuring->is_superseded = measuring->is_superseded || measuring->timeline == timeline;
}

/*
 * A row among those that were known has changed, and others behind them hide that from the numbers:
 * open files must not mix texts.
 */
static void note_version(const struct ots_measuring *measuring, const struct ots_extent *known,
                         const struct ots_extent *found)
{
    struct ots_history *history = ots_node_history(measuring->timeline);
    uint64_t hash = found->hash;
    if (!history || !known->row_count)
        return;
    for (size_t i = count_before(measuring, known->last_time_us + 1); i < measuring->row_count; i++)
        hash -= measuring->rows[i].hash;
    if (hash != known->hash)
        ots_history_put_row(history, known->last_time_us);
}

void ots_extract_note_read_locked(struct ots_extract *extract, struct ots_measuring *measuring,
                                  struct ots_found *found, int64_t begin_us, bool is_read_only)
{
    struct ots_table *table = extract->table;
    struct ots_node *timeline = measuring->timeline;
    if (measuring->is_superseded)
        return;
    int64_t unsure_us = ots_measuring_settle_locked(measuring, found);
    bool was_certain = !ots_node_is_dirty(timeline);
    const struct ots_extent known = timeline->timeline.extent;
    /* All that was put so far is counted. */
    const struct ots_measured measured = {.extent = found->extent,
                                          .marks = &found->marks,
                                          .begin_us = begin_us,
                                          .write_number = table->write_number};
    ots_extract_note_locked(extract, timeline, &measured);
    note_version(measuring, &known, &found->extent);
    if (!is_read_only || !was_certain || known.hash != found->extent.hash)
        ots_measuring_count_locked(table, measuring);
    if (unsure_us != INT64_MAX)
        ots_apply_dirty_locked(table, timeline, unsure_us);
    ots_timeline_note_cut_locked(table, timeline, extract->cut_us);
}
