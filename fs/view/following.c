/*
 * Reading a table's stream and what its records do: what happens when it cannot be read, when a
 * place in it is not kept any more, and when the table is another one.
 *
 * A stream of which no place is known is read from now on: the scan that follows counts all that
 * was there before.
 */
#include "fs/view/follower_state.h"

#include <inttypes.h>
#include <stdlib.h>

#include "fs/state/state_dir.h"
#include "fs/view/apply.h"
#include "fs/view/replay.h"
#include "fs/view/timelines.h"
#include "fs/view/unsaved.h"

enum {
    PORTION_RECORDS = 4096,
    /* A page's memory comes from what the page before has left. */
    PAGE_RECORDS = 2000,
    LOCKED_RECORDS = 128, /* applied without giving the lock up */
    /* What is known of the service's clock may be wrong by that. */
    BEGIN_BEFORE_US = 10 * 1000000,
    LOST_MAX = 3, /* in one go */
    /* What was readable may be refused by mistake, when a clock is set for one. */
    REFUSED_MAX = 3,
};

static void drop_cursor(struct ots_follower *follower)
{
    ots_stream_cursor_free(follower->cursor);
    follower->cursor = NULL;
}

/* --- what goes wrong --------------------------------------------------------------------------*/

/* From now on knowledge ages, and nothing of it is kept. */
static void stop_following(struct ots_follower *follower, enum ots_follower_state state)
{
    struct ots_table *table = follower->table;
    struct ots_view *view = table->view;
    pthread_mutex_lock(&view->synced.lock);
    bool is_measured = follower->synced.is_measured;
    pthread_mutex_unlock(&view->synced.lock);
    /* Times that tools have set are nowhere else. */
    if (follower->persist && follower->cursor)
        ots_persist_save(follower->persist, follower->cursor, is_measured);
    drop_cursor(follower);
    ots_persist_close(follower->persist);
    follower->persist = NULL;
    follower->has_expected = false;
    pthread_mutex_lock(&view->synced.lock);
    follower->synced.state = state;
    follower->synced.prepared.fresh_until_us = 0;
    follower->synced.is_measured = false;
    follower->synced.was_measured = false;
    table->whole.timelines.fresh_until_us = 0;
    ots_table_unfollow_locked(table);
    pthread_mutex_unlock(&view->synced.lock);
    ots_pipeline_flush_done(table->pipeline, UINT64_MAX);
}

static void become_unreadable(struct ots_follower *follower, const char *reason)
{
    const struct ots_table *table = follower->table;
    struct ots_view *view = table->view;
    pthread_mutex_lock(&view->synced.lock);
    bool is_new = follower->synced.state != OTS_FOLLOWER_UNREADABLE;
    pthread_mutex_unlock(&view->synced.lock);
    stop_following(follower, OTS_FOLLOWER_UNREADABLE);
    if (is_new)
        ots_log(view->options.log, OTS_LOG_WARNING,
                "table %.*s: its stream cannot be read, so changes by others show by scans: %s",
                OTS_SLICE_FMT(table->node->name), reason);
}

static void tell_gap(const struct ots_table *table, const char *text)
{
    ots_log(table->view->options.log, OTS_LOG_WARNING, "table %.*s: %s",
            OTS_SLICE_FMT(table->node->name), text);
    if (table->instance->state)
        ots_state_note(table->instance->state, table->node->name, ots_slice_str(text));
}

/* What was changed is not known; the scan will find out. */
static void note_gap(struct ots_follower *follower)
{
    struct ots_table *table = follower->table;
    struct ots_view *view = table->view;
    if (follower->persist)
        ots_persist_forget_positions(follower->persist);
    pthread_mutex_lock(&view->synced.lock);
    follower->synced.gaps++;
    follower->synced.last_gap_us = ots_clock_now_us(view->options.clock);
    follower->synced.is_measured = false;
    table->whole.timelines.fresh_until_us = 0;
    table->change_number++;
    ots_apply_gap_locked(table);
    pthread_mutex_unlock(&view->synced.lock);
    tell_gap(table,
             "a part of its stream was removed before it was read; the table is scanned, and "
             "timelines that changed get the present time");
}

