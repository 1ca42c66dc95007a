/*
 * Asking the service for the attributes of timelines, a measurement at a time.
 *
 * Of a measurement with very many attributes only so much is kept; the other timelines are asked
 * for one by one.
 */
#include <search.h>
#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/view/attributes_state.h"

enum {
    KNOWN_BYTES_MAX = 64 * 1024 * 1024, /* of a table */
    OWN_KEPT_MAX = 100000,              /* of a table; beyond, only what is not acknowledged */
};
static const int64_t OWN_KEPT_US = 120000000;

struct found {
    struct ots_arena arena;
    struct ots_known_attributes *timelines;
    size_t count;
    size_t capacity;
    bool is_partial;
};

static int compare_timelines(const void *a, const void *b)
{
    const struct ots_known_attributes *left = a;
    const struct ots_known_attributes *right = b;
    return ots_slice_compare(left->timeline, right->timeline);
}

const struct ots_known_attributes *ots_known_find(const struct ots_known_measurement *known,
                                                  struct ots_slice timeline)
{
    const struct ots_known_attributes wanted = {.timeline = timeline};
    if (!known->count)
        return NULL;
    return bsearch(&wanted, known->timelines, known->count, sizeof(wanted), compare_timelines);
}

/* --- collecting -------------------------------------------------------------------------------*/

static enum ots_status make_room(struct found *found)
{
    if (found->count < found->capacity)
        return OTS_OK;
    size_t capacity = found->capacity ? 2 * found->capacity : 64;
    struct ots_known_attributes *grown =
        ots_arena_array(&found->arena, capacity, sizeof(*found->timelines));
    if (!grown)
        return OTS_NOMEM;
    if (found->count)
        memcpy(grown, found->timelines, found->count * sizeof(*grown));
    found->timelines = grown;
    found->capacity = capacity;
    return OTS_OK;
}

static enum ots_status copy_items(struct found *found, const struct ots_timeline_meta *meta,
                                  struct ots_known_attributes *to)
{
    struct ots_tag *items = ots_arena_array(&found->arena, meta->attribute_count, sizeof(*items));
    enum ots_status status = items ? OTS_OK : OTS_NOMEM;
    for (size_t i = 0; status == OTS_OK && i < meta->attribute_count; i++) {
        status = ots_arena_copy(&found->arena, meta->attributes[i].name, &items[i].name);
        if (status == OTS_OK)
            status = ots_arena_copy(&found->arena, meta->attributes[i].value, &items[i].value);
    }
    to->items = items;
    to->count = meta->attribute_count;
    return status;
}

static enum ots_status collect(struct found *found, const struct ots_timeline_meta *meta,
                               struct ots_buf *name)
{
    if (!meta->attribute_count)
        return OTS_OK;
    if (found->arena.used_bytes > KNOWN_BYTES_MAX) {
        found->is_partial = true;
        return OTS_OK;
    }
    name->size = 0;
    enum ots_status status = ots_timeline_name_append(&meta->key, name);
    if (status == OTS_OK)
        status = make_room(found);
    if (status != OTS_OK)
        return status;
    struct ots_known_attributes *to = &found->timelines[found->count];
    status = ots_arena_copy(&found->arena, ots_buf_slice(name), &to->timeline);
    if (status == OTS_OK)
        status = copy_items(found, meta, to);
    found->count += status == OTS_OK;
    return status;
}

/* One page; the token becomes that of the next, empty at the end. */
static enum ots_status query_page(struct ots_attributes *attributes,
                                  const struct ots_condition *condition, struct ots_buf *token,
                                  struct ots_interrupt *interrupt, struct ots_call *call,
                                  struct ots_error *err)
{
    const struct ots_table *table = attributes->table;
    ots_call_init(call, OTS_ACTION_QUERY_META);
    call->request.query_meta = (struct ots_query_meta_request){
        .table = table->node->name,
        .condition = condition,
        .token = ots_buf_slice(token),
    };
    enum ots_status status = ots_store_run(table->instance->store, call, interrupt, err);
    return status == OTS_OK ? ots_buf_set(token, call->response.query_meta.next_token) : status;
}

