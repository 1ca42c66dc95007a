/*
 * Saving: what has changed is taken in portions (fs/view/taking.h), which are written in one
 * transaction, so that it holds what was known at the moment of the last one.
 */
#include "fs/view/persist.h"

#include <stdlib.h>

#include "fs/state/state_dir.h"
#include "fs/view/persist_load.h"
#include "fs/view/taking.h"

enum {
    PORTION_NODES = 4096,
    PORTIONS_MAX = 512, /* then all the rest at once */
    RETRY_US = 10 * 1000000,
};

static const int64_t DESCRIBED_US_MAX = INT64_C(600) * 1000000;

/* --- writing ----------------------------------------------------------------------------------*/

static enum ots_status put_marks(struct ots_persist *persist, const struct ots_taken_node *taken,
                                 struct ots_error *err)
{
    const struct ots_known_timeline *known = &taken->known;
    if (taken->marks.size)
        return ots_table_state_put_marks(persist->state, known->measurement, known->file,
                                         taken->marks, err);
    if (taken->has_lost_marks)
        return ots_table_state_remove_marks(persist->state, known->measurement, known->file, err);
    return OTS_OK;
}

static enum ots_status put_nodes(struct ots_persist *persist, const struct ots_taking *taking,
                                 struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && i < taking->count; i++) {
        const struct ots_taken_node *taken = &taking->nodes[i];
        if (taken->is_gone)
            status = ots_table_state_remove_timeline(persist->state, taken->known.measurement,
                                                     taken->known.file, err);
        else
            status = ots_table_state_put_timeline(persist->state, &taken->known, err);
        if (status == OTS_OK)
            status = put_marks(persist, taken, err);
    }
    return status;
}

static enum ots_status put_groups(struct ots_persist *persist, const struct ots_taking *taking,
                                  struct ots_error *err)
{
    const struct ots_taken_group *groups = (const void *)taking->groups.data;
    const struct ots_known_entry *entries = (const void *)taking->entries.data;
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && i < taking->groups.size / sizeof(*groups); i++) {
        if (groups[i].count)
            status = ots_table_state_put_entries(persist->state, groups[i].number,
                                                 entries + groups[i].first, groups[i].count, err);
        else
            status = ots_table_state_remove_entries(persist->state, groups[i].number, err);
    }
    return status;
}

struct put_shard {
    struct ots_persist *persist;
    struct ots_error *err;
};

static enum ots_status put_shard(void *context, const struct ots_shard_position *position)
{
    const struct put_shard *put = context;
    const struct ots_known_shard shard = {.id = position->id,
                                          .parent = position->parent,
                                          .sibling = position->sibling,
                                          .iterator = position->iterator,
                                          .is_ended = position->is_ended};
    return ots_table_state_put_shard(put->persist->state, &shard, put->err);
}

static enum ots_status put_positions(struct ots_persist *persist,
                                     const struct ots_stream_cursor *cursor, struct ots_error *err)
{
    struct put_shard put = {persist, err};
    struct ots_stream_positions positions = {0};
    enum ots_status status = ots_table_state_clear_shards(persist->state, err);
    if (status == OTS_OK && cursor)
        status = ots_stream_cursor_save(cursor, &positions, put_shard, &put);
    if (status == OTS_OK)
        status = ots_table_state_set_meta(persist->state, OTS_PERSIST_DESCRIBED,
                                          positions.described_us, err);
    return status;
}

static enum ots_status put_numbers(struct ots_persist *persist, const struct ots_taking *taking,
                                   bool is_measured, struct ots_error *err)
{
    struct ots_table_state *state = persist->state;
    enum ots_status status =
        ots_table_state_set_meta(state, OTS_PERSIST_MEASURED, is_measured, err);
    if (status == OTS_OK)
        status = ots_table_state_set_meta(state, OTS_PERSIST_CUT, taking->cut_us, err);
    if (status == OTS_OK)
        status =
            ots_table_state_set_meta(state, OTS_PERSIST_TIME_TO_LIVE, taking->time_to_live_s, err);
    return status;
}

/* --- saving -----------------------------------------------------------------------------------*/

static enum ots_status add_position(void *context, const struct ots_shard_position *position)
{
    struct ots_buf *text = context;
    ots_buf_append_slice(text, position->id);
    ots_buf_append_slice(text, position->iterator);
    ots_buf_append_byte(text, position->is_ended);
    return ots_buf_status(text);
}

/* Whether the places have moved since they were saved. */
static bool have_moved(struct ots_persist *persist, const struct ots_stream_cursor *cursor)
{
    struct ots_stream_positions positions;
    ots_buf_reset(&persist->positions_text);
    if (cursor && ots_stream_cursor_save(cursor, &positions, add_position,
                                         &persist->positions_text) != OTS_OK)
        return true;
    /* How long ago the shards were looked for must not come near the stream's retention. */
    bool is_old = cursor && positions.described_us - persist->described_us > DESCRIBED_US_MAX;
    return is_old || !ots_slice_equal(ots_buf_slice(&persist->positions_text),
                                      ots_buf_slice(&persist->saved_text));
}

