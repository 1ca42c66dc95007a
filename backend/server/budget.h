/*
 * How much memory the bodies of requests and answers under way may take together.
 *
 * A body up to OTS_BUDGET_FREE_BYTES costs nothing: the number of connections bounds those. So
 * clients with small requests are served also while others use the budget up.
 * Threads: safe for different shares.
 */
#ifndef OTS_SERVER_BUDGET_H
#define OTS_SERVER_BUDGET_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { OTS_BUDGET_FREE_BYTES = 64 * 1024 };

struct ots_budget {
    size_t bytes_max;
    struct {
        pthread_mutex_t lock;
        size_t bytes;
    } synced;
};

void ots_budget_init(struct ots_budget *budget, size_t bytes_max);
void ots_budget_deinit(struct ots_budget *budget);

/*
 * Let `*share`, 0 at first, be that of a body of `bytes`. To become smaller always succeeds;
 * false: there is not so much left, and the share is as before. 0 gives it back.
 */
bool ots_budget_resize(struct ots_budget *budget, size_t *share, size_t bytes);

#endif
