#include "tests/unit/fake_table.h"

#include <assert.h>
#include <string.h>

#include "tests/unit/fake_page.h"

struct fake_series *fake_table_find(struct fake_table *table, const struct ots_series_key *key)
{
    for (size_t i = 0; i < table->series_count; i++)
        if (ots_series_key_equal(&table->series[i].key, key))
            return &table->series[i];
    return NULL;
}

size_t fake_rows_first_from(const struct ots_rows *rows, int64_t time_us)
{
    size_t low = 0;
    size_t high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->items[middle].time_us < time_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
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
