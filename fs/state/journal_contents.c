#include "fs/state/journal_contents.h"

#include <stdlib.h>

#include "fs/state/journal_format.h"

struct mark {
    uint64_t number;
    int64_t moved_to_us;
    bool is_done;
};

/* The marks of one segment, in an array that grows. */
struct marks {
    struct mark *items;
    size_t count;
    size_t capacity;
};

void ots_journal_contents_deinit(struct ots_journal_contents *contents)
{
    ots_arena_deinit(&contents->arena);
    free(contents->batches);
    *contents = (struct ots_journal_contents){0};
}

void ots_journal_header_split(struct ots_slice payload, struct ots_slice *table,
                              struct ots_slice *identity)
{
    const uint8_t *end = payload.size ? memchr(payload.data, '\n', payload.size) : NULL;
    size_t size = end ? (size_t)(end - payload.data) : payload.size;
    *table = ots_slice(payload.data, size);
    *identity = end ? ots_slice(end + 1, payload.size - size - 1) : OTS_SLICE_NONE;
}

/* Room for one more. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t more = *capacity ? 2 * *capacity : 64;
    void *grown = reallocarray(items, more, size);
    if (grown)
        *capacity = more;
    return grown;
}

static enum ots_status add_batch(struct ots_journal_contents *contents,
                                 const struct ots_journal_record *record, struct ots_slice identity)
{
    struct ots_journal_batch *grown =
        grow(contents->batches, contents->batch_count, &contents->batch_capacity, sizeof(*grown));
    if (!grown)
        return OTS_NOMEM;
    contents->batches = grown;
    grown[contents->batch_count++] = (struct ots_journal_batch){
        .number = record->number,
        .time_us = record->time_us,
        .identity = identity,
        .rows = record->payload,
    };
    return OTS_OK;
}

static enum ots_status add_mark(struct marks *marks, const struct ots_journal_record *record)
{
    struct mark *grown = grow(marks->items, marks->count, &marks->capacity, sizeof(*grown));
    if (!grown)
        return OTS_NOMEM;
    marks->items = grown;
    grown[marks->count++] = (struct mark){
        .number = record->number,
        .moved_to_us = record->type == OTS_JOURNAL_MOVED ? record->time_us : INT64_MIN,
        .is_done = record->type == OTS_JOURNAL_DONE,
    };
    return OTS_OK;
}

static enum ots_status add_record(struct ots_journal_contents *contents, struct marks *marks,
                                  const struct ots_journal_record *record,
                                  struct ots_slice *identity)
{
    struct ots_slice table;
    switch (record->type) {
    case OTS_JOURNAL_HEADER:
        ots_journal_header_split(record->payload, &table, identity);
        return OTS_OK;
    case OTS_JOURNAL_BATCH:
        return add_batch(contents, record, *identity);
    case OTS_JOURNAL_DONE:
    case OTS_JOURNAL_MOVED:
        return add_mark(marks, record);
    }
    /* Of a later version. */
    contents->damage_count++;
    contents->damaged_bytes += record->payload.size;
    return OTS_OK;
}

static enum ots_status read_records(struct ots_journal_contents *contents, struct marks *marks,
                                    struct ots_slice bytes)
{
    struct ots_journal_reader reader = {bytes, 0};
    struct ots_slice identity = OTS_SLICE_NONE;
    for (;;) {
        struct ots_journal_record record;
        struct ots_journal_damage damage;
        enum ots_status status = OTS_OK;
        switch (ots_journal_read(&reader, &record, &damage)) {
        case OTS_JOURNAL_END:
            return OTS_OK;
        case OTS_JOURNAL_DAMAGED:
            contents->damage_count++;
            contents->damaged_bytes += damage.size;
            break;
        case OTS_JOURNAL_RECORD:
            status = add_record(contents, marks, &record, &identity);
            break;
        }
        if (status != OTS_OK)
            return status;
    }
}

static int compare_marks(const void *a, const void *b)
{
    uint64_t left = ((const struct mark *)a)->number;
    uint64_t right = ((const struct mark *)b)->number;
    return left < right ? -1 : left > right;
}

/* One mark for each number. */
static void sort_marks(struct marks *marks)
{
    if (!marks->count)
        return;
    qsort(marks->items, marks->count, sizeof(*marks->items), compare_marks);
    size_t last = 0;
    for (size_t i = 1; i < marks->count; i++) {
        struct mark *kept = &marks->items[last];
        const struct mark *next = &marks->items[i];
        if (next->number != kept->number) {
            marks->items[++last] = *next;
            continue;
        }
        kept->is_done = kept->is_done || next->is_done;
        if (next->moved_to_us > kept->moved_to_us)
            kept->moved_to_us = next->moved_to_us;
    }
    marks->count = last + 1;
}

/* Apply the marks to the batches from `first` on: those that are done go. */
static void apply_marks(struct ots_journal_contents *contents, size_t first,
                        const struct marks *marks)
{
    size_t kept = first;
    for (size_t i = first; i < contents->batch_count; i++) {
        struct ots_journal_batch batch = contents->batches[i];
        struct mark wanted = {.number = batch.number};
        const struct mark *mark = marks->count ? bsearch(&wanted, marks->items, marks->count,
                                                         sizeof(wanted), compare_marks)
                                               : NULL;
        if (mark && mark->moved_to_us > batch.time_us)
            batch.time_us = mark->moved_to_us;
        if (!mark || !mark->is_done)
            contents->batches[kept++] = batch;
    }
    contents->batch_count = kept;
}

enum ots_status ots_journal_contents_add(struct ots_journal_contents *contents,
                                         struct ots_slice bytes)
{
    struct marks marks = {0};
    size_t first = contents->batch_count;
    enum ots_status status = read_records(contents, &marks, bytes);
    if (status == OTS_OK) {
        sort_marks(&marks);
        apply_marks(contents, first, &marks);
    }
    free(marks.items);
    return status;
}
