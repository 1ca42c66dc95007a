#include "fs/view/staging.h"

#include <search.h>
#include <stdlib.h>

#include "fs/view/unsaved.h"

static const char TIMELINE_SUFFIX[] = ".lp";

bool ots_staging_is_name(struct ots_slice name)
{
    const size_t size = sizeof(TIMELINE_SUFFIX) - 1;
    if (!name.size || name.data[0] == '.')
        return name.size;
    return name.size < size || memcmp(name.data + name.size - size, TIMELINE_SUFFIX, size) != 0;
}

/* --- the set ----------------------------------------------------------------------------------*/

static int compare_names(const void *a, const void *b)
{
    const struct ots_staging *left = a;
    const struct ots_staging *right = b;
    if (left->parent_ino != right->parent_ino)
        return left->parent_ino < right->parent_ino ? -1 : 1;
    return ots_slice_compare(left->node.name, right->node.name);
}

static int compare_inos(const void *a, const void *b)
{
    const struct ots_staging *left = a;
    const struct ots_staging *right = b;
    return (left->node.ino > right->node.ino) - (left->node.ino < right->node.ino);
}

static struct ots_staging *ref_locked(struct ots_staging *staging)
{
    staging->references++;
    return staging;
}

static struct ots_staging *find_locked(struct ots_view *view, uint64_t measurement,
                                       struct ots_slice name)
{
    struct ots_staging wanted = {.node = {.name = name}, .parent_ino = measurement};
    struct ots_staging **found = tfind(&wanted, &view->synced.staging.by_name, compare_names);
    return found ? *found : NULL;
}

struct ots_staging *ots_staging_find(struct ots_view *view, uint64_t measurement,
                                     struct ots_slice name)
{
    pthread_mutex_lock(&view->synced.lock);
    struct ots_staging *staging = find_locked(view, measurement, name);
    if (staging)
        ref_locked(staging);
    pthread_mutex_unlock(&view->synced.lock);
    return staging;
}

static struct ots_staging *by_ino_locked(const struct ots_view *view, uint64_t ino)
{
    struct ots_staging wanted = {.node = {.ino = ino}};
    struct ots_staging **found = tfind(&wanted, &view->synced.staging.by_ino, compare_inos);
    return found ? *found : NULL;
}

struct ots_staging *ots_staging_by_ino(struct ots_view *view, uint64_t ino)
{
    pthread_mutex_lock(&view->synced.lock);
    struct ots_staging *staging = by_ino_locked(view, ino);
    bool was_renamed = staging && staging->is_timeline && !staging->is_linked;
    staging = staging && !was_renamed ? ref_locked(staging) : NULL;
    pthread_mutex_unlock(&view->synced.lock);
    return staging;
}

struct ots_staging *ots_staging_to_stat(struct ots_view *view, uint64_t ino)
{
    pthread_mutex_lock(&view->synced.lock);
    struct ots_staging *staging = by_ino_locked(view, ino);
    bool is_taken = ots_tree_by_ino(&view->synced.tree, ino);
    staging = staging && !is_taken ? ref_locked(staging) : NULL;
    pthread_mutex_unlock(&view->synced.lock);
    return staging;
}

static void staging_free(struct ots_staging *staging)
{
    ots_spool_deinit(&staging->content.spool);
    ots_attribute_set_deinit(&staging->attributes);
    pthread_mutex_destroy(&staging->content.lock);
    free((void *)(uintptr_t)staging->node.name.data);
    free(staging);
}

static void remove_locked(struct ots_staging *staging)
{
    struct ots_staging_set *set = &staging->view->synced.staging;
    tdelete(staging, &set->by_ino, compare_inos);
    if (staging->previous)
        staging->previous->next = staging->next;
    else
        set->first = staging->next;
    if (staging->next)
        staging->next->previous = staging->previous;
    set->memory_bytes -= staging->memory_bytes;
    set->count--;
}

/* Whether that was the last one: then the caller frees it without the lock. */
static bool unref_locked(struct ots_staging *staging)
{
    bool is_last = --staging->references == 0;
    if (is_last)
        remove_locked(staging);
    return is_last;
}

void ots_staging_unref(struct ots_staging *staging)
{
    if (!staging)
        return;
    struct ots_view *view = staging->view;
    pthread_mutex_lock(&view->synced.lock);
    bool is_last = unref_locked(staging);
    pthread_mutex_unlock(&view->synced.lock);
    if (is_last)
        staging_free(staging);
}

/* Whoever calls has a reference of its own, so this one is not the last. */
static void unlink_locked(struct ots_staging *staging)
{
    if (!staging->is_linked)
        return;
    tdelete(staging, &staging->view->synced.staging.by_name, compare_names);
    staging->is_linked = false;
    staging->references--;
}

