/*
 * A shard has an iterator from when it is found, and moves on by whole pages: the next iterator is
 * kept only when each record of the page was passed. One that is found is never begun later than
 * that, or the removal of old records could not be told from there having been none.
 *
 * `described_us` is when the listing began whose shards all have iterators. A shard that is found
 * later was made after it, so nothing of it can have been removed while that is less than the
 * retention ago; beyond, whole shards may have come and gone, and that is a gap.
 */
#include "fs/view/cursor_shards.h"

#include <inttypes.h>
#include <stdlib.h>

static const int64_t HOUR_US = INT64_C(3600) * 1000000;

enum { DESCRIBE_POLLS_DEFAULT = 64 };

struct ots_stream_cursor {
    struct ots_stream_cursor_options options;
    struct ots_buf stream;
    struct ots_buf identity;
    struct ots_buf next_iterator; /* of the page that is being passed */
    int64_t created_us;
    int64_t described_us;
    int32_t expiration_hours;
    bool is_begun; /* opened: the stream was there */
    bool needs_description;
    unsigned poll_count; /* since the last description */
    size_t turn;
    struct ots_cursor_shards shards;
};

/* --- statuses ---------------------------------------------------------------------------------*/

/* Whether another attempt could end differently. */
static bool may_pass(enum ots_status status)
{
    return status == OTS_NOMEM || status == OTS_NOT_READY || status == OTS_CONFLICT ||
           status == OTS_THROTTLED || status == OTS_UNAVAILABLE || status == OTS_NETWORK ||
           status == OTS_TIMEOUT || status == OTS_CANCELLED || status == OTS_IO ||
           status == OTS_CORRUPT;
}

/* What a call's status means to the caller; `err` keeps its text. */
static enum ots_status settle(const struct ots_stream_cursor *cursor, enum ots_status status,
                              struct ots_error *err)
{
    if (status == OTS_OK || status == OTS_TRIMMED || may_pass(status))
        return status;
    status = cursor->is_begun && status == OTS_NOT_FOUND ? OTS_TRIMMED : OTS_UNSUPPORTED;
    if (err)
        err->status = status;
    return status;
}

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a stream's shards");
}

/* --- streams ----------------------------------------------------------------------------------*/

enum ots_status ots_stream_find(struct ots_store *store, struct ots_slice table,
                                struct ots_interrupt *interrupt, struct ots_buf *id,
                                int64_t *created_us, struct ots_error *err)
{
    struct ots_call call;
    const struct ots_stream_info *found = NULL;
    ots_call_init(&call, OTS_ACTION_LIST_STREAMS);
    call.request.list_streams.table = table;
    enum ots_status status = ots_store_run(store, &call, interrupt, err);
    const struct ots_list_streams_response *response = &call.response.list_streams;
    for (size_t i = 0; status == OTS_OK && i < response->count; i++)
        if (ots_slice_equal(response->streams[i].table, table))
            found = &response->streams[i];
    if (status == OTS_OK && (!found || !found->id.size))
        status = ots_error_set(err, OTS_NOT_FOUND, "table %.*s has no stream that can be seen",
                               OTS_SLICE_FMT(table));
    if (status == OTS_OK) {
        ots_buf_append_slice(id, found->id);
        *created_us = found->created_us;
        status = ots_buf_status(id) == OTS_OK ? OTS_OK : no_memory(err);
    }
    ots_call_deinit(&call);
    return status;
}

static void append_identity(struct ots_buf *identity, const struct ots_buf *id, int64_t created_us)
{
    ots_buf_append_slice(identity, ots_buf_slice(id));
    ots_buf_append_fmt(identity, " %" PRId64, created_us);
}

enum ots_status ots_stream_identify(struct ots_store *store, struct ots_slice table,
                                    struct ots_interrupt *interrupt, struct ots_buf *identity,
                                    struct ots_error *err)
{
    struct ots_buf id = OTS_BUF_INIT;
    int64_t created_us = 0;
    enum ots_status status = ots_stream_find(store, table, interrupt, &id, &created_us, err);
    if (status == OTS_OK)
        append_identity(identity, &id, created_us);
    ots_buf_deinit(&id);
    if (status != OTS_OK)
        return may_pass(status) ? status : OTS_OK;
    return ots_buf_status(identity) == OTS_OK ? OTS_OK : no_memory(err);
}

