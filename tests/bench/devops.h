/*
 * Rows as TSBS's devops case has them: 10 tags, 10 fields.
 */
#ifndef OTS_TESTS_BENCH_DEVOPS_H
#define OTS_TESTS_BENCH_DEVOPS_H

#include "backend/model/row.h"

enum { DEVOPS_HOSTS = 100, DEVOPS_FIELDS = 10 };

enum devops_number { DEVOPS_WHOLE, DEVOPS_DECIMALS_2, DEVOPS_DIGITS_17 };

/* `is_one`: all rows are of one timeline; else each is of another than the one before. */
struct devops_options {
    enum devops_number number;
    bool is_one;
    size_t count;
};

/* The rows and all they point to are in `arena`. Always the same for the same options. */
struct ots_row *devops_rows(struct ots_arena *arena, const struct devops_options *options);

#endif
