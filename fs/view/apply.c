/*
 * Of each row the stream tells all changes, in their order; `content` of a row is the line that it
 * is counted with, when that is known. Why this ends right, whatever comes in between:
 *
 * - A record is equal to one of our own rows that waits for it: it is that one's, or somebody
 *   else's who put the same; then ours comes later and counts as his. As many records come as
 *   there are entries, so each entry goes.
 * - It is not, and one of our own that is counted waits for its record: ours was put later, so the
 *   record's row is not there any more, and nothing has changed.
 * - It is not, and none waits: it is counted now. If a measurement has counted a later change
 *   already, that one's record is still to come, and counted then.
 * - Our own row whose record has come before its acknowledgement is counted with that, in the order
 *   of our rows; or before, if another record of the row comes.
 */
#include "fs/view/apply.h"

#include <stdlib.h>

#include "fs/view/measuring.h"
#include "fs/view/timelines.h"
#include "fs/view/unsaved.h"

/* Rows of earlier mounts are shown by the stream within this time, or never. */
enum { UNKNOWN_US = 600 * 1000000 };
/* Clocks of this machine and the service may differ by so much. */
enum { UNSURE_MARGIN_US = 10 * 1000000 };
/* So many records before its own a record's entry is called for. */
enum { EXPECT_AHEAD = 16 };

/* --- the table --------------------------------------------------------------------------------*/

static int64_t service_now_us(const struct ots_table *table)
{
    return ots_store_now_us(table->instance->store);
}

static void note_evicted(void *context, struct ots_node *timeline)
{
    struct ots_table *table = context;
    timeline->is_unsure = true;
    table->unsure_until_us = service_now_us(table) + UNSURE_MARGIN_US;
}

enum ots_status ots_apply_init(struct ots_table *table)
{
    return ots_apply_init_bounded(table, 0, 0);
}

enum ots_status ots_apply_init_bounded(struct ots_table *table, size_t own_max, size_t counted_max)
{
    table->ahead = ots_ahead_new(own_max, counted_max);
    if (!table->ahead)
        return OTS_NOMEM;
    ots_ahead_on_eviction(table->ahead, note_evicted, table);
    return OTS_OK;
}

void ots_apply_deinit(struct ots_table *table)
{
    ots_unsaved_deinit(table);
    ots_ahead_free(table->ahead);
    table->ahead = NULL;
}

void ots_table_follow_locked(struct ots_table *table)
{
    atomic_store(&table->is_followed, true);
}

void ots_table_unfollow_locked(struct ots_table *table)
{
    atomic_store(&table->is_followed, false);
    ots_ahead_clear(table->ahead);
    ots_unsaved_drop_locked(table);
    ots_kept_drop_table_locked(table->view, table->node);
}

void ots_apply_gap_locked(struct ots_table *table)
{
    table->has_gap = true;
    ots_ahead_doubt(table->ahead);
    table->unknown_until_us = service_now_us(table) + UNKNOWN_US;
}

/* --- one row ----------------------------------------------------------------------------------*/

void ots_apply_dirty_locked(struct ots_table *table, struct ots_node *timeline, int64_t from_us)
{
    /* Before it is dirty: a history that is made of a dirty timeline does not know since when. So
     * none is needed for that, and many timelines may become dirty before a table's first scan. */
    if (from_us > INT64_MIN || ots_node_history(timeline))
        ots_node_note_write(timeline, from_us);
    if (!ots_node_is_dirty(timeline))
        table->whole.unmeasured_count++;
    timeline->timeline.last_write = ++table->write_number;
    timeline->is_mark_due = false;
}

static void append_row(struct ots_node *timeline, const struct ots_row_sum *sum)
{
    struct ots_extent *extent = &timeline->timeline.extent;
    ots_node_note_growth(timeline, sum->time_us, sum->size_bytes);
    ots_extent_add(extent, sum);
}

static void replace_row(struct ots_node *timeline, const struct ots_row_sum *old,
                        const struct ots_row_sum *sum)
{
    struct ots_extent *extent = &timeline->timeline.extent;
    if (ots_row_sum_equal(old, sum))
        return;
    extent->size_bytes += sum->size_bytes - old->size_bytes;
    extent->hash += sum->hash - old->hash;
    ots_node_note_replaced(timeline, sum->time_us);
}

