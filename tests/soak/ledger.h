/*
 * What otslocal has acknowledged: the truth that it is held to after it was killed.
 *
 * Each writer has some tables of its own, which come and go, and a part of one table that all
 * share. A row's place in a table follows from its host and time, its content from its place and
 * its version; a version is never sent twice by one writer.
 *
 * Threads: each writer changes only its own tables and its own hosts of the shared table; whoever
 * looks at all of it waits until they have ended.
 */
#ifndef TESTS_SOAK_LEDGER_H
#define TESTS_SOAK_LEDGER_H

#include "backend/model/row.h"

enum {
    SOAK_WRITERS = 4,
    SOAK_TABLES_EACH = 4,
    SOAK_SHARED = SOAK_WRITERS * SOAK_TABLES_EACH, /* the shared table's number */
    SOAK_TABLES,
    SOAK_HOSTS_EACH = 20, /* of a writer in a table */
    SOAK_TIMES = 100,
    SOAK_PLACES_EACH = SOAK_HOSTS_EACH * SOAK_TIMES,
    SOAK_TEXT_SIZE = 320,
};

/* Versions; 0 is none. */
struct soak_place {
    uint32_t stored;    /* acknowledged, or found after a kill */
    uint32_t in_flight; /* was not answered: may be there instead */
    uint32_t puts;      /* that are in the table for sure */
    bool was_sent;      /* ever, to this table */
};

/* The last two: the call that makes or deletes the table was not answered. */
enum soak_presence { SOAK_ABSENT, SOAK_PRESENT, SOAK_CREATING, SOAK_DELETING };

struct soak_table {
    char name[24];
    enum soak_presence presence;
    struct soak_place *places;
    size_t place_count;
};

struct soak_ledger {
    struct soak_table tables[SOAK_TABLES];
};

/* False without memory. */
bool soak_ledger_init(struct soak_ledger *ledger);
void soak_ledger_deinit(struct soak_ledger *ledger);

/* The table is there and empty, or gone. */
void soak_table_set(struct soak_table *table, enum soak_presence presence);

/* A row with all that it points to; not to be moved. */
struct soak_row {
    struct ots_row row;
    struct ots_series_key key;
    struct ots_tag tag;
    struct ots_field fields[2];
    char host[16];
    char text[SOAK_TEXT_SIZE];
};

void soak_row_make(struct soak_row *row, const struct soak_table *table, size_t place,
                   uint32_t version);

/* The place of a timeline's first row; false when no writer makes such a timeline. */
bool soak_key_find(const struct soak_table *table, const struct ots_series_key *key, size_t *place);

/* The place and version of a row that was read; false when no writer makes such a row. */
bool soak_row_find(const struct soak_table *table, const struct ots_row *row, size_t *place,
                   uint32_t *version);

#endif
