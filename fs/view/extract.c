/*
 * Keeping what is known of a table's timelines up to date.
 *
 * What is known of a table that is followed stays true, and what is known of a view of it as long
 * as nothing is put into the table. Otherwise knowledge ages: after a second, or 20 times what its
 * scan took. Whoever needs what is old learns it anew; others who need it meanwhile wait for that.
 */
#include "fs/view/finding.h"
#include "fs/view/follower.h"
#include "fs/view/portion.h"
#include "fs/view/window.h"

/* What is known of a table whose rows expire is never older. */
enum { EXPIRY_FRESH_US = 300 * 1000000 };

struct ots_page_source ots_extract_page_source(const struct ots_extract *extract,
                                               const struct ots_series_key *key)
{
    pthread_mutex_lock(&extract->view->synced.lock);
    const struct ots_page_source source = ots_extract_page_source_locked(extract, key);
    pthread_mutex_unlock(&extract->view->synced.lock);
    return source;
}

struct ots_page_source ots_extract_page_source_locked(const struct ots_extract *extract,
                                                      const struct ots_series_key *key)
{
    const struct ots_selection *selection = &extract->selection;
    int64_t cut_us = extract->cut_us;
    return (struct ots_page_source){
        .store = extract->table->instance->store,
        .table = extract->table->node->name,
        .key = key,
        .begin_us = selection->begin_us > cut_us ? selection->begin_us : cut_us,
        .end_us = selection->end_us,
        .fields = selection->fields,
        .field_count = selection->field_count,
    };
}

struct ots_node *ots_extract_origin_locked(const struct ots_extract *extract, struct ots_node *node)
{
    if (extract == &extract->table->whole)
        return node;
    if (node == extract->node)
        return extract->table->node;
    const struct ots_node *parent = ots_extract_origin_locked(extract, node->parent);
    return parent ? ots_node_child(parent, node->name) : NULL;
}

bool ots_extract_is_unmeasured_locked(const struct ots_extract *extract, struct ots_node *timeline)
{
    /* What is put later does not change what was put then. */
    if (extract->selection.is_window)
        return false;
    const struct ots_node *origin = ots_extract_origin_locked(extract, timeline);
    bool is_written = origin && origin != timeline &&
                      origin->timeline.own_write > timeline->timeline.measured_write;
    return is_written ||
           (origin && origin->timeline.last_write > timeline->timeline.measured_write);
}

/* How long what a scan of `cost_us` found counts as the truth. */
static int64_t fresh_us(const struct ots_table *table, int64_t cost_us)
{
    int64_t time_us = cost_us * OTS_FRESH_COST_FACTOR;
    if (time_us < OTS_FRESH_US)
        time_us = OTS_FRESH_US;
    bool is_bounded = table->time_to_live_s > 0 && time_us > EXPIRY_FRESH_US;
    return is_bounded ? EXPIRY_FRESH_US : time_us;
}

static bool is_whole(const struct ots_extract *extract)
{
    return extract == &extract->table->whole;
}

/* The table's follower stands still while all of it is scanned. */
static enum ots_status look(struct ots_extract *extract, bool *is_held,
                            struct ots_interrupt *interrupt, struct ots_error *err)
{
    *is_held = false;
    if (extract->view->options.is_browse)
        return ots_extract_browse(extract, interrupt, err);
    if (is_whole(extract)) {
        enum ots_status status = ots_follower_hold(extract->table, interrupt, err);
        if (status != OTS_OK)
            return status;
        *is_held = true;
    }
    return ots_extract_measure(extract, interrupt, err);
}