/* The row is there with this line from now on. */
static void count_row(struct ots_table *table, struct ots_node *timeline,
                      const struct ots_row_sum *sum)
{
    const struct ots_extent *extent = &timeline->timeline.extent;
    ots_measuring_note_locked(table, timeline, sum);
    ots_ahead_id content = ots_ahead_content(table->ahead, timeline, sum->time_us);
    /* A new timeline does not know the cut. */
    bool is_shown =
        sum->time_us >= timeline->timeline.begin_us && sum->time_us >= table->whole.cut_us;
    bool is_countable = table->is_learned && sum->size_bytes && is_shown;
    if (is_countable && (!extent->row_count || sum->time_us > extent->last_time_us)) {
        append_row(timeline, sum);
    } else if (is_countable && content) {
        const struct ots_row_sum old = ots_ahead_sum(table->ahead, content);
        replace_row(timeline, &old, sum);
    } else {
        bool is_known = table->is_learned || extent->row_count;
        ots_apply_dirty_locked(table, timeline, is_known ? sum->time_us : INT64_MIN);
    }
}

/* The timeline has something to show. */
static void show(struct ots_table *table, struct ots_node *timeline)
{
    struct ots_tree *tree = &table->view->synced.tree;
    if (timeline->timeline.extent.row_count)
        timeline->is_local = false;
    if (timeline->is_listed || !timeline->timeline.extent.row_count || !table->is_learned)
        return;
    /* Without memory a scan lists it. */
    if (!timeline->parent->is_listed && ots_tree_list(tree, timeline->parent) != OTS_OK)
        return;
    if (ots_tree_list(tree, timeline) != OTS_OK)
        return;
}

/* Rows of our own that the stream has shown and nobody has acknowledged: they were put before
 * whatever it shows now. */
static void count_seen(struct ots_table *table, struct ots_node *timeline, int64_t time_us)
{
    ots_ahead_id id;
    while ((id = ots_ahead_find(table->ahead, timeline, time_us, OTS_AHEAD_SEEN, NULL))) {
        const struct ots_row_sum sum = ots_ahead_sum(table->ahead, id);
        count_row(table, timeline, &sum);
        ots_ahead_set_content(table->ahead, id);
        ots_ahead_set_kind(table->ahead, id, OTS_AHEAD_AGAIN);
        show(table, timeline);
        ots_table_note_changed_locked(table, timeline, true);
    }
}

/* --- records ----------------------------------------------------------------------------------*/

struct record {
    struct ots_table *table;
    struct ots_node *timeline;
    const struct ots_row_sum *sum; /* NULL: not a whole row */
    int64_t time_us;
    int64_t commit_us;
};

static ots_ahead_id find(const struct record *record, enum ots_ahead_kind kind)
{
    return ots_ahead_find(record->table->ahead, record->timeline, record->time_us, kind,
                          record->sum);
}

/* If the row is still so, another record like this one is of the same put. */
static void pass_stored(const struct record *record, ots_ahead_id id)
{
    struct ots_ahead *ahead = record->table->ahead;
    ots_ahead_id content = ots_ahead_content(ahead, record->timeline, record->time_us);
    const struct ots_row_sum known = ots_ahead_sum(ahead, content);
    if (!content || !ots_row_sum_equal(&known, record->sum)) {
        ots_ahead_drop(ahead, id);
        return;
    }
    ots_ahead_set_content(ahead, id);
    ots_ahead_set_kind(ahead, id, OTS_AHEAD_AGAIN);
}

/* Whether it is one of our own coming back. */
static bool pass_own(const struct record *record)
{
    struct ots_ahead *ahead = record->table->ahead;
    ots_ahead_id id = find(record, OTS_AHEAD_STORED);
    if (id) {
        pass_stored(record, id);
        return true;
    }
    id = find(record, OTS_AHEAD_SENT);
    if (id)
        ots_ahead_set_kind(ahead, id, OTS_AHEAD_SEEN);
    if (id)
        return true;
    /* The last one that was shown, once more: it was put twice. */
    id = ots_ahead_find_last(ahead, record->timeline, record->time_us, OTS_AHEAD_SEEN);
    const struct ots_row_sum last = ots_ahead_sum(ahead, id);
    return id && ots_row_sum_equal(&last, record->sum);
}

