#include "fs/view/page_rows.h"

void ots_page_rows_init(struct ots_page_rows *page)
{
    *page = (struct ots_page_rows){.sums = OTS_BUF_INIT};
    ots_call_init(&page->call, OTS_ACTION_GET);
}

void ots_page_rows_clear(struct ots_page_rows *page)
{
    ots_call_deinit(&page->call);
    ots_buf_deinit(&page->sums);
    ots_page_rows_init(page);
}

void ots_page_rows_begin(struct ots_page_rows *page, uint64_t offset)
{
    struct ots_buf sums = page->sums;
    ots_call_deinit(&page->call);
    ots_page_rows_init(page);
    page->sums = sums;
    ots_buf_reset(&page->sums);
    page->offset = page->at_offset = offset;
}

void ots_page_rows_add(struct ots_page_rows *page, const struct ots_row_sum *sum)
{
    if (page->is_cut)
        return;
    ots_buf_append(&page->sums, sum, sizeof(*sum));
    page->is_cut = ots_buf_status(&page->sums) != OTS_OK;
    page->sums.has_failed = false;
    if (!page->is_cut)
        page->size_bytes += sum->size_bytes;
}

void ots_page_rows_cut(struct ots_page_rows *page)
{
    page->is_cut = true;
}

void ots_page_rows_take(struct ots_page_rows *page, struct ots_call *call)
{
    page->call = *call;
    page->is_there = true;
    ots_call_init(call, OTS_ACTION_GET);
}

bool ots_page_rows_has(const struct ots_page_rows *page, uint64_t offset)
{
    return page->is_there && offset >= page->offset && offset - page->offset < page->size_bytes;
}

/* Go on from the last place, or from the beginning. Lines of 0 bytes are passed. */
static void seek(struct ots_page_rows *page, const struct ots_row_sum *sums, size_t count,
                 uint64_t offset)
{
    if (offset < page->at_offset) {
        page->at_index = 0;
        page->at_offset = page->offset;
    }
    while (page->at_index < count && page->at_offset < offset)
        page->at_offset += sums[page->at_index++].size_bytes;
}

bool ots_page_rows_find(struct ots_page_rows *page, uint64_t offset, uint64_t size,
                        struct ots_row_span *span)
{
    const struct ots_row_sum *sums = (const struct ots_row_sum *)(const void *)page->sums.data;
    size_t count = page->sums.size / sizeof(sums[0]);
    if (!ots_page_rows_has(page, offset))
        return false;
    seek(page, sums, count, offset);
    if (page->at_offset != offset)
        return false;
    size_t end = page->at_index;
    uint64_t left = size;
    while (end < count && sums[end].size_bytes <= left)
        left -= sums[end++].size_bytes;
    *span = (struct ots_row_span){
        .rows = page->call.response.page.rows.items + page->at_index,
        .sums = sums + page->at_index,
        .count = end - page->at_index,
    };
    return left < size;
}
