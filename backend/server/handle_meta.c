/*
 * QueryTimeseriesMeta: the timelines' records in the order of their keys.
 *
 * What a condition says of the measurement bounds the range of keys that is read, alone and within
 * AND and OR: so paging through one measurement, or from measurement to measurement, costs the
 * same whatever else is in the table. All else of the condition is tested record by record.
 */
#include "backend/server/handlers.h"

#include "backend/server/token.h"

/* Keys behind the table's prefix: from `begin` up to, but without, `end`. */
struct bounds {
    struct ots_slice begin;
    struct ots_slice end;
    bool has_end;
};

struct query {
    struct ots_instance *instance;
    const struct ots_table *table;
    const struct ots_query_meta_request *request;
    struct ots_arena *arena;
    struct ots_arena scratch; /* of records that may not match */
    struct bounds bounds;
    int64_t begin_us; /* records that were updated before have expired */
    struct ots_timeline_meta *metas;
    size_t count;
    size_t limit;
};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for metadata");
}

/* `part` in order, with `tail` behind it, as bytes in the arena. */
static enum ots_status part_bound(struct ots_arena *arena, struct ots_slice part,
                                  struct ots_slice tail, struct ots_slice *bound,
                                  struct ots_error *err)
{
    struct ots_buf buf = OTS_BUF_INIT;
    ots_layout_part_append(&buf, part);
    ots_buf_append_slice(&buf, tail);
    enum ots_status status = ots_buf_status(&buf);
    if (status == OTS_OK)
        status = ots_arena_copy(arena, ots_buf_slice(&buf), bound);
    ots_buf_deinit(&buf);
    return status == OTS_OK ? OTS_OK : no_memory(err);
}

/* Turn a prefix, in place, into the first key behind all that start with it. */
static bool prefix_end(struct ots_slice *prefix)
{
    while (prefix->size && prefix->data[prefix->size - 1] == 0xff)
        prefix->size--;
    if (!prefix->size)
        return false;
    uint8_t *bytes = (uint8_t *)(uintptr_t)prefix->data;
    bytes[prefix->size - 1]++;
    return true;
}

static enum ots_status comparison_bounds(const struct ots_condition *condition,
                                         struct ots_arena *arena, struct bounds *bounds,
                                         struct ots_error *err)
{
    /* A measurement ends in 00 01: 00 02 is behind it and before every longer one. */
    const struct ots_slice at = OTS_SLICE("\x00\x01");
    const struct ots_slice behind = OTS_SLICE("\x00\x02");
    struct ots_slice value = condition->value;
    enum ots_status status = OTS_OK;
    switch (condition->comparison) {
    case OTS_EQUAL:
        bounds->has_end = true;
        status = part_bound(arena, value, behind, &bounds->end, err);
        return status == OTS_OK ? part_bound(arena, value, at, &bounds->begin, err) : status;
    case OTS_GREATER_EQUAL:
        return part_bound(arena, value, at, &bounds->begin, err);
    case OTS_GREATER_THAN:
        return part_bound(arena, value, behind, &bounds->begin, err);
    case OTS_LESS_THAN:
        bounds->has_end = true;
        return part_bound(arena, value, at, &bounds->end, err);
    case OTS_LESS_EQUAL:
        bounds->has_end = true;
        return part_bound(arena, value, behind, &bounds->end, err);
    case OTS_PREFIX:
        status = part_bound(arena, value, OTS_SLICE_NONE, &bounds->end, err);
        if (status == OTS_OK)
            status = part_bound(arena, value, OTS_SLICE_NONE, &bounds->begin, err);
        bounds->has_end = prefix_end(&bounds->end);
        return status;
    }
    return OTS_OK;
}

static void intersect(struct bounds *all, const struct bounds *one)
{
    if (ots_slice_compare(one->begin, all->begin) > 0)
        all->begin = one->begin;
    if (one->has_end && (!all->has_end || ots_slice_compare(one->end, all->end) < 0)) {
        all->end = one->end;
        all->has_end = true;
    }
}

