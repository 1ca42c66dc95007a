/*
 * A timeline's attributes are, in this order, those that this mount made (struct
 * ots_own_attributes), and those that the service told of its measurement.
 *
 * A change replaces all attributes that a timeline has, so it is made of what is known now, and
 * kept as the whole set. It is dirty until the sender's update was acknowledged; changes meanwhile
 * only make the set another one. Refused, it is forgotten.
 */
#include "fs/view/attributes_state.h"

#include <search.h>
#include <stdlib.h>

#include "backend/base/cond.h"

/* --- records ----------------------------------------------------------------------------------*/

static int compare_known(const void *a, const void *b)
{
    const struct ots_known_measurement *left = a;
    const struct ots_known_measurement *right = b;
    return ots_slice_compare(left->name, right->name);
}

static void free_known(void *entry)
{
    struct ots_known_measurement *known = entry;
    ots_arena_deinit(&known->arena);
    ots_arena_deinit(&known->name_arena);
    free(known);
}

struct ots_known_measurement *ots_attributes_known_locked(struct ots_attributes *attributes,
                                                          struct ots_slice measurement)
{
    const struct ots_known_measurement wanted = {.name = measurement};
    struct ots_known_measurement **entry = tfind(&wanted, &attributes->known, compare_known);
    if (entry)
        return *entry;
    struct ots_known_measurement *known = calloc(1, sizeof(*known));
    if (!known)
        return NULL;
    known->arena = OTS_ARENA_INIT;
    if (ots_arena_copy(&known->name_arena, measurement, &known->name) != OTS_OK ||
        !tsearch(known, &attributes->known, compare_known)) {
        free_known(known);
        return NULL;
    }
    return known;
}

static int compare_own(const void *a, const void *b)
{
    const struct ots_own_attributes *left = a;
    const struct ots_own_attributes *right = b;
    int order = ots_slice_compare(left->measurement, right->measurement);
    return order ? order : ots_slice_compare(left->name, right->name);
}

static struct ots_own_attributes *find_own_locked(const struct ots_attributes *attributes,
                                                  const struct ots_node *timeline)
{
    const struct ots_own_attributes wanted = {.measurement = timeline->parent->name,
                                              .name = timeline->name};
    struct ots_own_attributes *const *entry = tfind(&wanted, &attributes->own_tree, compare_own);
    return entry ? *entry : NULL;
}

static struct ots_own_attributes *make_own_locked(struct ots_attributes *attributes,
                                                  struct ots_node *timeline)
{
    struct ots_own_attributes *own = find_own_locked(attributes, timeline);
    if (own)
        return own;
    own = calloc(1, sizeof(*own));
    if (!own)
        return NULL;
    own->timeline = timeline;
    own->measurement = timeline->parent->name;
    own->name = timeline->name;
    own->set = OTS_ATTRIBUTE_SET_INIT;
    if (!tsearch(own, &attributes->own_tree, compare_own)) {
        free(own);
        return NULL;
    }
    *attributes->own_end = own;
    attributes->own_end = &own->next;
    attributes->own_count++;
    return own;
}

void ots_attributes_drop_own_locked(struct ots_attributes *attributes,
                                    struct ots_own_attributes **link)
{
    struct ots_own_attributes *own = *link;
    tdelete(own, &attributes->own_tree, compare_own);
    *link = own->next;
    if (!*link)
        attributes->own_end = link;
    attributes->own_count--;
    ots_attribute_set_deinit(&own->set);
    free(own);
}

enum ots_status ots_attributes_new(struct ots_table *table, struct ots_attributes **out)
{
    struct ots_attributes *attributes = calloc(1, sizeof(*attributes));
    if (!attributes)
        return OTS_NOMEM;
    attributes->table = table;
    attributes->own_end = &attributes->own_first;
    ots_cond_init(&attributes->wake);
    *out = attributes;
    return OTS_OK;
}

void ots_attributes_free(struct ots_attributes *attributes)
{
    if (!attributes)
        return;
    ots_attributes_stop_sender(attributes);
    while (attributes->own_first)
        ots_attributes_drop_own_locked(attributes, &attributes->own_first);
    tdestroy(attributes->known, free_known);
    pthread_cond_destroy(&attributes->wake);
    free(attributes);
}

/* --- reading ----------------------------------------------------------------------------------*/

/* What becomes of a question. */
struct look {
    struct ots_arena arena;
    struct ots_series_key key;
    struct ots_known_measurement *known;
    bool has_key;
    bool is_found; /* the answer is in the set */
    bool must_ask; /* for this timeline only */
};

