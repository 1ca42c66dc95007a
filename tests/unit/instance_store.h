/*
 * An instance of the local service as a store, for tests of what reads streams: calls are carried
 * out within submit, on the caller's thread. It counts them, can fail one, and can answer as other
 * services may.
 */
#ifndef TESTS_UNIT_INSTANCE_STORE_H
#define TESTS_UNIT_INSTANCE_STORE_H

#include "backend/store.h"
#include "tests/unit/server_fixture.h"

struct instance_store {
    struct ots_store store;
    struct test_instance *test;
    size_t counts[OTS_ACTION_COUNT];
    size_t total;
    /* The call of this number, the first is 1, fails without being carried out. 0: none. */
    size_t fail_at;
    enum ots_status fail_status;
    /* All calls of this action fail so, while the status is not OTS_OK. */
    enum ots_action refused_action;
    enum ots_status refused_status;
    int32_t shards_per_page; /* 0: all */
    size_t shards_shown;     /* only the first so many are listed; 0: all */
    size_t shards_hidden;    /* the first so many are not listed */
    bool is_circular;        /* each page of shards has a next one */
    bool is_end_late;        /* that a shard ended is told by a page of its own */
    bool is_more_untold;     /* pages do not tell whether there is more */
    unsigned seek_steps;     /* a search for a time needs so many tokens */
};

void instance_store_init(struct instance_store *store, struct test_instance *test);
/* All counts are 0 again. */
void instance_store_recount(struct instance_store *store);

#endif
