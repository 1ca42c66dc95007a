#include "backend/server/wide_row.h"

#include "backend/server/layout.h"
#include "backend/wire/plainbuf.h"
#include "backend/wire/service_code.h"

#include <stdlib.h>

enum { TIME_BYTES = 8 };

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a row");
}

/* ---- kept rows ---- */

enum ots_status ots_wide_row_encode(const struct ots_wide_row *row, struct ots_buf *buf,
                                    struct ots_error *err)
{
    uint8_t time[TIME_BYTES];
    size_t start = buf->size;
    ots_layout_put_u64(time, (uint64_t)row->time_ms);
    ots_buf_append(buf, time, sizeof(time));
    ots_plainbuf_header_append(buf);
    ots_plainbuf_row_append(buf, &row->row);
    if (ots_buf_status(buf) != OTS_OK)
        return no_memory(err);
    if (buf->size - start > OTS_WIDE_ROW_BYTES_MAX)
        return ots_error_service(err, OTS_LIMIT, OTS_CODE_ROW_SIZE,
                                 "The row would have %zu bytes instead of at most %d.",
                                 buf->size - start, OTS_WIDE_ROW_BYTES_MAX);
    return OTS_OK;
}

enum ots_status ots_wide_row_decode(struct ots_slice value, struct ots_arena *arena,
                                    struct ots_wide_row *row, struct ots_error *err)
{
    struct ots_slice own;
    if (value.size <= TIME_BYTES)
        return ots_error_set(err, OTS_CORRUPT, "the store holds a row of %zu bytes", value.size);
    if (ots_arena_copy(arena, value, &own) != OTS_OK)
        return no_memory(err);
    struct ots_plainbuf_reader reader;
    struct ots_plain_row read = {0};
    bool has_row = false;
    row->time_ms = (int64_t)ots_layout_u64(own.data);
    enum ots_status status = ots_plainbuf_reader_init(
        &reader, ots_slice(own.data + TIME_BYTES, own.size - TIME_BYTES), err);
    if (status == OTS_OK)
        status = ots_plainbuf_read_row(&reader, &read, &has_row, err);
    if (status == OTS_OK && !has_row)
        status = ots_error_set(err, OTS_CORRUPT, "the store holds an empty row");
    row->row = read;
    if (status == OTS_OK) {
        row->row.key = ots_cells_copy(arena, read.key, read.key_count);
        row->row.cells = ots_cells_copy(arena, read.cells, read.cell_count);
        if (!row->row.key || !row->row.cells)
            status = no_memory(err);
    }
    ots_plainbuf_reader_deinit(&reader);
    return status;
}

bool ots_wide_row_expire(struct ots_wide_row *row, const struct ots_wide_meta *meta, int64_t now_ms)
{
    if (meta->time_to_live_s == OTS_TTL_FOREVER)
        return true;
    int64_t oldest_ms = now_ms - meta->time_to_live_s * INT64_C(1000);
    /* The array was made by ots_wide_row_decode and is const for readers' sake only. */
    struct ots_cell *cells = (struct ots_cell *)(uintptr_t)row->row.cells;
    size_t kept = 0;
    for (size_t i = 0; i < row->row.cell_count; i++)
        if (cells[i].timestamp_ms >= oldest_ms)
            cells[kept++] = cells[i];
    row->row.cell_count = kept;
    return kept || row->time_ms >= oldest_ms;
}

/* ---- checks of a write ---- */

static size_t cell_bytes(const struct ots_cell *cell)
{
    bool holds_bytes = cell->type == OTS_CELL_STRING || cell->type == OTS_CELL_BLOB;
    return cell->name.size + (holds_bytes ? cell->bytes.size : 8);
}

static bool is_value(enum ots_cell_type type)
{
    return type == OTS_CELL_INTEGER || type == OTS_CELL_DOUBLE || type == OTS_CELL_BOOLEAN ||
           type == OTS_CELL_STRING || type == OTS_CELL_BLOB;
}

/* Whether value and version are there as the operation wants them. */
static bool is_well_formed(const struct ots_cell *cell, enum ots_wide_operation operation)
{
    if (operation == OTS_WIDE_PUT && cell->operation != OTS_CELL_PUT)
        return false;
    switch (cell->operation) {
    case OTS_CELL_PUT:
        return is_value(cell->type);
    case OTS_CELL_INCREMENT:
        return cell->type == OTS_CELL_INTEGER;
    case OTS_CELL_DELETE_ONE_VERSION:
        return cell->type == OTS_CELL_NO_VALUE && cell->has_timestamp;
    case OTS_CELL_DELETE_ALL_VERSIONS:
        return cell->type == OTS_CELL_NO_VALUE && !cell->has_timestamp;
    }
    return false;
}