static void unite(struct bounds *all, const struct bounds *one)
{
    if (ots_slice_compare(one->begin, all->begin) < 0)
        all->begin = one->begin;
    if (!one->has_end)
        all->has_end = false;
    else if (all->has_end && ots_slice_compare(one->end, all->end) > 0)
        all->end = one->end;
}

/* The condition was checked, so its depth is bounded. */
static enum ots_status condition_bounds(const struct ots_condition *condition,
                                        struct ots_arena *arena, struct bounds *bounds,
                                        struct ots_error *err)
{
    *bounds = (struct bounds){0};
    if (!condition)
        return OTS_OK;
    if (condition->kind == OTS_CONDITION_MEASUREMENT)
        return comparison_bounds(condition, arena, bounds, err);
    if (condition->kind != OTS_CONDITION_COMPOSITE || condition->logic == OTS_LOGIC_NOT)
        return OTS_OK;
    for (size_t i = 0; i < condition->child_count; i++) {
        struct bounds child;
        enum ots_status status = condition_bounds(&condition->children[i], arena, &child, err);
        if (status != OTS_OK)
            return status;
        if (i == 0)
            *bounds = child;
        else if (condition->logic == OTS_LOGIC_AND)
            intersect(bounds, &child);
        else
            unite(bounds, &child);
    }
    return OTS_OK;
}

/* A cursor at the first record at or behind `begin`. */
static struct ots_cursor *query_cursor(struct query *query, struct ots_slice begin)
{
    struct ots_engine *engine = query->instance->engine;
    struct ots_key_range range;
    ots_layout_table_range(&range, OTS_SPACE_SERIES, query->table->id);
    struct ots_buf first = OTS_BUF_INIT;
    struct ots_buf last = OTS_BUF_INIT;
    struct ots_cursor *cursor = NULL;
    ots_buf_append_slice(&first, ots_key_range_begin(&range));
    ots_buf_append_slice(&first, begin);
    if (query->bounds.has_end) {
        ots_buf_append_slice(&last, ots_key_range_begin(&range));
        ots_buf_append_slice(&last, query->bounds.end);
    } else {
        ots_buf_append_slice(&last, ots_key_range_end(&range));
    }
    if (ots_buf_status(&first) == OTS_OK && ots_buf_status(&last) == OTS_OK)
        cursor = engine->ops->cursor_new(engine, ots_buf_slice(&first), ots_buf_slice(&last));
    if (cursor)
        cursor->ops->seek(cursor, ots_buf_slice(&first));
    ots_buf_deinit(&first);
    ots_buf_deinit(&last);
    return cursor;
}

static struct ots_slice record_series(const struct ots_cursor *cursor)
{
    return ots_slice(cursor->key.data + OTS_TABLE_PREFIX_BYTES,
                     cursor->key.size - OTS_TABLE_PREFIX_BYTES);
}

/* Whether the record under the cursor is metadata that the condition wants. */
static enum ots_status record_matches(struct query *query, struct ots_cursor *cursor,
                                      struct ots_series_record *record, bool *matches,
                                      struct ots_error *err)
{
    *matches = false;
    enum ots_status status = ots_series_record_decode(cursor->value, record, err);
    if (status != OTS_OK || !record->has_meta || record->update_time_us < query->begin_us)
        return status;
    *matches = query->request->condition == NULL;
    if (*matches)
        return OTS_OK;
    struct ots_timeline_meta meta = {0};
    ots_arena_reset(&query->scratch);
    status = ots_series_record_meta(record, record_series(cursor), &query->scratch, &meta, err);
    if (status == OTS_OK)
        *matches = ots_condition_matches(query->request->condition, &meta);
    return status;
}

static enum ots_status query_token(struct query *query, const struct ots_cursor *cursor,
                                   struct ots_slice *bytes, struct ots_error *err)
{
    const struct ots_token token = {
        .kind = OTS_TOKEN_META,
        .table = query->table->id,
        .rest = record_series(cursor),
    };
    return ots_token_encode(&token, query->arena, bytes, err);
}

