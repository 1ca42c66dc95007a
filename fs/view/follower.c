/*
 * The life of a follower: who has the turn when, and its thread.
 *
 * The first who needs a table opens its stream and reads it to the end (prepare), so that errors
 * are theirs; from then on the thread reads. A scan holds the thread: first the scanner reads to
 * the end, then nobody reads until what was found is known. So whatever the scan may or may not
 * have counted is told behind it.
 */
#include <stdlib.h>

#include "backend/base/cond.h"
#include "fs/view/expire.h"
#include "fs/view/follower_state.h"
#include "fs/view/replay.h"

enum {
    POLL_US_DEFAULT = 1000000,
    SAVE_US = 1000000,
    BACKOFF_US_MAX = 5 * 1000000, /* the client has tried again for the time-out already */
    UNREADABLE_US = 60 * 1000000, /* until it is tried again */
    OPTIONS_US = 60 * 1000000,    /* until somebody else's change of a time to live is looked for */
    /* Rows of our own, after which the stream is read without waiting for its time: what waits for
     * its record is few enough to stay in the processor's cache. */
    STORED_ROWS_MAX = 8192,
};

bool ots_follower_is_wanted(const struct ots_table *table)
{
    const struct ots_view_options *options = &table->view->options;
    return !options->is_browse && !options->stream_off;
}

/* --- turns ------------------------------------------------------------------------------------*/

static enum ots_status take_turn(struct ots_follower *follower, struct ots_interrupt *interrupt)
{
    struct ots_view *view = follower->table->view;
    enum ots_status status = OTS_OK;
    ots_interrupt_attach_waiter(interrupt, ots_view_wake_waiters, view);
    pthread_mutex_lock(&view->synced.lock);
    while (follower->synced.has_turn && !ots_interrupt_is_raised(interrupt))
        pthread_cond_wait(&view->synced.changed, &view->synced.lock);
    if (follower->synced.has_turn)
        status = OTS_CANCELLED;
    else
        follower->synced.has_turn = true;
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
    return status;
}

void ots_follower_end_turn(struct ots_follower *follower)
{
    struct ots_view *view = follower->table->view;
    pthread_mutex_lock(&view->synced.lock);
    follower->synced.has_turn = false;
    pthread_cond_broadcast(&view->synced.changed);
    pthread_mutex_unlock(&view->synced.lock);
}

/* --- the thread -------------------------------------------------------------------------------*/

static int64_t real_now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

/* Until the moment, the end, or with `may_hurry` until many rows of our own are stored: returns
 * whether that is so. */
static bool sleep_until(struct ots_follower *follower, int64_t moment_us, bool may_hurry)
{
    struct ots_view *view = follower->table->view;
    bool is_hurried = false;
    pthread_mutex_lock(&view->synced.lock);
    while (!is_hurried && !ots_interrupt_is_raised(&follower->end) && real_now_us() < moment_us) {
        ots_cond_wait_until(&follower->wake, &view->synced.lock, moment_us);
        is_hurried = may_hurry && follower->synced.stored_rows >= STORED_ROWS_MAX;
    }
    pthread_mutex_unlock(&view->synced.lock);
    return is_hurried;
}

/* Log a failure once, until one is over. */
static void note_outcome(struct ots_follower *follower, enum ots_status status,
                         const struct ots_error *err)
{
    const struct ots_table *table = follower->table;
    bool is_failing = status != OTS_OK && status != OTS_CANCELLED;
    if (is_failing && !follower->is_failure_told)
        ots_log(table->view->options.log, OTS_LOG_WARNING,
                "table %.*s: its stream cannot be read now, and is asked again: %s",
                OTS_SLICE_FMT(table->node->name), err->message);
    else if (status == OTS_OK && follower->is_failure_told)
        ots_log(table->view->options.log, OTS_LOG_WARNING, "table %.*s: its stream is read again",
                OTS_SLICE_FMT(table->node->name));
    follower->is_failure_told =
        is_failing || (status == OTS_CANCELLED && follower->is_failure_told);
    pthread_mutex_lock(&table->view->synced.lock);
    follower->synced.is_failing = follower->is_failure_told;
    pthread_mutex_unlock(&table->view->synced.lock);
}