static enum ots_status version_check(const struct ots_cell *cell, const struct ots_wide_meta *meta,
                                     int64_t now_ms, struct ots_error *err)
{
    bool is_put = cell->operation == OTS_CELL_PUT || cell->operation == OTS_CELL_INCREMENT;
    if (!cell->has_timestamp || !is_put)
        return OTS_OK;
    int64_t distance_ms = 0;
    bool is_far = __builtin_sub_overflow(cell->timestamp_ms, now_ms, &distance_ms);
    int64_t at_most_s = distance_ms < 0 ? -(distance_ms / 1000) : distance_ms / 1000;
    if (is_far || cell->timestamp_ms < 0 || at_most_s >= meta->deviation_s)
        return ots_error_set(err, OTS_INVALID,
                             "The version %lld of a cell is %lld s or more from now.",
                             (long long)cell->timestamp_ms, (long long)meta->deviation_s);
    return OTS_OK;
}

static enum ots_status cell_check(const struct ots_cell *cell, const struct ots_wide_write *write,
                                  const struct ots_wide_meta *meta, int64_t now_ms,
                                  struct ots_error *err)
{
    if (cell->name.size < 1 || cell->name.size > OTS_WIDE_NAME_BYTES_MAX)
        return ots_error_set(err, OTS_INVALID,
                             "The length of attribute column name is %zu bytes instead of 1 to %d.",
                             cell->name.size, OTS_WIDE_NAME_BYTES_MAX);
    for (size_t i = 0; i < meta->key_count; i++)
        if (ots_slice_equal(cell->name, meta->key[i].name))
            return ots_error_set(err, OTS_INVALID,
                                 "An attribute column has the name of a primary key column.");
    if (!is_well_formed(cell, write->operation))
        return ots_error_set(err, OTS_INVALID,
                             "Operation, value and version of a cell do not fit each other.");
    if (cell_bytes(cell) > OTS_WIDE_VALUE_BYTES_MAX + cell->name.size)
        return ots_error_set(err, OTS_INVALID,
                             "The length of attribute column value is %zu bytes instead of at most "
                             "%d.",
                             cell->bytes.size, OTS_WIDE_VALUE_BYTES_MAX);
    return version_check(cell, meta, now_ms, err);
}

size_t ots_wide_row_bytes(const struct ots_plain_row *row)
{
    size_t bytes = 0;
    for (size_t i = 0; i < row->key_count; i++)
        bytes += cell_bytes(&row->key[i]);
    for (size_t i = 0; i < row->cell_count; i++)
        bytes += cell_bytes(&row->cells[i]);
    return bytes;
}

enum ots_status ots_wide_write_check(const struct ots_wide_write *write,
                                     const struct ots_wide_meta *meta, int64_t now_ms,
                                     struct ots_error *err)
{
    const struct ots_plain_row *row = &write->row;
    if (write->operation == OTS_WIDE_DELETE)
        return row->cell_count ? ots_error_set(err, OTS_INVALID, "A deletion of a row with cells.")
                               : OTS_OK;
    if (write->operation == OTS_WIDE_UPDATE && !row->cell_count)
        return ots_error_set(err, OTS_INVALID, "No column is specified while updating row.");
    if (write->operation == OTS_WIDE_UPDATE && !meta->allow_update)
        return ots_error_set(err, OTS_INVALID, "The table does not allow updates of rows.");
    if (row->cell_count > OTS_WIDE_CELLS_MAX)
        return ots_error_service(err, OTS_LIMIT, OTS_CODE_COLUMN_COUNT,
                                 "The number of columns is %zu instead of at most %d.",
                                 row->cell_count, OTS_WIDE_CELLS_MAX);
    for (size_t i = 0; i < row->cell_count; i++) {
        enum ots_status status = cell_check(&row->cells[i], write, meta, now_ms, err);
        if (status != OTS_OK)
            return status;
    }
    size_t bytes = ots_wide_row_bytes(row);
    if (bytes > OTS_WIDE_WRITE_BYTES_MAX)
        return ots_error_service(err, OTS_LIMIT, OTS_CODE_ROW_SIZE,
                                 "The row has %zu bytes instead of at most %d.", bytes,
                                 OTS_WIDE_WRITE_BYTES_MAX);
    return OTS_OK;
}

/* ---- what a write makes of a row ---- */

/*
 * Old cells and changes are walked side by side, both in the order of their names, one column at a
 * time: its old versions are copied, then its changes applied in the order in which they came.
 */
struct merge {
    struct ots_cell *cells;
    size_t count;
    size_t column; /* where the column that is being merged starts */
    int64_t now_ms;
    int64_t put_ms; /* the newest version that was put, -1: none */
};

static void cell_remove(struct merge *merge, size_t at)
{
    merge->count--;
    memmove(merge->cells + at, merge->cells + at + 1, (merge->count - at) * sizeof(*merge->cells));
}

static void cell_put(struct merge *merge, const struct ots_cell *change, int64_t version_ms)
{
    size_t at = merge->column;
    while (at < merge->count && merge->cells[at].timestamp_ms > version_ms)
        at++;
    bool is_there = at < merge->count && merge->cells[at].timestamp_ms == version_ms;
    if (!is_there) {
        memmove(merge->cells + at + 1, merge->cells + at,
                (merge->count - at) * sizeof(*merge->cells));
        merge->count++;
    }
    merge->cells[at] = *change;
    merge->cells[at].operation = OTS_CELL_PUT;
    merge->cells[at].has_timestamp = true;
    merge->cells[at].timestamp_ms = version_ms;
    if (version_ms > merge->put_ms)
        merge->put_ms = version_ms;
}

