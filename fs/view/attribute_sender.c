/*
 * Sending changes of attributes: a thread of each table that had any.
 *
 * It waits for a while, so that changes go together and do not force out batches of rows that are
 * not full: they must come after the rows that were written before, so those are waited for.
 */
#include <stdio.h>

#include "backend/base/cond.h"
#include "fs/state/state_dir.h"
#include "fs/view/attributes_state.h"

enum {
    UPDATES_MAX = 200, /* in one call */
    SEND_COUNT = 2000,
    SEND_AGE_US = 1000000,
    RETRY_PAUSE_US = 1000000,
    TICK_US = 50000,
};

/* Changes that are being sent. */
struct sending {
    struct ots_attributes *attributes;
    struct ots_arena arena;
    struct ots_own_attributes *own[UPDATES_MAX];
    struct ots_meta_update updates[UPDATES_MAX];
    size_t count;
};

bool ots_attributes_can_go_locked(const struct ots_own_attributes *own)
{
    const struct ots_node *timeline = own->timeline;
    return own->is_dirty && (!timeline->is_local || timeline->is_written);
}

static bool is_due_locked(const struct ots_attributes *attributes)
{
    int64_t now_us = ots_view_now_us(attributes->table->view);
    if (!attributes->dirty_count || (!attributes->waiter_count && now_us < attributes->retry_us))
        return false;
    size_t count = 0;
    for (const struct ots_own_attributes *own = attributes->own_first; own; own = own->next) {
        if (!ots_attributes_can_go_locked(own))
            continue;
        if (++count == SEND_COUNT || attributes->waiter_count ||
            now_us - own->changed_us >= SEND_AGE_US)
            return true;
    }
    return false;
}

static enum ots_status take_locked(struct sending *sending, struct ots_own_attributes *own)
{
    struct ots_meta_update *update = &sending->updates[sending->count];
    *update = (struct ots_meta_update){.has_attributes = true};
    enum ots_status status = ots_node_key(own->timeline, &sending->arena, &update->key);
    if (status == OTS_NOT_FOUND)
        return OTS_OK; /* a hashed name: its first line will tell */
    struct ots_tag *items = NULL;
    if (status == OTS_OK && own->set.count) {
        items = ots_arena_array(&sending->arena, own->set.count, sizeof(*items));
        if (!items)
            return OTS_NOMEM;
    }
    for (size_t i = 0; status == OTS_OK && i < own->set.count; i++) {
        status = ots_arena_copy(&sending->arena, own->set.items[i].name, &items[i].name);
        if (status == OTS_OK)
            status = ots_arena_copy(&sending->arena, own->set.items[i].value, &items[i].value);
    }
    if (status != OTS_OK)
        return status;
    update->attributes = items;
    update->attribute_count = own->set.count;
    own->in_flight_number = own->number;
    sending->own[sending->count++] = own;
    return OTS_OK;
}

/* --- what became of them ----------------------------------------------------------------------*/

static void settle_locked(struct ots_attributes *attributes, struct ots_own_attributes *own)
{
    if (own->number != own->in_flight_number) {
        own->dirty_since = own->in_flight_number + 1;
        return;
    }
    own->is_dirty = false;
    own->acknowledged_us = ots_view_now_us(attributes->table->view);
    attributes->dirty_count--;
}

static void acknowledge(const struct sending *sending, size_t first, size_t count)
{
    struct ots_view *view = sending->attributes->table->view;
    pthread_mutex_lock(&view->synced.lock);
    for (size_t i = first; i < first + count; i++)
        settle_locked(sending->attributes, sending->own[i]);
    pthread_cond_broadcast(&view->synced.changed);
    pthread_mutex_unlock(&view->synced.lock);
}

