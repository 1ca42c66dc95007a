#include "backend/server/wide_reader.h"

#include <stdlib.h>

static int compare_names(const void *a, const void *b)
{
    return ots_slice_compare(*(const struct ots_slice *)a, *(const struct ots_slice *)b);
}

static enum ots_status columns_init(struct ots_wide_reader *reader,
                                    const struct ots_wide_selection *selection,
                                    struct ots_error *err)
{
    if (selection->column_count > OTS_WIDE_CELLS_MAX)
        return ots_error_set(err, OTS_INVALID, "%zu columns to get instead of at most %d.",
                             selection->column_count, OTS_WIDE_CELLS_MAX);
    reader->column_count = selection->column_count;
    if (!selection->column_count)
        return OTS_OK;
    reader->columns =
        ots_arena_array(reader->arena, selection->column_count, sizeof(*reader->columns));
    if (!reader->columns)
        return ots_error_set(err, OTS_NOMEM, "no memory for columns to get");
    memcpy(reader->columns, selection->columns, selection->column_count * sizeof(*reader->columns));
    qsort(reader->columns, reader->column_count, sizeof(*reader->columns), compare_names);
    for (size_t i = 0; i < reader->meta->key_count; i++)
        if (bsearch(&reader->meta->key[i].name, reader->columns, reader->column_count,
                    sizeof(*reader->columns), compare_names))
            reader->wants_key = true;
    return OTS_OK;
}

/* A table may have had more versions before it was updated. */
static size_t versions_max(const struct ots_wide_selection *selection,
                           const struct ots_wide_meta *meta)
{
    int32_t wanted = selection->has_max_versions ? selection->max_versions : meta->max_versions;
    return (size_t)(wanted < meta->max_versions ? wanted : meta->max_versions);
}

enum ots_status ots_wide_reader_init(struct ots_wide_reader *reader,
                                     const struct ots_wide_selection *selection,
                                     const struct ots_wide_meta *meta, int64_t now_ms,
                                     struct ots_arena *arena, struct ots_error *err)
{
    if (!selection->has_max_versions && !selection->has_range)
        return ots_error_set(err, OTS_INVALID,
                             "No version condition is specified while querying row.");
    if (selection->has_max_versions && selection->max_versions < 1)
        return ots_error_set(err, OTS_INVALID, "The max versions must be greater than 0.");
    *reader = (struct ots_wide_reader){
        .meta = meta,
        .has_range = selection->has_range,
        .begin_ms = selection->begin_ms,
        .end_ms = selection->end_ms,
        .versions_max = versions_max(selection, meta),
        .now_ms = now_ms,
        .arena = arena,
    };
    return columns_init(reader, selection, err);
}

/* Cells and columns are both sorted: `*column` goes along with the cells. */
static bool is_wanted(const struct ots_wide_reader *reader, const struct ots_cell *cell,
                      size_t *column)
{
    if (reader->has_range &&
        (cell->timestamp_ms < reader->begin_ms || cell->timestamp_ms >= reader->end_ms))
        return false;
    if (!reader->column_count)
        return true;
    while (*column < reader->column_count &&
           ots_slice_compare(reader->columns[*column], cell->name) < 0)
        ++*column;
    return *column < reader->column_count && ots_slice_equal(reader->columns[*column], cell->name);
}

static void select_cells(const struct ots_wide_reader *reader, struct ots_plain_row *row)
{
    /* The array was made by ots_wide_row_decode and is const for readers' sake only. */
    struct ots_cell *cells = (struct ots_cell *)(uintptr_t)row->cells;
    size_t kept = 0;
    size_t column = 0;
    size_t versions = 0;
    for (size_t i = 0; i < row->cell_count; i++) {
        if (!is_wanted(reader, &cells[i], &column))
            continue;
        bool is_same = kept && ots_slice_equal(cells[kept - 1].name, cells[i].name);
        versions = is_same ? versions + 1 : 1;
        if (versions <= reader->versions_max)
            cells[kept++] = cells[i];
    }
    row->cell_count = kept;
}

enum ots_status ots_wide_reader_read(const struct ots_wide_reader *reader, struct ots_slice value,
                                     struct ots_plain_row *row, bool *is_there,
                                     struct ots_error *err)
{
    struct ots_wide_row kept;
    enum ots_status status = ots_wide_row_decode(value, reader->arena, &kept, err);
    if (status != OTS_OK)
        return status;
    *is_there = ots_wide_row_expire(&kept, reader->meta, reader->now_ms);
    *row = kept.row;
    if (!*is_there)
        return OTS_OK;
    select_cells(reader, row);
    bool wants_cells = reader->column_count || reader->has_range;
    *is_there = row->cell_count || reader->wants_key || !wants_cells;
    return OTS_OK;
}
