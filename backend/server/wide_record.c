#include "backend/server/wide_record.h"

#include "backend/server/layout.h"
#include "backend/wire/wide.h"

enum { RECORD_VERSION = 1, RECORD_ID = 1, RECORD_CREATED = 5, RECORD_META = 13 };

void ots_wide_record_append(struct ots_buf *buf, const struct ots_table *table)
{
    uint8_t head[RECORD_META] = {RECORD_VERSION};
    ots_layout_put_u32(head + RECORD_ID, table->id);
    ots_layout_put_u64(head + RECORD_CREATED, (uint64_t)table->created_us);
    ots_buf_append(buf, head, sizeof(head));
    ots_wide_meta_append(buf, table->wide);
}

enum ots_status ots_wide_record_decode(struct ots_slice record, struct ots_arena *arena,
                                       struct ots_table *table, struct ots_wide_meta *meta,
                                       struct ots_error *err)
{
    enum ots_status status = OTS_CORRUPT;
    if (record.size >= RECORD_META && record.data[0] == RECORD_VERSION)
        status = ots_wide_meta_decode(
            ots_slice(record.data + RECORD_META, record.size - RECORD_META), arena, meta, err);
    if (status == OTS_OK)
        status = ots_wide_meta_check(meta, err);
    if (status == OTS_NOMEM)
        return status;
    if (status != OTS_OK)
        return ots_error_set(err, OTS_CORRUPT, "the store holds a malformed wide-column table");
    table->id = ots_layout_u32(record.data + RECORD_ID);
    table->created_us = (int64_t)ots_layout_u64(record.data + RECORD_CREATED);
    return OTS_OK;
}