/* The service refused them for good. */
static void refuse(const struct sending *sending, size_t index, const struct ots_error *error)
{
    struct ots_attributes *attributes = sending->attributes;
    struct ots_table *table = attributes->table;
    struct ots_own_attributes *own = sending->own[index];
    struct ots_node *timeline = own->timeline;
    char text[1024];
    snprintf(text, sizeof(text), "%.*s/%.*s: its attributes were refused: %s",
             OTS_SLICE_FMT(timeline->parent->name), OTS_SLICE_FMT(timeline->name), error->message);
    if (table->instance->state)
        ots_state_note(table->instance->state, table->node->name, ots_slice_str(text));
    ots_log(table->view->options.log, OTS_LOG_ERROR, "table %.*s: %s",
            OTS_SLICE_FMT(table->node->name), text);
    pthread_mutex_lock(&table->view->synced.lock);
    ots_table_note_failure_locked(table, timeline, error);
    settle_locked(attributes, own);
    struct ots_own_attributes **link = &attributes->own_first;
    while (*link != own)
        link = &(*link)->next;
    if (!own->is_dirty)
        ots_attributes_drop_own_locked(attributes, link);
    pthread_cond_broadcast(&table->view->synced.changed);
    pthread_mutex_unlock(&table->view->synced.lock);
}

/* They stay, and are sent again. */
static void keep(const struct sending *sending, size_t first, size_t count,
                 const struct ots_error *error)
{
    struct ots_attributes *attributes = sending->attributes;
    struct ots_table *table = attributes->table;
    ots_log_error(table->view->options.log, OTS_LOG_WARNING, "attributes are not stored yet",
                  error);
    pthread_mutex_lock(&table->view->synced.lock);
    for (size_t i = first; i < first + count; i++)
        ots_table_note_failure_locked(table, sending->own[i]->timeline, error);
    attributes->failure = *error;
    attributes->retry_us = ots_view_now_us(table->view) + RETRY_PAUSE_US;
    attributes->failure_number++;
    pthread_cond_broadcast(&table->view->synced.changed);
    pthread_mutex_unlock(&table->view->synced.lock);
}

/* --- sending ----------------------------------------------------------------------------------*/

static bool is_refusal(enum ots_status status)
{
    return status == OTS_INVALID || status == OTS_LIMIT || status == OTS_NOT_FOUND ||
           status == OTS_DENIED || status == OTS_NOT_PERMITTED || status == OTS_UNSUPPORTED;
}

/* The call went well, maybe but for some timelines. */
static void settle_answer(const struct sending *sending, size_t first, size_t count,
                          const struct ots_change_meta_response *response)
{
    size_t next = first;
    for (size_t i = 0; i < response->failed_row_count; i++) {
        const struct ots_failed_row *failed = &response->failed_rows[i];
        size_t index = first + failed->row_index;
        if (index < next || index >= first + count)
            continue;
        struct ots_error error;
        ots_error_set(&error, OTS_INVALID, "%.*s: %.*s", OTS_SLICE_FMT(failed->code),
                      OTS_SLICE_FMT(failed->message));
        acknowledge(sending, next, index - next);
        refuse(sending, index, &error);
        next = index + 1;
    }
    acknowledge(sending, next, first + count - next);
}

/* Halves until those that are refused stand alone. */
static void send_range(const struct sending *sending, size_t first, size_t count)
{
    struct ots_table *table = sending->attributes->table;
    struct ots_error error = {0};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_UPDATE_META);
    call.request.update_meta = (struct ots_update_meta_request){
        .table = table->node->name, .updates = &sending->updates[first], .count = count};
    enum ots_status status = ots_store_run(table->instance->store, &call, NULL, &error);
    error.status = status;
    if (status == OTS_OK) {
        settle_answer(sending, first, count, &call.response.change_meta);
    } else if ((status == OTS_INVALID || status == OTS_LIMIT) && count > 1) {
        send_range(sending, first, count / 2);
        send_range(sending, first + count / 2, count - count / 2);
    } else if (is_refusal(status)) {
        for (size_t i = first; i < first + count; i++)
            refuse(sending, i, &error);
    } else {
        keep(sending, first, count, &error);
    }
    ots_call_deinit(&call);
}

/* Take changes up to `number`, as many as go into one call. Errors: OTS_NOMEM, and none is taken.
 */
static enum ots_status take_some_locked(struct sending *sending, uint64_t number)
{
    enum ots_status status = OTS_OK;
    sending->count = 0;
    struct ots_own_attributes *own = sending->attributes->own_first;
    for (; status == OTS_OK && own && sending->count < UPDATES_MAX; own = own->next)
        if (own->number <= number && ots_attributes_can_go_locked(own))
            status = take_locked(sending, own);
    return sending->count ? OTS_OK : status;
}