/* --- descriptions -----------------------------------------------------------------------------*/

/* Note the shards of a page. `*is_news`: at least one was not on an earlier page. */
static enum ots_status note_shards(struct ots_stream_cursor *cursor,
                                   const struct ots_describe_stream_response *response,
                                   bool *is_news, struct ots_error *err)
{
    for (size_t i = 0; i < response->shard_count; i++) {
        const struct ots_shard *listed = &response->shards[i];
        struct ots_cursor_shard *shard = ots_cursor_shards_find(&cursor->shards, listed->id);
        if (!shard) {
            struct ots_shard_position position = {
                .id = listed->id, .parent = listed->parent, .sibling = listed->sibling};
            enum ots_status status = ots_cursor_shards_add(&cursor->shards, &position, err);
            if (status != OTS_OK)
                return status;
            shard = &cursor->shards.items[cursor->shards.count - 1];
        }
        *is_news = *is_news || !shard->is_listed;
        shard->is_listed = true;
    }
    return OTS_OK;
}

static enum ots_status describe_page(struct ots_stream_cursor *cursor, struct ots_buf *next,
                                     struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_call call;
    bool is_news = false;
    ots_call_init(&call, OTS_ACTION_DESCRIBE_STREAM);
    call.request.describe_stream =
        (struct ots_describe_stream_request){.stream = ots_buf_slice(&cursor->stream),
                                             .first_shard = ots_buf_slice(next),
                                             .accepts_timeseries = true};
    enum ots_status status = ots_store_run(cursor->options.store, &call, interrupt, err);
    const struct ots_describe_stream_response *response = &call.response.describe_stream;
    if (status == OTS_OK)
        status = note_shards(cursor, response, &is_news, err);
    if (status == OTS_OK && response->next_shard.size && !is_news)
        status = ots_error_set(err, OTS_CORRUPT, "the pages of the stream's shards do not end");
    if (status == OTS_OK && response->expiration_hours < 1)
        status = ots_error_set(err, OTS_UNSUPPORTED, "the stream keeps nothing");
    if (status == OTS_OK) {
        cursor->expiration_hours = response->expiration_hours;
        status = ots_buf_set(next, response->next_shard) == OTS_OK ? OTS_OK : no_memory(err);
    }
    ots_call_deinit(&call);
    return status;
}

static enum ots_status list_shards(struct ots_stream_cursor *cursor,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_buf next = OTS_BUF_INIT;
    enum ots_status status;
    for (size_t i = 0; i < cursor->shards.count; i++)
        cursor->shards.items[i].is_listed = false;
    do
        status = describe_page(cursor, &next, interrupt, err);
    while (status == OTS_OK && next.size);
    ots_buf_deinit(&next);
    return status;
}

/* Ask once, or once more with the token of before. */
static enum ots_status seek(struct ots_stream_cursor *cursor, struct ots_cursor_shard *shard,
                            int64_t from_us, struct ots_buf *token, struct ots_interrupt *interrupt,
                            struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_SHARD_ITERATOR);
    call.request.shard_iterator =
        (struct ots_shard_iterator_request){.stream = ots_buf_slice(&cursor->stream),
                                            .shard = ots_buf_slice(&shard->id),
                                            .timestamp_us = from_us,
                                            .has_timestamp = from_us > 0,
                                            .token = ots_buf_slice(token)};
    enum ots_status status = ots_store_run(cursor->options.store, &call, interrupt, err);
    const struct ots_shard_iterator_response *response = &call.response.shard_iterator;
    ots_buf_reset(token);
    if (status == OTS_OK) {
        ots_buf_append_slice(token, response->next_token);
        if (!token->size && !response->iterator.size)
            ots_cursor_shard_end(shard);
        else if (!token->size)
            ots_buf_append_slice(&shard->iterator, response->iterator);
        if (ots_buf_status(token) != OTS_OK || ots_buf_status(&shard->iterator) != OTS_OK) {
            ots_buf_reset(&shard->iterator);
            status = no_memory(err);
        }
    }
    ots_call_deinit(&call);
    return status;
}

