/*
 * Order: first, once for an instance, the journals of tables that are gone are emptied; then, once
 * for each table, its journal is opened and replayed. A table's journal is opened nowhere else, so
 * nothing is appended to one that is being emptied.
 *
 * The rows that are put again stay in their old segments until the last of them is stored: who is
 * killed meanwhile begins anew, and then the stream shows what was stored.
 */
#include "fs/view/replay.h"

#include <inttypes.h>
#include <stdlib.h>

#include "fs/state/state_dir.h"
#include "fs/view/apply.h"
#include "fs/view/changes.h"
#include "fs/view/follower.h"
#include "fs/view/leftover.h"
#include "fs/view/refusal.h"
#include "fs/view/stream_cursor.h"

enum { RETRY_US = 2000000 };

/* One journal being replayed, of a table or of one that is gone. */
struct replay {
    struct ots_instance *instance;
    struct ots_slice table;
    struct ots_journal *journal;
    struct ots_journal_contents contents;
    struct ots_leftovers leftovers;
    struct ots_leftover_facts facts;
    size_t put_count;
    size_t stored_count;
    size_t rejected_count;
};

static const char *reason_of(enum ots_leftover_fate fate)
{
    switch (fate) {
    case OTS_LEFTOVER_SUPERSEDED:
        return "left by an earlier mount, and superseded: somebody else put this row since";
    case OTS_LEFTOVER_OTHER:
        return "left by an earlier mount, and the table was deleted and made anew since";
    case OTS_LEFTOVER_UNKNOWN:
        return "left by an earlier mount over 10 minutes ago, and the table's stream cannot tell "
               "whether somebody else put this row since";
    case OTS_LEFTOVER_OLDER:
    case OTS_LEFTOVER_PUT:
    case OTS_LEFTOVER_STORED:
        break;
    }
    return NULL;
}

/* --- loading ----------------------------------------------------------------------------------*/

static void reject_text(void *context, struct ots_slice text, const char *reason)
{
    struct replay *replay = context;
    struct ots_reject reject = {
        .table = replay->table, .reason = ots_slice_str(reason), .text = text};
    ots_state_reject(replay->instance->state, &reject);
    replay->rejected_count++;
}

static void reject_row(struct replay *replay, const struct ots_row *row, const char *reason)
{
    ots_refusal_keep(replay->instance->state, replay->table, row, reason);
    replay->rejected_count++;
}

static void note_damage(const struct replay *replay)
{
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_fmt(&text,
                       "%" PRIu64 " bytes of the journal are damaged: rows were lost, unless they "
                       "can be found in the file, which is kept as journal/.../damaged-...",
                       replay->contents.damaged_bytes);
    ots_state_note(replay->instance->state, replay->table, ots_buf_slice(&text));
    ots_log(replay->instance->view->options.log, OTS_LOG_ERROR, "table %.*s: %.*s",
            OTS_SLICE_FMT(replay->table), OTS_SLICE_FMT(ots_buf_slice(&text)));
    ots_buf_deinit(&text);
}

/* Rejected when the row's fate is decided. */
static void skip_text(void *context, struct ots_slice text, const char *reason)
{
    (void)context;
    (void)text;
    (void)reason;
}

typedef void see_problem(void *context, struct ots_slice text, const char *reason);

static enum ots_status load(struct replay *replay, see_problem *problem, struct ots_error *err)
{
    enum ots_status status = ots_journal_load(replay->journal, &replay->contents, err);
    if (status != OTS_OK)
        return status;
    for (size_t i = 0; i < replay->contents.batch_count && status == OTS_OK; i++)
        status =
            ots_leftovers_add(&replay->leftovers, &replay->contents.batches[i], problem, replay);
    if (status != OTS_OK)
        return ots_error_set(err, status, "out of memory for the journal's rows");
    ots_leftovers_sort(&replay->leftovers);
    return OTS_OK;
}

static void replay_deinit(struct replay *replay)
{
    ots_leftovers_deinit(&replay->leftovers);
    ots_journal_contents_deinit(&replay->contents);
}

