#include "fs/view/node.h"

#include <assert.h>
#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/view/state.h"

struct ots_timeline_more {
    struct ots_history history;
    size_t hold_count; /* of the history */
    /* Only for names that end in a hash: the key. */
    bool has_key;
    struct ots_series_key key;
    struct ots_arena arena; /* of the key */
};

static struct ots_node *node_new(struct ots_node *parent, enum ots_node_kind kind,
                                 struct ots_slice name)
{
    struct ots_node *node = calloc(1, sizeof(*node) + name.size);
    if (!node)
        return NULL;
    uint8_t *text = (uint8_t *)(node + 1);
    if (name.size)
        memcpy(text, name.data, name.size);
    node->kind = kind;
    node->parent = parent;
    node->name = ots_slice(text, name.size);
    return node;
}

static void free_more(struct ots_node *timeline)
{
    struct ots_timeline_more *more = timeline->timeline.more;
    if (!more)
        return;
    ots_history_deinit(&more->history);
    ots_arena_deinit(&more->arena);
    free(more);
    timeline->timeline.more = NULL;
}

static void node_free(struct ots_node *node)
{
    if (node->kind == OTS_NODE_TIMELINE)
        free_more(node);
    if (ots_node_is_directory(node)) {
        for (size_t i = 0; i < node->children.count; i++)
            node_free(node->children.order[i]);
        ots_children_deinit(&node->children);
    }
    if (node->kind == OTS_NODE_EXTRACT)
        ots_extract_free(node->extract);
    free(node);
}

enum ots_status ots_tree_init(struct ots_tree *tree, enum ots_node_kind root_kind)
{
    *tree = (struct ots_tree){.next_ino = OTS_ROOT_INO};
    tree->root = node_new(NULL, root_kind, OTS_SLICE(""));
    if (!tree->root || ots_tree_list(tree, tree->root) != OTS_OK) {
        ots_tree_deinit(tree);
        return OTS_NOMEM;
    }
    return OTS_OK;
}

void ots_tree_deinit(struct ots_tree *tree)
{
    if (tree->root)
        node_free(tree->root);
    for (size_t i = 0; i < tree->page_capacity; i++)
        free(tree->pages[i]);
    free(tree->pages);
    *tree = (struct ots_tree){0};
}

struct ots_node *ots_node_child(const struct ots_node *dir, struct ots_slice name)
{
    return ots_node_is_directory(dir) ? ots_children_find(&dir->children, name) : NULL;
}

struct ots_node *ots_node_child_make(struct ots_node *dir, enum ots_node_kind kind,
                                     struct ots_slice name)
{
    assert(ots_node_is_directory(dir));
    struct ots_node *child = ots_node_child(dir, name);
    if (child)
        return child;
    child = node_new(dir, kind, name);
    if (child && !ots_children_add(&dir->children, child)) {
        node_free(child);
        return NULL;
    }
    return child;
}

/* The page where the number's node has its place. NULL without memory. */
static struct ots_ino_page *make_page(struct ots_tree *tree, uint64_t ino)
{
    size_t index = (size_t)(ino / OTS_INO_PAGE_NODES);
    if (index >= tree->page_capacity) {
        size_t capacity = tree->page_capacity ? tree->page_capacity * 2 : 16;
        if (capacity <= index)
            capacity = index + 1;
        struct ots_ino_page **pages =
            reallocarray(tree->pages, capacity, sizeof(struct ots_ino_page *));
        if (!pages)
            return NULL;
        for (size_t i = tree->page_capacity; i < capacity; i++)
            pages[i] = NULL;
        tree->pages = pages;
        tree->page_capacity = capacity;
    }
    if (!tree->pages[index])
        tree->pages[index] = calloc(1, sizeof(struct ots_ino_page));
    return tree->pages[index];
}

static enum ots_status set_ino(struct ots_tree *tree, struct ots_node *node, uint64_t ino)
{
    struct ots_ino_page *page = make_page(tree, ino);
    if (!page)
        return OTS_NOMEM;
    node->ino = ino;
    page->nodes[ino % OTS_INO_PAGE_NODES] = node;
    page->node_count++;
    return OTS_OK;
}

static void clear_ino(struct ots_tree *tree, uint64_t ino)
{
    struct ots_ino_page **page = &tree->pages[ino / OTS_INO_PAGE_NODES];
    (*page)->nodes[ino % OTS_INO_PAGE_NODES] = NULL;
    bool is_full = tree->next_ino > ino - ino % OTS_INO_PAGE_NODES + OTS_INO_PAGE_NODES;
    if (--(*page)->node_count == 0 && is_full) {
        free(*page);
        *page = NULL;
    }
}

uint64_t ots_tree_take_ino(struct ots_tree *tree)
{
    return tree->next_ino++;
}