static enum ots_status query_measurement(struct ots_attributes *attributes,
                                         struct ots_slice measurement, struct found *found,
                                         struct ots_interrupt *interrupt, struct ots_error *err)
{
    const struct ots_condition condition = {
        .kind = OTS_CONDITION_MEASUREMENT, .comparison = OTS_EQUAL, .value = measurement};
    struct ots_buf token = OTS_BUF_INIT;
    struct ots_buf name = OTS_BUF_INIT;
    enum ots_status status;
    do {
        struct ots_call call;
        status = query_page(attributes, &condition, &token, interrupt, &call, err);
        const struct ots_query_meta_response *page = &call.response.query_meta;
        for (size_t i = 0; status == OTS_OK && i < page->count; i++)
            if (ots_slice_equal(page->metas[i].key.measurement, measurement))
                status = collect(found, &page->metas[i], &name);
        ots_call_deinit(&call);
    } while (status == OTS_OK && token.size && !found->is_partial);
    ots_buf_deinit(&token);
    ots_buf_deinit(&name);
    if (status == OTS_OK && found->count)
        qsort(found->timelines, found->count, sizeof(*found->timelines), compare_timelines);
    return status;
}

/* --- what becomes of it -----------------------------------------------------------------------*/

struct forgetting {
    struct ots_attributes *attributes;
    const struct ots_known_measurement *kept;
};

static void forget_known(const void *entry, VISIT visit, void *closure)
{
    const struct forgetting *forgetting = closure;
    struct ots_known_measurement *known = *(struct ots_known_measurement *const *)entry;
    if ((visit != postorder && visit != leaf) || known == forgetting->kept)
        return;
    forgetting->attributes->known_bytes -= known->arena.used_bytes;
    ots_arena_deinit(&known->arena);
    known->timelines = NULL;
    known->count = 0;
    /* For who is about to look it up. */
    known->is_partial = true;
    known->knowledge.fresh_until_us = 0;
}

/* Whether the service shows what was there before some change of ours. */
static bool is_old_version(const struct ots_own_attributes *own,
                           const struct ots_known_attributes *found)
{
    uint64_t hash = ots_attributes_hash(found ? found->items : NULL, found ? found->count : 0);
    for (size_t i = 0; i < own->change_count && i < OTS_OLD_VERSIONS_MAX; i++)
        if (own->old_versions[i] == hash)
            return true;
    return false;
}

/* What this mount set stays its own only as long as the service shows what was there before. */
static void settle_own_locked(struct ots_attributes *attributes,
                              const struct ots_known_measurement *known, int64_t asked_us)
{
    bool is_crowded = attributes->own_count > OWN_KEPT_MAX;
    struct ots_own_attributes **link = &attributes->own_first;
    while (*link) {
        const struct ots_own_attributes *own = *link;
        bool is_of_it = ots_slice_equal(own->timeline->parent->name, known->name);
        if (own->is_dirty || own->acknowledged_us > asked_us || (!is_of_it && !is_crowded)) {
            link = &(*link)->next;
            continue;
        }
        const struct ots_known_attributes *found = ots_known_find(known, own->timeline->name);
        bool is_shown = ots_attributes_equal(own->set.items, own->set.count,
                                             found ? found->items : NULL, found ? found->count : 0);
        if (is_shown || is_crowded || !is_old_version(own, found) ||
            asked_us - own->acknowledged_us > OWN_KEPT_US)
            ots_attributes_drop_own_locked(attributes, link);
        else
            link = &(*link)->next;
    }
}

static void install_locked(struct ots_attributes *attributes, struct ots_known_measurement *known,
                           struct found *found, int64_t asked_us)
{
    attributes->known_bytes -= known->arena.used_bytes;
    ots_arena_deinit(&known->arena);
    known->arena = found->arena;
    attributes->known_bytes += known->arena.used_bytes;
    known->timelines = found->timelines;
    known->count = found->count;
    known->is_partial = found->is_partial;
    int64_t now_us = ots_view_now_us(attributes->table->view);
    int64_t rest_us = (now_us - asked_us) * OTS_FRESH_COST_FACTOR;
    known->knowledge.fresh_until_us = now_us + (rest_us > OTS_FRESH_US ? rest_us : OTS_FRESH_US);
    settle_own_locked(attributes, known, asked_us);
    if (attributes->known_bytes > KNOWN_BYTES_MAX) {
        struct forgetting forgetting = {attributes, known};
        twalk_r(attributes->known, forget_known, &forgetting);
    }
}