/* --- another table of the same name -----------------------------------------------------------*/

static void forget_timeline(struct ots_node *timeline, void *context)
{
    struct ots_table *table = context;
    if (timeline->kind != OTS_NODE_TIMELINE)
        return;
    const struct ots_measured nothing = {.write_number = timeline->timeline.last_write};
    bool is_written = ots_node_is_dirty(timeline);
    ots_node_note_measured(timeline, &nothing, !is_written);
    timeline->timeline.extent = (struct ots_extent){0};
    timeline->timeline.begin_us = 0;
    timeline->timeline.seen_us = 0;
    timeline->is_removed = false;
    timeline->is_unsure = false;
    timeline->is_listed = timeline->is_listed && is_written;
    timeline->is_mtime_set = timeline->is_mtime_set && is_written;
    ots_table_note_changed_locked(table, timeline, false);
}

static void forget_measurement(struct ots_node *measurement, void *context)
{
    if (measurement->kind != OTS_NODE_MEASUREMENT)
        return;
    measurement->is_listed = measurement->is_listed && measurement->is_local;
    measurement->is_mtime_set = false;
    ots_node_each_child(measurement, forget_timeline, context);
}

/* Nothing that is known is of this table, but what was written to it since. */
static void forget_table(struct ots_follower *follower)
{
    struct ots_table *table = follower->table;
    struct ots_view *view = table->view;
    ots_persist_close(follower->persist);
    follower->persist = NULL;
    follower->has_expected = false;
    pthread_mutex_lock(&view->synced.lock);
    ots_node_each_child(table->node, forget_measurement, table);
    table->node->is_mtime_set = false;
    table->is_learned = false;
    ots_ahead_clear(table->ahead);
    ots_table_forget_locked(table);
    table->replayed.fresh_until_us = 0;
    table->whole.scanned_us = 0;
    table->whole.cut_us = 0;
    table->change_number++;
    follower->synced.is_measured = false;
    pthread_mutex_unlock(&view->synced.lock);
    ots_log(view->options.log, OTS_LOG_WARNING, "table %.*s was deleted and made anew",
            OTS_SLICE_FMT(table->node->name));
}

