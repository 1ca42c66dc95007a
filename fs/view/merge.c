#include "fs/view/merge.h"

#include "backend/model/limits.h"

static bool has_field(const struct ots_row *row, struct ots_slice name)
{
    for (size_t i = 0; i < row->field_count; i++)
        if (ots_slice_equal(row->fields[i].name, name))
            return true;
    return false;
}

static enum ots_status check_merged(const struct ots_row *row, struct ots_error *err)
{
    size_t size = ots_row_size(row);
    if (row->field_count > OTS_FIELDS_PER_ROW_MAX)
        return ots_error_set(err, OTS_LIMIT,
                             "with those of earlier lines of its time the row has %zu fields, and "
                             "at most %d can be",
                             row->field_count, OTS_FIELDS_PER_ROW_MAX);
    if (size > OTS_PUT_BYTES_MAX)
        return ots_error_set(err, OTS_LIMIT,
                             "with earlier lines of its time the row has %zu bytes, and a put at "
                             "most %d",
                             size, OTS_PUT_BYTES_MAX);
    return OTS_OK;
}

enum ots_status ots_rows_merge(struct ots_arena *arena, const struct ots_row *older,
                               const struct ots_row *newer, struct ots_row *merged,
                               struct ots_error *err)
{
    struct ots_field *fields =
        ots_arena_array(arena, older->field_count + newer->field_count, sizeof(*fields));
    if (!fields)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    size_t count = 0;
    for (size_t i = 0; i < older->field_count; i++)
        if (!has_field(newer, older->fields[i].name))
            fields[count++] = older->fields[i];
    for (size_t i = 0; i < newer->field_count; i++)
        fields[count++] = newer->fields[i];
    ots_fields_sort(fields, count);
    *merged = *newer;
    merged->key = older->key;
    merged->fields = fields;
    merged->field_count = count;
    return check_merged(merged, err);
}

enum ots_status ots_row_check_put(const struct ots_row *row, struct ots_error *err)
{
    enum ots_status status = ots_row_check(row, err);
    if (status != OTS_OK)
        return status;
    size_t size = ots_row_size(row);
    if (size <= OTS_PUT_BYTES_MAX)
        return OTS_OK;
    return ots_error_set(err, OTS_LIMIT, "the row has %zu bytes, and a put at most %d", size,
                         OTS_PUT_BYTES_MAX);
}
