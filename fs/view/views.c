#include "fs/view/views.h"

#include <assert.h>
#include <stdlib.h>

#include "fs/view/window.h"

#define RANGES OTS_SLICE(".range")
#define FIELDS OTS_SLICE(".fields")
#define CHANGES OTS_SLICE(".changes")
#define SPLITS OTS_SLICE(".splits")

/* The view that the node is in, NULL outside of views. */
static struct ots_extract *view_of(const struct ots_node *node)
{
    struct ots_extract *extract = node ? ots_node_extract(node) : NULL;
    return extract && extract->node->kind == OTS_NODE_EXTRACT ? extract : NULL;
}

bool ots_node_is_in_view(const struct ots_node *node)
{
    while (node && node->kind != OTS_NODE_VIEWS)
        node = node->parent;
    return node;
}

enum ots_status ots_view_check_writable(struct ots_view *view, uint64_t ino, struct ots_error *err)
{
    pthread_mutex_lock(&view->synced.lock);
    bool is_in_view = ots_node_is_in_view(ots_tree_by_ino(&view->synced.tree, ino));
    pthread_mutex_unlock(&view->synced.lock);
    return is_in_view ? ots_error_set(err, OTS_READ_ONLY, "a view can only be read") : OTS_OK;
}

/* --- the list ---------------------------------------------------------------------------------*/

static void take_out(struct ots_views *views, struct ots_extract *extract)
{
    *(extract->newer ? &extract->newer->older : &views->newest) = extract->older;
    *(extract->older ? &extract->older->newer : &views->oldest) = extract->newer;
    extract->newer = NULL;
    extract->older = NULL;
}

static void put_first(struct ots_views *views, struct ots_extract *extract)
{
    extract->older = views->newest;
    *(views->newest ? &views->newest->newer : &views->oldest) = extract;
    views->newest = extract;
}

void ots_extract_free(struct ots_extract *extract)
{
    if (!extract)
        return;
    assert(!extract->pin_count);
    struct ots_views *views = &extract->view->synced.views;
    take_out(views, extract);
    views->count--;
    views->node_count -= extract->node_count;
    ots_arena_deinit(&extract->arena);
    ots_window_unref(extract->window);
    free(extract);
}

/* --- pins -------------------------------------------------------------------------------------*/

/* What a view lies in is used after it, so that a view in others is always older than those. */
void ots_node_pin_locked(const struct ots_node *node)
{
    struct ots_extract *extract;
    for (; (extract = view_of(node)); node = extract->node->parent) {
        extract->pin_count++;
        take_out(&extract->view->synced.views, extract);
        put_first(&extract->view->synced.views, extract);
    }
}

void ots_node_unpin_locked(const struct ots_node *node)
{
    struct ots_extract *extract;
    for (; (extract = view_of(node)); node = extract->node->parent)
        extract->pin_count--;
}

enum ots_status ots_view_pin(struct ots_view *view, uint64_t ino, struct ots_node **node,
                             struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *found = ots_tree_by_ino(&view->synced.tree, ino);
    if (!found)
        status = ots_error_set(err, OTS_STALE, "forgotten");
    else if (!found->is_listed && found->kind == OTS_NODE_TIMELINE)
        status = ots_error_set(err, OTS_STALE, "not there any more");
    else if (!found->is_listed)
        status = ots_error_set(err, OTS_NOT_FOUND, "not there any more");
    else
        ots_node_pin_locked(found);
    pthread_mutex_unlock(&view->synced.lock);
    *node = status == OTS_OK ? found : NULL;
    return status;
}

void ots_view_unpin(struct ots_view *view, const struct ots_node *node)
{
    if (!node)
        return;
    pthread_mutex_lock(&view->synced.lock);
    ots_node_unpin_locked(node);
    pthread_mutex_unlock(&view->synced.lock);
}

/* --- forgetting -------------------------------------------------------------------------------*/

/* Forget the views that were used longest ago, as long as there are too many. */
static void forget_oldest(struct ots_view *view)
{
    struct ots_views *views = &view->synced.views;
    struct ots_extract *extract = views->oldest;
    while (extract && (views->count > OTS_VIEWS_MAX || views->node_count > OTS_VIEWS_NODES_MAX)) {
        /* Views in it are older, so this is none of those that go with it. */
        struct ots_extract *newer = extract->newer;
        if (!extract->pin_count)
            ots_tree_forget(&view->synced.tree, extract->node);
        extract = newer;
    }
}

void ots_views_note_nodes_locked(struct ots_extract *extract, size_t count)
{
    if (extract->node->kind != OTS_NODE_EXTRACT)
        return;
    struct ots_views *views = &extract->view->synced.views;
    views->node_count += count - extract->node_count;
    extract->node_count = count;
    forget_oldest(extract->view);
}

/* --- finding and making -----------------------------------------------------------------------*/

