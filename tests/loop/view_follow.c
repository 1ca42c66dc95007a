#include "tests/loop/view_follow.h"

#include "fs/view/follower.h"

void view_follow_report(struct ots_view *view, const char *name, struct ots_follower_report *report)
{
    *report = (struct ots_follower_report){.state = OTS_FOLLOWER_OFF};
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_node *node = ots_node_child(view->instances[0].node, ots_slice_str(name));
    if (node && node->kind == OTS_NODE_TABLE)
        ots_follower_report_locked(node->table, report);
    pthread_mutex_unlock(&view->synced.lock);
}
