#include "fs/view/xattr.h"

#include "backend/base/cleanup.h"
#include "fs/view/attributes.h"
#include "fs/view/described.h"
#include "fs/view/portion.h"
#include "fs/view/staging.h"
#include "fs/view/table_options.h"
#include "fs/view/views.h"

static const struct ots_slice ATTRIBUTE_PREFIX = {(const uint8_t *)"user.ots.attr.", 14};
static const struct ots_slice OPTIONS_NAME = {(const uint8_t *)"user.ots.options", 16};

OTS_DEFINE_FREEP(struct ots_staging, ots_staging_unref, ots_staging_unrefp)

enum { NAME_BYTES_MAX = 255 }; /* the kernel's for any extended attribute */

/* Sets `*key` to the name of a timeline's attribute. */
static bool is_attribute(struct ots_slice name, struct ots_slice *key)
{
    if (!ots_slice_starts(name, ATTRIBUTE_PREFIX))
        return false;
    *key = ots_slice(name.data + ATTRIBUTE_PREFIX.size, name.size - ATTRIBUTE_PREFIX.size);
    return true;
}

static bool is_options(struct ots_slice name)
{
    return ots_slice_equal(name, OPTIONS_NAME);
}

bool ots_xattr_name_is_ours(struct ots_slice name)
{
    struct ots_slice key;
    return is_options(name) || is_attribute(name, &key);
}

static enum ots_status no_attribute(struct ots_slice name, struct ots_error *err)
{
    return ots_error_set(err, OTS_NO_ATTRIBUTE, "no attribute %.*s", OTS_SLICE_FMT(name));
}

static enum ots_status check_allowed(struct ots_table *table, struct ots_interrupt *interrupt,
                                     struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_table_meta meta;
    enum ots_status status = ots_table_describe(table, interrupt, &arena, &meta, err);
    if (status == OTS_OK && !meta.allow_update_attributes)
        status =
            ots_error_set(err, OTS_NOT_PERMITTED, "the table does not allow changes of attributes");
    ots_arena_deinit(&arena);
    return status;
}

static enum ots_status not_settable(struct ots_slice name, struct ots_error *err)
{
    return ots_error_set(err, OTS_UNSUPPORTED, "%.*s cannot be set here", OTS_SLICE_FMT(name));
}

/* --- staging files ----------------------------------------------------------------------------*/

static enum ots_status get_of_staging(struct ots_staging *staging, struct ots_slice name,
                                      struct ots_buf *value, struct ots_error *err)
{
    struct ots_slice key;
    if (!is_attribute(name, &key))
        return no_attribute(name, err);
    pthread_mutex_lock(&staging->view->synced.lock);
    const struct ots_attribute_set *set = &staging->attributes;
    const struct ots_tag *found = ots_attribute_find(set->items, set->count, key);
    if (found)
        ots_buf_append_slice(value, found->value);
    pthread_mutex_unlock(&staging->view->synced.lock);
    return found ? OTS_OK : no_attribute(name, err);
}

static enum ots_status change_of_staging(struct ots_staging *staging, struct ots_slice name,
                                         const struct ots_slice *value,
                                         enum ots_attribute_mode mode,
                                         struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_slice key;
    if (!is_attribute(name, &key))
        return not_settable(name, err);
    enum ots_status status = check_allowed(ots_node_table(&staging->node), interrupt, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&staging->view->synced.lock);
    struct ots_attribute_set *set = &staging->attributes;
    bool is_there = ots_attribute_find(set->items, set->count, key);
    if (staging->is_timeline)
        status = ots_error_set(err, OTS_STALE, "the file has become a timeline");
    else
        status = ots_attribute_check_mode(is_there, value, mode);
    if (status == OTS_OK)
        status = ots_attribute_set_change(set, key, value, err);
    pthread_mutex_unlock(&staging->view->synced.lock);
    return status;
}

/* --- reading ----------------------------------------------------------------------------------*/

