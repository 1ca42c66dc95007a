#include "fs/state/table_state.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/base/take.h"
#include "fs/state/file_name.h"
#include "fs/state/item_file.h"
#include "fs/state/known_codec.h"

static const char TABLES_DIR[] = "tables";

struct ots_table_state {
    struct ots_item_file *file;
    struct ots_buf data; /* what is being put */
};

/* --- opening ----------------------------------------------------------------------------------*/

static enum ots_status name_of(struct ots_slice table, char name[OTS_STATE_NAME_BYTES],
                               struct ots_error *err)
{
    enum ots_status status = ots_state_file_name(table, ".db", name);
    return status == OTS_OK ? status : ots_error_set(err, status, "no digest");
}

static enum ots_status open_tables(int dir_fd, int *tables_fd, struct ots_error *err)
{
    *tables_fd = ots_state_open_dir(dir_fd, TABLES_DIR);
    return *tables_fd < 0 ? ots_error_errno(err, errno, "the state's directory %s", TABLES_DIR)
                          : OTS_OK;
}

enum ots_status ots_table_state_open(int dir_fd, struct ots_slice table, struct ots_slice identity,
                                     struct ots_table_state **out,
                                     enum ots_table_state_outcome *outcome, struct ots_error *err)
{
    static const enum ots_table_state_outcome OUTCOMES[] = {
        [OTS_ITEM_FOUND_NONE] = OTS_TABLE_STATE_FRESH,
        [OTS_ITEM_FOUND_SOUND] = OTS_TABLE_STATE_LOADED,
        [OTS_ITEM_FOUND_OTHER] = OTS_TABLE_STATE_OTHER,
        [OTS_ITEM_FOUND_DAMAGED] = OTS_TABLE_STATE_DAMAGED,
    };
    char name[OTS_STATE_NAME_BYTES];
    enum ots_item_found found;
    enum ots_status status = name_of(table, name, err);
    if (status != OTS_OK)
        return status;
    if (identity.size > OTS_TABLE_STATE_BLOB_BYTES_MAX)
        return ots_error_set(err, OTS_LIMIT, "the state %s: too long an identity", name);
    int tables_fd;
    status = open_tables(dir_fd, &tables_fd, err);
    if (status != OTS_OK)
        return status;
    struct ots_table_state *state = calloc(1, sizeof(*state));
    if (!state) {
        close(tables_fd);
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    }
    status = ots_item_file_open(tables_fd, name, identity, &state->file, &found, err);
    if (status != OTS_OK) {
        ots_table_state_close(state);
        return status;
    }
    *outcome = OUTCOMES[found];
    *out = state;
    return OTS_OK;
}

void ots_table_state_close(struct ots_table_state *state)
{
    if (!state)
        return;
    ots_item_file_close(state->file);
    ots_buf_deinit(&state->data);
    free(state);
}

enum ots_status ots_table_state_rebuild(struct ots_table_state *state, int dir_fd,
                                        struct ots_error *err)
{
    int tables_fd;
    enum ots_status status = open_tables(dir_fd, &tables_fd, err);
    return status == OTS_OK ? ots_item_file_rebuild(state->file, tables_fd, err) : status;
}

enum ots_status ots_table_state_check(struct ots_table_state *state, struct ots_error *err)
{
    return ots_item_file_check(state->file, err);
}

static enum ots_status see_mtime(void *context, const struct ots_item *item)
{
    int64_t *mtime_ns = context;
    struct ots_known_timeline known = {.measurement = item->first};
    if (!ots_known_decode_timeline(item->data, &known))
        return OTS_CORRUPT;
    *mtime_ns = known.mtime_ns;
    return OTS_OK;
}

enum ots_status ots_table_state_peek_mtime(int dir_fd, struct ots_slice table,
                                           struct ots_slice measurement, struct ots_slice file,
                                           int64_t *mtime_ns, struct ots_error *err)
{
    char name[OTS_STATE_NAME_BYTES];
    const struct ots_item key = {.first = measurement, .second = file};
    enum ots_status status = name_of(table, name, err);
    int tables_fd;
    if (status == OTS_OK)
        status = open_tables(dir_fd, &tables_fd, err);
    if (status != OTS_OK)
        return status;
    status = ots_item_file_peek(tables_fd, name, OTS_ITEM_TIMELINE, &key, see_mtime, mtime_ns, err);
    close(tables_fd);
    return status;
}

/* --- reading ----------------------------------------------------------------------------------*/

/* One of the visitors, and what the item's bytes could not tell. */
struct visit {
    ots_known_timeline_visit *timeline;
    ots_known_marks_visit *marks;
    ots_known_shard_visit *shard;
    ots_known_entry_visit *entry;
    void *context;
    bool is_malformed;
};

static enum ots_status malformed(struct visit *visit)
{
    visit->is_malformed = true;
    return OTS_CORRUPT;
}

