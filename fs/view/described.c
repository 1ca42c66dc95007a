#include "fs/view/described.h"

#include "fs/view/attributes.h"
#include "fs/view/table_options.h"

void ots_described_deinit(struct ots_described *described)
{
    ots_arena_deinit(&described->arena);
}

/* Ask the service. Whoever calls this has claimed the knowledge. */
static enum ots_status learn(struct ots_table *table, struct ots_interrupt *interrupt,
                             struct ots_error *err)
{
    struct ots_view *view = table->view;
    struct ots_described learned = {.arena = OTS_ARENA_INIT};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DESCRIBE_TABLE);
    call.request.table.table = table->node->name;
    enum ots_status status = ots_store_run(table->instance->store, &call, interrupt, err);
    if (status == OTS_OK)
        status =
            ots_table_meta_copy(&learned.arena, &call.response.describe_table.meta, &learned.meta);
    ots_call_deinit(&call);
    if (status != OTS_OK) {
        ots_arena_deinit(&learned.arena);
        return status;
    }
    pthread_mutex_lock(&view->synced.lock);
    ots_arena_deinit(&table->described.arena);
    table->described.arena = learned.arena;
    table->described.meta = learned.meta;
    table->described.knowledge.fresh_until_us = ots_view_now_us(view) + OTS_FRESH_US;
    pthread_mutex_unlock(&view->synced.lock);
    return OTS_OK;
}

enum ots_status ots_table_describe(struct ots_table *table, struct ots_interrupt *interrupt,
                                   struct ots_arena *arena, struct ots_table_meta *meta,
                                   struct ots_error *err)
{
    struct ots_view *view = table->view;
    struct ots_knowledge *knowledge = &table->described.knowledge;
    bool is_claimed;
    enum ots_status status = ots_knowledge_claim(view, knowledge, interrupt, &is_claimed, err);
    if (status == OTS_OK && is_claimed) {
        status = learn(table, interrupt, err);
        ots_knowledge_release(view, knowledge, status, err);
    }
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    status = ots_table_meta_copy(arena, &table->described.meta, meta);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

/* --- changing ---------------------------------------------------------------------------------*/

static enum ots_status run_step(struct ots_table *table, const struct ots_table_meta *step,
                                struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_UPDATE_TABLE);
    call.request.update_table.meta = *step;
    call.request.update_table.meta.name = table->node->name;
    enum ots_status status = ots_store_run(table->instance->store, &call, interrupt, err);
    ots_call_deinit(&call);
    return status;
}

static enum ots_status change(struct ots_table *table, struct ots_slice text,
                              struct ots_interrupt *interrupt, struct ots_error *err)
{
    enum ots_status status = learn(table, interrupt, err);
    if (status != OTS_OK)
        return status;
    /* Only who has claimed the knowledge replaces it, so it may be read without the lock. */
    const struct ots_table_meta *now = &table->described.meta;
    struct ots_table_meta wanted;
    status = ots_table_options_parse(text, now, &wanted, err);
    if (status != OTS_OK)
        return status;
    struct ots_table_meta steps[OTS_TABLE_STEPS_MAX];
    size_t count = ots_table_options_steps(now, &wanted, steps);
    if (count)
        status = ots_attributes_wait(table->attributes, interrupt, err);
    for (size_t i = 0; status == OTS_OK && i < count; i++)
        status = run_step(table, &steps[i], interrupt, err);
    return status;
}

/* Claim what is known, however new it is. */
static enum ots_status claim(struct ots_table *table, struct ots_interrupt *interrupt,
                             struct ots_error *err)
{
    struct ots_view *view = table->view;
    struct ots_knowledge *knowledge = &table->described.knowledge;
    bool is_claimed = false;
    enum ots_status status = OTS_OK;
    while (status == OTS_OK && !is_claimed) {
        pthread_mutex_lock(&view->synced.lock);
        knowledge->fresh_until_us = 0;
        pthread_mutex_unlock(&view->synced.lock);
        status = ots_knowledge_claim(view, knowledge, interrupt, &is_claimed, err);
    }
    return status;
}

enum ots_status ots_table_change_options(struct ots_table *table, struct ots_slice text,
                                         struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = table->view;
    enum ots_status status = claim(table, interrupt, err);
    if (status != OTS_OK)
        return status;
    status = change(table, text, interrupt, err);
    pthread_mutex_lock(&view->synced.lock);
    ots_table_forget_locked(table);
    pthread_mutex_unlock(&view->synced.lock);
    /* A change that failed is no failure of those who want to know the options. */
    ots_knowledge_release(view, &table->described.knowledge, OTS_OK, err);
    return status;
}
