#include "fs/view/row_sum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fs/view/lines.h"

void ots_row_summer_init(struct ots_row_summer *summer, enum ots_precision precision)
{
    *summer = (struct ots_row_summer){.text = OTS_BUF_INIT};
    ots_lp_printer_init(&summer->printer, precision);
}

void ots_row_summer_deinit(struct ots_row_summer *summer)
{
    ots_lp_printer_deinit(&summer->printer);
    ots_buf_deinit(&summer->text);
}

void ots_row_summer_forget_key(struct ots_row_summer *summer)
{
    ots_lp_printer_forget_key(&summer->printer);
}

uint64_t ots_row_sum_hash(struct ots_slice line)
{
    return XXH3_64bits(line.data, line.size);
}

enum ots_status ots_row_sum_of(struct ots_row_summer *summer, const struct ots_row *row,
                               struct ots_row_sum *sum, struct ots_error *err)
{
    bool is_blank;
    *sum = (struct ots_row_sum){.time_us = row->time_us};
    ots_buf_reset(&summer->text);
    enum ots_status status = ots_line_append(&summer->printer, row, &summer->text, &is_blank, err);
    if (status != OTS_OK || !summer->text.size)
        return status;
    sum->size_bytes = summer->text.size;
    sum->hash = ots_row_sum_hash(ots_buf_slice(&summer->text));
    return OTS_OK;
}

bool ots_row_sum_equal(const struct ots_row_sum *a, const struct ots_row_sum *b)
{
    return a->time_us == b->time_us && a->size_bytes == b->size_bytes && a->hash == b->hash;
}