enum ots_status ots_tree_renumber(struct ots_tree *tree, struct ots_node *node, uint64_t ino)
{
    uint64_t old_ino = node->ino;
    assert(old_ino && ino < tree->next_ino && !ots_tree_by_ino(tree, ino));
    enum ots_status status = set_ino(tree, node, ino);
    if (status == OTS_OK)
        clear_ino(tree, old_ino);
    return status;
}

enum ots_status ots_tree_list(struct ots_tree *tree, struct ots_node *node)
{
    if (!node->ino) {
        enum ots_status status = set_ino(tree, node, tree->next_ino);
        if (status != OTS_OK)
            return status;
        tree->next_ino++;
    }
    node->is_listed = true;
    node->is_removed = false;
    return OTS_OK;
}

struct ots_node *ots_tree_by_ino(const struct ots_tree *tree, uint64_t ino)
{
    uint64_t index = ino / OTS_INO_PAGE_NODES;
    const struct ots_ino_page *page = index < tree->page_capacity ? tree->pages[index] : NULL;
    return page ? page->nodes[ino % OTS_INO_PAGE_NODES] : NULL;
}

static void forget_inos(struct ots_node *node, void *context)
{
    struct ots_tree *tree = context;
    ots_node_each_child(node, forget_inos, tree);
    if (node->ino)
        clear_ino(tree, node->ino);
}

void ots_tree_forget(struct ots_tree *tree, struct ots_node *node)
{
    forget_inos(node, tree);
    ots_children_remove(&node->parent->children, node);
    node_free(node);
}

void ots_node_each_child(struct ots_node *dir, void (*visit)(struct ots_node *child, void *context),
                         void *context)
{
    if (!ots_node_is_directory(dir))
        return;
    struct ots_node *const *sorted = ots_children_sorted(&dir->children);
    for (size_t i = 0; i < dir->children.count; i++)
        visit(sorted[i], context);
}

bool ots_node_is_directory(const struct ots_node *node)
{
    switch (node->kind) {
    case OTS_NODE_ROOT:
    case OTS_NODE_INSTANCE:
    case OTS_NODE_TABLE:
    case OTS_NODE_VIEWS:
    case OTS_NODE_EXTRACT:
    case OTS_NODE_MEASUREMENT:
    case OTS_NODE_STATUS_DIR:
        return true;
    case OTS_NODE_TIMELINE:
    case OTS_NODE_STAGING:
    case OTS_NODE_PORT:
    case OTS_NODE_STATUS_FILE:
        break;
    }
    return false;
}

bool ots_node_is_shown(const struct ots_node *node)
{
    switch (node->kind) {
    case OTS_NODE_VIEWS:
    case OTS_NODE_EXTRACT:
    case OTS_NODE_STAGING:
    case OTS_NODE_PORT:
        return false;
    case OTS_NODE_STATUS_DIR:
        return node->is_listed && node->parent->kind == OTS_NODE_STATUS_DIR;
    case OTS_NODE_ROOT:
    case OTS_NODE_INSTANCE:
    case OTS_NODE_TABLE:
    case OTS_NODE_MEASUREMENT:
    case OTS_NODE_TIMELINE:
    case OTS_NODE_STATUS_FILE:
        break;
    }
    return node->is_listed;
}

static void count_shown(struct ots_node *child, void *context)
{
    size_t *count = context;
    *count += ots_node_is_shown(child);
}

size_t ots_node_count_shown(struct ots_node *dir)
{
    size_t count = 0;
    ots_node_each_child(dir, count_shown, &count);
    return count;
}

struct ots_instance *ots_node_instance(const struct ots_node *node)
{
    while (node && node->kind != OTS_NODE_INSTANCE)
        node = node->parent;
    return node ? node->instance : NULL;
}

struct ots_table *ots_node_table(const struct ots_node *node)
{
    while (node && node->kind != OTS_NODE_TABLE)
        node = node->parent;
    return node ? node->table : NULL;
}

struct ots_extract *ots_node_extract(const struct ots_node *node)
{
    while (node && node->kind != OTS_NODE_TABLE && node->kind != OTS_NODE_EXTRACT)
        node = node->parent;
    if (!node)
        return NULL;
    return node->kind == OTS_NODE_EXTRACT ? node->extract : &node->table->whole;
}

/* --- what few timelines need ------------------------------------------------------------------*/

/* NULL without memory. */
static struct ots_timeline_more *make_more(struct ots_node *timeline)
{
    if (timeline->timeline.more)
        return timeline->timeline.more;
    struct ots_timeline_more *more = calloc(1, sizeof(*more));
    if (!more)
        return NULL;
    more->arena = OTS_ARENA_INIT;
    ots_history_init(&more->history);
    const struct ots_extent *known = &timeline->timeline.extent;
    if (known->row_count)
        ots_history_see_row(&more->history, known->last_time_us);
    /* Nobody knows since when, because there was no memory for it. */
    if (ots_node_is_dirty(timeline))
        ots_history_write(&more->history, INT64_MIN);
    timeline->timeline.more = more;
    return more;
}

