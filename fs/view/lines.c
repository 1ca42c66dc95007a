#include "fs/view/lines.h"

#include "fs/view/row_sum.h"

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
    *ruler = (struct ots_ruler){.text = OTS_BUF_INIT, .lines = OTS_BUF_INIT};
    ots_lp_printer_init(&ruler->printer, precision);
}

void ots_ruler_deinit(struct ots_ruler *ruler)
{
    ots_lp_printer_deinit(&ruler->printer);
    ots_buf_deinit(&ruler->text);
    ots_buf_deinit(&ruler->lines);
}

enum ots_status ots_ruler_add(struct ots_ruler *ruler, const struct ots_row *row,
                              struct ots_error *err)
{
    bool is_blank;
    ots_buf_reset(&ruler->text);
    enum ots_status status = ots_line_append(&ruler->printer, row, &ruler->text, &is_blank, err);
    if (status != OTS_OK || !ruler->text.size)
        return status;
    const struct ots_line line = {.time_us = row->time_us,
                                  .size_bytes = ruler->text.size,
                                  .hash = ots_row_sum_hash(ots_buf_slice(&ruler->text))};
    ots_buf_append(&ruler->lines, &line, sizeof(line));
    if (ots_buf_status(&ruler->lines) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    return OTS_OK;
}

const struct ots_line *ots_ruler_lines(const struct ots_ruler *ruler, size_t *count)
{
    *count = ruler->lines.size / sizeof(struct ots_line);
    return (const struct ots_line *)(const void *)ruler->lines.data;
}

void ots_ruler_reset(struct ots_ruler *ruler)
{
    ots_buf_reset(&ruler->lines);
}
