/*
 * Known timelines are answered from the cache. All others are read, numbered and written one
 * request at a time, under `writer`: so a number is given once, and the cache, which is filled
 * under it too, is never behind the engine. New records are written before any row that uses them;
 * a timeline without rows is all that a crash in between can leave.
 *
 * The next free number is not stored: it follows the last one of the table or the measurement in
 * the engine.
 */
#include "backend/server/dictionary.h"

#include "backend/server/expiry.h"
#include "backend/server/series_cache.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    CACHE_BYTES_DEFAULT = 32 << 20,
    RECORD_VERSION = 1,
    RECORD_TIMELINE = 1,
    RECORD_HAS_META = 9,
    RECORD_UPDATE_TIME = 10,
    RECORD_ATTRIBUTES = 18,
};

struct ots_dictionary {
    struct ots_engine *engine;
    const struct ots_clock *clock;
    struct ots_series_cache *cache;
    pthread_mutex_t writer;
};

/* The numbers that a request takes within one measurement. */
struct numbering {
    struct ots_slice prefix; /* the measurement in order */
    uint32_t measurement;
    uint32_t last_ordinal;
};

/* What one request adds, until it is written. */
struct intake {
    struct ots_dictionary *dictionary;
    uint32_t table;
    bool updates_meta;
    int64_t now_us;
    int64_t meta_begin_us; /* what was updated before is expired */
    struct ots_batch *batch;
    struct ots_arena arena;
    struct ots_buf value;
    struct ots_series_cached *cached; /* per ref, what the cache gets once written */
    struct numbering *numberings;
    size_t numbering_count;
    bool knows_last_measurement;
    uint32_t last_measurement;
};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for timelines");
}

struct ots_dictionary *ots_dictionary_new(struct ots_engine *engine, const struct ots_clock *clock,
                                          size_t cache_bytes)
{
    struct ots_dictionary *dictionary = calloc(1, sizeof(*dictionary));
    if (!dictionary)
        return NULL;
    dictionary->engine = engine;
    dictionary->clock = clock;
    dictionary->cache = ots_series_cache_new(cache_bytes ? cache_bytes : CACHE_BYTES_DEFAULT);
    if (!dictionary->cache) {
        free(dictionary);
        return NULL;
    }
    pthread_mutex_init(&dictionary->writer, NULL);
    return dictionary;
}

void ots_dictionary_free(struct ots_dictionary *dictionary)
{
    if (!dictionary)
        return;
    pthread_mutex_destroy(&dictionary->writer);
    ots_series_cache_free(dictionary->cache);
    free(dictionary);
}

void ots_dictionary_key_append(struct ots_buf *buf, uint32_t table,
                               const struct ots_series_key *key)
{
    uint8_t prefix[OTS_TABLE_PREFIX_BYTES];
    ots_buf_append_slice(buf, ots_layout_table_prefix(prefix, OTS_SPACE_SERIES, table));
    ots_layout_series_append(buf, key);
}

enum ots_status ots_series_record_decode(struct ots_slice value, struct ots_series_record *record,
                                         struct ots_error *err)
{
    if (value.size < RECORD_ATTRIBUTES || value.data[0] != RECORD_VERSION)
        return ots_error_set(err, OTS_CORRUPT, "the store holds a malformed timeline record");
    record->timeline = ots_layout_u64(value.data + RECORD_TIMELINE);
    record->has_meta = value.data[RECORD_HAS_META] != 0;
    record->update_time_us = (int64_t)ots_layout_u64(value.data + RECORD_UPDATE_TIME);
    record->attributes = ots_slice(value.data + RECORD_ATTRIBUTES, value.size - RECORD_ATTRIBUTES);
    return OTS_OK;
}

static void record_append(struct ots_buf *buf, const struct ots_series_record *record)
{
    uint8_t head[RECORD_ATTRIBUTES];
    head[0] = RECORD_VERSION;
    ots_layout_put_u64(head + RECORD_TIMELINE, record->timeline);
    head[RECORD_HAS_META] = record->has_meta;
    ots_layout_put_u64(head + RECORD_UPDATE_TIME, (uint64_t)record->update_time_us);
    ots_buf_append(buf, head, sizeof(head));
    ots_buf_append_slice(buf, record->attributes);
}