/* The answer from this mount's own changes, or else what is needed to ask. */
static enum ots_status look_own(struct ots_attributes *attributes, const struct ots_node *timeline,
                                struct look *look, struct ots_attribute_set *set)
{
    struct ots_view *view = attributes->table->view;
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_own_attributes *own = find_own_locked(attributes, timeline);
    if (own && own->is_dirty) {
        look->is_found = true;
        status = ots_attribute_set_assign(set, own->set.items, own->set.count);
    } else {
        status = ots_node_key(timeline, &look->arena, &look->key);
        look->has_key = status == OTS_OK;
        /* A hashed name that no line has explained yet: nobody has written to it. */
        if (status == OTS_NOT_FOUND)
            status = OTS_OK;
        look->known = ots_attributes_known_locked(attributes, timeline->parent->name);
        if (!look->known)
            status = OTS_NOMEM;
    }
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static enum ots_status look_known(struct ots_attributes *attributes,
                                  const struct ots_node *timeline, struct look *look,
                                  struct ots_attribute_set *set)
{
    struct ots_view *view = attributes->table->view;
    pthread_mutex_lock(&view->synced.lock);
    /* Somebody may have changed them while we asked. */
    const struct ots_own_attributes *own = find_own_locked(attributes, timeline);
    const struct ots_known_attributes *known = ots_known_find(look->known, timeline->name);
    look->must_ask = !own && !known && look->known->is_partial;
    enum ots_status status =
        own ? ots_attribute_set_assign(set, own->set.items, own->set.count)
            : ots_attribute_set_assign(set, known ? known->items : NULL, known ? known->count : 0);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

enum ots_status ots_attributes_get(struct ots_attributes *attributes,
                                   const struct ots_node *timeline, struct ots_interrupt *interrupt,
                                   struct ots_attribute_set *set, struct ots_error *err)
{
    struct look look = {.arena = OTS_ARENA_INIT};
    enum ots_status status = look_own(attributes, timeline, &look, set);
    if (status == OTS_OK && !look.is_found) {
        if (look.has_key)
            status = ots_attributes_refresh(attributes, look.known, &look.key, interrupt, err);
        if (status == OTS_OK)
            status = look_known(attributes, timeline, &look, set);
        if (status == OTS_OK && look.must_ask && look.has_key)
            status = ots_attributes_ask(attributes, &look.key, interrupt, set, err);
    }
    ots_arena_deinit(&look.arena);
    return status;
}

uint64_t ots_attributes_hash(const struct ots_tag *items, size_t count)
{
    const struct ots_series_key key = {.tags = items, .tag_count = count};
    return ots_series_key_hash(&key);
}

/* --- changing ---------------------------------------------------------------------------------*/

/* Wait while too many changes are on their way. */
static enum ots_status wait_for_room_locked(struct ots_attributes *attributes,
                                            struct ots_interrupt *interrupt)
{
    struct ots_view *view = attributes->table->view;
    uint64_t failure = attributes->failure_number;
    enum ots_status status = OTS_OK;
    attributes->waiter_count++;
    while (status == OTS_OK && attributes->dirty_count >= OTS_ATTRIBUTE_CHANGES_MAX) {
        pthread_cond_signal(&attributes->wake);
        if (ots_interrupt_is_raised(interrupt))
            status = OTS_CANCELLED;
        else if (attributes->failure_number != failure)
            status = OTS_IO;
        else
            pthread_cond_wait(&view->synced.changed, &view->synced.lock);
    }
    attributes->waiter_count--;
    return status;
}

static enum ots_status store_change_locked(struct ots_attributes *attributes,
                                           struct ots_node *timeline, uint64_t old_version,
                                           const struct ots_attribute_set *set,
                                           struct ots_interrupt *interrupt)
{
    enum ots_status status = wait_for_room_locked(attributes, interrupt);
    if (status == OTS_OK)
        status = ots_attributes_start_sender_locked(attributes);
    if (status != OTS_OK)
        return status;
    struct ots_own_attributes *own = make_own_locked(attributes, timeline);
    if (!own)
        return OTS_NOMEM;
    status = ots_attribute_set_assign(&own->set, set->items, set->count);
    if (status != OTS_OK)
        return status;
    own->old_versions[own->change_count++ % OTS_OLD_VERSIONS_MAX] = old_version;
    own->number = ++attributes->number;
    if (!own->is_dirty) {
        own->is_dirty = true;
        own->dirty_since = own->number;
        own->changed_us = ots_view_now_us(attributes->table->view);
        attributes->dirty_count++;
    }
    pthread_cond_signal(&attributes->wake);
    return OTS_OK;
}

static enum ots_status store_change(struct ots_attributes *attributes, struct ots_node *timeline,
                                    uint64_t old_version, const struct ots_attribute_set *set,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = attributes->table->view;
    ots_interrupt_attach_waiter(interrupt, ots_view_wake_waiters, view);
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = store_change_locked(attributes, timeline, old_version, set, interrupt);
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
    return status == OTS_OK ? status
                            : ots_error_set(err, status, "attributes: %s", ots_status_text(status));
}

enum ots_status ots_attributes_change(struct ots_attributes *attributes, struct ots_node *timeline,
                                      struct ots_slice name, const struct ots_slice *value,
                                      enum ots_attribute_mode mode, struct ots_interrupt *interrupt,
                                      struct ots_error *err)
{
    struct ots_attribute_set set = OTS_ATTRIBUTE_SET_INIT;
    enum ots_status status = ots_attributes_get(attributes, timeline, interrupt, &set, err);
    const struct ots_tag *old = ots_attribute_find(set.items, set.count, name);
    uint64_t old_version = ots_attributes_hash(set.items, set.count);
    if (status == OTS_OK)
        status = ots_attribute_check_mode(old != NULL, value, mode);
    bool is_same = status == OTS_OK && old && value && ots_slice_equal(old->value, *value);
    if (status == OTS_OK && !is_same)
        status = ots_attribute_set_change(&set, name, value, err);
    if (status == OTS_OK && !is_same)
        status = store_change(attributes, timeline, old_version, &set, interrupt, err);
    ots_attribute_set_deinit(&set);
    return status;
}

enum ots_status ots_attributes_replace(struct ots_attributes *attributes, struct ots_node *timeline,
                                       const struct ots_attribute_set *set,
                                       struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_attribute_set old = OTS_ATTRIBUTE_SET_INIT;
    enum ots_status status = ots_attributes_get(attributes, timeline, interrupt, &old, err);
    bool is_same =
        status == OTS_OK && ots_attributes_equal(old.items, old.count, set->items, set->count);
    uint64_t old_version = ots_attributes_hash(old.items, old.count);
    if (status == OTS_OK && !is_same)
        status = store_change(attributes, timeline, old_version, set, interrupt, err);
    ots_attribute_set_deinit(&old);
    return status;
}

/* --- deletions --------------------------------------------------------------------------------*/

static void drop_locked(struct ots_attributes *attributes, const struct ots_own_attributes *own)
{
    struct ots_own_attributes **link = &attributes->own_first;
    while (*link != own)
        link = &(*link)->next;
    ots_attributes_drop_own_locked(attributes, link);
}

/* What was never sent, for want of rows, is forgotten. */
static bool forget_unsent_locked(struct ots_attributes *attributes, struct ots_own_attributes *own)
{
    if (!own || !own->is_dirty)
        return false;
    if (!own->in_flight_number && !ots_attributes_can_go_locked(own)) {
        attributes->dirty_count--;
        drop_locked(attributes, own);
    }
    return true;
}

void ots_attributes_note_deletion(struct ots_attributes *attributes, struct ots_node *timeline)
{
    struct ots_view *view = attributes->table->view;
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_known_measurement *known =
        ots_attributes_known_locked(attributes, timeline->parent->name);
    const struct ots_known_attributes *found = known ? ots_known_find(known, timeline->name) : NULL;
    struct ots_own_attributes *own = find_own_locked(attributes, timeline);
    if (!forget_unsent_locked(attributes, own) && (own || found)) {
        const struct ots_tag *items = own ? own->set.items : found->items;
        uint64_t old_version = ots_attributes_hash(items, own ? own->set.count : found->count);
        own = make_own_locked(attributes, timeline);
        if (own) {
            ots_attribute_set_deinit(&own->set);
            own->old_versions[own->change_count++ % OTS_OLD_VERSIONS_MAX] = old_version;
            own->acknowledged_us = ots_view_now_us(view);
        }
    }
    pthread_mutex_unlock(&view->synced.lock);
}

static void make_old(const void *entry, VISIT visit, void *closure)
{
    (void)closure;
    struct ots_known_measurement *known = *(struct ots_known_measurement *const *)entry;
    if (visit == postorder || visit == leaf)
        known->knowledge.fresh_until_us = 0;
}

void ots_attributes_note_end(struct ots_attributes *attributes)
{
    struct ots_view *view = attributes->table->view;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_own_attributes **link = &attributes->own_first;
    while (*link) {
        if ((*link)->is_dirty)
            link = &(*link)->next;
        else
            ots_attributes_drop_own_locked(attributes, link);
    }
    twalk_r(attributes->known, make_old, NULL);
    pthread_mutex_unlock(&view->synced.lock);
}
