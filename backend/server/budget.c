#include "backend/server/budget.h"

void ots_budget_init(struct ots_budget *budget, size_t bytes_max)
{
    budget->bytes_max = bytes_max;
    budget->synced.bytes = 0;
    pthread_mutex_init(&budget->synced.lock, NULL);
}

void ots_budget_deinit(struct ots_budget *budget)
{
    pthread_mutex_destroy(&budget->synced.lock);
}

bool ots_budget_resize(struct ots_budget *budget, size_t *share, size_t bytes)
{
    size_t wanted = bytes > OTS_BUDGET_FREE_BYTES ? bytes : 0;
    if (wanted == *share)
        return true;
    pthread_mutex_lock(&budget->synced.lock);
    size_t others = budget->synced.bytes - *share;
    bool is_there =
        wanted <= *share || (others <= budget->bytes_max && wanted <= budget->bytes_max - others);
    if (is_there) {
        budget->synced.bytes = others + wanted;
        *share = wanted;
    }
    pthread_mutex_unlock(&budget->synced.lock);
    return is_there;
}
