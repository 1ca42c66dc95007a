#include "fs/view/origin.h"

#include <stdlib.h>

struct ots_origin *ots_origin_new(struct ots_node *timeline)
{
    struct ots_origin *origin = calloc(1, sizeof(*origin));
    if (!origin)
        return NULL;
    atomic_init(&origin->references, 1);
    origin->timeline = timeline;
    return origin;
}

struct ots_origin *ots_origin_ref(struct ots_origin *origin)
{
    atomic_fetch_add(&origin->references, 1);
    return origin;
}

enum ots_status ots_origin_tell_loss(struct ots_origin *origin, struct ots_error *err)
{
    bool is_news = origin->lost_rows > origin->lost_rows_told;
    origin->lost_rows_told = origin->lost_rows;
    return is_news ? ots_error_set(err, OTS_IO, "rows were lost: %s", origin->failure.message)
                   : OTS_OK;
}

void ots_origin_unref(struct ots_origin *origin)
{
    if (origin && atomic_fetch_sub(&origin->references, 1) == 1)
        free(origin);
}
