#include "fs/view/lines.h"

enum ots_status ots_line_append(struct ots_lp_printer *printer, const struct ots_row *row,
                                struct ots_buf *text, bool *is_blank, struct ots_error *err)
{
    struct ots_row shown = *row;
    shown.time_us = ots_precision_cut(printer->precision, row->time_us);
    *is_blank = shown.time_us != row->time_us;
    return row->field_count ? ots_lp_print(printer, &shown, text, err) : OTS_OK;
}

void ots_ruler_init(struct ots_ruler *ruler, enum ots_precision precision)
{
    *ruler = (struct ots_ruler){.lines = OTS_BUF_INIT};
    ots_row_summer_init(&ruler->summer, precision);
}

void ots_ruler_deinit(struct ots_ruler *ruler)
{
    ots_row_summer_deinit(&ruler->summer);
    ots_buf_deinit(&ruler->lines);
}

void ots_ruler_forget_key(struct ots_ruler *ruler)
{
    ots_row_summer_forget_key(&ruler->summer);
}

enum ots_status ots_ruler_add(struct ots_ruler *ruler, const struct ots_row *row,
                              struct ots_error *err)
{
    struct ots_row_sum line;
    enum ots_status status = ots_row_sum_of(&ruler->summer, row, &line, err);
    if (status != OTS_OK || !line.size_bytes)
        return status;
    ots_buf_append(&ruler->lines, &line, sizeof(line));
    if (ots_buf_status(&ruler->lines) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    return OTS_OK;
}

const struct ots_row_sum *ots_ruler_lines(const struct ots_ruler *ruler, size_t *count)
{
    *count = ruler->lines.size / sizeof(struct ots_row_sum);
    return (const struct ots_row_sum *)(const void *)ruler->lines.data;
}

void ots_ruler_reset(struct ots_ruler *ruler)
{
    ots_buf_reset(&ruler->lines);
}
