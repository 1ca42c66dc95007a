/*
 * The times of a table's directory and of its measurements, but for what puts do to them
 * (fs/view/unsaved.c).
 */
#include "fs/view/follower_state.h"
#include "fs/view/unsaved.h"

/* --- before the first use ---------------------------------------------------------------------*/

/* Whether the directory shows nothing but when it was first seen in this mount. */
static bool is_time_due_locked(const struct ots_table *table)
{
    return table->first_seen_ns && table->node->mtime_ns == table->first_seen_ns &&
           table->instance->state && ots_follower_is_wanted(table);
}

void ots_dir_times_learn(struct ots_follower *follower)
{
    struct ots_table *table = follower->table;
    struct ots_view *view = table->view;
    int64_t mtime_ns;
    pthread_mutex_lock(&view->synced.lock);
    bool is_due = is_time_due_locked(table);
    pthread_mutex_unlock(&view->synced.lock);
    bool is_kept = is_due && !follower->persist && ots_persist_peek_time(table, &mtime_ns);
    pthread_mutex_lock(&view->synced.lock);
    if (is_kept && is_time_due_locked(table) && !table->node->is_mtime_set)
        table->node->mtime_ns = mtime_ns;
    table->first_seen_ns = 0;
    pthread_cond_broadcast(&view->synced.changed);
    pthread_mutex_unlock(&view->synced.lock);
}

enum ots_status ots_follower_learn_time(struct ots_table *table, struct ots_interrupt *interrupt)
{
    struct ots_follower *follower = table->follower;
    struct ots_view *view = table->view;
    ots_interrupt_attach_waiter(interrupt, ots_view_wake_waiters, view);
    pthread_mutex_lock(&view->synced.lock);
    /* Who has the turn does it first of all. */
    while (is_time_due_locked(table) && follower->synced.has_turn &&
           !ots_interrupt_is_raised(interrupt))
        pthread_cond_wait(&view->synced.changed, &view->synced.lock);
    bool is_due = is_time_due_locked(table);
    /* It reads from the disk: not for who may not wait. */
    bool has_turn = is_due && !follower->synced.has_turn && !ots_interrupt_is_raised(interrupt);
    follower->synced.has_turn = follower->synced.has_turn || has_turn;
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
    if (has_turn) {
        ots_dir_times_learn(follower);
        ots_follower_end_turn(follower);
    }
    return is_due && !has_turn ? OTS_CANCELLED : OTS_OK;
}

/* --- when tools set times ---------------------------------------------------------------------*/

struct newest {
    enum ots_node_kind kind; /* of the children that count */
    int64_t mtime_ns;
    bool has_child;
};

static void see_child(struct ots_node *child, void *context)
{
    struct newest *newest = context;
    if (child->kind != newest->kind || !child->is_listed)
        return;
    if (!newest->has_child || child->mtime_ns > newest->mtime_ns)
        newest->mtime_ns = child->mtime_ns;
    newest->has_child = true;
}

static void settle_time(struct ots_table *table, struct ots_node *dir, enum ots_node_kind kind)
{
    struct newest newest = {.kind = kind};
    if (!dir->is_time_due)
        return;
    dir->is_time_due = false;
    if (dir->is_mtime_set)
        return;
    ots_node_each_child(dir, see_child, &newest);
    if (!newest.has_child || newest.mtime_ns == dir->mtime_ns)
        return;
    dir->mtime_ns = newest.mtime_ns;
    ots_table_note_directory_locked(table, dir);
}

static void settle_measurement(struct ots_node *measurement, void *context)
{
    if (measurement->kind == OTS_NODE_MEASUREMENT)
        settle_time(context, measurement, OTS_NODE_TIMELINE);
}

void ots_dir_times_settle(struct ots_table *table)
{
    struct ots_view *view = table->view;
    pthread_mutex_lock(&view->synced.lock);
    if (table->node->is_time_due) {
        ots_node_each_child(table->node, settle_measurement, table);
        settle_time(table, table->node, OTS_NODE_MEASUREMENT);
    }
    pthread_mutex_unlock(&view->synced.lock);
}