/* At first sight the newest row's time, else that of the change. */
static void note_mtime(const struct record *record)
{
    struct ots_node *timeline = record->timeline;
    if (!timeline->is_mtime_set && record->commit_us <= timeline->timeline.seen_us) {
        int64_t first_us = ots_node_first_us(timeline, timeline->timeline.extent.last_time_us);
        timeline->mtime_ns = ots_view_past_ns(record->table->view, first_us);
        return;
    }
    int64_t commit_ns = record->commit_us * 1000;
    if (commit_ns > timeline->mtime_ns)
        timeline->mtime_ns = commit_ns;
    else if (timeline->mtime_ns < INT64_MAX)
        timeline->mtime_ns++;
    timeline->is_mtime_set = true;
}

/*
 * Files that are open must not mix texts. What is behind all that is counted only makes the text
 * grow, also for who has read it before the stream told of it.
 */
static void note_version(const struct record *record)
{
    const struct ots_extent *extent = &record->timeline->timeline.extent;
    if (record->sum && record->table->is_learned &&
        (!extent->row_count || record->time_us > extent->last_time_us))
        return;
    struct ots_history *history = ots_node_history(record->timeline);
    if (history)
        ots_history_put_row(history, record->time_us);
}

/* The row as the record has it is counted now. */
static void count_record(const struct record *record)
{
    struct ots_ahead *ahead = record->table->ahead;
    bool is_content_known = ots_ahead_content(ahead, record->timeline, record->time_us);
    count_row(record->table, record->timeline, record->sum);
    if (is_content_known || ots_ahead_is_awaited(ahead, record->timeline, record->time_us))
        ots_ahead_count(ahead, record->timeline, record->sum);
}

/* Of one of our own that is counted and waits for its record it is known that it was put later. */
static bool is_replaced(const struct record *record)
{
    return record->sum && ots_ahead_find(record->table->ahead, record->timeline, record->time_us,
                                         OTS_AHEAD_STORED, NULL);
}

/* Put by an earlier mount, perhaps; then it was stored. */
static bool pass_unknown(const struct record *record)
{
    ots_ahead_id id = find(record, OTS_AHEAD_UNKNOWN);
    if (!id)
        return false;
    ots_ahead_drop(record->table->ahead, id);
    if (is_replaced(record))
        return true;
    note_version(record);
    count_record(record);
    show(record->table, record->timeline);
    ots_table_note_changed_locked(record->table, record->timeline, true);
    return true;
}

/*
 * It may be one of our own that is no more remembered: what is behind the last row is not. What is
 * measured tells.
 */
static bool pass_unsure(const struct record *record)
{
    struct ots_node *timeline = record->timeline;
    if (!timeline->is_unsure)
        return false;
    if (record->commit_us > record->table->unsure_until_us) {
        timeline->is_unsure = ots_node_is_dirty(timeline);
        return false;
    }
    if (!record->sum || record->time_us > timeline->timeline.extent.last_time_us)
        return false;
    const struct ots_row_sum lost = {.time_us = record->time_us};
    note_version(record);
    ots_ahead_forget_content(record->table->ahead, timeline, record->time_us);
    ots_measuring_note_locked(record->table, timeline, &lost);
    ots_apply_dirty_locked(record->table, timeline, record->time_us);
    ots_table_note_changed_locked(record->table, timeline, true);
    return true;
}

/* It was changed by somebody else. */
static void apply_foreign(const struct record *record)
{
    struct ots_table *table = record->table;
    struct ots_node *timeline = record->timeline;
    ots_ahead_id counted = record->sum ? find(record, OTS_AHEAD_COUNTED) : 0;
    /* Of what a measurement has counted it has told open files. */
    if (!counted)
        note_version(record);
    if (counted) {
        ots_ahead_drop(table->ahead, counted);
    } else if (!record->sum) {
        const struct ots_row_sum lost = {.time_us = record->time_us};
        ots_ahead_forget_content(table->ahead, timeline, record->time_us);
        count_row(table, timeline, &lost);
    } else {
        count_record(record);
    }
    /* What was measured was shown, unless it was removed since. */
    if (!counted)
        show(table, timeline);
    note_mtime(record);
    ots_table_note_changed_locked(table, timeline, true);
}