static void note_positions(struct ots_persist *persist, const struct ots_stream_cursor *cursor)
{
    struct ots_stream_positions positions = {0};
    ots_buf_reset(&persist->saved_text);
    ots_buf_append_slice(&persist->saved_text, ots_buf_slice(&persist->positions_text));
    if (cursor && ots_stream_cursor_save(cursor, &positions, NULL, NULL) == OTS_OK)
        persist->described_us = positions.described_us;
}

static bool is_due(struct ots_persist *persist, const struct ots_stream_cursor *cursor,
                   bool is_measured)
{
    struct ots_table *table = persist->table;
    bool is_moved = have_moved(persist, cursor);
    pthread_mutex_lock(&table->view->synced.lock);
    bool is_changed = table->changed_count || table->has_changed_directories ||
                      ots_ahead_has_changed(table->ahead) ||
                      table->whole.cut_us != persist->saved_cut_us;
    pthread_mutex_unlock(&table->view->synced.lock);
    return is_moved || is_changed || persist->is_all_due || is_measured != persist->is_measured;
}

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "out of memory");
}

static enum ots_status begin(struct ots_persist *persist, struct ots_error *err)
{
    enum ots_status status = ots_table_state_begin(persist->state, err);
    if (status != OTS_OK || !persist->is_all_due)
        return status;
    ots_persist_mark_all(persist->table);
    status = ots_table_state_clear_timelines(persist->state, err);
    if (status == OTS_OK)
        status = ots_table_state_clear_marks(persist->state, err);
    if (status == OTS_OK)
        status = ots_table_state_clear_entries(persist->state, err);
    return status;
}

static enum ots_status write_all(struct ots_persist *persist, struct ots_taking *taking,
                                 const struct ots_stream_cursor *cursor, bool is_measured,
                                 struct ots_error *err)
{
    enum ots_status status = begin(persist, err);
    bool is_all = false;
    for (size_t i = 0; status == OTS_OK && !is_all; i++) {
        is_all = ots_taking_take(taking, i < PORTIONS_MAX ? PORTION_NODES : SIZE_MAX);
        status = taking->status == OTS_OK ? put_nodes(persist, taking, err) : no_memory(err);
    }
    if (status == OTS_OK)
        status = put_groups(persist, taking, err);
    if (status == OTS_OK)
        status = put_positions(persist, cursor, err);
    if (status == OTS_OK)
        status = put_numbers(persist, taking, is_measured, err);
    if (status == OTS_OK)
        return ots_table_state_commit(persist->state, err);
    ots_table_state_rollback(persist->state);
    return status;
}

static void note_failure(struct ots_persist *persist, enum ots_status status,
                         const struct ots_error *err)
{
    const struct ots_table *table = persist->table;
    struct ots_view *view = table->view;
    struct ots_error rebuild_err = {0};
    bool is_first = !persist->is_failing;
    if (is_first)
        ots_log(view->options.log, OTS_LOG_ERROR,
                "table %.*s: what is known of it cannot be stored, so the next mount has more to "
                "do: %s",
                OTS_SLICE_FMT(table->node->name), err->message);
    persist->is_failing = true;
    persist->retry_us = ots_view_now_us(view) + RETRY_US;
    persist->is_all_due = true;
    pthread_mutex_lock(&view->synced.lock);
    ots_ahead_mark_changed(table->ahead);
    pthread_mutex_unlock(&view->synced.lock);
    if (status == OTS_CORRUPT &&
        ots_table_state_rebuild(persist->state, ots_state_dir_fd(table->instance->state),
                                &rebuild_err) != OTS_OK &&
        is_first)
        ots_log_error(view->options.log, OTS_LOG_ERROR, "a state cannot be begun anew",
                      &rebuild_err);
}

void ots_persist_save(struct ots_persist *persist, const struct ots_stream_cursor *cursor,
                      bool is_measured)
{
    struct ots_error err = {0};
    struct ots_taking taking = {.table = persist->table, .arena = OTS_ARENA_INIT, .status = OTS_OK};
    struct ots_pipeline *pipeline = persist->table->pipeline;
    if (persist->is_failing && ots_view_now_us(persist->table->view) < persist->retry_us) {
        ots_pipeline_flush_done(pipeline, UINT64_MAX);
        return;
    }
    uint64_t mark = ots_pipeline_done_mark(pipeline);
    enum ots_status status = ots_table_state_check(persist->state, &err);
    if (status == OTS_OK && !is_due(persist, cursor, is_measured)) {
        ots_pipeline_flush_done(pipeline, mark);
        return;
    }
    if (status == OTS_OK)
        status = write_all(persist, &taking, cursor, is_measured, &err);
    ots_pipeline_flush_done(pipeline, status == OTS_OK ? mark : UINT64_MAX);
    if (status == OTS_OK) {
        persist->is_failing = false;
        persist->is_all_due = false;
        persist->is_measured = is_measured;
        persist->saved_cut_us = taking.cut_us;
        note_positions(persist, cursor);
    } else {
        note_failure(persist, status, &err);
    }
    ots_taking_deinit(&taking);
}