enum ots_status ots_series_record_meta(const struct ots_series_record *record,
                                       struct ots_slice series, struct ots_arena *arena,
                                       struct ots_timeline_meta *meta, struct ots_error *err)
{
    struct ots_slice text;
    if (ots_arena_copy(arena, record->attributes, &text) != OTS_OK)
        return no_memory(err);
    meta->update_time_us = record->update_time_us;
    enum ots_status status =
        ots_tags_text_parse(text, arena, &meta->attributes, &meta->attribute_count, err);
    if (status == OTS_INVALID)
        return ots_error_set(err, OTS_CORRUPT, "the store holds malformed attributes");
    if (status != OTS_OK)
        return status;
    return ots_layout_series_decode(series, arena, &meta->key, err);
}

enum ots_status ots_dictionary_find(struct ots_dictionary *dictionary, uint32_t table,
                                    const struct ots_series_key *key, uint64_t *timeline,
                                    bool *is_found, struct ots_error *err)
{
    struct ots_buf bytes = OTS_BUF_INIT;
    struct ots_buf value = OTS_BUF_INIT;
    struct ots_series_cached cached;
    struct ots_series_record record;
    ots_dictionary_key_append(&bytes, table, key);
    enum ots_status status = ots_buf_status(&bytes);
    if (status != OTS_OK) {
        no_memory(err);
    } else if (ots_series_cache_get(dictionary->cache, ots_buf_slice(&bytes), &cached)) {
        *is_found = true;
        *timeline = cached.timeline;
    } else {
        struct ots_engine *engine = dictionary->engine;
        status = engine->ops->get(engine, ots_buf_slice(&bytes), &value, is_found, err);
        if (status == OTS_OK && *is_found) {
            status = ots_series_record_decode(ots_buf_slice(&value), &record, err);
            *timeline = record.timeline;
        }
    }
    ots_buf_deinit(&bytes);
    ots_buf_deinit(&value);
    return status;
}

enum ots_status ots_dictionary_last(struct ots_dictionary *dictionary, uint32_t table,
                                    uint64_t first, uint64_t last, uint64_t *timeline,
                                    struct ots_error *err)
{
    struct ots_engine *engine = dictionary->engine;
    struct ots_key_range range;
    ots_layout_timelines_range(&range, OTS_SPACE_SERIES_KEY, table, first, last);
    OTS_AUTO(ots_cursor_freep)
    struct ots_cursor *cursor =
        engine->ops->cursor_new(engine, ots_key_range_begin(&range), ots_key_range_end(&range));
    if (!cursor)
        return no_memory(err);
    cursor->ops->seek_back(cursor, ots_key_range_end(&range));
    *timeline = 0;
    if (!cursor->is_valid)
        return cursor->ops->check(cursor, err);
    return ots_layout_key_timeline(cursor->key, timeline, err);
}

/* `prefix` is the key of a record up to the end of its measurement. */
static enum ots_status stored_measurement(struct ots_dictionary *dictionary, uint32_t table,
                                          struct ots_slice prefix, uint32_t *measurement,
                                          struct ots_error *err)
{
    struct ots_engine *engine = dictionary->engine;
    struct ots_key_range range;
    ots_layout_table_range(&range, OTS_SPACE_SERIES, table);
    OTS_AUTO(ots_cursor_freep)
    struct ots_cursor *cursor =
        engine->ops->cursor_new(engine, ots_key_range_begin(&range), ots_key_range_end(&range));
    if (!cursor)
        return no_memory(err);
    cursor->ops->seek(cursor, prefix);
    *measurement = 0;
    if (!cursor->is_valid)
        return cursor->ops->check(cursor, err);
    if (!ots_slice_starts(cursor->key, prefix))
        return OTS_OK;
    struct ots_series_record record;
    enum ots_status status = ots_series_record_decode(cursor->value, &record, err);
    if (status == OTS_OK)
        *measurement = ots_timeline_measurement(record.timeline);
    return status;
}

