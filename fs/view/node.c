#include "fs/view/node.h"

#include <search.h>
#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/view/state.h"

/* A key with everything it points to, so that one free() ends it. */
struct owned_key {
    struct ots_series_key key;
    struct ots_arena arena;
};

static int compare_names(const void *a, const void *b)
{
    const struct ots_node *left = a;
    const struct ots_node *right = b;
    return ots_slice_compare(left->name, right->name);
}

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
    if (kind == OTS_NODE_TIMELINE)
        ots_history_init(&node->timeline.history);
    return node;
}

static void deinit_timeline(struct ots_node *timeline)
{
    struct owned_key *owned = (struct owned_key *)(void *)timeline->timeline.key;
    ots_history_deinit(&timeline->timeline.history);
    ots_found_deinit(&timeline->timeline.found);
    if (owned)
        ots_arena_deinit(&owned->arena);
    free(owned);
}

static void node_free(void *pointer)
{
    struct ots_node *node = pointer;
    tdestroy(node->children, node_free);
    if (node->kind == OTS_NODE_EXTRACT)
        ots_extract_free(node->extract);
    if (node->kind == OTS_NODE_TIMELINE)
        deinit_timeline(node);
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
    struct ots_node wanted = {.name = name};
    struct ots_node **found = tfind(&wanted, &dir->children, compare_names);
    return found ? *found : NULL;
}

struct ots_node *ots_node_child_make(struct ots_node *dir, enum ots_node_kind kind,
                                     struct ots_slice name)
{
    struct ots_node *child = ots_node_child(dir, name);
    if (child)
        return child;
    child = node_new(dir, kind, name);
    if (child && !tsearch(child, &dir->children, compare_names)) {
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

enum ots_status ots_tree_list(struct ots_tree *tree, struct ots_node *node)
{
    if (!node->ino) {
        struct ots_ino_page *page = make_page(tree, tree->next_ino);
        if (!page)
            return OTS_NOMEM;
        node->ino = tree->next_ino++;
        page->nodes[node->ino % OTS_INO_PAGE_NODES] = node;
        page->node_count++;
    }
    node->is_listed = true;
    if (node->kind == OTS_NODE_TIMELINE)
        node->timeline.is_removed = false;
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
    if (!node->ino)
        return;
    struct ots_ino_page **page = &tree->pages[node->ino / OTS_INO_PAGE_NODES];
    (*page)->nodes[node->ino % OTS_INO_PAGE_NODES] = NULL;
    bool is_full = tree->next_ino > node->ino - node->ino % OTS_INO_PAGE_NODES + OTS_INO_PAGE_NODES;
    if (--(*page)->node_count == 0 && is_full) {
        free(*page);
        *page = NULL;
    }
}

void ots_tree_forget(struct ots_tree *tree, struct ots_node *node)
{
    forget_inos(node, tree);
    tdelete(node, &node->parent->children, compare_names);
    node_free(node);
}

struct walk {
    void (*visit)(struct ots_node *child, void *context);
    void *context;
};

static void visit_in_order(const void *entry, VISIT visit, void *closure)
{
    struct walk *walk = closure;
    if (visit == postorder || visit == leaf)
        walk->visit(*(struct ots_node *const *)entry, walk->context);
}

void ots_node_each_child(const struct ots_node *dir,
                         void (*visit)(struct ots_node *child, void *context), void *context)
{
    struct walk walk = {visit, context};
    twalk_r(dir->children, visit_in_order, &walk);
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

enum ots_status ots_node_set_key(struct ots_node *timeline, const struct ots_series_key *key)
{
    if (timeline->timeline.key || !(ots_timeline_name_is_hashed(timeline->name) ||
                                    ots_measurement_name_is_hashed(timeline->parent->name)))
        return OTS_OK;
    struct owned_key *owned = calloc(1, sizeof(*owned));
    if (!owned)
        return OTS_NOMEM;
    owned->arena = OTS_ARENA_INIT;
    if (ots_series_key_copy(&owned->arena, key, &owned->key) != OTS_OK) {
        ots_arena_deinit(&owned->arena);
        free(owned);
        return OTS_NOMEM;
    }
    timeline->timeline.key = &owned->key;
    return OTS_OK;
}

enum ots_status ots_node_key(const struct ots_node *timeline, struct ots_arena *arena,
                             struct ots_series_key *key)
{
    if (timeline->timeline.key)
        return ots_series_key_copy(arena, timeline->timeline.key, key);
    if (ots_timeline_name_is_hashed(timeline->name) ||
        ots_measurement_name_is_hashed(timeline->parent->name))
        return OTS_NOT_FOUND;
    enum ots_status status = ots_timeline_name_decode(timeline->name, arena, key, NULL);
    if (status != OTS_OK)
        return status;
    return ots_measurement_name_decode(timeline->parent->name, arena, &key->measurement, NULL);
}