/* --- tables that are gone ---------------------------------------------------------------------*/

static enum ots_status empty_journal(struct ots_instance *instance, struct ots_slice table,
                                     struct ots_error *err)
{
    struct replay replay = {.instance = instance, .table = table};
    struct ots_journal_options options = {.dir_fd = ots_state_dir_fd(instance->state),
                                          .table = table};
    enum ots_status status = ots_journal_new(&options, &replay.journal, err);
    if (status == OTS_OK)
        status = load(&replay, reject_text, err);
    for (size_t i = 0; status == OTS_OK && i < replay.leftovers.count; i++)
        if (replay.leftovers.rows[i].is_last)
            reject_row(&replay, &replay.leftovers.rows[i].row,
                       "left by an earlier mount, and the table is gone");
    if (status == OTS_OK && replay.contents.damage_count)
        note_damage(&replay);
    if (status == OTS_OK)
        status = ots_journal_drop_old(replay.journal, err);
    replay_deinit(&replay);
    ots_journal_free(replay.journal);
    return status;
}

/* Names of tables, in an arena. */
struct names {
    struct ots_arena arena;
    struct ots_slice *items;
    size_t count;
    enum ots_status status;
};

static void add_name(void *context, struct ots_slice name)
{
    struct names *names = context;
    struct ots_slice *grown = reallocarray(names->items, names->count + 1, sizeof(*grown));
    if (!grown || names->status != OTS_OK) {
        names->status = OTS_NOMEM;
        return;
    }
    names->items = grown;
    names->status = ots_arena_copy(&names->arena, name, &grown[names->count]);
    names->count += names->status == OTS_OK;
}

static bool is_listed(const struct ots_list_tables_response *tables, struct ots_slice name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (ots_slice_equal(tables->metas[i].name, name))
            return true;
    return false;
}

static enum ots_status empty_journals(struct ots_instance *instance, const struct names *names,
                                      struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    enum ots_status status = ots_store_run(instance->store, &call, interrupt, err);
    for (size_t i = 0; status == OTS_OK && i < names->count; i++)
        if (!is_listed(&call.response.list_tables, names->items[i]))
            status = empty_journal(instance, names->items[i], err);
    ots_call_deinit(&call);
    return status;
}

static enum ots_status find_journals(struct ots_instance *instance, struct names *names,
                                     struct ots_error *err)
{
    enum ots_status status =
        ots_journal_each_table(ots_state_dir_fd(instance->state), add_name, names, err);
    if (status == OTS_OK && names->status != OTS_OK)
        status = ots_error_set(err, names->status, "out of memory");
    return status;
}

static enum ots_status settle_gone_tables(struct ots_instance *instance,
                                          struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct names names = {.arena = OTS_ARENA_INIT};
    enum ots_status status = find_journals(instance, &names, err);
    if (status == OTS_OK && names.count)
        status = empty_journals(instance, &names, interrupt, err);
    free(names.items);
    ots_arena_deinit(&names.arena);
    return status;
}

/* --- a table ----------------------------------------------------------------------------------*/

static void see_record(void *context, const struct ots_stream_record *record)
{
    struct replay *replay = context;
    ots_leftovers_see(&replay->leftovers, record);
}

static enum ots_status ask_stream(struct replay *replay, struct ots_interrupt *interrupt,
                                  struct ots_error *err)
{
    struct ots_store *store = replay->instance->store;
    struct ots_changes_request request = {
        .store = store,
        .table = replay->table,
        .from_us = ots_leftovers_since(&replay->leftovers),
        .record = see_record,
        .context = replay,
    };
    replay->facts.readable_from_us = INT64_MAX;
    enum ots_status status = OTS_OK;
    if (replay->facts.identity.size)
        status = ots_changes_read(&request, interrupt, &replay->facts.readable_from_us, err);
    replay->facts.now_us = ots_store_now_us(store);
    return status;
}