static enum ots_status malformed_error(struct ots_error *err)
{
    return ots_error_set(err, OTS_CORRUPT, "an item of the table's state is malformed");
}

static enum ots_status each(struct ots_table_state *state, enum ots_item_kind kind,
                            ots_item_visit *item_visit, struct visit *visit, struct ots_error *err)
{
    enum ots_status status = ots_item_file_each(state->file, kind, item_visit, visit, err);
    return visit->is_malformed ? malformed_error(err) : status;
}

static enum ots_status visit_timeline(void *context, const struct ots_item *item)
{
    struct visit *visit = context;
    struct ots_known_timeline timeline = {.measurement = item->first, .file = item->second};
    if (!ots_known_decode_timeline(item->data, &timeline))
        return malformed(visit);
    return visit->timeline(visit->context, &timeline);
}

enum ots_status ots_table_state_each_timeline(struct ots_table_state *state,
                                              ots_known_timeline_visit *visit, void *context,
                                              struct ots_error *err)
{
    struct visit how = {.timeline = visit, .context = context};
    return each(state, OTS_ITEM_TIMELINE, visit_timeline, &how, err);
}

static enum ots_status visit_marks(void *context, const struct ots_item *item)
{
    const struct visit *visit = context;
    return visit->marks(visit->context, item->first, item->second, item->data);
}

enum ots_status ots_table_state_each_marks(struct ots_table_state *state,
                                           ots_known_marks_visit *visit, void *context,
                                           struct ots_error *err)
{
    struct visit how = {.marks = visit, .context = context};
    return each(state, OTS_ITEM_MARKS, visit_marks, &how, err);
}

static enum ots_status visit_shard(void *context, const struct ots_item *item)
{
    struct visit *visit = context;
    struct ots_known_shard shard = {.id = item->first};
    if (!ots_known_decode_shard(item->data, &shard))
        return malformed(visit);
    return visit->shard(visit->context, &shard);
}

enum ots_status ots_table_state_each_shard(struct ots_table_state *state,
                                           ots_known_shard_visit *visit, void *context,
                                           struct ots_error *err)
{
    struct visit how = {.shard = visit, .context = context};
    return each(state, OTS_ITEM_SHARD, visit_shard, &how, err);
}

static enum ots_status visit_group(void *context, const struct ots_item *item)
{
    struct visit *visit = context;
    struct ots_known_entry entry = {.time_us = 0};
    struct ots_slice data = item->data;
    uint64_t group;
    if (item->first.size != sizeof(group))
        return malformed(visit);
    memcpy(&group, item->first.data, sizeof(group));
    while (data.size) {
        if (!ots_known_decode_entry(&data, &entry))
            return malformed(visit);
        enum ots_status status = visit->entry(visit->context, be64toh(group), &entry);
        if (status != OTS_OK)
            return status;
    }
    return OTS_OK;
}

enum ots_status ots_table_state_each_entry(struct ots_table_state *state,
                                           ots_known_entry_visit *visit, void *context,
                                           struct ots_error *err)
{
    struct visit how = {.entry = visit, .context = context};
    return each(state, OTS_ITEM_ENTRIES, visit_group, &how, err);
}

struct meta {
    int64_t value;
    bool is_malformed;
};

static enum ots_status visit_meta(void *context, const struct ots_item *item)
{
    struct meta *meta = context;
    struct ots_slice data = item->data;
    meta->is_malformed = !ots_take_i64le(&data, &meta->value) || data.size;
    return meta->is_malformed ? OTS_CORRUPT : OTS_OK;
}

enum ots_status ots_table_state_get_meta(struct ots_table_state *state, const char *name,
                                         int64_t *value, struct ots_error *err)
{
    struct meta meta = {.is_malformed = false};
    enum ots_status status = ots_item_file_get(state->file, OTS_ITEM_META, ots_slice_str(name),
                                               OTS_SLICE_NONE, visit_meta, &meta, err);
    if (meta.is_malformed)
        return malformed_error(err);
    if (status == OTS_OK)
        *value = meta.value;
    return status;
}

/* --- changing ---------------------------------------------------------------------------------*/

enum ots_status ots_table_state_begin(struct ots_table_state *state, struct ots_error *err)
{
    return ots_item_file_begin(state->file, err);
}

enum ots_status ots_table_state_commit(struct ots_table_state *state, struct ots_error *err)
{
    return ots_item_file_commit(state->file, err);
}

void ots_table_state_rollback(struct ots_table_state *state)
{
    ots_item_file_rollback(state->file);
}

static enum ots_status too_long(struct ots_error *err)
{
    return ots_error_set(err, OTS_LIMIT, "too long a name for the table's state");
}

static bool is_name(struct ots_slice name)
{
    return name.size <= OTS_TABLE_STATE_NAME_BYTES_MAX;
}

static bool is_blob(struct ots_slice blob)
{
    return blob.size <= OTS_TABLE_STATE_BLOB_BYTES_MAX;
}