void ots_staging_unlink(struct ots_staging *staging)
{
    pthread_mutex_lock(&staging->view->synced.lock);
    unlink_locked(staging);
    pthread_mutex_unlock(&staging->view->synced.lock);
}

void ots_staging_unlink_all_locked(struct ots_view *view, const struct ots_node *measurement)
{
    struct ots_staging *next;
    for (struct ots_staging *staging = view->synced.staging.first; staging; staging = next) {
        next = staging->next;
        if (!staging->is_linked || staging->node.parent != measurement)
            continue;
        ref_locked(staging);
        unlink_locked(staging);
        if (unref_locked(staging))
            staging_free(staging);
    }
}

static int64_t now_ns(const struct ots_view *view)
{
    return ots_clock_now_us(view->options.clock) * 1000;
}

static struct ots_staging *staging_new(struct ots_view *view, struct ots_node *measurement,
                                       struct ots_slice name)
{
    struct ots_staging *staging = calloc(1, sizeof(*staging));
    uint8_t *text = malloc(name.size);
    if (!staging || !text) {
        free(staging);
        free(text);
        return NULL;
    }
    memcpy(text, name.data, name.size);
    staging->view = view;
    staging->node.kind = OTS_NODE_STAGING;
    staging->node.parent = measurement;
    staging->parent_ino = measurement->ino;
    staging->node.name = ots_slice(text, name.size);
    staging->node.mtime_ns = now_ns(view);
    pthread_mutex_init(&staging->content.lock, NULL);
    ots_spool_init(&staging->content.spool);
    return staging;
}

/* With the reference of its name. */
static bool link_locked(struct ots_staging *staging)
{
    if (!tsearch(staging, &staging->view->synced.staging.by_name, compare_names))
        return false;
    staging->is_linked = true;
    staging->references++;
    return true;
}

static bool insert_locked(struct ots_staging *staging)
{
    struct ots_staging_set *set = &staging->view->synced.staging;
    staging->node.ino = ots_tree_take_ino(&staging->view->synced.tree);
    if (!tsearch(staging, &set->by_ino, compare_inos))
        return false;
    if (!link_locked(staging)) {
        tdelete(staging, &set->by_ino, compare_inos);
        return false;
    }
    set->count++;
    staging->next = set->first;
    if (set->first)
        set->first->previous = staging;
    set->first = staging;
    return true;
}

enum ots_status ots_staging_make(struct ots_view *view, struct ots_node *measurement,
                                 struct ots_slice name, struct ots_staging **out)
{
    struct ots_staging *made = staging_new(view, measurement, name);
    if (!made)
        return OTS_NOMEM;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_staging *staging = find_locked(view, measurement->ino, name);
    if (!staging && insert_locked(made)) {
        staging = made;
        made = NULL;
    }
    if (staging)
        ref_locked(staging);
    pthread_mutex_unlock(&view->synced.lock);
    if (made)
        staging_free(made);
    *out = staging;
    return staging ? OTS_OK : OTS_NOMEM;
}

/* --- names ------------------------------------------------------------------------------------*/

enum ots_status ots_staging_relink(struct ots_staging *staging, struct ots_node *measurement,
                                   struct ots_slice name)
{
    struct ots_view *view = staging->view;
    uint8_t *text = malloc(name.size);
    if (!text)
        return OTS_NOMEM;
    memcpy(text, name.data, name.size);
    uint8_t *old_text = (uint8_t *)(uintptr_t)staging->node.name.data;
    bool is_last = false;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_staging *target = find_locked(view, measurement->ino, name);
    if (target && target != staging) {
        ref_locked(target);
        unlink_locked(target);
        is_last = unref_locked(target);
    }
    unlink_locked(staging);
    staging->node.parent = measurement;
    staging->parent_ino = measurement->ino;
    staging->node.name = ots_slice(text, name.size);
    bool is_linked = link_locked(staging);
    pthread_mutex_unlock(&view->synced.lock);
    free(old_text);
    if (is_last)
        staging_free(target);
    return is_linked ? OTS_OK : OTS_NOMEM;
}

static void set_timeline(struct ots_staging *staging, bool is_timeline)
{
    /* A write that is under way ends first. */
    pthread_mutex_lock(&staging->content.lock);
    pthread_mutex_lock(&staging->view->synced.lock);
    staging->is_timeline = is_timeline;
    pthread_mutex_unlock(&staging->view->synced.lock);
    pthread_mutex_unlock(&staging->content.lock);
}

void ots_staging_freeze(struct ots_staging *staging)
{
    set_timeline(staging, true);
}

void ots_staging_thaw(struct ots_staging *staging)
{
    set_timeline(staging, false);
}