/* Find where a new shard begins. */
static enum ots_status begin_shard(struct ots_stream_cursor *cursor, struct ots_cursor_shard *shard,
                                   int64_t from_us, struct ots_interrupt *interrupt,
                                   struct ots_error *err)
{
    struct ots_buf token = OTS_BUF_INIT;
    enum ots_status status;
    do
        status = seek(cursor, shard, from_us, &token, interrupt, err);
    while (status == OTS_OK && token.size);
    ots_buf_deinit(&token);
    return status;
}

static enum ots_status begin_shards(struct ots_stream_cursor *cursor, int64_t from_us,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    bool has_passed_any = cursor->is_begun || cursor->options.positions;
    for (size_t i = 0; i < cursor->shards.count; i++) {
        struct ots_cursor_shard *shard = &cursor->shards.items[i];
        if (shard->iterator.size || shard->is_ended)
            continue;
        enum ots_status status = begin_shard(cursor, shard, from_us, interrupt, err);
        if (status == OTS_TRIMMED && !has_passed_any)
            ots_cursor_shard_end(shard); /* gone since it was listed */
        else if (status != OTS_OK)
            return status;
    }
    return OTS_OK;
}

/* Whether whole shards may have come and gone since the last description. */
static enum ots_status check_age(const struct ots_stream_cursor *cursor, int64_t now_us,
                                 struct ots_error *err)
{
    if (cursor->described_us < now_us - cursor->expiration_hours * HOUR_US)
        return ots_error_set(err, OTS_TRIMMED, "the stream was read too long ago");
    return OTS_OK;
}

/* Learn which shards there are; new ones begin at `from_us`. */
static enum ots_status describe(struct ots_stream_cursor *cursor, int64_t from_us,
                                struct ots_interrupt *interrupt, struct ots_error *err)
{
    int64_t now_us = ots_store_now_us(cursor->options.store);
    enum ots_status status = list_shards(cursor, interrupt, err);
    if (status == OTS_OK)
        status = check_age(cursor, now_us, err);
    if (status == OTS_OK)
        status = ots_cursor_shards_forget_gone(&cursor->shards, err);
    if (status == OTS_OK) {
        ots_cursor_shards_spread_done(&cursor->shards);
        status = begin_shards(cursor, from_us, interrupt, err);
    }
    if (status != OTS_OK)
        return settle(cursor, status, err);
    cursor->described_us = now_us;
    cursor->poll_count = 0;
    cursor->needs_description = ots_cursor_shards_are_awaited(&cursor->shards);
    return OTS_OK;
}

/* --- opening ----------------------------------------------------------------------------------*/

static enum ots_status take_positions(struct ots_stream_cursor *cursor,
                                      const struct ots_stream_positions *positions,
                                      struct ots_error *err)
{
    if (!ots_slice_equal(positions->identity, ots_buf_slice(&cursor->identity)))
        return ots_error_set(err, OTS_TRIMMED, "the table was made anew");
    cursor->described_us = positions->described_us;
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && i < positions->count; i++)
        if (!ots_cursor_shards_find(&cursor->shards, positions->shards[i].id))
            status = ots_cursor_shards_add(&cursor->shards, &positions->shards[i], err);
    return status;
}

static enum ots_status open_cursor(struct ots_stream_cursor *cursor,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    const struct ots_stream_cursor_options *options = &cursor->options;
    enum ots_status status = ots_stream_find(options->store, options->table, interrupt,
                                             &cursor->stream, &cursor->created_us, err);
    append_identity(&cursor->identity, &cursor->stream, cursor->created_us);
    if (status == OTS_OK && ots_buf_status(&cursor->identity) != OTS_OK)
        status = no_memory(err);
    if (status != OTS_OK)
        return settle(cursor, status, err);
    cursor->described_us = INT64_MAX;
    if (options->positions)
        status = take_positions(cursor, options->positions, err);
    if (status != OTS_OK)
        return settle(cursor, status, err);
    return describe(cursor, options->positions ? 0 : options->from_us, interrupt, err);
}