enum ots_status ots_dictionary_measurement(struct ots_dictionary *dictionary, uint32_t table,
                                           struct ots_slice name, uint32_t *measurement,
                                           struct ots_error *err)
{
    uint8_t table_prefix[OTS_TABLE_PREFIX_BYTES];
    struct ots_buf prefix = OTS_BUF_INIT;
    ots_buf_append_slice(&prefix, ots_layout_table_prefix(table_prefix, OTS_SPACE_SERIES, table));
    ots_layout_part_append(&prefix, name);
    ots_layout_part_end_append(&prefix);
    enum ots_status status = ots_buf_status(&prefix);
    if (status == OTS_OK)
        status = stored_measurement(dictionary, table, ots_buf_slice(&prefix), measurement, err);
    else
        no_memory(err);
    ots_buf_deinit(&prefix);
    return status;
}

static enum ots_status next_measurement(struct intake *intake, uint32_t *measurement,
                                        struct ots_error *err)
{
    if (!intake->knows_last_measurement) {
        uint64_t last = 0;
        enum ots_status status =
            ots_dictionary_last(intake->dictionary, intake->table, 0, UINT64_MAX, &last, err);
        if (status != OTS_OK)
            return status;
        intake->last_measurement = ots_timeline_measurement(last);
        intake->knows_last_measurement = true;
    }
    if (intake->last_measurement == UINT32_MAX)
        return ots_error_set(err, OTS_LIMIT, "the table has too many measurements");
    *measurement = ++intake->last_measurement;
    return OTS_OK;
}

/* Begin to number timelines of the measurement that `numbering->prefix` names. */
static enum ots_status numbering_begin(struct intake *intake, struct numbering *numbering,
                                       struct ots_error *err)
{
    enum ots_status status = stored_measurement(intake->dictionary, intake->table,
                                                numbering->prefix, &numbering->measurement, err);
    if (status != OTS_OK)
        return status;
    if (numbering->measurement == 0)
        return next_measurement(intake, &numbering->measurement, err);
    uint64_t last = 0;
    status = ots_dictionary_last(intake->dictionary, intake->table,
                                 ots_timeline_id(numbering->measurement, 0),
                                 ots_timeline_id(numbering->measurement, UINT32_MAX), &last, err);
    numbering->last_ordinal = ots_timeline_ordinal(last);
    return status;
}

static enum ots_status number_new(struct intake *intake, struct ots_slice key, uint64_t *timeline,
                                  struct ots_error *err)
{
    struct ots_slice series =
        ots_slice(key.data + OTS_TABLE_PREFIX_BYTES, key.size - OTS_TABLE_PREFIX_BYTES);
    struct ots_slice prefix;
    enum ots_status status = ots_layout_measurement_prefix(series, &prefix, err);
    if (status != OTS_OK)
        return status;
    prefix = ots_slice(key.data, OTS_TABLE_PREFIX_BYTES + prefix.size);
    struct numbering *numbering = intake->numberings;
    struct numbering *end = numbering + intake->numbering_count;
    while (numbering < end && !ots_slice_equal(numbering->prefix, prefix))
        numbering++;
    if (numbering == end) {
        *numbering = (struct numbering){.prefix = prefix};
        status = numbering_begin(intake, numbering, err);
        if (status != OTS_OK)
            return status;
        intake->numbering_count++;
    }
    if (numbering->last_ordinal == UINT32_MAX)
        return ots_error_set(err, OTS_LIMIT, "the measurement has too many timelines");
    *timeline = ots_timeline_id(numbering->measurement, ++numbering->last_ordinal);
    return OTS_OK;
}

static bool is_fresh(const struct intake *intake, int64_t update_time_us)
{
    return update_time_us > 0 && intake->now_us - update_time_us < OTS_META_UPDATE_INTERVAL_US;
}

