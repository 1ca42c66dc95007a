#include "backend/server/wide_key.h"

#include "backend/server/layout.h"
#include "backend/wire/service_code.h"

enum { COLUMN_MIN = 0x00, COLUMN_VALUE = 0x01, COLUMN_MAX = 0xff };

static enum ots_status mismatch(struct ots_error *err)
{
    return ots_error_service(err, OTS_INVALID, OTS_CODE_INVALID_PK, "Primary key schema mismatch.");
}

static bool is_infinite(const struct ots_cell *cell)
{
    return cell->type == OTS_CELL_INF_MIN || cell->type == OTS_CELL_INF_MAX;
}

static bool fits(const struct ots_field_key *column, const struct ots_cell *cell)
{
    switch (column->type) {
    case OTS_KEY_INTEGER:
        return cell->type == OTS_CELL_INTEGER;
    case OTS_KEY_STRING:
        return cell->type == OTS_CELL_STRING;
    case OTS_KEY_BINARY:
        return cell->type == OTS_CELL_BLOB;
    }
    return false;
}

static bool holds_bytes(const struct ots_cell *cell)
{
    return cell->type == OTS_CELL_STRING || cell->type == OTS_CELL_BLOB;
}

enum ots_status ots_wide_key_check(const struct ots_wide_meta *meta,
                                   const struct ots_plain_row *row, enum ots_wide_key_form form,
                                   struct ots_error *err)
{
    if (row->key_count != meta->key_count)
        return mismatch(err);
    for (size_t i = 0; i < row->key_count; i++) {
        const struct ots_cell *cell = &row->key[i];
        bool may_stay = form == OTS_WIDE_KEY_OF_RANGE && is_infinite(cell);
        if (!ots_slice_equal(cell->name, meta->key[i].name) || cell->operation ||
            cell->has_timestamp || (!may_stay && !fits(&meta->key[i], cell)))
            return mismatch(err);
        if (holds_bytes(cell) && cell->bytes.size > OTS_WIDE_KEY_BYTES_MAX)
            return ots_error_set(err, OTS_INVALID,
                                 "The length of primary key column %zu is %zu bytes instead of at "
                                 "most %d.",
                                 i + 1, cell->bytes.size, OTS_WIDE_KEY_BYTES_MAX);
    }
    return OTS_OK;
}

void ots_wide_key_append(struct ots_buf *buf, uint32_t table, const struct ots_plain_row *row)
{
    uint8_t prefix[OTS_TABLE_PREFIX_BYTES];
    ots_buf_append_slice(buf, ots_layout_table_prefix(prefix, OTS_SPACE_WIDE_ROW, table));
    for (size_t i = 0; i < row->key_count; i++) {
        const struct ots_cell *cell = &row->key[i];
        if (is_infinite(cell)) {
            ots_buf_append_byte(buf, cell->type == OTS_CELL_INF_MIN ? COLUMN_MIN : COLUMN_MAX);
            return;
        }
        ots_buf_append_byte(buf, COLUMN_VALUE);
        if (cell->type == OTS_CELL_INTEGER) {
            ots_layout_integer_append(buf, cell->integer);
        } else {
            ots_layout_part_append(buf, cell->bytes);
            ots_layout_part_end_append(buf);
        }
    }
}