static enum ots_status tell_kept(struct ots_pipeline *pipeline, struct ots_error *err)
{
    struct ots_error failure = {0};
    ots_pipeline_failure(pipeline, &failure);
    return ots_error_set(err, failure.status,
                         "rows that an earlier mount left are not stored yet: %s", failure.message);
}

static enum ots_status wait_for_rows(struct ots_pipeline *pipeline, struct ots_interrupt *interrupt,
                                     struct ots_error *err)
{
    enum ots_status status = ots_pipeline_wait(pipeline, interrupt);
    return status == OTS_IO ? tell_kept(pipeline, err) : status;
}

static enum ots_status put_rows(struct replay *replay, struct ots_pipeline *pipeline,
                                struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_origin *origin = ots_origin_new(NULL);
    enum ots_status status = origin ? OTS_OK : OTS_NOMEM;
    for (size_t i = 0; status == OTS_OK && i < replay->leftovers.count; i++) {
        const struct ots_leftover_row *row = &replay->leftovers.rows[i];
        if (ots_leftover_fate(row, &replay->facts) != OTS_LEFTOVER_PUT)
            continue;
        status = ots_pipeline_add_again(pipeline, &row->row, origin, interrupt);
        replay->put_count++;
    }
    ots_origin_unref(origin);
    if (status == OTS_NOMEM || status == OTS_CANCELLED)
        return ots_error_set(err, status, "%s", ots_status_text(status));
    return status == OTS_OK ? wait_for_rows(pipeline, interrupt, err) : tell_kept(pipeline, err);
}

/* Only when nothing can fail any more: who begins anew must not reject them twice. */
static void reject_rows(struct replay *replay)
{
    for (size_t i = 0; i < replay->leftovers.count; i++) {
        const struct ots_leftover_row *row = &replay->leftovers.rows[i];
        enum ots_leftover_fate fate = ots_leftover_fate(row, &replay->facts);
        const char *reason = reason_of(fate);
        replay->stored_count += fate == OTS_LEFTOVER_STORED;
        if (reason)
            reject_row(replay, &row->row, reason);
    }
    if (replay->contents.damage_count)
        note_damage(replay);
    ots_log(replay->instance->view->options.log, OTS_LOG_WARNING,
            "table %.*s: of the rows that an earlier mount left %zu were put again, %zu were there "
            "already, %zu were rejected",
            OTS_SLICE_FMT(replay->table), replay->put_count, replay->stored_count,
            replay->rejected_count);
}

static enum ots_status replay_journal(struct replay *replay, struct ots_pipeline *pipeline,
                                      struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_journal_counts counts;
    ots_journal_counts(replay->journal, &counts);
    if (!counts.old_segments)
        return OTS_OK;
    enum ots_status status = load(replay, reject_text, err);
    bool has_rows = replay->leftovers.count;
    if (status == OTS_OK && has_rows)
        status = ask_stream(replay, interrupt, err);
    if (status == OTS_OK && has_rows)
        status = put_rows(replay, pipeline, interrupt, err);
    if (status == OTS_OK && (has_rows || replay->contents.damage_count))
        reject_rows(replay);
    return status == OTS_OK ? ots_pipeline_drop_old(pipeline, err) : status;
}

static enum ots_status open_journal(struct ots_table *table, struct ots_error *err)
{
    pthread_mutex_lock(&table->view->synced.lock);
    bool is_open = table->journal;
    pthread_mutex_unlock(&table->view->synced.lock);
    if (is_open)
        return OTS_OK;
    struct ots_journal_options options = {.dir_fd = ots_state_dir_fd(table->instance->state),
                                          .table = table->node->name};
    struct ots_journal *journal;
    enum ots_status status = ots_journal_new(&options, &journal, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&table->view->synced.lock);
    bool is_first = !table->journal;
    if (is_first)
        table->journal = journal;
    pthread_mutex_unlock(&table->view->synced.lock);
    /* Who replays and who follows may come at once. */
    if (is_first)
        ots_pipeline_set_journal(table->pipeline, journal);
    else
        ots_journal_free(journal);
    return OTS_OK;
}