/* --- life -------------------------------------------------------------------------------------*/

/* All that the file's contents depend on; the time to live is looked at when it is loaded. */
static void append_identity(const struct ots_table *table, struct ots_slice identity,
                            struct ots_buf *text)
{
    ots_buf_append_fmt(text, "%.*s precision=%d text=%d state=%d", OTS_SLICE_FMT(identity),
                       (int)table->view->options.precision, OTS_LP_RENDERER_VERSION,
                       OTS_PERSIST_VERSION);
}

static enum ots_status open_file(struct ots_persist *persist, struct ots_slice identity,
                                 enum ots_table_state_outcome *outcome, struct ots_error *err)
{
    const struct ots_table *table = persist->table;
    struct ots_buf text = OTS_BUF_INIT;
    append_identity(table, identity, &text);
    ots_buf_append_slice(&persist->identity, identity);
    persist->positions.identity = ots_buf_slice(&persist->identity);
    enum ots_status status = ots_buf_status(&text);
    if (status == OTS_OK)
        status = ots_buf_status(&persist->identity);
    if (status == OTS_OK)
        status = ots_table_state_open(ots_state_dir_fd(table->instance->state), table->node->name,
                                      ots_buf_slice(&text), &persist->state, outcome, err);
    ots_buf_deinit(&text);
    return status;
}

static void tell_outcome(const struct ots_table *table, enum ots_table_state_outcome outcome)
{
    if (outcome == OTS_TABLE_STATE_DAMAGED)
        ots_log(table->view->options.log, OTS_LOG_ERROR,
                "table %.*s: what was kept of it is damaged; the table is scanned anew",
                OTS_SLICE_FMT(table->node->name));
}

static enum ots_status load(struct ots_persist *persist, struct ots_error *err)
{
    struct ots_view *view = persist->table->view;
    pthread_mutex_lock(&view->synced.lock);
    bool is_known = persist->table->whole.scanned_us;
    pthread_mutex_unlock(&view->synced.lock);
    /* Nothing was kept of what happened since that was stored. */
    persist->is_all_due = is_known;
    return is_known ? OTS_OK : ots_persist_load(persist, err);
}

enum ots_status ots_persist_open(struct ots_table *table, struct ots_slice identity,
                                 struct ots_persist **out, struct ots_error *err)
{
    struct ots_persist *persist = calloc(1, sizeof(*persist));
    enum ots_table_state_outcome outcome;
    *out = NULL;
    if (!persist)
        return no_memory(err);
    persist->table = table;
    persist->arena = OTS_ARENA_INIT;
    enum ots_status status = open_file(persist, identity, &outcome, err);
    if (status == OTS_OK) {
        tell_outcome(table, outcome);
        status = load(persist, err);
    }
    if (status == OTS_OK) {
        *out = persist;
        return OTS_OK;
    }
    ots_persist_close(persist);
    if (status == OTS_NOMEM)
        return no_memory(err);
    ots_log(table->view->options.log, OTS_LOG_ERROR,
            "table %.*s: what is known of it is not kept: %s", OTS_SLICE_FMT(table->node->name),
            err->message);
    return OTS_OK;
}

void ots_persist_close(struct ots_persist *persist)
{
    if (!persist)
        return;
    ots_table_state_close(persist->state);
    ots_persist_forget_positions(persist);
    ots_buf_deinit(&persist->identity);
    ots_buf_deinit(&persist->positions_text);
    ots_buf_deinit(&persist->saved_text);
    free(persist);
}

const struct ots_stream_positions *ots_persist_positions(const struct ots_persist *persist)
{
    return persist->has_positions ? &persist->positions : NULL;
}

void ots_persist_forget_positions(struct ots_persist *persist)
{
    persist->has_positions = false;
    free(persist->shards);
    persist->shards = NULL;
    persist->positions.shards = NULL;
    persist->positions.count = 0;
    ots_arena_deinit(&persist->arena);
}

bool ots_persist_is_measured(const struct ots_persist *persist)
{
    return persist->is_measured;
}

bool ots_persist_is_failing(const struct ots_persist *persist)
{
    return persist->is_failing;
}