bool ots_node_is_changes(const struct ots_node *dir)
{
    return dir->kind == OTS_NODE_VIEWS && ots_slice_equal(dir->name, CHANGES);
}

/* What the name in `dir` selects of what `dir` lies in; borrows the name. */
static enum ots_status parse_name(const struct ots_node *dir, struct ots_slice name,
                                  struct ots_arena *arena, struct ots_selection *selection)
{
    const struct ots_extract *within = ots_node_extract(dir);
    struct ots_selection own;
    enum ots_status status;
    if (ots_slice_equal(dir->name, RANGES))
        status = ots_selection_parse_range(name, &own);
    else if (ots_slice_equal(dir->name, CHANGES))
        status = ots_selection_parse_changes(name, &own);
    else if (ots_slice_equal(dir->name, SPLITS))
        status = ots_selection_parse_splits(name, &own);
    else
        status = ots_selection_parse_fields(name, arena, &own);
    if (status != OTS_OK)
        return status;
    return ots_selection_intersect(&within->selection, &own, arena, selection);
}

enum ots_status ots_views_check_name(struct ots_view *view, struct ots_node *dir,
                                     struct ots_slice name, struct ots_interrupt *interrupt,
                                     struct ots_error *err)
{
    struct ots_selection selection;
    struct ots_node *node = NULL;
    if (!ots_node_is_changes(dir))
        return OTS_OK;
    struct ots_arena arena = OTS_ARENA_INIT;
    enum ots_status status = parse_name(dir, name, &arena, &selection);
    if (status == OTS_OK) {
        pthread_mutex_lock(&view->synced.lock);
        node = ots_node_child(dir, name);
        if (node)
            ots_node_pin_locked(node);
        pthread_mutex_unlock(&view->synced.lock);
        status = ots_window_check(ots_node_table(dir), &selection, node ? node->extract : NULL,
                                  interrupt, err);
    } else {
        ots_error_set(err, status, "%.*s is no window", OTS_SLICE_FMT(name));
    }
    ots_view_unpin(view, node);
    ots_arena_deinit(&arena);
    return status;
}

/* A view of the extract that `dir` is in, as the newest. */
static struct ots_extract *view_new(struct ots_view *view, struct ots_node *dir,
                                    struct ots_slice name)
{
    struct ots_extract *extract = calloc(1, sizeof(*extract));
    struct ots_node *node = extract ? ots_node_child_make(dir, OTS_NODE_EXTRACT, name) : NULL;
    if (!node) {
        free(extract);
        return NULL;
    }
    *extract = (struct ots_extract){
        .view = view, .table = ots_node_table(dir), .node = node, .arena = OTS_ARENA_INIT};
    node->extract = extract;
    node->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
    put_first(&view->synced.views, extract);
    view->synced.views.count++;
    return extract;
}

static enum ots_status make_view(struct ots_view *view, struct ots_node *dir, struct ots_slice name,
                                 struct ots_node **node)
{
    struct ots_extract *extract = view_new(view, dir, name);
    if (!extract)
        return OTS_NOMEM;
    *node = extract->node;
    enum ots_status status = parse_name(dir, (*node)->name, &extract->arena, &extract->selection);
    if (status == OTS_OK)
        status = ots_tree_list(&view->synced.tree, *node);
    if (status == OTS_OK) {
        /* Also makes the views that it lies in newer than it is. */
        ots_node_pin_locked(*node);
        forget_oldest(view);
        ots_node_unpin_locked(*node);
        if (view->synced.views.count > OTS_VIEWS_MAX)
            status = OTS_TOO_MANY;
    }
    if (status != OTS_OK)
        ots_tree_forget(&view->synced.tree, *node);
    return status;
}

/* `.range`, `.fields`, `.changes` or `.splits`. */
static enum ots_status make_dir(struct ots_view *view, struct ots_node *dir, struct ots_slice name,
                                struct ots_node **out)
{
    if (!ots_slice_equal(name, RANGES) && !ots_slice_equal(name, FIELDS) &&
        !ots_slice_equal(name, CHANGES) && !ots_slice_equal(name, SPLITS))
        return OTS_NOT_FOUND;
    struct ots_node *node = ots_node_child_make(dir, OTS_NODE_VIEWS, name);
    if (!node)
        return OTS_NOMEM;
    node->mtime_ns = dir->mtime_ns;
    *out = node;
    return ots_tree_list(&view->synced.tree, node);
}

enum ots_status ots_views_find_locked(struct ots_view *view, struct ots_node *dir,
                                      struct ots_slice name, struct ots_node **node)
{
    *node = ots_node_child(dir, name);
    if (*node && (*node)->is_listed)
        return OTS_OK;
    if (dir->kind == OTS_NODE_VIEWS)
        return make_view(view, dir, name, node);
    if (dir->kind == OTS_NODE_TABLE || dir->kind == OTS_NODE_EXTRACT)
        return make_dir(view, dir, name, node);
    return OTS_NOT_FOUND;
}
