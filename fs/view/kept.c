#include "fs/view/kept.h"

#include <assert.h>
#include <stdlib.h>

#include "fs/view/state.h"

enum { CAPACITY_MIN = 64 };

void ots_kept_deinit(struct ots_kept *kept)
{
    free(kept->stale);
    *kept = (struct ots_kept){0};
}

/* So that dropping what is kept cannot fail. */
static bool reserve(struct ots_kept *kept)
{
    if (kept->kept_count + kept->stale_count < kept->capacity)
        return true;
    size_t capacity = kept->capacity ? 2 * kept->capacity : CAPACITY_MIN;
    uint64_t *stale = reallocarray(NULL, capacity, sizeof(*stale));
    if (!stale)
        return false;
    for (size_t i = 0; i < kept->stale_count; i++)
        stale[i] = kept->stale[(kept->first + i) % kept->capacity];
    free(kept->stale);
    kept->stale = stale;
    kept->capacity = capacity;
    kept->first = 0;
    return true;
}

/* Whether what is known of it is exact, and all that changes it is noticed. */
static bool is_lasting(struct ots_node *node)
{
    bool is_directory = node->kind == OTS_NODE_MEASUREMENT || node->kind == OTS_NODE_TABLE;
    if ((node->kind != OTS_NODE_TIMELINE && !is_directory) || !node->is_listed ||
        ots_node_is_in_view(node))
        return false;
    const struct ots_table *table = ots_node_table(node);
    if (!atomic_load(&table->is_followed) || !table->is_learned || table->has_gap)
        return false;
    return is_directory ||
           (!node->is_sending && !ots_extract_is_unmeasured_locked(&table->whole, node));
}

static bool add(struct ots_view *view, struct ots_node *node)
{
    struct ots_kept *kept = &view->synced.kept;
    if (!view->options.tells_stale || !is_lasting(node))
        return false;
    if (node->is_kept)
        return true;
    if (!reserve(kept))
        return false;
    node->is_kept = true;
    kept->kept_count++;
    return true;
}

void ots_kept_tell_locked(struct ots_view *view, struct ots_node *node, struct ots_attr *attr)
{
    ots_node_attr_locked(node, attr);
    /* A timeline that has no rows is about to get some. */
    bool is_empty = node->kind == OTS_NODE_TIMELINE && !node->timeline.extent.row_count;
    attr->is_kept = !is_empty && add(view, node);
}

void ots_kept_tell_made_locked(struct ots_view *view, struct ots_node *node, struct ots_attr *attr)
{
    ots_node_attr_locked(node, attr);
    attr->is_kept = add(view, node);
}

bool ots_kept_begin_own_locked(struct ots_node *node)
{
    bool was_kept = node->is_kept;
    node->is_kept = false;
    return was_kept;
}

/* It was one of those that are kept. */
static void add_stale(struct ots_view *view, struct ots_node *node)
{
    struct ots_kept *kept = &view->synced.kept;
    assert(kept->kept_count + kept->stale_count <= kept->capacity);
    kept->kept_count--;
    kept->stale[(kept->first + kept->stale_count) % kept->capacity] = node->ino;
    if (!kept->stale_count++)
        pthread_cond_signal(&view->synced.stale);
    kept->dropped_count++;
}

void ots_kept_end_own_locked(struct ots_view *view, struct ots_node *node, bool is_noticed)
{
    if (is_noticed)
        view->synced.kept.kept_count--;
    else
        add_stale(view, node);
}

void ots_kept_drop_locked(struct ots_view *view, struct ots_node *node)
{
    if (!node->is_kept)
        return;
    node->is_kept = false;
    add_stale(view, node);
}

static void drop(struct ots_node *node, void *context)
{
    ots_kept_drop_locked(context, node);
    if (node->kind == OTS_NODE_MEASUREMENT)
        ots_node_each_child(node, drop, context);
}

void ots_kept_drop_table_locked(struct ots_view *view, struct ots_node *table)
{
    ots_kept_drop_locked(view, table);
    ots_node_each_child(table, drop, view);
}

/* --- who tells --------------------------------------------------------------------------------*/

static void wake_teller(void *context)
{
    struct ots_view *view = context;
    pthread_mutex_lock(&view->synced.lock);
    pthread_cond_broadcast(&view->synced.stale);
    pthread_mutex_unlock(&view->synced.lock);
}

size_t ots_view_take_stale(struct ots_view *view, uint64_t *inos, size_t max,
                           struct ots_interrupt *interrupt)
{
    struct ots_kept *kept = &view->synced.kept;
    size_t count = 0;
    ots_interrupt_attach_waiter(interrupt, wake_teller, view);
    pthread_mutex_lock(&view->synced.lock);
    while (!kept->stale_count && !ots_interrupt_is_raised(interrupt))
        pthread_cond_wait(&view->synced.stale, &view->synced.lock);
    for (; count < max && kept->stale_count; kept->stale_count--) {
        inos[count++] = kept->stale[kept->first];
        kept->first = (kept->first + 1) % kept->capacity;
    }
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
    return count;
}

uint64_t ots_view_stale_count(struct ots_view *view)
{
    pthread_mutex_lock(&view->synced.lock);
    uint64_t count = view->synced.kept.dropped_count;
    pthread_mutex_unlock(&view->synced.lock);
    return count;
}

bool ots_view_may_be_stale(struct ots_view *view, uint64_t ino)
{
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_node *node = ots_tree_by_ino(&view->synced.tree, ino);
    bool may_be_stale =
        node && node->kind == OTS_NODE_TIMELINE && !node->is_kept && !ots_node_is_in_view(node);
    pthread_mutex_unlock(&view->synced.lock);
    return may_be_stale;
}