static enum ots_status get_attributes(struct ots_node *timeline, struct ots_interrupt *interrupt,
                                      struct ots_attribute_set *set, struct ots_error *err)
{
    struct ots_node *known = ots_node_known(timeline);
    return ots_attributes_get(ots_node_table(known)->attributes, known, interrupt, set, err);
}

static enum ots_status get_attribute(struct ots_node *node, struct ots_slice key,
                                     struct ots_interrupt *interrupt, struct ots_buf *value,
                                     struct ots_error *err)
{
    struct ots_attribute_set set = OTS_ATTRIBUTE_SET_INIT;
    enum ots_status status = get_attributes(node, interrupt, &set, err);
    const struct ots_tag *found = ots_attribute_find(set.items, set.count, key);
    if (status == OTS_OK && !found)
        status = no_attribute(key, err);
    else if (status == OTS_OK)
        ots_buf_append_slice(value, found->value);
    ots_attribute_set_deinit(&set);
    return status;
}

static enum ots_status get_options(struct ots_table *table, struct ots_interrupt *interrupt,
                                   struct ots_buf *value, struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_table_meta meta;
    enum ots_status status = ots_table_describe(table, interrupt, &arena, &meta, err);
    if (status == OTS_OK)
        status = ots_table_options_print(&meta, value);
    ots_arena_deinit(&arena);
    return status;
}

static enum ots_status get(struct ots_node *node, struct ots_slice name,
                           struct ots_interrupt *interrupt, struct ots_buf *value,
                           struct ots_error *err)
{
    struct ots_slice key;
    if (node->kind == OTS_NODE_TIMELINE && is_attribute(name, &key))
        return get_attribute(node, key, interrupt, value, err);
    if (node->kind == OTS_NODE_TABLE && is_options(name))
        return get_options(node->table, interrupt, value, err);
    return no_attribute(name, err);
}

enum ots_status ots_view_getxattr(struct ots_view *view, uint64_t ino, struct ots_slice name,
                                  struct ots_interrupt *interrupt, struct ots_buf *value,
                                  struct ots_error *err)
{
    struct ots_node *node = NULL;
    OTS_AUTO(ots_staging_unrefp) struct ots_staging *staging = ots_staging_by_ino(view, ino);
    enum ots_status status =
        staging ? get_of_staging(staging, name, value, err) : ots_view_pin(view, ino, &node, err);
    if (status == OTS_OK && !staging)
        status = get(node, name, interrupt, value, err);
    ots_view_unpin(view, node);
    return status == OTS_OK ? ots_buf_status(value) : status;
}

/* One that nobody could ask for is not told. */
static bool can_be_named(struct ots_slice key)
{
    return key.size && key.size <= NAME_BYTES_MAX - ATTRIBUTE_PREFIX.size &&
           !memchr(key.data, '\0', key.size);
}

static void append_names(const struct ots_attribute_set *set, struct ots_buf *names)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!can_be_named(set->items[i].name))
            continue;
        ots_buf_append_slice(names, ATTRIBUTE_PREFIX);
        ots_buf_append_slice(names, set->items[i].name);
        ots_buf_append_byte(names, '\0');
    }
}

static enum ots_status list_attributes(struct ots_node *node, struct ots_interrupt *interrupt,
                                       struct ots_buf *names, struct ots_error *err)
{
    struct ots_attribute_set set = OTS_ATTRIBUTE_SET_INIT;
    enum ots_status status = get_attributes(node, interrupt, &set, err);
    if (status == OTS_OK)
        append_names(&set, names);
    ots_attribute_set_deinit(&set);
    return status;
}