enum ots_status ots_stream_cursor_open(const struct ots_stream_cursor_options *options,
                                       struct ots_interrupt *interrupt,
                                       struct ots_stream_cursor **out, struct ots_error *err)
{
    struct ots_stream_cursor *cursor = calloc(1, sizeof(*cursor));
    *out = NULL;
    if (!cursor)
        return no_memory(err);
    cursor->options = *options;
    if (!options->describe_polls)
        cursor->options.describe_polls = DESCRIBE_POLLS_DEFAULT;
    enum ots_status status = open_cursor(cursor, interrupt, err);
    if (status != OTS_OK) {
        ots_stream_cursor_free(cursor);
        return status;
    }
    /* Borrowed only until now. */
    cursor->options.positions = NULL;
    cursor->options.table = OTS_SLICE_NONE;
    cursor->is_begun = true;
    *out = cursor;
    return OTS_OK;
}

void ots_stream_cursor_free(struct ots_stream_cursor *cursor)
{
    if (!cursor)
        return;
    ots_cursor_shards_deinit(&cursor->shards);
    ots_buf_deinit(&cursor->stream);
    ots_buf_deinit(&cursor->identity);
    ots_buf_deinit(&cursor->next_iterator);
    free(cursor);
}

/* --- polling ----------------------------------------------------------------------------------*/

static enum ots_status pass_records(struct ots_stream_cursor *cursor,
                                    struct ots_cursor_shard *shard,
                                    const struct ots_stream_records_response *page)
{
    enum ots_status status = OTS_OK;
    if (cursor->options.page)
        return cursor->options.page(cursor->options.context, page->records, page->count);
    for (size_t i = 0; status == OTS_OK && !shard->is_done && i < page->count; i++)
        status =
            cursor->options.record(cursor->options.context, &page->records[i], &shard->is_done);
    if (status != OTS_OK)
        shard->is_done = false;
    return status;
}

/* The page was passed: go on behind it. */
static void move_on(struct ots_stream_cursor *cursor, struct ots_cursor_shard *shard,
                    const struct ots_stream_records_response *page)
{
    bool has_more = page->has_may_more && page->may_more &&
                    !ots_slice_equal(page->next_iterator, ots_buf_slice(&shard->iterator));
    shard->is_saved = false;
    shard->was_empty = !page->count && !has_more;
    if (shard->is_done) {
        ots_cursor_shard_end(shard);
        ots_cursor_shards_spread_done(&cursor->shards);
    } else if (!cursor->next_iterator.size) {
        ots_cursor_shard_end(shard);
        cursor->needs_description = true;
    } else {
        struct ots_buf passed = shard->iterator;
        shard->iterator = cursor->next_iterator;
        cursor->next_iterator = passed;
    }
}

/* A saved iterator that the service does not understand is of no use, but the stream may be. */
static enum ots_status settle_page(const struct ots_stream_cursor *cursor,
                                   const struct ots_cursor_shard *shard, enum ots_status status,
                                   struct ots_error *err)
{
    bool is_saved = shard->is_saved && status == OTS_INVALID;
    return settle(cursor, is_saved ? OTS_NOT_FOUND : status, err);
}

static enum ots_status read_page(struct ots_stream_cursor *cursor, struct ots_cursor_shard *shard,
                                 struct ots_interrupt *interrupt, struct ots_stream_poll *result,
                                 struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_STREAM_RECORDS);
    call.request.stream_records.iterator = ots_buf_slice(&shard->iterator);
    call.request.stream_records.limit = cursor->options.page_records;
    enum ots_status status = settle_page(
        cursor, shard, ots_store_run(cursor->options.store, &call, interrupt, err), err);
    const struct ots_stream_records_response *page = &call.response.stream_records;
    if (status == OTS_OK) {
        /* Before anything is passed, so that nothing is passed twice. */
        status = ots_buf_set(&cursor->next_iterator, page->next_iterator) == OTS_OK
                     ? pass_records(cursor, shard, page)
                     : no_memory(err);
    }
    if (status == OTS_OK) {
        result->record_count += page->count;
        move_on(cursor, shard, page);
    }
    ots_call_deinit(&call);
    return status;
}

