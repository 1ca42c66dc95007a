#include "fs/view/text_page.h"

void ots_text_page_init(struct ots_text_page *page, enum ots_precision precision)
{
    *page = (struct ots_text_page){.parts = OTS_BUF_INIT};
    ots_lp_printer_init(&page->printer, precision);
}

void ots_text_page_deinit(struct ots_text_page *page)
{
    ots_whole_text_deinit(&page->text);
    ots_buf_deinit(&page->parts);
    ots_lp_printer_deinit(&page->printer);
}

enum ots_status ots_text_page_add(struct ots_text_page *page, const struct ots_row *row,
                                  struct ots_row_sum *sum, struct ots_error *err)
{
    return ots_whole_text_add(&page->text, &page->printer, row, sum, err);
}

enum ots_status ots_text_page_end_part(struct ots_text_page *page, uint64_t id)
{
    struct ots_whole_text *text = &page->text;
    const struct ots_text_part part = {
        .id = id, .extent = text->extent, .is_broken = text->is_broken};
    if (part.extent.row_count)
        ots_buf_append(&page->parts, &part, sizeof(part));
    text->extent = (struct ots_extent){0};
    text->is_broken = false;
    return ots_buf_status(&page->parts);
}

const struct ots_text_part *ots_text_page_parts(const struct ots_text_page *page, size_t *count)
{
    *count = page->parts.size / sizeof(struct ots_text_part);
    return (const struct ots_text_part *)(const void *)page->parts.data;
}

void ots_text_page_reset(struct ots_text_page *page)
{
    ots_buf_reset(&page->text.bytes);
    page->text.extent = (struct ots_extent){0};
    page->text.is_broken = false;
    ots_buf_reset(&page->parts);
    ots_lp_printer_forget_key(&page->printer);
}