static enum ots_status cell_increment(struct merge *merge, const struct ots_cell *change,
                                      int64_t version_ms, struct ots_error *err)
{
    struct ots_cell sum = *change;
    if (merge->column < merge->count) {
        const struct ots_cell *newest = &merge->cells[merge->column];
        if (newest->type != OTS_CELL_INTEGER)
            return ots_error_set(err, OTS_INVALID, "Only an integer column can be incremented.");
        sum.integer = (int64_t)((uint64_t)newest->integer + (uint64_t)change->integer);
    }
    cell_put(merge, &sum, version_ms);
    return OTS_OK;
}

static enum ots_status cell_change(struct merge *merge, const struct ots_cell *change,
                                   struct ots_error *err)
{
    int64_t version_ms = change->has_timestamp ? change->timestamp_ms : merge->now_ms;
    switch (change->operation) {
    case OTS_CELL_PUT:
        cell_put(merge, change, version_ms);
        break;
    case OTS_CELL_INCREMENT:
        return cell_increment(merge, change, version_ms, err);
    case OTS_CELL_DELETE_ALL_VERSIONS:
        merge->count = merge->column;
        break;
    case OTS_CELL_DELETE_ONE_VERSION:
        for (size_t i = merge->column; i < merge->count; i++)
            if (merge->cells[i].timestamp_ms == version_ms) {
                cell_remove(merge, i);
                break;
            }
        break;
    }
    return OTS_OK;
}

/* By name; who came first stays first, because all point into one array. */
static int compare_changes(const void *a, const void *b)
{
    const struct ots_cell *first = *(const struct ots_cell *const *)a;
    const struct ots_cell *second = *(const struct ots_cell *const *)b;
    int order = ots_slice_compare(first->name, second->name);
    return order ? order : (first > second) - (first < second);
}

static const struct ots_cell **changes_sort(const struct ots_plain_row *row,
                                            struct ots_arena *arena)
{
    const struct ots_cell **changes = ots_arena_array(arena, row->cell_count, sizeof(*changes));
    if (!changes)
        return NULL;
    for (size_t i = 0; i < row->cell_count; i++)
        changes[i] = &row->cells[i];
    if (row->cell_count)
        qsort(changes, row->cell_count, sizeof(*changes), compare_changes);
    return changes;
}

static enum ots_status merge_cells(struct merge *merge, const struct ots_plain_row *old,
                                   const struct ots_cell **changes, size_t change_count,
                                   size_t versions_max, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    size_t o = 0;
    size_t c = 0;
    while (status == OTS_OK && (o < old->cell_count || c < change_count)) {
        bool is_old = o < old->cell_count;
        struct ots_slice name = is_old ? old->cells[o].name : changes[c]->name;
        if (is_old && c < change_count && ots_slice_compare(changes[c]->name, name) < 0)
            name = changes[c]->name;
        merge->column = merge->count;
        while (o < old->cell_count && ots_slice_equal(old->cells[o].name, name))
            merge->cells[merge->count++] = old->cells[o++];
        while (status == OTS_OK && c < change_count && ots_slice_equal(changes[c]->name, name))
            status = cell_change(merge, changes[c++], err);
        if (merge->count > merge->column + versions_max)
            merge->count = merge->column + versions_max;
    }
    return status;
}

enum ots_status ots_wide_row_apply(const struct ots_wide_row *old,
                                   const struct ots_wide_write *write,
                                   const struct ots_wide_meta *meta, int64_t now_ms,
                                   struct ots_arena *arena, struct ots_wide_row *out,
                                   bool *is_there, struct ots_error *err)
{
    static const struct ots_plain_row nothing = {0};
    bool is_update = write->operation == OTS_WIDE_UPDATE && old;
    const struct ots_plain_row *before = is_update ? &old->row : &nothing;
    const struct ots_cell **changes = changes_sort(&write->row, arena);
    struct merge merge = {
        .cells = ots_arena_array(arena, before->cell_count + write->row.cell_count,
                                 sizeof(*merge.cells)),
        .now_ms = now_ms,
        .put_ms = -1,
    };
    if (!changes || !merge.cells)
        return no_memory(err);
    enum ots_status status = merge_cells(&merge, before, changes, write->row.cell_count,
                                         (size_t)meta->max_versions, err);
    if (status != OTS_OK)
        return status;
    /* A put without cells makes a row of this very time; an update that only deletes makes none. */
    if (write->operation == OTS_WIDE_PUT && !write->row.cell_count)
        merge.put_ms = now_ms;
    *is_there = is_update || merge.put_ms >= 0;
    *out = (struct ots_wide_row){
        .time_ms = is_update && old->time_ms > merge.put_ms ? old->time_ms : merge.put_ms,
        .row = {.key = write->row.key,
                .key_count = write->row.key_count,
                .cells = merge.cells,
                .cell_count = merge.count},
    };
    return OTS_OK;
}
