#include "fs/view/snapshot.h"

enum ots_status ots_snapshot_init(struct ots_snapshot *snapshot, struct ots_store *store,
                                  struct ots_slice table, const struct ots_series_key *key)
{
    *snapshot = (struct ots_snapshot){.arena = OTS_ARENA_INIT};
    ots_lp_printer_init(&snapshot->printer, OTS_PRECISION_NS);
    ots_spool_init(&snapshot->spool);
    ots_page_reader_init(&snapshot->pages, store, table, &snapshot->key);
    return ots_series_key_copy(&snapshot->arena, key, &snapshot->key);
}

void ots_snapshot_deinit(struct ots_snapshot *snapshot)
{
    ots_page_reader_deinit(&snapshot->pages);
    ots_spool_deinit(&snapshot->spool);
    ots_lp_printer_deinit(&snapshot->printer);
    ots_arena_deinit(&snapshot->arena);
}

static enum ots_status print_page(struct ots_snapshot *snapshot, struct ots_error *err)
{
    const struct ots_rows *rows = &snapshot->pages.call.response.page.rows;
    struct ots_buf text = OTS_BUF_INIT;
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && i < rows->count; i++)
        status = ots_lp_print(&snapshot->printer, &rows->items[i], &text, err);
    if (status == OTS_OK)
        status = ots_spool_write(&snapshot->spool, snapshot->extent.size_bytes,
                                 ots_buf_slice(&text), err);
    if (status == OTS_OK && rows->count) {
        snapshot->extent.size_bytes += text.size;
        snapshot->extent.row_count += rows->count;
        snapshot->extent.last_time_us = rows->items[rows->count - 1].time_us;
    }
    ots_buf_deinit(&text);
    ots_lp_printer_forget_key(&snapshot->printer);
    return status;
}

enum ots_status ots_snapshot_fetch(struct ots_snapshot *snapshot, uint64_t offset,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    while (!snapshot->is_complete && snapshot->extent.size_bytes <= offset) {
        if (snapshot->failure.status != OTS_OK) {
            if (err)
                *err = snapshot->failure;
            return snapshot->failure.status;
        }
        enum ots_status status = ots_page_reader_next(&snapshot->pages, interrupt, err);
        if (status != OTS_OK)
            return status;
        snapshot->failure.status = print_page(snapshot, &snapshot->failure);
        snapshot->is_complete = snapshot->failure.status == OTS_OK && snapshot->pages.is_last;
    }
    return OTS_OK;
}