static enum ots_status learn(struct ots_attributes *attributes, struct ots_known_measurement *known,
                             struct ots_slice measurement, struct ots_interrupt *interrupt,
                             struct ots_error *err)
{
    struct ots_view *view = attributes->table->view;
    struct found found = {.arena = OTS_ARENA_INIT};
    int64_t asked_us = ots_view_now_us(view);
    enum ots_status status = query_measurement(attributes, measurement, &found, interrupt, err);
    if (status != OTS_OK) {
        ots_arena_deinit(&found.arena);
        return status;
    }
    pthread_mutex_lock(&view->synced.lock);
    install_locked(attributes, known, &found, asked_us);
    pthread_mutex_unlock(&view->synced.lock);
    return OTS_OK;
}

enum ots_status ots_attributes_refresh(struct ots_attributes *attributes,
                                       struct ots_known_measurement *known,
                                       const struct ots_series_key *key,
                                       struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = attributes->table->view;
    struct ots_error error = {0};
    bool is_claimed;
    enum ots_status status =
        ots_knowledge_claim(view, &known->knowledge, interrupt, &is_claimed, &error);
    if (status == OTS_OK && is_claimed) {
        status = learn(attributes, known, key->measurement, interrupt, &error);
        ots_knowledge_release(view, &known->knowledge, status, &error);
    }
    if (status != OTS_OK && err)
        *err = error;
    return status;
}

/* --- one timeline -----------------------------------------------------------------------------*/

static enum ots_status key_condition(const struct ots_series_key *key, struct ots_arena *arena,
                                     struct ots_condition *all)
{
    struct ots_condition *parts = ots_arena_array(arena, key->tag_count + 2, sizeof(*parts));
    if (!parts)
        return OTS_NOMEM;
    size_t count = 0;
    parts[count++] = (struct ots_condition){
        .kind = OTS_CONDITION_MEASUREMENT, .comparison = OTS_EQUAL, .value = key->measurement};
    parts[count++] = (struct ots_condition){
        .kind = OTS_CONDITION_DATA_SOURCE, .comparison = OTS_EQUAL, .value = key->data_source};
    for (size_t i = 0; i < key->tag_count; i++)
        parts[count++] = (struct ots_condition){.kind = OTS_CONDITION_TAG,
                                                .comparison = OTS_EQUAL,
                                                .name = key->tags[i].name,
                                                .value = key->tags[i].value};
    *all = (struct ots_condition){.kind = OTS_CONDITION_COMPOSITE,
                                  .logic = OTS_LOGIC_AND,
                                  .children = parts,
                                  .child_count = count};
    return OTS_OK;
}

enum ots_status ots_attributes_ask(struct ots_attributes *attributes,
                                   const struct ots_series_key *key,
                                   struct ots_interrupt *interrupt, struct ots_attribute_set *set,
                                   struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf token = OTS_BUF_INIT;
    struct ots_condition condition;
    bool is_found = false;
    ots_attribute_set_deinit(set);
    enum ots_status status = key_condition(key, &arena, &condition);
    while (status == OTS_OK && !is_found) {
        struct ots_call call;
        status = query_page(attributes, &condition, &token, interrupt, &call, err);
        const struct ots_query_meta_response *page = &call.response.query_meta;
        /* Timelines with more tags match too. */
        for (size_t i = 0; status == OTS_OK && !is_found && i < page->count; i++) {
            is_found = ots_series_key_equal(&page->metas[i].key, key);
            if (is_found)
                status = ots_attribute_set_assign(set, page->metas[i].attributes,
                                                  page->metas[i].attribute_count);
        }
        ots_call_deinit(&call);
        if (!token.size)
            break;
    }
    ots_buf_deinit(&token);
    ots_arena_deinit(&arena);
    return status;
}