static enum ots_status find_timeline(struct record *record, const struct ots_series_key *key)
{
    struct ots_table *table = record->table;
    enum ots_status status = OTS_OK;
    if (!record->timeline)
        record->timeline = ots_table_timeline_locked(table, key);
    if (!record->sum)
        return OTS_OK;
    if (!record->timeline)
        status = ots_table_add_timeline_locked(table, key, &record->timeline);
    /* One of a table that had the name before is not this one. */
    if (status == OTS_OK && !record->timeline->timeline.seen_us)
        record->timeline->timeline.seen_us = service_now_us(table);
    return status;
}

/* `*timeline`: the record's, NULL when it has to be found, or is not known. */
static enum ots_status apply_record(struct ots_table *table, const struct ots_stream_record *record,
                                    const struct ots_row_sum *sum, struct ots_node **timeline,
                                    bool *is_foreign)
{
    struct record it = {.table = table,
                        .timeline = *timeline,
                        .sum = record->type == OTS_CHANGE_PUT && sum->size_bytes ? sum : NULL,
                        .time_us = record->row.time_us,
                        .commit_us = record->sequence.timestamp_us};
    *is_foreign = false;
    enum ots_status status = find_timeline(&it, record->row.key);
    *timeline = it.timeline;
    if (status != OTS_OK || !it.timeline || (it.sum && pass_own(&it)))
        return status;
    count_seen(table, it.timeline, it.time_us);
    if (it.sum && (find(&it, OTS_AHEAD_AGAIN) || pass_unknown(&it) || is_replaced(&it)))
        return OTS_OK;
    *is_foreign = true;
    if (!pass_unsure(&it))
        apply_foreign(&it);
    return OTS_OK;
}

/* Records of one timeline mostly follow one another. */
static void expect_records(const struct ots_table *table, const struct ots_node *timeline,
                           const struct ots_stream_record *records, size_t at, size_t count)
{
    const struct ots_row *row = &records[at].row;
    if (!timeline)
        return;
    if (at + EXPECT_AHEAD < count && records[at + EXPECT_AHEAD].row.key == row->key)
        ots_ahead_expect(table->ahead, timeline, records[at + EXPECT_AHEAD].row.time_us);
    if (at + EXPECT_AHEAD / 2 < count && records[at + EXPECT_AHEAD / 2].row.key == row->key)
        ots_ahead_expect_entry(table->ahead, timeline, records[at + EXPECT_AHEAD / 2].row.time_us);
}

enum ots_status ots_apply_records_locked(struct ots_table *table,
                                         const struct ots_stream_record *records,
                                         const struct ots_row_sum *sums, size_t count,
                                         struct ots_record_counts *counts)
{
    struct ots_node *timeline = NULL;
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && i < count; i++) {
        bool is_foreign;
        if (i && records[i].row.key != records[i - 1].row.key)
            timeline = NULL;
        expect_records(table, timeline, records, i, count);
        status = apply_record(table, &records[i], &sums[i], &timeline, &is_foreign);
        counts->own += status == OTS_OK && !is_foreign;
        counts->foreign += status == OTS_OK && is_foreign;
    }
    return status;
}

/* --- our own rows -----------------------------------------------------------------------------*/

uint64_t ots_apply_begin_group_locked(struct ots_table *table, size_t count)
{
    return atomic_load(&table->is_followed) ? ots_ahead_begin_group(table->ahead, count) : 0;
}

ots_ahead_id ots_apply_send_locked(struct ots_table *table, uint64_t group,
                                   struct ots_node *timeline, const struct ots_row_sum *sum)
{
    if (!atomic_load(&table->is_followed))
        return 0;
    ots_ahead_id id = group && sum->size_bytes
                          ? ots_ahead_add_own(table->ahead, timeline, sum, OTS_AHEAD_SENT)
                          : 0;
    if (!id)
        note_evicted(table, timeline);
    return id;
}

static void note_own(struct ots_table *table, struct ots_node *timeline, int64_t time_us)
{
    /* The scan may have it or not. */
    if (table->scan_count)
        ots_apply_dirty_locked(table, timeline, time_us);
    show(table, timeline);
    ots_table_note_changed_locked(table, timeline, true);
}

