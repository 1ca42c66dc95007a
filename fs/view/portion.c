#include "fs/view/portion.h"

bool ots_extract_is_portion(const struct ots_extract *extract)
{
    return ots_selection_is_share(&extract->selection);
}

/* Views in it are not the table's, and neither is what they lie in. */
static bool is_of_table(const struct ots_node *node)
{
    return node->kind == OTS_NODE_EXTRACT || node->kind == OTS_NODE_MEASUREMENT ||
           node->kind == OTS_NODE_TIMELINE;
}

struct ots_node *ots_portion_origin_locked(const struct ots_node *node)
{
    if (!is_of_table(node))
        return NULL;
    const struct ots_extract *extract = ots_node_extract(node);
    if (!ots_extract_is_portion(extract))
        return NULL;
    if (node == extract->node)
        return extract->table->node;
    const struct ots_node *parent = ots_portion_origin_locked(node->parent);
    return parent ? ots_node_child(parent, node->name) : NULL;
}

struct ots_node *ots_node_known(struct ots_node *node)
{
    struct ots_view *view = ots_node_extract(node)->view;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *origin = ots_portion_origin_locked(node);
    pthread_mutex_unlock(&view->synced.lock);
    return origin ? origin : node;
}

/* Whether a node of the whole table has its place in the share: a measurement by its timelines. */
static bool is_wanted(const struct ots_share *share, struct ots_node *node)
{
    if (!node->is_listed)
        return false;
    if (node->kind == OTS_NODE_TIMELINE)
        return ots_share_has(share, node->parent->name, node->name);
    if (node->kind != OTS_NODE_MEASUREMENT)
        return false;
    struct ots_children *timelines = &node->children;
    struct ots_node *const *sorted = ots_children_sorted(timelines);
    for (size_t i = 0; i < timelines->count; i++)
        if (is_wanted(share, sorted[i]))
            return true;
    return false;
}

/* The portion's node for one that is wanted, made when there is none, and counted in `*made`. */
static enum ots_status list_child(struct ots_node *dir, const struct ots_node *origin,
                                  struct ots_node **child, size_t *made)
{
    const struct ots_extract *extract = ots_node_extract(dir);
    *child = ots_node_child(dir, origin->name);
    if (!*child) {
        *child = ots_node_child_make(dir, origin->kind, origin->name);
        *made += *child != NULL;
    }
    return *child ? ots_tree_list(&extract->view->synced.tree, *child) : OTS_NOMEM;
}

enum ots_status ots_portion_find_locked(struct ots_node *dir, struct ots_slice name,
                                        struct ots_node **child)
{
    struct ots_extract *extract = ots_node_extract(dir);
    const struct ots_node *origin_dir = ots_portion_origin_locked(dir);
    struct ots_node *origin = origin_dir ? ots_node_child(origin_dir, name) : NULL;
    *child = NULL;
    if (!origin || !is_wanted(&extract->selection.share, origin))
        return OTS_OK;
    size_t made = 0;
    enum ots_status status = list_child(dir, origin, child, &made);
    if (made)
        ots_views_note_nodes_locked(extract, extract->node_count + made);
    return status;
}

static void unlist(struct ots_node *child, void *context)
{
    (void)context;
    child->is_listed = child->is_listed && child->kind == OTS_NODE_VIEWS;
}

struct listing {
    struct ots_node *dir;
    const struct ots_share *share;
    size_t made;
    enum ots_status status;
};

static void list_wanted(struct ots_node *origin, void *context)
{
    struct listing *listing = context;
    struct ots_node *child;
    if (listing->status == OTS_OK && is_wanted(listing->share, origin))
        listing->status = list_child(listing->dir, origin, &child, &listing->made);
}

enum ots_status ots_portion_list_locked(struct ots_node *dir)
{
    struct ots_node *origin = ots_portion_origin_locked(dir);
    if (!origin)
        return OTS_OK;
    struct ots_extract *extract = ots_node_extract(dir);
    struct listing listing = {.dir = dir, .share = &extract->selection.share, .status = OTS_OK};
    ots_node_each_child(dir, unlist, NULL);
    ots_node_each_child(origin, list_wanted, &listing);
    if (listing.made)
        ots_views_note_nodes_locked(extract, extract->node_count + listing.made);
    return listing.status;
}