/* Add `record` of the timeline `key` to the batch, and its key by number when it is new. */
static enum ots_status add_record(struct intake *intake, struct ots_slice key,
                                  const struct ots_series_record *record, bool is_new,
                                  struct ots_error *err)
{
    struct ots_engine *engine = intake->dictionary->engine;
    if (!intake->batch)
        intake->batch = engine->ops->batch_new(engine);
    struct ots_buf fresh = OTS_BUF_INIT;
    record_append(&fresh, record);
    if (!intake->batch || ots_buf_status(&fresh) != OTS_OK) {
        ots_buf_deinit(&fresh);
        return no_memory(err);
    }
    intake->batch->ops->put(intake->batch, key, ots_buf_slice(&fresh));
    ots_buf_deinit(&fresh);
    if (is_new) {
        uint8_t by_number[OTS_TIMELINE_PREFIX_BYTES];
        intake->batch->ops->put(
            intake->batch,
            ots_layout_timeline(by_number, OTS_SPACE_SERIES_KEY, intake->table, record->timeline),
            ots_slice(key.data + OTS_TABLE_PREFIX_BYTES, key.size - OTS_TABLE_PREFIX_BYTES));
    }
    return OTS_OK;
}

static void forget_expired(const struct intake *intake, struct ots_series_record *record)
{
    if (!record->has_meta || record->update_time_us >= intake->meta_begin_us)
        return;
    record->has_meta = false;
    record->attributes = OTS_SLICE_NONE;
}

/* Read or make the record of one timeline, and bring its metadata up to date. */
static enum ots_status resolve_one(struct intake *intake, struct ots_series_ref *ref,
                                   struct ots_series_cached *cached, struct ots_error *err)
{
    struct ots_engine *engine = intake->dictionary->engine;
    struct ots_series_record record = {0};
    struct ots_slice key = ref->key;
    bool is_found = false;
    ots_buf_reset(&intake->value);
    enum ots_status status = engine->ops->get(engine, key, &intake->value, &is_found, err);
    if (status == OTS_OK && is_found)
        status = ots_series_record_decode(ots_buf_slice(&intake->value), &record, err);
    else if (status == OTS_OK)
        status = number_new(intake, key, &record.timeline, err);
    if (status != OTS_OK)
        return status;
    forget_expired(intake, &record);
    bool needs_meta =
        intake->updates_meta && !(record.has_meta && is_fresh(intake, record.update_time_us));
    if (needs_meta) {
        record.has_meta = true;
        record.update_time_us = intake->now_us;
        ref->meta_renewed_us = intake->now_us;
    }
    cached->timeline = record.timeline;
    cached->meta_update_us = record.has_meta ? record.update_time_us : 0;
    return is_found && !needs_meta ? OTS_OK : add_record(intake, key, &record, !is_found, err);
}

static bool known_ref(struct intake *intake, struct ots_series_ref *ref)
{
    struct ots_series_cached cached;
    if (!ots_series_cache_get(intake->dictionary->cache, ref->key, &cached))
        return false;
    ref->timeline = cached.timeline;
    return !intake->updates_meta || is_fresh(intake, cached.meta_update_us);
}

/* A request may name a timeline several times; the first one is resolved for all. */
static bool same_before(const struct intake *intake, struct ots_series_ref *refs, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (refs[i].is_resolved || !ots_slice_equal(refs[i].key, refs[at].key))
            continue;
        intake->cached[at] = intake->cached[i];
        return true;
    }
    return false;
}

static enum ots_status resolve_unknown_locked(struct intake *intake, struct ots_series_ref *refs,
                                              size_t count, struct ots_error *err)
{
    struct ots_engine *engine = intake->dictionary->engine;
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < count && status == OTS_OK; i++)
        if (!refs[i].is_resolved && !same_before(intake, refs, i))
            status = resolve_one(intake, &refs[i], &intake->cached[i], err);
    if (status == OTS_OK && intake->batch)
        status = engine->ops->write(engine, intake->batch, err);
    if (status != OTS_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        if (refs[i].is_resolved)
            continue;
        refs[i].timeline = intake->cached[i].timeline;
        refs[i].is_resolved = true;
        ots_series_cache_put(intake->dictionary->cache, refs[i].key, &intake->cached[i]);
    }
    return OTS_OK;
}