void ots_apply_stored_locked(struct ots_table *table, uint64_t group, ots_ahead_id id,
                             struct ots_node *timeline, const struct ots_row_sum *sum)
{
    struct ots_ahead *ahead = table->ahead;
    /* It was counted when the stream showed what was put behind it. */
    if (id && !ots_ahead_own(ahead, group, id))
        return;
    count_row(table, timeline, sum);
    if (!id) {
        ots_ahead_forget_content(ahead, timeline, sum->time_us);
    } else {
        bool is_seen = ots_ahead_kind_of(ahead, id) == OTS_AHEAD_SEEN;
        ots_ahead_set_content(ahead, id);
        if (atomic_load(&table->is_followed))
            ots_ahead_set_kind(ahead, id, is_seen ? OTS_AHEAD_AGAIN : OTS_AHEAD_STORED);
        else
            ots_ahead_drop(ahead, id);
    }
    note_own(table, timeline, sum->time_us);
}

void ots_apply_refused_locked(struct ots_table *table, uint64_t group, ots_ahead_id id)
{
    struct ots_ahead *ahead = table->ahead;
    if (!id || !ots_ahead_own(ahead, group, id))
        return;
    struct ots_node *timeline = ots_ahead_node(ahead, id);
    const struct ots_row_sum sum = ots_ahead_sum(ahead, id);
    bool is_seen = ots_ahead_kind_of(ahead, id) == OTS_AHEAD_SEEN;
    ots_ahead_drop(ahead, id);
    if (!is_seen)
        return;
    /* What the stream has shown was an earlier try, or somebody else's equal row. */
    const struct ots_row_sum lost = {.time_us = sum.time_us};
    ots_ahead_forget_content(ahead, timeline, sum.time_us);
    count_row(table, timeline, &lost);
    note_evicted(table, timeline);
    ots_table_note_changed_locked(table, timeline, true);
}

enum ots_status ots_apply_restore_locked(struct ots_table *table, uint64_t group,
                                         struct ots_node *timeline, const struct ots_row_sum *sum,
                                         enum ots_ahead_kind kind)
{
    struct ots_ahead *ahead = table->ahead;
    bool is_counted = kind == OTS_AHEAD_STORED;
    bool is_seen = kind == OTS_AHEAD_SEEN;
    enum ots_status status = ots_ahead_restore(ahead, group, timeline, sum,
                                               is_counted || is_seen ? kind : OTS_AHEAD_UNKNOWN);
    if (status != OTS_OK)
        return status;
    table->unknown_until_us = service_now_us(table) + UNKNOWN_US;
    if (is_counted)
        ots_ahead_set_content(ahead, ots_ahead_newest(ahead, timeline, sum->time_us));
    if (is_seen) {
        count_seen(table, timeline, sum->time_us);
        /* Together with the entry's end, though the table is not followed yet. */
        ots_unsaved_take_up_locked(table, timeline);
    }
    return OTS_OK;
}

enum ots_status ots_apply_leftover_locked(struct ots_table *table, const struct ots_series_key *key,
                                          const struct ots_row_sum *sum)
{
    struct ots_node *timeline = NULL;
    enum ots_status status = ots_table_add_timeline_locked(table, key, &timeline);
    if (status != OTS_OK)
        return status;
    struct ots_ahead *ahead = table->ahead;
    /* Perhaps it was saved too; but an equal entry may be of another put. */
    if (!sum->size_bytes || sum->size_bytes > OTS_AHEAD_SIZE_MAX)
        return OTS_OK;
    table->unknown_until_us = service_now_us(table) + UNKNOWN_US;
    if (ots_ahead_add_own(ahead, timeline, sum, OTS_AHEAD_UNKNOWN))
        return OTS_OK;
    if (!ots_ahead_begin_group(ahead, OTS_PUT_ROWS_MAX) ||
        !ots_ahead_add_own(ahead, timeline, sum, OTS_AHEAD_UNKNOWN))
        return OTS_NOMEM;
    return OTS_OK;
}

void ots_apply_caught_up_locked(struct ots_table *table)
{
    if (!table->unknown_until_us || service_now_us(table) < table->unknown_until_us)
        return;
    table->unknown_until_us = 0;
    ots_ahead_drop_unknown(table->ahead);
}
