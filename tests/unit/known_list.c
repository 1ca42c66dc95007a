#include "tests/unit/known_list.h"

#include <inttypes.h>
#include <stdio.h>

#include "backend/base/buf.h"

static enum ots_status list_timeline(void *context, const struct ots_known_timeline *timeline)
{
    ots_buf_append_fmt(context, "%.*s/%.*s %" PRIu64 "\n", OTS_SLICE_FMT(timeline->measurement),
                       OTS_SLICE_FMT(timeline->file), timeline->size_bytes);
    return OTS_OK;
}

static enum ots_status list_marks(void *context, struct ots_slice measurement,
                                  struct ots_slice file, struct ots_slice marks)
{
    ots_buf_append_fmt(context, "marks %.*s/%.*s %zu\n", OTS_SLICE_FMT(measurement),
                       OTS_SLICE_FMT(file), marks.size);
    return OTS_OK;
}

static enum ots_status list_shard(void *context, const struct ots_known_shard *shard)
{
    ots_buf_append_fmt(context, "shard %.*s (%.*s,%.*s) [%.*s]%s\n", OTS_SLICE_FMT(shard->id),
                       OTS_SLICE_FMT(shard->parent), OTS_SLICE_FMT(shard->sibling),
                       OTS_SLICE_FMT(shard->iterator), shard->is_ended ? " ended" : "");
    return OTS_OK;
}

static enum ots_status list_entry(void *context, uint64_t group,
                                  const struct ots_known_entry *entry)
{
    ots_buf_append_fmt(
        context, "entry %" PRIu64 " %.*s/%.*s %" PRId64 " %" PRIu64 " %" PRIu32 " %" PRIu32 "\n",
        group, OTS_SLICE_FMT(entry->measurement), OTS_SLICE_FMT(entry->file), entry->time_us,
        entry->hash, entry->size_bytes, entry->flags);
    return OTS_OK;
}

char *known_list(struct ots_table_state *state, struct ots_error *err)
{
    struct ots_buf text = OTS_BUF_INIT;
    enum ots_status status = ots_table_state_each_timeline(state, list_timeline, &text, err);
    if (status == OTS_OK)
        status = ots_table_state_each_marks(state, list_marks, &text, err);
    if (status == OTS_OK)
        status = ots_table_state_each_shard(state, list_shard, &text, err);
    if (status == OTS_OK)
        status = ots_table_state_each_entry(state, list_entry, &text, err);
    ots_buf_append_byte(&text, '\0');
    if (status == OTS_OK && ots_buf_status(&text) == OTS_OK)
        return (char *)text.data;
    ots_buf_deinit(&text);
    return NULL;
}

enum ots_status known_list_stop(void *context, const struct ots_known_timeline *timeline)
{
    size_t *left = context;
    (void)timeline;
    (*left)--;
    return *left ? OTS_OK : OTS_CANCELLED;
}
