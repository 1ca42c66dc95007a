/*
 * fsync of a directory: all that was written below it is stored, or it is told why not.
 */
#include "fs/view/follower.h"
#include "fs/view/state.h"

static void forget_lost_rows(struct ots_node *timeline, void *context)
{
    (void)context;
    timeline->has_lost_rows = false;
}

static void forget_lost_rows_of(struct ots_node *measurement, void *context)
{
    if (measurement->kind == OTS_NODE_MEASUREMENT)
        ots_node_each_child(measurement, forget_lost_rows, context);
}

/* Tell, once, whether rows of the table were lost. */
static enum ots_status tell_failure(struct ots_table *table, struct ots_error *err)
{
    struct ots_view *view = table->view;
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    if (table->has_failure) {
        table->has_failure = false;
        status = ots_error_set(err, OTS_IO, "rows were lost: %s", table->failure.message);
        ots_node_each_child(table->node, forget_lost_rows_of, NULL);
    }
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

/* Rows are not stored yet, and whoever synced before was told already. */
static enum ots_status tell_kept(struct ots_table *table, struct ots_error *err)
{
    struct ots_error failure;
    ots_pipeline_failure(table->pipeline, &failure);
    return ots_error_set(err, OTS_IO, "rows are not stored yet: %s", failure.message);
}

/* Sets `*kept` to a table whose rows could not all be stored. */
static enum ots_status wait_for_tables(struct ots_instance *instance,
                                       struct ots_interrupt *interrupt, struct ots_table **kept)
{
    struct ots_table *table = NULL;
    while ((table = ots_instance_next_table(instance, table))) {
        enum ots_status status = ots_table_wait(table, interrupt);
        if (status == OTS_IO)
            *kept = table;
        else if (status != OTS_OK)
            return status;
    }
    return OTS_OK;
}

static enum ots_status tell_failures(struct ots_instance *instance, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    struct ots_table *table = NULL;
    while ((table = ots_instance_next_table(instance, table)))
        if (tell_failure(table, err) != OTS_OK)
            status = OTS_IO;
    return status;
}

/* What is known of the tables outlives this process from then on. */
static enum ots_status save_tables(struct ots_instance *instance, struct ots_interrupt *interrupt)
{
    enum ots_status status = OTS_OK;
    struct ots_table *table = NULL;
    while (status == OTS_OK && (table = ots_instance_next_table(instance, table)))
        status = ots_follower_save(table, interrupt);
    return status;
}

/* Wait for all before anything is told: who is interrupted hears of no failure. */
static enum ots_status sync_instances(struct ots_instance *instances, size_t count,
                                      struct ots_interrupt *interrupt, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    struct ots_table *kept = NULL;
    for (size_t i = 0; status == OTS_OK && i < count; i++)
        status = wait_for_tables(&instances[i], interrupt, &kept);
    for (size_t i = 0; status == OTS_OK && i < count; i++)
        status = save_tables(&instances[i], interrupt);
    if (status != OTS_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        if (tell_failures(&instances[i], err) != OTS_OK)
            status = OTS_IO;
    return status == OTS_OK && kept ? tell_kept(kept, err) : status;
}

static enum ots_status sync_pinned(struct ots_view *view, const struct ots_node *dir,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_table *table = ots_node_table(dir);
    struct ots_instance *instance = ots_node_instance(dir);
    if (!table && instance)
        return sync_instances(instance, 1, interrupt, err);
    if (!table)
        return sync_instances(view->instances, view->instance_count, interrupt, err);
    enum ots_status status = ots_table_wait(table, interrupt);
    if (status != OTS_OK && status != OTS_IO)
        return status;
    enum ots_status saved = ots_follower_save(table, interrupt);
    if (saved != OTS_OK)
        return saved;
    /* With OTS_IO rows are still on their way, which is a failure that was noted. */
    enum ots_status told = tell_failure(table, err);
    return told == OTS_OK && status != OTS_OK ? tell_kept(table, err) : told;
}

enum ots_status ots_view_sync(struct ots_view *view, uint64_t ino, struct ots_interrupt *interrupt,
                              struct ots_error *err)
{
    struct ots_node *dir;
    enum ots_status status = ots_view_pin(view, ino, &dir, err);
    if (status == OTS_OK)
        status = sync_pinned(view, dir, interrupt, err);
    ots_view_unpin(view, dir);
    return status;
}