/* Take away what has expired; what cannot be taken away any more is scanned. */
static enum ots_status expire(struct ots_follower *follower, struct ots_interrupt *interrupt,
                              struct ots_error *err)
{
    struct ots_table *table = follower->table;
    struct ots_view *view = table->view;
    bool is_late = false;
    pthread_mutex_lock(&view->synced.lock);
    bool is_healthy = ots_follower_is_healthy_locked(table);
    pthread_mutex_unlock(&view->synced.lock);
    if (!is_healthy)
        return OTS_OK;
    enum ots_status status = ots_expire(table, interrupt, &is_late, err);
    pthread_mutex_lock(&view->synced.lock);
    if (is_late) {
        follower->synced.is_measured = false;
        table->whole.timelines.fresh_until_us = 0;
    }
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static void save(struct ots_follower *follower)
{
    struct ots_view *view = follower->table->view;
    ots_dir_times_settle(follower->table);
    if (!follower->persist) {
        ots_pipeline_flush_done(follower->table->pipeline, UINT64_MAX);
        return;
    }
    pthread_mutex_lock(&view->synced.lock);
    bool is_measured = follower->synced.is_measured;
    pthread_mutex_unlock(&view->synced.lock);
    ots_persist_save(follower->persist, follower->cursor, is_measured);
    bool is_unsaved = ots_persist_is_failing(follower->persist);
    pthread_mutex_lock(&view->synced.lock);
    follower->synced.is_unsaved = is_unsaved;
    pthread_mutex_unlock(&view->synced.lock);
}

/* Read on unless a scan forbids it, move the cut, save when that is due. */
static enum ots_status do_turn(struct ots_follower *follower, bool is_poll, int64_t *save_at_us,
                               bool *is_at_end)
{
    struct ots_view *view = follower->table->view;
    struct ots_error err = {0};
    enum ots_status status = take_turn(follower, &follower->end);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    is_poll = is_poll && !follower->synced.holds;
    follower->synced.stored_rows = 0;
    pthread_mutex_unlock(&view->synced.lock);
    if (is_poll && ots_following_is_on(follower)) {
        status = ots_following_read(follower, false, &follower->end, is_at_end, &err);
        if (status == OTS_OK && *is_at_end)
            status = expire(follower, &follower->end, &err);
        note_outcome(follower, status, &err);
    }
    if (real_now_us() >= *save_at_us) {
        save(follower);
        *save_at_us = real_now_us() + SAVE_US;
    }
    ots_follower_end_turn(follower);
    return status;
}

/* After a gap nobody has to ask for the scan. */
static enum ots_status scan_if_due(struct ots_follower *follower)
{
    struct ots_table *table = follower->table;
    struct ots_view *view = table->view;
    struct ots_error err = {0};
    pthread_mutex_lock(&view->synced.lock);
    bool is_due = follower->synced.state == OTS_FOLLOWER_FOLLOWING &&
                  follower->synced.was_measured && !follower->synced.is_measured &&
                  table->node->is_listed;
    pthread_mutex_unlock(&view->synced.lock);
    if (!is_due)
        return OTS_OK;
    enum ots_status status = ots_extract_refresh(&table->whole, &follower->end, &err);
    note_outcome(follower, status, &err);
    return status;
}

/* Who works below a table does not look its name up, so the table's options may have grown old. */
static void refresh_options(const struct ots_follower *follower, struct ots_interrupt *interrupt)
{
    struct ots_instance *instance = follower->table->instance;
    struct ots_view *view = instance->view;
    pthread_mutex_lock(&view->synced.lock);
    bool is_old = ots_view_now_us(view) > instance->tables.fresh_until_us + OPTIONS_US;
    pthread_mutex_unlock(&view->synced.lock);
    /* Whoever looks for a table by its name is told why that fails. */
    if (is_old)
        (void)!ots_instance_refresh(instance, interrupt, NULL);
}

static int64_t poll_us(const struct ots_follower *follower)
{
    int64_t time_us = follower->table->view->options.poll_us;
    return time_us ? time_us : POLL_US_DEFAULT;
}

static void *run(void *argument)
{
    struct ots_follower *follower = argument;
    int64_t poll_at_us = real_now_us() + poll_us(follower);
    int64_t save_at_us = real_now_us() + SAVE_US;
    int64_t backoff_us = 0;
    bool is_at_end = true;
    while (!ots_interrupt_is_raised(&follower->end)) {
        bool is_hurried =
            sleep_until(follower, poll_at_us < save_at_us ? poll_at_us : save_at_us, !backoff_us);
        bool is_poll = is_hurried || real_now_us() >= poll_at_us;
        /* Not behind each portion while there is more. */
        if (is_at_end && !is_hurried)
            save_at_us = 0;
        is_at_end = true;
        enum ots_status status = do_turn(follower, is_poll, &save_at_us, &is_at_end);
        if (is_poll && status == OTS_OK)
            refresh_options(follower, &follower->end);
        if (is_poll && status == OTS_OK)
            status = scan_if_due(follower);
        if (!is_poll)
            continue;
        backoff_us = status == OTS_OK ? 0 : 2 * backoff_us + poll_us(follower);
        if (backoff_us > BACKOFF_US_MAX)
            backoff_us = BACKOFF_US_MAX;
        bool has_more = status == OTS_OK && !is_at_end;
        poll_at_us = real_now_us() + (has_more ? 0 : poll_us(follower) + backoff_us);
    }
    return NULL;
}

/* --- life -------------------------------------------------------------------------------------*/

enum ots_status ots_follower_new(struct ots_table *table, struct ots_follower **out)
{
    struct ots_follower *follower = calloc(1, sizeof(*follower));
    if (!follower)
        return OTS_NOMEM;
    ots_cond_init(&follower->wake);
    follower->table = table;
    ots_interrupt_init(&follower->end);
    ots_row_summer_init(&follower->summer, table->view->options.precision);
    *out = follower;
    return OTS_OK;
}

void ots_follower_end(struct ots_follower *follower)
{
    struct ots_view *view = follower->table->view;
    ots_interrupt_raise(&follower->end);
    pthread_mutex_lock(&view->synced.lock);
    pthread_cond_signal(&follower->wake);
    pthread_mutex_unlock(&view->synced.lock);
}

void ots_follower_stop(struct ots_follower *follower)
{
    ots_follower_end(follower);
    if (follower->synced.has_thread)
        pthread_join(follower->thread, NULL);
    pthread_mutex_lock(&follower->table->view->synced.lock);
    follower->synced.has_thread = false;
    pthread_mutex_unlock(&follower->table->view->synced.lock);
    save(follower);
    ots_persist_close(follower->persist);
    follower->persist = NULL;
}

void ots_follower_free(struct ots_follower *follower)
{
    if (!follower)
        return;
    ots_stream_cursor_free(follower->cursor);
    ots_row_summer_deinit(&follower->summer);
    ots_buf_deinit(&follower->identity);
    ots_interrupt_deinit(&follower->end);
    pthread_cond_destroy(&follower->wake);
    free(follower);
}

/* --- first use --------------------------------------------------------------------------------*/

static enum ots_status open_and_catch_up(struct ots_follower *follower,
                                         struct ots_interrupt *interrupt, struct ots_error *err)
{
    bool is_at_end;
    enum ots_status status = take_turn(follower, interrupt);
    if (status != OTS_OK)
        return status;
    ots_dir_times_learn(follower);
    status = ots_following_open(follower, interrupt, err);
    if (status == OTS_OK && ots_following_is_on(follower))
        status = ots_following_read(follower, true, interrupt, &is_at_end, err);
    if (status == OTS_OK && ots_following_is_on(follower))
        status = expire(follower, interrupt, err);
    ots_follower_end_turn(follower);
    return status;
}

static enum ots_status learn_stream(struct ots_follower *follower, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct ots_view *view = follower->table->view;
    enum ots_status status = open_and_catch_up(follower, interrupt, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    bool is_following = follower->synced.state == OTS_FOLLOWER_FOLLOWING;
    if (is_following)
        follower->synced.prepared.fresh_until_us = INT64_MAX;
    else if (follower->synced.state == OTS_FOLLOWER_UNREADABLE)
        follower->synced.prepared.fresh_until_us = ots_view_now_us(view) + UNREADABLE_US;
    if (is_following && !follower->synced.has_thread)
        follower->synced.has_thread = pthread_create(&follower->thread, NULL, run, follower) == 0;
    bool has_thread = follower->synced.has_thread;
    pthread_mutex_unlock(&view->synced.lock);
    return is_following && !has_thread ? ots_error_set(err, OTS_IO, "cannot start a thread")
                                       : OTS_OK;
}

static enum ots_status follow(struct ots_table *table, struct ots_interrupt *interrupt,
                              struct ots_error *err)
{
    struct ots_view *view = table->view;
    struct ots_follower *follower = table->follower;
    pthread_mutex_lock(&view->synced.lock);
    bool is_shown = !table->has_field_keys;
    pthread_mutex_unlock(&view->synced.lock);
    if (!ots_follower_is_wanted(table) || !is_shown)
        return OTS_OK;
    bool is_claimed;
    enum ots_status status =
        ots_knowledge_claim(view, &follower->synced.prepared, interrupt, &is_claimed, err);
    if (status == OTS_OK && is_claimed) {
        status = learn_stream(follower, interrupt, err);
        ots_knowledge_release(view, &follower->synced.prepared, status, err);
    }
    return status;
}

enum ots_status ots_follower_prepare(struct ots_table *table, struct ots_interrupt *interrupt,
                                     struct ots_error *err)
{
    struct ots_error error = {0};
    enum ots_status status = follow(table, interrupt, &error);
    if (status == OTS_OK)
        status = ots_replay_table(table, interrupt, &error);
    if (status != OTS_OK && err)
        *err = error;
    return status;
}

void ots_follower_note_stored_locked(struct ots_table *table, size_t count)
{
    struct ots_follower *follower = table->follower;
    if (!follower->synced.has_thread)
        return;
    follower->synced.stored_rows += count;
    if (follower->synced.stored_rows >= STORED_ROWS_MAX)
        pthread_cond_signal(&follower->wake);
}

/* --- scans ------------------------------------------------------------------------------------*/

static void set_hold(struct ots_follower *follower, bool is_held)
{
    struct ots_view *view = follower->table->view;
    pthread_mutex_lock(&view->synced.lock);
    if (is_held)
        follower->synced.holds++;
    else
        follower->synced.holds--;
    pthread_mutex_unlock(&view->synced.lock);
}

static void note_held(struct ots_follower *follower)
{
    struct ots_view *view = follower->table->view;
    pthread_mutex_lock(&view->synced.lock);
    follower->synced.held_opening = ots_following_is_on(follower) ? follower->synced.openings : 0;
    pthread_mutex_unlock(&view->synced.lock);
}

enum ots_status ots_follower_hold(struct ots_table *table, struct ots_interrupt *interrupt,
                                  struct ots_error *err)
{
    struct ots_follower *follower = table->follower;
    bool is_at_end;
    set_hold(follower, true);
    enum ots_status status = take_turn(follower, interrupt);
    if (status == OTS_OK) {
        if (ots_following_is_on(follower))
            status = ots_following_read(follower, true, interrupt, &is_at_end, err);
        note_held(follower);
        ots_follower_end_turn(follower);
    }
    if (status != OTS_OK)
        set_hold(follower, false);
    return status;
}

void ots_follower_resume(struct ots_table *table)
{
    set_hold(table->follower, false);
}

bool ots_follower_is_healthy_locked(const struct ots_table *table)
{
    const struct ots_follower *follower = table->follower;
    return follower->synced.state == OTS_FOLLOWER_FOLLOWING && follower->synced.is_measured;
}

bool ots_follower_note_scan_locked(struct ots_table *table)
{
    struct ots_follower *follower = table->follower;
    if (follower->synced.state != OTS_FOLLOWER_FOLLOWING)
        return false;
    /* The stream is read from a place behind the scan's beginning: another scan has to tell what
     * was changed in between. */
    if (follower->synced.held_opening != follower->synced.openings) {
        table->has_gap = true;
        return false;
    }
    follower->synced.is_measured = true;
    follower->synced.was_measured = true;
    return true;
}

void ots_follower_forget_locked(struct ots_table *table)
{
    struct ots_follower *follower = table->follower;
    follower->synced.prepared.fresh_until_us = 0;
    follower->synced.is_measured = false;
    table->whole.timelines.fresh_until_us = 0;
}

/* --- for others -------------------------------------------------------------------------------*/

enum ots_status ots_follower_save(struct ots_table *table, struct ots_interrupt *interrupt)
{
    enum ots_status status = take_turn(table->follower, interrupt);
    if (status != OTS_OK)
        return status;
    save(table->follower);
    ots_follower_end_turn(table->follower);
    return OTS_OK;
}

void ots_follower_report_locked(const struct ots_table *table, struct ots_follower_report *report)
{
    const struct ots_follower *follower = table->follower;
    bool is_following = follower->synced.state == OTS_FOLLOWER_FOLLOWING;
    *report = (struct ots_follower_report){
        .state = follower->synced.state,
        .polls = follower->synced.polls,
        .records = follower->synced.records,
        .own = follower->synced.own,
        .foreign = follower->synced.foreign,
        .gaps = follower->synced.gaps,
        .last_gap_us = follower->synced.last_gap_us,
        .behind_us = is_following ? ots_view_now_us(table->view) - follower->synced.at_end_us : 0,
        .is_failing = follower->synced.is_failing,
        .is_unsaved = follower->synced.is_unsaved,
    };
}