/* The table is the one of that identity; what is kept of it is loaded. */
static enum ots_status adopt(struct ots_follower *follower, struct ots_slice identity,
                             struct ots_error *err)
{
    struct ots_table *table = follower->table;
    if (follower->identity.size && !ots_slice_equal(ots_buf_slice(&follower->identity), identity)) {
        forget_table(follower);
        follower->is_lost = false;
    }
    ots_buf_reset(&follower->identity);
    ots_buf_append_slice(&follower->identity, identity);
    if (ots_buf_status(&follower->identity) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    enum ots_status status = OTS_OK;
    if (!follower->persist && table->instance->state)
        status = ots_persist_open(table, identity, &follower->persist, err);
    if (status == OTS_OK && !follower->has_expected && table->instance->state) {
        status = ots_replay_expect(table, identity, err);
        follower->has_expected = status == OTS_OK;
    }
    return status;
}

/* --- records ----------------------------------------------------------------------------------*/

/* Of size 0: those that are not whole rows. */
static enum ots_status sum_records(struct ots_follower *follower,
                                   const struct ots_stream_record *records, size_t count,
                                   struct ots_row_sum *sums)
{
    for (size_t i = 0; i < count; i++) {
        sums[i] = (struct ots_row_sum){.time_us = records[i].row.time_us};
        if (records[i].type != OTS_CHANGE_PUT)
            continue;
        enum ots_status status = ots_row_sum_of(&follower->summer, &records[i].row, &sums[i], NULL);
        if (status == OTS_NOMEM)
            return status;
        if (status != OTS_OK)
            sums[i].size_bytes = 0;
    }
    return OTS_OK;
}

static enum ots_status pass_portion(struct ots_follower *follower,
                                    const struct ots_stream_record *records, size_t count)
{
    struct ots_view *view = follower->table->view;
    struct ots_row_sum sums[LOCKED_RECORDS];
    struct ots_record_counts counts = {0};
    enum ots_status status = sum_records(follower, records, count, sums);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    status = ots_apply_records_locked(follower->table, records, sums, count, &counts);
    follower->synced.records += count;
    follower->synced.own += counts.own;
    follower->synced.foreign += counts.foreign;
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static enum ots_status pass_page(void *context, const struct ots_stream_record *records,
                                 size_t count)
{
    struct ots_follower *follower = context;
    enum ots_status status = OTS_OK;
    /* Keys may be at the same places as those of another page. */
    ots_row_summer_forget_key(&follower->summer);
    for (size_t at = 0; status == OTS_OK && at < count; at += LOCKED_RECORDS) {
        size_t left = count - at;
        status = pass_portion(follower, records + at,
                              left < LOCKED_RECORDS ? left : (size_t)LOCKED_RECORDS);
    }
    return status;
}

/* --- reading ----------------------------------------------------------------------------------*/

static enum ots_status open_at(struct ots_follower *follower,
                               const struct ots_stream_positions *positions,
                               struct ots_interrupt *interrupt, struct ots_error *err)
{
    const struct ots_table *table = follower->table;
    const struct ots_stream_cursor_options options = {
        .store = table->instance->store,
        .table = table->node->name,
        .positions = positions,
        .from_us = ots_store_now_us(table->instance->store) - BEGIN_BEFORE_US,
        .page_records = PAGE_RECORDS,
        .page = pass_page,
        .context = follower,
    };
    return ots_stream_cursor_open(&options, interrupt, &follower->cursor, err);
}

static enum ots_status open_cursor(struct ots_follower *follower, struct ots_interrupt *interrupt,
                                   struct ots_error *err)
{
    struct ots_table *table = follower->table;
    struct ots_view *view = table->view;
    const struct ots_stream_positions *positions =
        follower->persist ? ots_persist_positions(follower->persist) : NULL;
    bool is_measured = positions && ots_persist_is_measured(follower->persist);
    enum ots_status status = open_at(follower, positions, interrupt, err);
    if (status == OTS_TRIMMED && positions) {
        note_gap(follower);
        is_measured = false;
        status = open_at(follower, NULL, interrupt, err);
    }
    if (status != OTS_OK)
        return status;
    if (follower->persist)
        ots_persist_forget_positions(follower->persist);
    follower->was_open = true;
    pthread_mutex_lock(&view->synced.lock);
    follower->synced.openings++;
    follower->synced.state = OTS_FOLLOWER_CATCHING_UP;
    follower->synced.is_measured = is_measured;
    follower->synced.was_measured = is_measured;
    ots_table_follow_locked(table);
    if (is_measured) {
        table->is_learned = true;
        table->whole.timelines.fresh_until_us = INT64_MAX;
    } else {
        /* What is known of it, if anything, is of another time than this place in the stream. */
        ots_apply_gap_locked(table);
    }
    pthread_mutex_unlock(&view->synced.lock);
    return OTS_OK;
}

enum ots_status ots_following_open(struct ots_follower *follower, struct ots_interrupt *interrupt,
                                   struct ots_error *err)
{
    const struct ots_table *table = follower->table;
    struct ots_buf identity = OTS_BUF_INIT;
    drop_cursor(follower);
    enum ots_status status =
        ots_stream_identify(table->instance->store, table->node->name, interrupt, &identity, err);
    if (status == OTS_OK && !identity.size && follower->was_open) {
        /* The table is gone, most likely: whoever looks into it next finds out. */
        follower->was_open = false;
        stop_following(follower, OTS_FOLLOWER_OFF);
    } else if (status == OTS_OK && !identity.size) {
        become_unreadable(follower, "it has none, or none that we may see");
    } else if (status == OTS_OK) {
        status = adopt(follower, ots_buf_slice(&identity), err);
        if (status == OTS_OK)
            status = open_cursor(follower, interrupt, err);
        if (status == OTS_OK && follower->is_lost) {
            note_gap(follower);
            follower->is_lost = false;
        }
        if (status == OTS_UNSUPPORTED) {
            become_unreadable(follower, err->message);
            status = OTS_OK;
        }
    }
    ots_buf_deinit(&identity);
    return status;
}

/* The places that the cursor has are not kept any more, or the table is gone or another one. */
static void lose_place(struct ots_follower *follower)
{
    struct ots_table *table = follower->table;
    struct ots_view *view = table->view;
    drop_cursor(follower);
    follower->is_lost = true;
    pthread_mutex_lock(&view->synced.lock);
    follower->synced.is_measured = false;
    table->whole.timelines.fresh_until_us = 0;
    pthread_mutex_unlock(&view->synced.lock);
}

static enum ots_status find_again(struct ots_follower *follower, struct ots_interrupt *interrupt,
                                  struct ots_error *err)
{
    struct ots_view *view = follower->table->view;
    bool was_measured = follower->synced.was_measured;
    enum ots_status status = ots_following_open(follower, interrupt, err);
    pthread_mutex_lock(&view->synced.lock);
    if (follower->cursor)
        follower->synced.was_measured = was_measured;
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

bool ots_following_is_on(const struct ots_follower *follower)
{
    return follower->synced.state == OTS_FOLLOWER_CATCHING_UP ||
           follower->synced.state == OTS_FOLLOWER_FOLLOWING;
}

static void note_end(struct ots_follower *follower)
{
    struct ots_view *view = follower->table->view;
    int64_t now_us = ots_view_now_us(view);
    pthread_mutex_lock(&view->synced.lock);
    follower->synced.state = OTS_FOLLOWER_FOLLOWING;
    follower->synced.at_end_us = now_us;
    ots_apply_caught_up_locked(follower->table);
    pthread_mutex_unlock(&view->synced.lock);
}

static enum ots_status read_portion(struct ots_follower *follower, struct ots_interrupt *interrupt,
                                    bool *is_at_end, struct ots_error *err)
{
    struct ots_stream_poll poll = {0};
    enum ots_status status =
        ots_stream_cursor_poll(follower->cursor, PORTION_RECORDS, interrupt, &poll, err);
    pthread_mutex_lock(&follower->table->view->synced.lock);
    follower->synced.polls++;
    pthread_mutex_unlock(&follower->table->view->synced.lock);
    *is_at_end = status == OTS_OK && poll.is_at_end;
    if (*is_at_end)
        note_end(follower);
    return status;
}

enum ots_status ots_following_read(struct ots_follower *follower, bool is_all,
                                   struct ots_interrupt *interrupt, bool *is_at_end,
                                   struct ots_error *err)
{
    enum ots_status status;
    unsigned lost_count = 0;
    unsigned refused_count = 0;
    *is_at_end = false;
    do {
        status = follower->cursor ? read_portion(follower, interrupt, is_at_end, err)
                                  : find_again(follower, interrupt, err);
        if (status == OTS_TRIMMED && ++lost_count < LOST_MAX) {
            lose_place(follower);
            status = OTS_OK;
        }
        if (status == OTS_UNSUPPORTED && ++refused_count < REFUSED_MAX)
            continue;
        if (status == OTS_UNSUPPORTED) {
            become_unreadable(follower, err->message);
            status = OTS_OK;
        }
    } while (status == OTS_UNSUPPORTED ||
             (status == OTS_OK && ots_following_is_on(follower) && is_all && !*is_at_end));
    return status;
}
