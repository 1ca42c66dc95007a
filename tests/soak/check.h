/*
 * Whether otslocal has all that the ledger says, and nothing else.
 */
#ifndef TESTS_SOAK_CHECK_H
#define TESTS_SOAK_CHECK_H

#include "backend/store.h"
#include "tests/soak/ledger.h"

struct soak_counts {
    size_t tables;
    size_t rows;
    size_t timelines;
    size_t records;
    size_t faults; /* what is not as it should be; the first ones are told on stderr */
};

/*
 * Read everything: tables, rows, metadata, streams from their oldest record. What was in flight
 * is, from then on, what was found.
 */
void soak_check(struct ots_store *store, struct soak_ledger *ledger, struct soak_counts *counts);

#endif
