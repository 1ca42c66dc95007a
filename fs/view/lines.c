#include "fs/view/lines.h"

enum ots_status ots_line_append(struct ots_lp_printer *printer, const struct ots_row *row,
                                struct ots_buf *text, bool *is_blank, struct ots_error *err)
{
    struct ots_row shown = *row;
    shown.time_us = ots_precision_cut(printer->precision, row->time_us);
    *is_blank = shown.time_us != row->time_us;
    return row->field_count ? ots_lp_print(printer, &shown, text, err) : OTS_OK;
}
