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

void ots_origin_unref(struct ots_origin *origin)
{
    if (origin && atomic_fetch_sub(&origin->references, 1) == 1)
        free(origin);
}