static enum ots_status resolve_unknown(struct intake *intake, struct ots_series_ref *refs,
                                       size_t count, struct ots_error *err)
{
    intake->cached = ots_arena_array(&intake->arena, count, sizeof(*intake->cached));
    intake->numberings = ots_arena_array(&intake->arena, count, sizeof(*intake->numberings));
    if (!intake->cached || !intake->numberings)
        return no_memory(err);
    pthread_mutex_lock(&intake->dictionary->writer);
    enum ots_status status = resolve_unknown_locked(intake, refs, count, err);
    pthread_mutex_unlock(&intake->dictionary->writer);
    return status;
}

enum ots_status ots_dictionary_resolve(struct ots_dictionary *dictionary,
                                       const struct ots_table *table, struct ots_series_ref *refs,
                                       size_t count, bool updates_meta, struct ots_error *err)
{
    struct intake intake = {
        .dictionary = dictionary,
        .table = table->id,
        .updates_meta = updates_meta,
        .now_us = ots_clock_now_us(dictionary->clock),
        .arena = OTS_ARENA_INIT,
        .value = OTS_BUF_INIT,
    };
    intake.meta_begin_us = ots_expiry_begin_us(table->meta.meta_time_to_live_s, intake.now_us);
    bool is_all_known = true;
    for (size_t i = 0; i < count; i++) {
        refs[i].is_resolved = known_ref(&intake, &refs[i]);
        is_all_known &= refs[i].is_resolved;
    }
    if (is_all_known)
        return OTS_OK;
    enum ots_status status = resolve_unknown(&intake, refs, count, err);
    if (intake.batch)
        intake.batch->ops->free(intake.batch);
    ots_buf_deinit(&intake.value);
    ots_arena_deinit(&intake.arena);
    return status;
}

/* Read, change and write one record; the key of a timeline that is new goes with it. */
static enum ots_status change_one_locked(struct intake *intake,
                                         const struct ots_series_change *change,
                                         struct ots_error *err)
{
    struct ots_engine *engine = intake->dictionary->engine;
    struct ots_series_record record = {0};
    bool is_found = false;
    ots_buf_reset(&intake->value);
    enum ots_status status = engine->ops->get(engine, change->key, &intake->value, &is_found, err);
    if (status == OTS_OK && is_found)
        status = ots_series_record_decode(ots_buf_slice(&intake->value), &record, err);
    if (status != OTS_OK || (!is_found && change->is_removal))
        return status;
    if (!is_found)
        status = number_new(intake, change->key, &record.timeline, err);
    forget_expired(intake, &record);
    record.has_meta = !change->is_removal;
    record.update_time_us = change->is_removal ? 0 : intake->now_us;
    if (change->has_attributes || change->is_removal)
        record.attributes = change->attributes;
    if (status == OTS_OK)
        status = add_record(intake, change->key, &record, !is_found, err);
    if (status == OTS_OK)
        status = engine->ops->write(engine, intake->batch, err);
    if (status != OTS_OK)
        return status;
    const struct ots_series_cached cached = {record.timeline, record.update_time_us};
    ots_series_cache_put(intake->dictionary->cache, change->key, &cached);
    return OTS_OK;
}

enum ots_status ots_dictionary_change(struct ots_dictionary *dictionary,
                                      const struct ots_table *table,
                                      const struct ots_series_change *changes, size_t count,
                                      struct ots_error *err)
{
    struct intake intake = {
        .dictionary = dictionary,
        .table = table->id,
        .now_us = ots_clock_now_us(dictionary->clock),
        .arena = OTS_ARENA_INIT,
        .value = OTS_BUF_INIT,
    };
    intake.meta_begin_us = ots_expiry_begin_us(table->meta.meta_time_to_live_s, intake.now_us);
    intake.numberings = ots_arena_array(&intake.arena, count, sizeof(*intake.numberings));
    enum ots_status status = intake.numberings ? OTS_OK : no_memory(err);
    pthread_mutex_lock(&dictionary->writer);
    for (size_t i = 0; i < count && status == OTS_OK; i++) {
        status = change_one_locked(&intake, &changes[i], err);
        if (intake.batch)
            intake.batch->ops->free(intake.batch);
        intake.batch = NULL;
    }
    pthread_mutex_unlock(&dictionary->writer);
    ots_buf_deinit(&intake.value);
    ots_arena_deinit(&intake.arena);
    return status;
}
