/*
 * Listings of directories.
 */
#include <stdlib.h>

#include "fs/view/follower.h"
#include "fs/view/portion.h"
#include "fs/view/self.h"
#include "fs/view/state.h"

struct ots_listing {
    struct ots_view *view;
    const struct ots_node *dir; /* pinned, so that the nodes stay */
    size_t count;
    /* Instead of nodes, for the windows of `.changes`, which become views only when they are looked
     * up: their names, one behind the other. */
    struct ots_buf window_names;
    struct ots_node *nodes[];
};

static void collect_shown(struct ots_node *child, void *context)
{
    struct ots_listing *listing = context;
    if (ots_node_is_shown(child))
        listing->nodes[listing->count++] = child;
}

static struct ots_listing *listing_new(struct ots_view *view, struct ots_node *dir)
{
    struct ots_listing *listing = NULL;
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = ots_portion_list_locked(dir);
    size_t count = ots_node_count_shown(dir);
    if (status == OTS_OK)
        listing = malloc(sizeof(*listing) + count * sizeof(listing->nodes[0]));
    if (listing) {
        *listing = (struct ots_listing){.view = view, .dir = dir, .window_names = OTS_BUF_INIT};
        ots_node_each_child(dir, collect_shown, listing);
        ots_node_pin_locked(dir);
    }
    pthread_mutex_unlock(&view->synced.lock);
    return listing;
}

/* With the times that they had in the last mount. */
static enum ots_status refresh_tables(struct ots_instance *instance,
                                      struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_table *table = NULL;
    enum ots_status status = ots_instance_refresh(instance, interrupt, err);
    while (status == OTS_OK && (table = ots_instance_next_table(instance, table)))
        status = ots_follower_learn_time(table, interrupt);
    return status;
}

/* What this mount wrote shows in views at once; in whole tables and their portions it does anyway.
 */
static enum ots_status refresh_listing(struct ots_view *view, struct ots_node *dir,
                                       struct ots_interrupt *interrupt, struct ots_error *err)
{
    if (dir->kind == OTS_NODE_STATUS_DIR)
        return ots_self_refresh(view, dir, err);
    if (dir->kind == OTS_NODE_INSTANCE)
        return refresh_tables(dir->instance, interrupt, err);
    struct ots_extract *extract = ots_node_extract(dir);
    if (!ots_node_is_in_view(dir) || dir->kind == OTS_NODE_VIEWS || extract->selection.is_window ||
        ots_extract_is_portion(extract))
        return ots_directory_refresh(dir, interrupt, err);
    pthread_mutex_lock(&view->synced.lock);
    uint64_t write_number = extract->table->write_number;
    pthread_mutex_unlock(&view->synced.lock);
    return ots_extract_refresh_since(extract, write_number, interrupt, err);
}

/* The whole hours that can be looked into. */
static enum ots_status list_windows(struct ots_listing *listing, struct ots_table *table,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_retention retention;
    enum ots_status status = ots_table_retention(table, interrupt, &retention, err);
    if (status != OTS_OK)
        return status;
    int64_t begin_us;
    listing->count = ots_retention_hours(&retention, ots_store_now_us(table->instance->store),
                                         table->instance->source.settle_us, &begin_us);
    for (size_t i = 0; i < listing->count; i++, begin_us += OTS_WINDOW_LISTED_US)
        ots_window_name_append(begin_us, OTS_WINDOW_LISTED_US, &listing->window_names);
    status = ots_buf_status(&listing->window_names);
    return status == OTS_OK ? OTS_OK : ots_error_set(err, status, "out of memory");
}

enum ots_status ots_view_list(struct ots_view *view, uint64_t ino, struct ots_interrupt *interrupt,
                              struct ots_listing **out, struct ots_error *err)
{
    struct ots_node *dir;
    enum ots_status status = ots_view_pin(view, ino, &dir, err);
    if (status == OTS_OK)
        status = refresh_listing(view, dir, interrupt, err);
    if (status == OTS_OK) {
        *out = listing_new(view, dir);
        status = *out ? OTS_OK : ots_error_set(err, OTS_NOMEM, "out of memory");
    }
    if (status == OTS_OK && ots_node_is_changes(dir)) {
        status = list_windows(*out, ots_node_table(dir), interrupt, err);
        if (status != OTS_OK)
            ots_listing_free(*out);
    }
    ots_view_unpin(view, dir);
    return status;
}

bool ots_listing_entry(struct ots_view *view, const struct ots_listing *listing, size_t index,
                       struct ots_slice *name, struct ots_attr *attr)
{
    if (index >= listing->count)
        return false;
    if (listing->window_names.size) {
        *name = ots_slice(listing->window_names.data + index * OTS_WINDOW_NAME_BYTES,
                          OTS_WINDOW_NAME_BYTES);
        *attr = (struct ots_attr){.is_directory = true, .permissions = 0555};
        return true;
    }
    struct ots_node *node = listing->nodes[index];
    *name = node->name;
    pthread_mutex_lock(&view->synced.lock);
    ots_kept_tell_locked(view, node, attr);
    pthread_mutex_unlock(&view->synced.lock);
    return true;
}

void ots_listing_free(struct ots_listing *listing)
{
    if (!listing)
        return;
    ots_view_unpin(listing->view, listing->dir);
    ots_buf_deinit(&listing->window_names);
    free(listing);
}
