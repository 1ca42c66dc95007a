#include "fs/view/whole_text.h"

#include "fs/view/lines.h"
#include "fs/view/row_sum.h"

void ots_whole_text_deinit(struct ots_whole_text *text)
{
    ots_buf_deinit(&text->bytes);
    *text = (struct ots_whole_text){0};
}

enum ots_status ots_whole_text_add(struct ots_whole_text *text, struct ots_lp_printer *printer,
                                   const struct ots_row *row, struct ots_row_sum *sum,
                                   struct ots_error *err)
{
    const struct ots_extent *extent = &text->extent;
    size_t before = text->bytes.size;
    bool is_blank;
    *sum = (struct ots_row_sum){.time_us = row->time_us};
    enum ots_status status = ots_line_append(printer, row, &text->bytes, &is_blank, err);
    const struct ots_slice line = {text->bytes.data + before, text->bytes.size - before};
    if (status != OTS_OK || !line.size)
        return status;
    if (is_blank || (extent->row_count && row->time_us <= extent->last_time_us))
        text->is_broken = true;
    sum->size_bytes = line.size;
    sum->hash = ots_row_sum_hash(line);
    ots_extent_add(&text->extent, sum);
    return OTS_OK;
}

bool ots_whole_text_is(const struct ots_whole_text *text, const struct ots_extent *known)
{
    return !text->is_broken && ots_extent_is_same(&text->extent, known);
}