enum ots_status ots_view_listxattr(struct ots_view *view, uint64_t ino,
                                   struct ots_interrupt *interrupt, struct ots_buf *names,
                                   struct ots_error *err)
{
    struct ots_node *node;
    OTS_AUTO(ots_staging_unrefp) struct ots_staging *staging = ots_staging_by_ino(view, ino);
    if (staging) {
        pthread_mutex_lock(&view->synced.lock);
        append_names(&staging->attributes, names);
        pthread_mutex_unlock(&view->synced.lock);
        return ots_buf_status(names);
    }
    enum ots_status status = ots_view_pin(view, ino, &node, err);
    if (status == OTS_OK && node->kind == OTS_NODE_TIMELINE) {
        status = list_attributes(node, interrupt, names, err);
    } else if (status == OTS_OK && node->kind == OTS_NODE_TABLE) {
        ots_buf_append_slice(names, OPTIONS_NAME);
        ots_buf_append_byte(names, '\0');
    }
    ots_view_unpin(view, node);
    return status == OTS_OK ? ots_buf_status(names) : status;
}

/* --- changing ---------------------------------------------------------------------------------*/

static enum ots_status change_attribute(struct ots_node *timeline, struct ots_slice key,
                                        const struct ots_slice *value, enum ots_attribute_mode mode,
                                        struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_table *table = ots_node_table(timeline);
    enum ots_status status = check_allowed(table, interrupt, err);
    if (status == OTS_OK)
        status =
            ots_attributes_change(table->attributes, timeline, key, value, mode, interrupt, err);
    return status == OTS_NO_ATTRIBUTE ? no_attribute(key, err) : status;
}

/* The node, if it can be written; nothing else of the tree is ever forgotten. */
static enum ots_status writable_node(struct ots_view *view, uint64_t ino, struct ots_node **node,
                                     struct ots_error *err)
{
    enum ots_status status = ots_view_check_writable(view, ino, err);
    if (status != OTS_OK)
        return status;
    status = ots_view_pin(view, ino, node, err);
    ots_view_unpin(view, *node);
    return status;
}

enum ots_status ots_view_setxattr(struct ots_view *view, uint64_t ino, struct ots_slice name,
                                  struct ots_slice value, enum ots_attribute_mode mode,
                                  struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_node *node;
    struct ots_slice key;
    OTS_AUTO(ots_staging_unrefp) struct ots_staging *staging = ots_staging_by_ino(view, ino);
    if (staging)
        return change_of_staging(staging, name, &value, mode, interrupt, err);
    enum ots_status status = writable_node(view, ino, &node, err);
    if (status != OTS_OK)
        return status;
    if (node->kind == OTS_NODE_TIMELINE && is_attribute(name, &key))
        return change_attribute(node, key, &value, mode, interrupt, err);
    if (node->kind != OTS_NODE_TABLE || !is_options(name))
        return not_settable(name, err);
    if (mode == OTS_ATTRIBUTE_CREATE)
        return ots_error_set(err, OTS_EXISTS, "a table always has options");
    return ots_table_change_options(node->table, value, interrupt, err);
}

/*
 * Tools that copy from where there are no options remove those that they find. While these are the
 * ones that a table has without them, nothing is lost.
 */
static enum ots_status remove_options(struct ots_table *table, struct ots_interrupt *interrupt,
                                      struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_table_meta meta;
    enum ots_status status = ots_table_describe(table, interrupt, &arena, &meta, err);
    if (status == OTS_OK && !ots_table_options_are_default(&meta))
        status = ots_error_set(err, OTS_NOT_PERMITTED, "a table always has options");
    ots_arena_deinit(&arena);
    return status;
}

enum ots_status ots_view_removexattr(struct ots_view *view, uint64_t ino, struct ots_slice name,
                                     struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_node *node;
    struct ots_slice key;
    OTS_AUTO(ots_staging_unrefp) struct ots_staging *staging = ots_staging_by_ino(view, ino);
    if (staging)
        return change_of_staging(staging, name, NULL, OTS_ATTRIBUTE_REPLACE, interrupt, err);
    enum ots_status status = writable_node(view, ino, &node, err);
    if (status != OTS_OK)
        return status;
    if (node->kind == OTS_NODE_TIMELINE && is_attribute(name, &key))
        return change_attribute(node, key, NULL, OTS_ATTRIBUTE_REPLACE, interrupt, err);
    if (node->kind == OTS_NODE_TABLE && is_options(name))
        return remove_options(node->table, interrupt, err);
    return no_attribute(name, err);
}
