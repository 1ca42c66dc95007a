#include "backend/server/expiry.h"

#include "backend/server/layout.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LOOK_INTERVAL_US (INT64_C(3600) * 1000 * 1000)

struct ots_expiry {
    struct ots_engine_filter filter;
    struct ots_catalog *catalog;
    const struct ots_clock *clock;
    struct ots_engine *engine;
    _Atomic(int64_t) next_us; /* when to look for old files */
};

/* What a merge goes by: the state when it began. */
struct merge {
    size_t count;
    struct {
        uint32_t table;
        int64_t begin_us;
    } tables[OTS_TABLES_MAX];
};

int64_t ots_expiry_begin_us(int32_t ttl_s, int64_t now_us)
{
    int64_t ttl_us = (int64_t)ttl_s * 1000 * 1000;
    return ttl_us > 0 && now_us > ttl_us ? now_us - ttl_us : 0;
}

static void *merge_begin(void *context)
{
    const struct ots_expiry *expiry = context;
    struct ots_table_ttl ttls[OTS_TABLES_MAX];
    size_t count = ots_catalog_ttls(expiry->catalog, ttls);
    int64_t now_us = ots_clock_now_us(expiry->clock);
    struct merge *merge = count ? calloc(1, sizeof(*merge)) : NULL;
    if (!merge)
        return NULL;
    merge->count = count;
    for (size_t i = 0; i < count; i++) {
        merge->tables[i].table = ttls[i].table;
        merge->tables[i].begin_us = ots_expiry_begin_us(ttls[i].ttl_s, now_us);
    }
    return merge;
}

static bool merge_is_dead(const void *state, struct ots_slice key)
{
    const struct merge *merge = state;
    if (key.size < OTS_ROW_KEY_BYTES || key.data[0] != OTS_SPACE_ROW)
        return false;
    uint32_t table = ots_layout_u32(key.data + 1);
    int64_t time_us = (int64_t)ots_layout_u64(key.data + OTS_TIMELINE_PREFIX_BYTES);
    for (size_t i = 0; i < merge->count; i++)
        if (merge->tables[i].table == table)
            return time_us < merge->tables[i].begin_us;
    return false;
}

struct ots_expiry *ots_expiry_new(struct ots_engine *engine, struct ots_catalog *catalog,
                                  const struct ots_clock *clock)
{
    struct ots_expiry *expiry = calloc(1, sizeof(*expiry));
    if (!expiry)
        return NULL;
    expiry->catalog = catalog;
    expiry->clock = clock;
    expiry->engine = engine;
    expiry->filter = (struct ots_engine_filter){
        .begin = merge_begin,
        .is_dead = merge_is_dead,
        .end = free,
        .context = expiry,
    };
    engine->ops->set_filter(engine, &expiry->filter);
    return expiry;
}

void ots_expiry_look(struct ots_expiry *expiry)
{
    struct ots_table_ttl ttls[OTS_TABLES_MAX];
    int64_t now_us = ots_clock_now_us(expiry->clock);
    int64_t next_us = atomic_load(&expiry->next_us);
    /* A clock that was put back must not keep it away for as long. */
    if (now_us < next_us && now_us >= next_us - LOOK_INTERVAL_US)
        return;
    if (atomic_compare_exchange_strong(&expiry->next_us, &next_us, now_us + LOOK_INTERVAL_US) &&
        ots_catalog_ttls(expiry->catalog, ttls))
        expiry->engine->ops->merge_old(expiry->engine, OTS_EXPIRY_AGE_S);
}

void ots_expiry_free(struct ots_expiry *expiry)
{
    free(expiry);
}