/* --- what the stream may show of them ---------------------------------------------------------*/

static enum ots_status expect_row(struct ots_table *table, struct ots_row_summer *summer,
                                  const struct ots_row *row)
{
    struct ots_row_sum sum;
    enum ots_status status = ots_row_sum_of(summer, row, &sum, NULL);
    if (status != OTS_OK)
        return status == OTS_NOMEM ? status : OTS_OK;
    pthread_mutex_lock(&table->view->synced.lock);
    status = ots_apply_leftover_locked(table, row->key, &sum);
    pthread_mutex_unlock(&table->view->synced.lock);
    return status;
}

static enum ots_status expect_rows(struct ots_table *table, const struct ots_leftovers *leftovers,
                                   struct ots_slice identity)
{
    struct ots_row_summer summer;
    enum ots_status status = OTS_OK;
    ots_row_summer_init(&summer, table->view->options.precision);
    for (size_t i = 0; status == OTS_OK && i < leftovers->count; i++)
        if (ots_slice_equal(leftovers->rows[i].identity, identity))
            status = expect_row(table, &summer, &leftovers->rows[i].row);
    ots_row_summer_deinit(&summer);
    return status;
}

enum ots_status ots_replay_expect(struct ots_table *table, struct ots_slice identity,
                                  struct ots_error *err)
{
    struct replay replay = {.instance = table->instance, .table = table->node->name};
    struct ots_journal_counts counts;
    enum ots_status status = open_journal(table, err);
    if (status != OTS_OK)
        return status;
    replay.journal = table->journal;
    ots_journal_counts(table->journal, &counts);
    if (!counts.old_segments)
        return OTS_OK;
    status = load(&replay, skip_text, err);
    if (status == OTS_OK && expect_rows(table, &replay.leftovers, identity) != OTS_OK)
        status = ots_error_set(err, OTS_NOMEM, "out of memory for the journal's rows");
    replay_deinit(&replay);
    return status;
}

/* --- once for each ----------------------------------------------------------------------------*/

static enum ots_status prepare(struct ots_table *table, struct ots_interrupt *interrupt,
                               struct ots_error *err)
{
    struct ots_buf identity = OTS_BUF_INIT;
    struct replay replay = {.instance = table->instance, .table = table->node->name};
    enum ots_status status = open_journal(table, err);
    replay.journal = table->journal;
    /* Rows of an attempt that was given up. */
    if (status == OTS_OK)
        status = wait_for_rows(table->pipeline, interrupt, err);
    if (status == OTS_OK)
        status =
            ots_stream_identify(table->instance->store, replay.table, interrupt, &identity, err);
    if (status == OTS_OK)
        status = ots_journal_set_identity(table->journal, ots_buf_slice(&identity));
    replay.facts.identity = ots_buf_slice(&identity);
    if (status == OTS_OK)
        status = replay_journal(&replay, table->pipeline, interrupt, err);
    pthread_mutex_lock(&table->view->synced.lock);
    table->superseded_rows += replay.rejected_count;
    pthread_mutex_unlock(&table->view->synced.lock);
    replay_deinit(&replay);
    ots_buf_deinit(&identity);
    return status;
}

/* --- once for all -----------------------------------------------------------------------------*/

static void release(struct ots_view *view, struct ots_knowledge *knowledge, enum ots_status status,
                    const struct ots_error *err)
{
    pthread_mutex_lock(&view->synced.lock);
    if (status == OTS_OK)
        knowledge->fresh_until_us = INT64_MAX;
    pthread_mutex_unlock(&view->synced.lock);
    ots_knowledge_release(view, knowledge, status, err);
}

static enum ots_status prepare_instance(struct ots_instance *instance,
                                        struct ots_interrupt *interrupt, struct ots_error *err)
{
    bool is_claimed;
    enum ots_status status =
        ots_knowledge_claim(instance->view, &instance->gone_tables, interrupt, &is_claimed, err);
    if (status == OTS_OK && is_claimed) {
        status = settle_gone_tables(instance, interrupt, err);
        release(instance->view, &instance->gone_tables, status, err);
    }
    return status;
}

