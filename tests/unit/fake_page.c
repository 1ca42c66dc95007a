#include "tests/unit/fake_page.h"

#include <assert.h>
#include <stdlib.h>

void fake_must(enum ots_status status)
{
    if (status != OTS_OK)
        abort();
}

static bool is_wanted(const struct ots_field *field, const struct ots_field_wanted *wanted,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ots_slice_equal(wanted[i].name, field->name) &&
            (!wanted[i].type || wanted[i].type == field->value.type))
            return true;
    return !count;
}

void fake_page_append(struct ots_call *call, const struct ots_row *row,
                      const struct ots_series_key *key, const struct ots_field_wanted *wanted,
                      size_t wanted_count)
{
    struct ots_rows *rows = &call->response.page.rows;
    struct ots_field *fields = ots_arena_array(&call->arena, row->field_count, sizeof(*fields));
    struct ots_row cut = *row;
    struct ots_row copy;
    assert(fields);
    cut.fields = fields;
    cut.field_count = 0;
    for (size_t i = 0; i < row->field_count; i++)
        if (is_wanted(&row->fields[i], wanted, wanted_count))
            fields[cut.field_count++] = row->fields[i];
    fake_must(ots_row_copy(&call->arena, &cut, key, &copy));
    fake_must(ots_rows_append(rows, &call->arena, &copy));
}