/*
 * The kernel has the file's number under the timeline's name now. When that is none any more it is
 * told so, and asks for the name.
 */
static void take_number_locked(const struct ots_staging *staging, struct ots_node *timeline)
{
    uint64_t ino = staging->node.ino;
    /* It was made after the file, and nobody who has it open asks by its number. */
    if (timeline->ino > ino && !ots_node_is_held(timeline))
        (void)!ots_tree_renumber(&staging->view->synced.tree, timeline, ino);
}

void ots_staging_become(struct ots_staging *staging, struct ots_node *timeline)
{
    struct ots_view *view = staging->view;
    pthread_mutex_lock(&view->synced.lock);
    timeline->mtime_ns = staging->node.mtime_ns;
    timeline->is_mtime_set = true;
    ots_table_note_changed_locked(ots_node_table(timeline), timeline, false);
    unlink_locked(staging);
    take_number_locked(staging, timeline);
    pthread_mutex_unlock(&view->synced.lock);
}

/* --- attributes and content -------------------------------------------------------------------*/

void ots_staging_attr(struct ots_staging *staging, struct ots_attr *attr)
{
    pthread_mutex_lock(&staging->view->synced.lock);
    *attr = (struct ots_attr){
        .ino = staging->node.ino,
        .permissions = 0644,
        .size_bytes = staging->size_bytes,
        .mtime_ns = staging->node.mtime_ns,
    };
    pthread_mutex_unlock(&staging->view->synced.lock);
}

void ots_staging_set_mtime(struct ots_staging *staging, int64_t mtime_ns)
{
    pthread_mutex_lock(&staging->view->synced.lock);
    staging->node.mtime_ns = mtime_ns;
    pthread_mutex_unlock(&staging->view->synced.lock);
}

enum ots_status ots_staging_read(struct ots_staging *staging, uint64_t offset, size_t size,
                                 struct ots_buf *out, struct ots_error *err)
{
    pthread_mutex_lock(&staging->content.lock);
    enum ots_status status = ots_spool_read(&staging->content.spool, offset, size, out, err);
    pthread_mutex_unlock(&staging->content.lock);
    return status;
}

static void note_change(struct ots_staging *staging)
{
    const struct ots_spool *spool = &staging->content.spool;
    struct ots_view *view = staging->view;
    size_t memory_bytes = spool->fd < 0 ? (size_t)spool->size_bytes : 0;
    pthread_mutex_lock(&view->synced.lock);
    view->synced.staging.memory_bytes += memory_bytes - staging->memory_bytes;
    staging->memory_bytes = memory_bytes;
    staging->size_bytes = spool->size_bytes;
    staging->node.mtime_ns = now_ns(view);
    pthread_mutex_unlock(&view->synced.lock);
}

/* Before a change: make room in memory when all of them have more than may be. */
static enum ots_status prepare_change(struct ots_staging *staging, struct ots_error *err)
{
    struct ots_view *view = staging->view;
    pthread_mutex_lock(&view->synced.lock);
    bool is_timeline = staging->is_timeline;
    bool is_much = view->synced.staging.memory_bytes > OTS_STAGING_MEMORY_BYTES_MAX;
    pthread_mutex_unlock(&view->synced.lock);
    if (is_timeline)
        return ots_error_set(err, OTS_STALE, "the file has become a timeline");
    return is_much ? ots_spool_spill(&staging->content.spool, err) : OTS_OK;
}

enum ots_status ots_staging_write(struct ots_staging *staging, uint64_t offset,
                                  struct ots_slice bytes, struct ots_error *err)
{
    struct ots_spool *spool = &staging->content.spool;
    pthread_mutex_lock(&staging->content.lock);
    enum ots_status status = prepare_change(staging, err);
    if (status == OTS_OK) {
        uint64_t at = offset == UINT64_MAX ? spool->size_bytes : offset;
        status = ots_spool_write(spool, at, bytes, err);
        note_change(staging);
    }
    pthread_mutex_unlock(&staging->content.lock);
    return status;
}

enum ots_status ots_staging_truncate(struct ots_staging *staging, uint64_t size_bytes,
                                     struct ots_error *err)
{
    pthread_mutex_lock(&staging->content.lock);
    enum ots_status status = prepare_change(staging, err);
    if (status == OTS_OK) {
        status = ots_spool_truncate(&staging->content.spool, size_bytes, err);
        note_change(staging);
    }
    pthread_mutex_unlock(&staging->content.lock);
    return status;
}

void ots_staging_set_deinit(struct ots_staging_set *set)
{
    while (set->first) {
        struct ots_staging *staging = set->first;
        if (staging->is_linked)
            tdelete(staging, &set->by_name, compare_names);
        remove_locked(staging);
        staging_free(staging);
    }
}
