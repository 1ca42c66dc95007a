#include "fs/view/timelines.h"

#include "fs/lp/names.h"

struct ots_node *ots_table_timeline_locked(const struct ots_table *table,
                                           const struct ots_series_key *key)
{
    struct ots_key_names names = {0};
    struct ots_node *node = NULL;
    if (ots_key_names_set(&names, key) == OTS_OK)
        node = ots_node_child(table->node, names.measurement);
    if (node)
        node = ots_node_child(node, names.timeline);
    ots_key_names_deinit(&names);
    return node;
}

static enum ots_status add_nodes(struct ots_table *table, const struct ots_key_names *names,
                                 const struct ots_series_key *key, struct ots_node **out)
{
    struct ots_node *measurement =
        ots_node_child_make(table->node, OTS_NODE_MEASUREMENT, names->measurement);
    if (!measurement)
        return OTS_NOMEM;
    *out = ots_node_child_make(measurement, OTS_NODE_TIMELINE, names->timeline);
    return *out ? ots_node_set_key(*out, key) : OTS_NOMEM;
}

enum ots_status ots_table_add_timeline_locked(struct ots_table *table,
                                              const struct ots_series_key *key,
                                              struct ots_node **out)
{
    struct ots_key_names names = {0};
    enum ots_status status = ots_key_names_set(&names, key);
    if (status == OTS_OK)
        status = add_nodes(table, &names, key, out);
    ots_key_names_deinit(&names);
    return status;
}

/* Make the node visible if it is not. */
static enum ots_status list_node(struct ots_view *view, struct ots_node *node)
{
    if (node->is_listed)
        return OTS_OK;
    node->is_local = true;
    node->is_mtime_set = false;
    node->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
    return ots_tree_list(&view->synced.tree, node);
}

enum ots_status ots_table_make_timeline_locked(struct ots_table *table,
                                               const struct ots_series_key *key,
                                               struct ots_node **out)
{
    enum ots_status status = ots_table_add_timeline_locked(table, key, out);
    if (status == OTS_OK)
        status = list_node(table->view, (*out)->parent);
    return status == OTS_OK ? list_node(table->view, *out) : status;
}