static enum ots_status query_page(struct query *query, struct ots_slice begin,
                                  struct ots_slice *next_token, struct ots_error *err)
{
    OTS_AUTO(ots_cursor_freep) struct ots_cursor *cursor = query_cursor(query, begin);
    query->metas = ots_arena_array(query->arena, query->limit, sizeof(*query->metas));
    if (!cursor || !query->metas)
        return no_memory(err);
    for (size_t examined = 0; cursor->is_valid; examined++, cursor->ops->next(cursor)) {
        struct ots_series_record record;
        bool matches = false;
        enum ots_status status = record_matches(query, cursor, &record, &matches, err);
        if (status != OTS_OK)
            return status;
        bool is_full = query->count == query->limit || examined >= OTS_PAGE_EXAMINED_MAX;
        if (is_full && (matches || examined >= OTS_PAGE_EXAMINED_MAX))
            return query_token(query, cursor, next_token, err);
        if (!matches)
            continue;
        status = ots_series_record_meta(&record, record_series(cursor), query->arena,
                                        &query->metas[query->count], err);
        if (status != OTS_OK)
            return status;
        query->count++;
    }
    return cursor->ops->check(cursor, err);
}

static enum ots_status query_total(struct query *query, int64_t *total, struct ots_error *err)
{
    OTS_AUTO(ots_cursor_freep)
    struct ots_cursor *cursor = query_cursor(query, query->bounds.begin);
    if (!cursor)
        return no_memory(err);
    *total = 0;
    for (; cursor->is_valid; cursor->ops->next(cursor)) {
        struct ots_series_record record;
        bool matches = false;
        enum ots_status status = record_matches(query, cursor, &record, &matches, err);
        if (status != OTS_OK)
            return status;
        *total += matches;
    }
    return cursor->ops->check(cursor, err);
}

/* Where the page begins: at the token's record, or where the condition says. */
static enum ots_status query_begin(struct query *query, struct ots_slice *begin,
                                   struct ots_error *err)
{
    *begin = query->bounds.begin;
    if (!query->request->token.size)
        return OTS_OK;
    struct ots_token token = {.kind = OTS_TOKEN_META, .table = query->table->id};
    enum ots_status status = ots_token_decode(query->request->token, &token, err);
    if (status != OTS_OK)
        return status;
    if (ots_slice_compare(token.rest, query->bounds.begin) < 0 ||
        (query->bounds.has_end && ots_slice_compare(token.rest, query->bounds.end) >= 0))
        return ots_error_set(err, OTS_INVALID, "token: of another condition");
    *begin = token.rest;
    return OTS_OK;
}

static enum ots_status query_run(struct query *query, struct ots_query_meta_response *response,
                                 struct ots_error *err)
{
    struct ots_slice begin;
    enum ots_status status =
        condition_bounds(query->request->condition, query->arena, &query->bounds, err);
    if (status == OTS_OK)
        status = query_begin(query, &begin, err);
    if (status == OTS_OK)
        status = query_page(query, begin, &response->next_token, err);
    if (status == OTS_OK && query->request->get_total_hit)
        status = query_total(query, &response->total_hit, err);
    response->metas = query->metas;
    response->count = query->count;
    return status;
}

enum ots_status ots_handle_query_meta(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_query_meta_request *request = &call->request.query_meta;
    enum ots_status status = ots_handle_hold_for(instance, call, request->table, &table, err);
    if (status == OTS_OK && request->condition)
        status = ots_condition_check(request->condition, err);
    if (status != OTS_OK)
        return status;
    struct query query = {
        .instance = instance,
        .table = table,
        .request = request,
        .arena = &call->arena,
        .scratch = OTS_ARENA_INIT,
        .begin_us =
            ots_expiry_begin_us(table->meta.meta_time_to_live_s, ots_clock_now_us(instance->clock)),
        .limit = OTS_META_PAGE_DEFAULT,
    };
    if (request->limit > 0)
        query.limit =
            request->limit < OTS_META_PAGE_MAX ? (size_t)request->limit : OTS_META_PAGE_MAX;
    call->response.query_meta = (struct ots_query_meta_response){.total_hit = -1};
    status = query_run(&query, &call->response.query_meta, err);
    ots_arena_deinit(&query.scratch);
    return status;
}
