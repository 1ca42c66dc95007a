/*
 * SplitTimeseriesScanTask: ranges of timeline numbers with about as many timelines each.
 *
 * Numbers run from 1 without gaps within a measurement, so the last one tells how many there are,
 * and the cost is one look per measurement. Together the splits cover all numbers of the table or
 * the measurement, also those that are given later.
 */
#include "backend/server/handlers.h"

#include "backend/server/token.h"

/* A measurement and its number of timelines. */
struct share {
    uint32_t measurement;
    uint32_t timelines;
};

struct split {
    struct ots_instance *instance;
    const struct ots_table *table;
    struct ots_buf shares; /* struct share, the last measurement first */
    uint64_t first;        /* numbers to split, both included */
    uint64_t last;
    uint64_t timelines;
};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for splits");
}

static enum ots_status count_shares(struct split *split, struct ots_error *err)
{
    uint64_t last = split->last;
    for (;;) {
        uint64_t timeline = 0;
        enum ots_status status = ots_dictionary_last(split->instance->dictionary, split->table->id,
                                                     split->first, last, &timeline, err);
        if (status != OTS_OK)
            return status;
        if (timeline == 0)
            break;
        const struct share share = {ots_timeline_measurement(timeline),
                                    ots_timeline_ordinal(timeline)};
        ots_buf_append(&split->shares, &share, sizeof(share));
        split->timelines += share.timelines;
        if (ots_timeline_id(share.measurement, 0) <= split->first)
            break;
        last = ots_timeline_id(share.measurement, 0) - 1;
    }
    return ots_buf_status(&split->shares) == OTS_OK ? OTS_OK : no_memory(err);
}

/* The number of the rank-th timeline, counted from 0; ranks are asked for in ascending order. */
struct ranks {
    const struct share *share; /* goes back from behind the last element to the first */
    uint64_t before;           /* timelines of the measurements before */
};

static uint64_t rank_timeline(struct ranks *ranks, uint64_t rank)
{
    while (rank - ranks->before >= ranks->share->timelines) {
        ranks->before += ranks->share->timelines;
        ranks->share--;
    }
    return ots_timeline_id(ranks->share->measurement, (uint32_t)(rank - ranks->before) + 1);
}

static enum ots_status split_encode(struct split *split, struct ots_arena *arena, uint64_t first,
                                    uint64_t last, struct ots_slice *bytes, struct ots_error *err)
{
    const struct ots_token token = {
        .kind = OTS_TOKEN_SPLIT,
        .table = split->table->id,
        .first = first,
        .second = last,
    };
    return ots_token_encode(&token, arena, bytes, err);
}

/* With fewer timelines than splits some splits are empty: they end before they begin. */
static enum ots_status encode_all(struct split *split, struct ots_arena *arena,
                                  struct ots_slice *splits, size_t count, struct ots_error *err)
{
    size_t share_count = split->shares.size / sizeof(struct share);
    struct ranks ranks = {(const struct share *)(const void *)split->shares.data, 0};
    if (share_count)
        ranks.share += share_count - 1;
    uint64_t first = split->first;
    for (size_t i = 0; i < count; i++) {
        uint64_t next = split->last;
        if (split->timelines && i + 1 < count)
            next = rank_timeline(&ranks, split->timelines * (i + 1) / count) - 1;
        else if (i + 1 < count)
            next = split->first;
        enum ots_status status = split_encode(split, arena, first, next, &splits[i], err);
        if (status != OTS_OK)
            return status;
        first = next + 1;
    }
    return OTS_OK;
}

static enum ots_status measurement_bounds(struct split *split,
                                          const struct ots_split_request *request,
                                          struct ots_error *err)
{
    uint32_t measurement = 0;
    enum ots_status status = ots_dictionary_measurement(
        split->instance->dictionary, split->table->id, request->measurement, &measurement, err);
    /* An unknown one gets number 0, which is never given: splits of nothing. */
    split->first = ots_timeline_id(measurement, 0);
    split->last = ots_timeline_id(measurement, UINT32_MAX);
    return status;
}

static enum ots_status split_run(struct split *split, struct ots_call *call, struct ots_error *err)
{
    const struct ots_split_request *request = &call->request.split;
    size_t count = (size_t)request->split_count_hint;
    if (count > OTS_SPLITS_MAX)
        count = OTS_SPLITS_MAX;
    enum ots_status status = OTS_OK;
    if (request->has_measurement)
        status = measurement_bounds(split, request, err);
    if (status == OTS_OK)
        status = count_shares(split, err);
    if (status != OTS_OK)
        return status;
    struct ots_slice *splits = ots_arena_array(&call->arena, count, sizeof(*splits));
    if (!splits)
        return no_memory(err);
    call->response.split = (struct ots_split_response){splits, count};
    return encode_all(split, &call->arena, splits, count, err);
}

enum ots_status ots_handle_split(struct ots_instance *instance, struct ots_call *call,
                                 struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_split_request *request = &call->request.split;
    enum ots_status status = ots_handle_hold(instance, request->table, &table, err);
    if (status != OTS_OK)
        return status;
    if (request->split_count_hint <= 0)
        return ots_error_set(err, OTS_INVALID, "split count hint: not positive");
    struct split split = {
        .instance = instance,
        .table = table,
        .shares = OTS_BUF_INIT,
        .last = UINT64_MAX,
    };
    status = split_run(&split, call, err);
    ots_buf_deinit(&split.shares);
    return status;
}