/* Look through it, and note how long that lasts. */
static enum ots_status learn_timelines(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                       struct ots_error *err)
{
    struct ots_view *view = extract->view;
    struct ots_table *table = extract->table;
    int64_t started_us = ots_view_now_us(view);
    pthread_mutex_lock(&view->synced.lock);
    int32_t time_to_live_s = table->time_to_live_s;
    uint64_t change_number = table->change_number;
    pthread_mutex_unlock(&view->synced.lock);
    bool is_held;
    enum ots_status status = look(extract, &is_held, interrupt, err);
    pthread_mutex_lock(&view->synced.lock);
    if (status == OTS_OK) {
        int64_t ended_us = ots_view_now_us(view);
        extract->scanned_us = ots_clock_now_us(view->options.clock);
        extract->scan_cost_us = ended_us - started_us;
        extract->scanned_change = change_number;
        bool stays = is_held && ots_follower_note_scan_locked(table);
        /* Unless what expires has changed meanwhile. */
        if (table->time_to_live_s == time_to_live_s)
            extract->timelines.fresh_until_us =
                stays ? INT64_MAX : ended_us + fresh_us(table, ended_us - started_us);
    } else if (status == OTS_NOT_FOUND) {
        table->node->is_listed = false;
        table->instance->tables.fresh_until_us = 0;
    }
    pthread_mutex_unlock(&view->synced.lock);
    if (is_held)
        ots_follower_resume(table);
    return status;
}

/* Whether what is known of a view is still true, however old: nothing was put since. */
static bool is_unchanged(const struct ots_extract *extract)
{
    struct ots_view *view = extract->view;
    const struct ots_table *table = extract->table;
    pthread_mutex_lock(&view->synced.lock);
    int64_t age_us = ots_clock_now_us(view->options.clock) - extract->scanned_us;
    bool is_expiring = table->time_to_live_s > 0 && age_us > EXPIRY_FRESH_US;
    bool is_same = !is_whole(extract) && !extract->selection.is_window &&
                   ots_follower_is_healthy_locked(table) && extract->scanned_us &&
                   extract->scanned_change == table->change_number;
    pthread_mutex_unlock(&view->synced.lock);
    return is_same && !is_expiring;
}

enum ots_status ots_extract_refresh(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    if (ots_extract_is_portion(extract))
        extract = &extract->table->whole;
    struct ots_view *view = extract->view;
    struct ots_table *table = extract->table;
    pthread_mutex_lock(&view->synced.lock);
    bool has_field_keys = table->has_field_keys;
    pthread_mutex_unlock(&view->synced.lock);
    if (has_field_keys)
        return ots_error_set(err, OTS_UNSUPPORTED,
                             "table %.*s has fields in its primary key, which otsfs cannot show",
                             OTS_SLICE_FMT(table->node->name));
    struct ots_error error = {0};
    bool is_claimed = false;
    bool is_window = extract->selection.is_window;
    /* Windows are read from the stream alone. */
    enum ots_status status = is_window ? OTS_OK : ots_follower_prepare(table, interrupt, &error);
    if (status == OTS_OK && !is_unchanged(extract))
        status = ots_knowledge_claim(view, &extract->timelines, interrupt, &is_claimed, &error);
    if (status == OTS_OK && is_claimed) {
        status = is_window ? ots_extract_read_window(extract, interrupt, &error)
                           : learn_timelines(extract, interrupt, &error);
        ots_knowledge_release(view, &extract->timelines, status, &error);
    }
    if (status != OTS_OK && err)
        *err = error;
    return status;
}

enum ots_status ots_extract_refresh_since(struct ots_extract *extract, uint64_t write_number,
                                          struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = extract->view;
    enum ots_status status;
    bool is_old;
    /* A scan that somebody else had begun before the write does not count. */
    do {
        pthread_mutex_lock(&view->synced.lock);
        if (extract->scanned_write < write_number && !extract->timelines.is_busy)
            extract->timelines.fresh_until_us = 0;
        pthread_mutex_unlock(&view->synced.lock);
        status = ots_extract_refresh(extract, interrupt, err);
        pthread_mutex_lock(&view->synced.lock);
        is_old = extract->scanned_write < write_number;
        pthread_mutex_unlock(&view->synced.lock);
    } while (status == OTS_OK && is_old);
    return status;
}