/* A page of each shard that was not empty yet. `*has_read`: there was one. */
static enum ots_status read_round(struct ots_stream_cursor *cursor, size_t records_max,
                                  struct ots_interrupt *interrupt, struct ots_stream_poll *result,
                                  bool *has_read, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    *has_read = false;
    for (size_t i = 0; i < cursor->shards.count && status == OTS_OK; i++) {
        if (records_max && result->record_count >= records_max)
            break;
        struct ots_cursor_shard *shard =
            &cursor->shards.items[cursor->turn++ % cursor->shards.count];
        if (shard->was_empty || !ots_cursor_shards_may_read(&cursor->shards, shard))
            continue;
        *has_read = true;
        status = read_page(cursor, shard, interrupt, result, err);
    }
    return status;
}

static bool is_at_end(const struct ots_stream_cursor *cursor)
{
    for (size_t i = 0; i < cursor->shards.count; i++)
        if (!cursor->shards.items[i].is_ended && !cursor->shards.items[i].was_empty)
            return false;
    return !cursor->needs_description;
}

enum ots_status ots_stream_cursor_poll(struct ots_stream_cursor *cursor, size_t records_max,
                                       struct ots_interrupt *interrupt,
                                       struct ots_stream_poll *result, struct ots_error *err)
{
    *result = (struct ots_stream_poll){.record_count = 0};
    for (size_t i = 0; i < cursor->shards.count; i++)
        cursor->shards.items[i].was_empty = false;
    enum ots_status status = OTS_OK;
    if (++cursor->poll_count >= cursor->options.describe_polls)
        cursor->needs_description = true;
    bool needs_description = cursor->needs_description;
    bool has_read = true;
    while (status == OTS_OK && has_read) {
        if (needs_description)
            status = describe(cursor, 0, interrupt, err);
        /* If one still waits for its children then, the next poll will ask again. */
        bool is_awaiting_children = cursor->needs_description;
        if (status == OTS_OK)
            status = read_round(cursor, records_max, interrupt, result, &has_read, err);
        needs_description = cursor->needs_description && !is_awaiting_children;
    }
    result->is_at_end = status == OTS_OK && is_at_end(cursor);
    return status;
}

/* --- where it stands --------------------------------------------------------------------------*/

static struct ots_shard_position position_of(const struct ots_cursor_shard *shard)
{
    return (struct ots_shard_position){
        .id = ots_buf_slice(&shard->id),
        .parent = ots_buf_slice(&shard->parent),
        .sibling = ots_buf_slice(&shard->sibling),
        .iterator = ots_buf_slice(&shard->iterator),
        .is_ended = shard->is_ended,
    };
}

enum ots_status ots_stream_cursor_save(
    const struct ots_stream_cursor *cursor, struct ots_stream_positions *positions,
    enum ots_status (*visit)(void *context, const struct ots_shard_position *), void *context)
{
    *positions = (struct ots_stream_positions){.identity = ots_stream_cursor_identity(cursor),
                                               .described_us = cursor->described_us};
    enum ots_status status = OTS_OK;
    for (size_t i = 0; visit && status == OTS_OK && i < cursor->shards.count; i++) {
        const struct ots_cursor_shard *shard = &cursor->shards.items[i];
        struct ots_shard_position position = position_of(shard);
        if (shard->is_ended || shard->iterator.size)
            status = visit(context, &position);
    }
    return status;
}

struct ots_slice ots_stream_cursor_identity(const struct ots_stream_cursor *cursor)
{
    return ots_buf_slice(&cursor->identity);
}

int64_t ots_stream_cursor_kept_from_us(const struct ots_stream_cursor *cursor)
{
    int64_t kept_from_us =
        ots_store_now_us(cursor->options.store) - cursor->expiration_hours * HOUR_US;
    return cursor->created_us > kept_from_us ? cursor->created_us : kept_from_us;
}