static enum ots_status prepare_table(struct ots_table *table, struct ots_interrupt *interrupt,
                                     struct ots_error *err)
{
    bool is_claimed;
    enum ots_status status = prepare_instance(table->instance, interrupt, err);
    if (status == OTS_OK)
        status = ots_knowledge_claim(table->view, &table->replayed, interrupt, &is_claimed, err);
    if (status == OTS_OK && is_claimed) {
        status = prepare(table, interrupt, err);
        release(table->view, &table->replayed, status, err);
    }
    return status;
}

enum ots_status ots_replay_table(struct ots_table *table, struct ots_interrupt *interrupt,
                                 struct ots_error *err)
{
    struct ots_error error = {0};
    if (!table->instance->state)
        return OTS_OK;
    enum ots_status status = prepare_table(table, interrupt, &error);
    if (status != OTS_OK && err)
        *err = error;
    return status;
}

static enum ots_status replay_named(struct ots_instance *instance, struct ots_slice name,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = instance->view;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *node = ots_node_child(instance->node, name);
    struct ots_table *table =
        node && node->kind == OTS_NODE_TABLE && node->is_listed ? node->table : NULL;
    pthread_mutex_unlock(&view->synced.lock);
    return table ? ots_follower_prepare(table, interrupt, err) : OTS_OK;
}

enum ots_status ots_replay_instance(struct ots_instance *instance, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    if (!instance->state)
        return OTS_OK;
    struct names names = {.arena = OTS_ARENA_INIT};
    struct ots_error error = {0};
    enum ots_status status = prepare_instance(instance, interrupt, &error);
    if (status == OTS_OK)
        status = find_journals(instance, &names, &error);
    if (status == OTS_OK && names.count)
        status = ots_instance_refresh(instance, interrupt, &error);
    for (size_t i = 0; status == OTS_OK && i < names.count; i++)
        status = replay_named(instance, names.items[i], interrupt, &error);
    free(names.items);
    ots_arena_deinit(&names.arena);
    if (status != OTS_OK && err)
        *err = error;
    return status;
}

/* --- in the background ------------------------------------------------------------------------*/

static enum ots_status replay_all(struct ots_view *view, struct ots_error *err)
{
    enum ots_status result = OTS_OK;
    for (size_t i = 0; i < view->instance_count; i++) {
        enum ots_status status = ots_replay_instance(&view->instances[i], &view->end, err);
        if (status != OTS_OK)
            result = status;
    }
    return result;
}

static void *run_replayer(void *argument)
{
    struct ots_view *view = argument;
    struct ots_error err = {0};
    bool is_told = false;
    while (!ots_interrupt_is_raised(&view->end) && replay_all(view, &err) != OTS_OK) {
        if (!is_told && !ots_interrupt_is_raised(&view->end))
            ots_log_error(view->options.log, OTS_LOG_ERROR, "rows of an earlier mount wait", &err);
        is_told = true;
        ots_view_nap(view, RETRY_US, &view->end);
    }
    return NULL;
}

enum ots_status ots_replay_start(struct ots_view *view)
{
    bool has_state = false;
    for (size_t i = 0; i < view->instance_count; i++)
        has_state = has_state || view->instances[i].state;
    if (!has_state)
        return OTS_OK;
    ots_interrupt_init(&view->end);
    view->has_replayer = pthread_create(&view->replayer, NULL, run_replayer, view) == 0;
    if (!view->has_replayer)
        ots_interrupt_deinit(&view->end);
    return view->has_replayer ? OTS_OK : OTS_IO;
}

void ots_replay_stop(struct ots_view *view)
{
    if (!view->has_replayer)
        return;
    ots_interrupt_raise(&view->end);
    pthread_join(view->replayer, NULL);
    ots_interrupt_deinit(&view->end);
    view->has_replayer = false;
}