/* Free what says nothing. */
static void drop_more(struct ots_node *timeline)
{
    const struct ots_timeline_more *more = timeline->timeline.more;
    if (more && !more->hold_count && !more->has_key && !ots_node_is_dirty(timeline) &&
        !ots_history_is_needed(&more->history))
        free_more(timeline);
}

struct ots_history *ots_node_history(const struct ots_node *timeline)
{
    struct ots_timeline_more *more = timeline->timeline.more;
    return more ? &more->history : NULL;
}

struct ots_history *ots_node_hold_history(struct ots_node *timeline)
{
    struct ots_timeline_more *more = make_more(timeline);
    if (!more)
        return NULL;
    more->hold_count++;
    return &more->history;
}

void ots_node_release_history(struct ots_node *timeline)
{
    assert(timeline->timeline.more && timeline->timeline.more->hold_count);
    timeline->timeline.more->hold_count--;
    drop_more(timeline);
}

bool ots_node_is_held(const struct ots_node *timeline)
{
    return timeline->timeline.more && timeline->timeline.more->hold_count;
}

void ots_node_note_write(struct ots_node *timeline, int64_t from_us)
{
    struct ots_timeline_more *more = make_more(timeline);
    if (more)
        ots_history_write(&more->history, from_us);
}

/* The first row in a MiB is known by the end of the one before it. */
void ots_node_note_growth(struct ots_node *timeline, int64_t time_us, uint64_t size_bytes)
{
    const struct ots_extent *before = &timeline->timeline.extent;
    bool is_due =
        before->row_count && (timeline->is_mark_due || before->row_count % OTS_MARK_ROWS == 0);
    struct ots_timeline_more *more = is_due ? make_more(timeline) : timeline->timeline.more;
    if (more) {
        size_t next = more->history.marks.count;
        if (is_due)
            ots_marks_pass(&more->history.marks, &next, before, time_us);
        ots_history_see_row(&more->history, time_us);
    }
    timeline->is_mark_due =
        (before->size_bytes + size_bytes) / OTS_MARK_BYTES != before->size_bytes / OTS_MARK_BYTES;
}

void ots_node_note_replaced(struct ots_node *timeline, int64_t time_us)
{
    struct ots_timeline_more *more = timeline->timeline.more;
    timeline->is_mark_due = false;
    if (!more)
        return;
    ots_marks_cut(&more->history.marks, time_us);
    drop_more(timeline);
}

void ots_node_note_measured(struct ots_node *timeline, const struct ots_measured *measured,
                            bool is_all)
{
    bool has_marks = measured->marks && measured->marks->count;
    struct ots_timeline_more *more = has_marks ? make_more(timeline) : timeline->timeline.more;
    if (more)
        ots_history_note(&more->history, &timeline->timeline.extent, timeline->timeline.begin_us,
                         measured, is_all);
    timeline->timeline.extent = measured->extent;
    timeline->timeline.begin_us = measured->begin_us;
    timeline->is_mark_due = false;
    drop_more(timeline);
}

int64_t ots_node_first_us(const struct ots_node *timeline, int64_t newest_us)
{
    int64_t seen_us = timeline->timeline.seen_us;
    return seen_us && seen_us < newest_us ? seen_us : newest_us;
}

enum ots_status ots_node_set_key(struct ots_node *timeline, const struct ots_series_key *key)
{
    struct ots_timeline_more *more = timeline->timeline.more;
    if ((more && more->has_key) || !(ots_timeline_name_is_hashed(timeline->name) ||
                                     ots_measurement_name_is_hashed(timeline->parent->name)))
        return OTS_OK;
    more = make_more(timeline);
    if (!more || ots_series_key_copy(&more->arena, key, &more->key) != OTS_OK)
        return OTS_NOMEM;
    more->has_key = true;
    return OTS_OK;
}

enum ots_status ots_node_key(const struct ots_node *timeline, struct ots_arena *arena,
                             struct ots_series_key *key)
{
    const struct ots_timeline_more *more = timeline->timeline.more;
    if (more && more->has_key)
        return ots_series_key_copy(arena, &more->key, key);
    if (ots_timeline_name_is_hashed(timeline->name) ||
        ots_measurement_name_is_hashed(timeline->parent->name))
        return OTS_NOT_FOUND;
    enum ots_status status = ots_timeline_name_decode(timeline->name, arena, key, NULL);
    if (status != OTS_OK)
        return status;
    return ots_measurement_name_decode(timeline->parent->name, arena, &key->measurement, NULL);
}