/* Put state->data under a key. */
static enum ots_status put(struct ots_table_state *state, enum ots_item_kind kind,
                           struct ots_slice first, struct ots_slice second, struct ots_error *err)
{
    if (ots_buf_status(&state->data) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    struct ots_item item = {first, second, ots_buf_slice(&state->data)};
    return ots_item_file_put(state->file, kind, &item, err);
}

enum ots_status ots_table_state_put_timeline(struct ots_table_state *state,
                                             const struct ots_known_timeline *timeline,
                                             struct ots_error *err)
{
    if (!is_name(timeline->measurement) || !is_name(timeline->file) || !is_blob(timeline->key))
        return too_long(err);
    ots_buf_reset(&state->data);
    ots_known_encode_timeline(&state->data, timeline);
    return put(state, OTS_ITEM_TIMELINE, timeline->measurement, timeline->file, err);
}

enum ots_status ots_table_state_remove_timeline(struct ots_table_state *state,
                                                struct ots_slice measurement, struct ots_slice file,
                                                struct ots_error *err)
{
    return ots_item_file_remove(state->file, OTS_ITEM_TIMELINE, measurement, file, err);
}

enum ots_status ots_table_state_clear_timelines(struct ots_table_state *state,
                                                struct ots_error *err)
{
    return ots_item_file_clear(state->file, OTS_ITEM_TIMELINE, err);
}

enum ots_status ots_table_state_put_marks(struct ots_table_state *state,
                                          struct ots_slice measurement, struct ots_slice file,
                                          struct ots_slice marks, struct ots_error *err)
{
    if (!is_name(measurement) || !is_name(file) || !is_blob(marks))
        return too_long(err);
    const struct ots_item item = {measurement, file, marks};
    return ots_item_file_put(state->file, OTS_ITEM_MARKS, &item, err);
}

enum ots_status ots_table_state_remove_marks(struct ots_table_state *state,
                                             struct ots_slice measurement, struct ots_slice file,
                                             struct ots_error *err)
{
    return ots_item_file_remove(state->file, OTS_ITEM_MARKS, measurement, file, err);
}

enum ots_status ots_table_state_clear_marks(struct ots_table_state *state, struct ots_error *err)
{
    return ots_item_file_clear(state->file, OTS_ITEM_MARKS, err);
}

enum ots_status ots_table_state_put_shard(struct ots_table_state *state,
                                          const struct ots_known_shard *shard,
                                          struct ots_error *err)
{
    if (!is_name(shard->id) || !is_name(shard->parent) || !is_name(shard->sibling) ||
        !is_blob(shard->iterator))
        return too_long(err);
    ots_buf_reset(&state->data);
    ots_known_encode_shard(&state->data, shard);
    return put(state, OTS_ITEM_SHARD, shard->id, OTS_SLICE_NONE, err);
}

enum ots_status ots_table_state_clear_shards(struct ots_table_state *state, struct ots_error *err)
{
    return ots_item_file_clear(state->file, OTS_ITEM_SHARD, err);
}

enum ots_status ots_table_state_put_entries(struct ots_table_state *state, uint64_t group,
                                            const struct ots_known_entry *entries, size_t count,
                                            struct ots_error *err)
{
    /* Big-endian, so that the order of the bytes is that of the numbers. */
    uint64_t key = htobe64(group);
    ots_buf_reset(&state->data);
    for (size_t i = 0; i < count; i++) {
        if (!is_name(entries[i].measurement) || !is_name(entries[i].file))
            return too_long(err);
        ots_known_encode_entry(&state->data, &entries[i], i ? &entries[i - 1] : NULL);
        if (state->data.size > OTS_TABLE_STATE_GROUP_BYTES_MAX)
            return ots_error_set(err, OTS_LIMIT, "too many entries for the table's state");
    }
    return put(state, OTS_ITEM_ENTRIES, ots_slice(&key, sizeof(key)), OTS_SLICE_NONE, err);
}

enum ots_status ots_table_state_remove_entries(struct ots_table_state *state, uint64_t group,
                                               struct ots_error *err)
{
    uint64_t key = htobe64(group);
    return ots_item_file_remove(state->file, OTS_ITEM_ENTRIES, ots_slice(&key, sizeof(key)),
                                OTS_SLICE_NONE, err);
}

enum ots_status ots_table_state_clear_entries(struct ots_table_state *state, struct ots_error *err)
{
    return ots_item_file_clear(state->file, OTS_ITEM_ENTRIES, err);
}

enum ots_status ots_table_state_set_meta(struct ots_table_state *state, const char *name,
                                         int64_t value, struct ots_error *err)
{
    ots_buf_reset(&state->data);
    ots_buf_append_u64le(&state->data, (uint64_t)value);
    return put(state, OTS_ITEM_META, ots_slice_str(name), OTS_SLICE_NONE, err);
}
