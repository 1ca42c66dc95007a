#include "backend/server/row_key.h"

#include <assert.h>

void ots_row_key_append(struct ots_buf *key, const struct ots_table *table, uint64_t timeline,
                        const struct ots_row *row)
{
    uint8_t fixed[OTS_ROW_KEY_BYTES];
    ots_buf_append_slice(key, ots_layout_row(fixed, table->id, timeline, row->time_us));
    for (size_t i = 0; i < table->meta.field_key_count; i++) {
        const struct ots_field_key *wanted = &table->meta.field_keys[i];
        const struct ots_field *field = ots_row_field(row, wanted->name);
        assert(field && field->value.type == ots_key_value_type(wanted->type));
        if (wanted->type == OTS_KEY_INTEGER) {
            ots_layout_integer_append(key, field->value.integer);
            continue;
        }
        ots_layout_part_append(key, field->value.bytes);
        ots_layout_part_end_append(key);
    }
}