static void send_all_locked(struct ots_attributes *attributes, struct sending *sending)
{
    pthread_mutex_t *lock = &attributes->table->view->synced.lock;
    uint64_t number = attributes->number;
    uint64_t failure = attributes->failure_number;
    struct ots_error err;
    sending->attributes = attributes;
    pthread_mutex_unlock(lock);
    enum ots_status status = ots_pipeline_settle(attributes->table->pipeline, NULL, &err);
    do {
        sending->count = 0;
        sending->arena = OTS_ARENA_INIT;
        pthread_mutex_lock(lock);
        bool is_failing = attributes->failure_number != failure;
        if (status == OTS_OK && !is_failing && take_some_locked(sending, number) != OTS_OK)
            status = ots_error_set(&err, OTS_NOMEM, "out of memory");
        pthread_mutex_unlock(lock);
        if (sending->count)
            send_range(sending, 0, sending->count);
        else if (status != OTS_OK)
            keep(sending, 0, 0, &err);
        ots_arena_deinit(&sending->arena);
    } while (sending->count);
    pthread_mutex_lock(lock);
}

static void nap_locked(struct ots_attributes *attributes)
{
    pthread_mutex_t *lock = &attributes->table->view->synced.lock;
    if (!attributes->dirty_count) {
        pthread_cond_wait(&attributes->wake, lock);
        return;
    }
    ots_cond_wait_for(&attributes->wake, lock, TICK_US);
}

static void *run_sender(void *argument)
{
    struct ots_attributes *attributes = argument;
    struct ots_view *view = attributes->table->view;
    struct sending sending;
    pthread_mutex_lock(&view->synced.lock);
    while (!attributes->is_ending) {
        if (is_due_locked(attributes))
            send_all_locked(attributes, &sending);
        else
            nap_locked(attributes);
    }
    pthread_mutex_unlock(&view->synced.lock);
    return NULL;
}

enum ots_status ots_attributes_start_sender_locked(struct ots_attributes *attributes)
{
    if (attributes->has_sender)
        return OTS_OK;
    if (pthread_create(&attributes->sender, NULL, run_sender, attributes) != 0)
        return OTS_IO;
    attributes->has_sender = true;
    return OTS_OK;
}

void ots_attributes_stop_sender(struct ots_attributes *attributes)
{
    struct ots_view *view = attributes->table->view;
    if (!attributes->has_sender)
        return;
    pthread_mutex_lock(&view->synced.lock);
    attributes->is_ending = true;
    pthread_cond_signal(&attributes->wake);
    pthread_mutex_unlock(&view->synced.lock);
    pthread_join(attributes->sender, NULL);
}

/* --- waiting ----------------------------------------------------------------------------------*/

static bool is_on_its_way_locked(const struct ots_attributes *attributes, uint64_t number)
{
    if (!attributes->dirty_count)
        return false;
    for (const struct ots_own_attributes *own = attributes->own_first; own; own = own->next)
        if (own->dirty_since <= number && ots_attributes_can_go_locked(own))
            return true;
    return false;
}

static enum ots_status wait_locked(struct ots_attributes *attributes,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = attributes->table->view;
    uint64_t number = attributes->number;
    uint64_t failure = attributes->failure_number;
    while (is_on_its_way_locked(attributes, number)) {
        if (ots_interrupt_is_raised(interrupt))
            return ots_error_set(err, OTS_CANCELLED, "interrupted");
        if (attributes->failure_number != failure)
            return ots_error_set(err, OTS_IO, "attributes are not stored yet: %s",
                                 attributes->failure.message);
        pthread_cond_signal(&attributes->wake);
        pthread_cond_wait(&view->synced.changed, &view->synced.lock);
    }
    return OTS_OK;
}

enum ots_status ots_attributes_wait(struct ots_attributes *attributes,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = attributes->table->view;
    ots_interrupt_attach_waiter(interrupt, ots_view_wake_waiters, view);
    pthread_mutex_lock(&view->synced.lock);
    attributes->waiter_count++;
    enum ots_status status = wait_locked(attributes, interrupt, err);
    attributes->waiter_count--;
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
    return status;
}
