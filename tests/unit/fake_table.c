#include "tests/unit/fake_table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/base/search.h"
#include "tests/unit/fake_page.h"

struct fake_series *fake_table_find(struct fake_table *table, const struct ots_series_key *key)
{
    for (size_t i = 0; i < table->series_count; i++)
        if (ots_series_key_equal(&table->series[i].key, key))
            return &table->series[i];
    return NULL;
}

static bool is_before(const void *row, const void *time_us)
{
    return ((const struct ots_row *)row)->time_us < *(const int64_t *)time_us;
}

size_t fake_rows_first_from(const struct ots_rows *rows, int64_t time_us)
{
    return ots_search(rows->items, rows->count, sizeof(rows->items[0]), is_before, &time_us);
}

void fake_table_put(struct fake_table *table, const struct ots_row *row)
{
    struct fake_series *series = fake_table_find(table, row->key);
    if (!series) {
        assert(table->series_count < FAKE_SERIES_MAX);
        series = &table->series[table->series_count++];
        *series = (struct fake_series){0};
        fake_must(ots_series_key_copy(&table->arena, row->key, &series->key));
    }
    struct ots_row copy;
    fake_must(ots_row_copy(&table->arena, row, &series->key, &copy));
    size_t at = fake_rows_first_from(&series->rows, row->time_us);
    if (at < series->rows.count && series->rows.items[at].time_us == row->time_us) {
        series->rows.items[at] = copy;
        return;
    }
    fake_must(ots_rows_append(&series->rows, &table->arena, &copy));
    memmove(&series->rows.items[at + 1], &series->rows.items[at],
            (series->rows.count - 1 - at) * sizeof(copy));
    series->rows.items[at] = copy;
}

void fake_table_query(const struct fake_table *table, size_t page, struct ots_call *call)
{
    struct ots_query_meta_response *response = &call->response.query_meta;
    struct ots_slice token = call->request.query_meta.token;
    char text[32] = "0";
    assert(token.size < sizeof(text));
    if (token.size)
        memcpy(text, token.data, token.size);
    struct ots_timeline_meta *metas = ots_arena_array(&call->arena, page, sizeof(*metas));
    size_t series = strtoul(text, NULL, 10);
    for (; series < table->series_count && response->count < page; series++) {
        const struct ots_series_key *key = &table->series[series].key;
        struct ots_timeline_meta *meta = &metas[response->count];
        bool has_record = !ots_slice_equal(key->measurement, OTS_SLICE("unrecorded"));
        if (!has_record || !table->series[series].rows.count)
            continue;
        *meta = (struct ots_timeline_meta){.update_time_us = FAKE_RECORD_TIME_US};
        fake_must(ots_series_key_copy(&call->arena, key, &meta->key));
        response->count++;
    }
    response->metas = metas;
    response->total_hit = -1;
    int size = snprintf(text, sizeof(text), "%zu", series);
    if (series < table->series_count)
        fake_must(
            ots_arena_copy(&call->arena, ots_slice(text, (size_t)size), &response->next_token));
}
