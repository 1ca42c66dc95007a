#include "tests/soak/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_TIME_US (INT64_C(1700000000) * 1000000)
#define STEP_US INT64_C(1000000)

bool soak_ledger_init(struct soak_ledger *ledger)
{
    bool is_complete = true;
    for (size_t i = 0; i < SOAK_TABLES; i++) {
        struct soak_table *table = &ledger->tables[i];
        *table = (struct soak_table){.place_count = SOAK_PLACES_EACH};
        if (i == SOAK_SHARED)
            table->place_count *= SOAK_WRITERS;
        snprintf(table->name, sizeof(table->name), "soak_%zu", i);
        table->places = calloc(table->place_count, sizeof(*table->places));
        is_complete = is_complete && table->places;
    }
    return is_complete;
}

void soak_ledger_deinit(struct soak_ledger *ledger)
{
    for (size_t i = 0; i < SOAK_TABLES; i++)
        free(ledger->tables[i].places);
}

void soak_table_set(struct soak_table *table, enum soak_presence presence)
{
    table->presence = presence;
    memset(table->places, 0, table->place_count * sizeof(*table->places));
}

void soak_row_make(struct soak_row *row, const struct soak_table *table, size_t place,
                   uint32_t version)
{
    int64_t time_us = FIRST_TIME_US + (int64_t)(place % SOAK_TIMES) * STEP_US;
    int host_size = snprintf(row->host, sizeof(row->host), "host%zu", place / SOAK_TIMES);
    int text_size = snprintf(row->text, sizeof(row->text), "%s %zu %" PRIu32 " %0*d", table->name,
                             place, version, (int)(version % 250) + 1, 7);
    row->tag = (struct ots_tag){OTS_SLICE("host"), ots_slice(row->host, (size_t)host_size)};
    row->key = (struct ots_series_key){OTS_SLICE("soak"), OTS_SLICE("writers"), &row->tag, 1};
    row->fields[0] = (struct ots_field){
        OTS_SLICE("text"),
        {.type = OTS_STRING, .bytes = ots_slice(row->text, (size_t)text_size)},
    };
    row->fields[1] = (struct ots_field){
        OTS_SLICE("version"),
        {.type = OTS_INTEGER, .integer = version},
    };
    row->row = (struct ots_row){&row->key, time_us, row->fields, 2};
}

bool soak_key_find(const struct soak_table *table, const struct ots_series_key *key, size_t *place)
{
    char text[16];
    size_t host;
    struct soak_row wanted;
    if (key->tag_count != 1 || key->tags[0].value.size >= sizeof(text))
        return false;
    memcpy(text, key->tags[0].value.data, key->tags[0].value.size);
    text[key->tags[0].value.size] = '\0';
    if (sscanf(text, "host%zu", &host) != 1 || host >= table->place_count / SOAK_TIMES)
        return false;
    *place = host * SOAK_TIMES;
    soak_row_make(&wanted, table, *place, 1);
    return ots_series_key_equal(key, &wanted.key);
}

bool soak_row_find(const struct soak_table *table, const struct ots_row *row, size_t *place,
                   uint32_t *version)
{
    struct soak_row wanted;
    int64_t slot = (row->time_us - FIRST_TIME_US) / STEP_US;
    if (!soak_key_find(table, row->key, place) || slot < 0 || slot >= SOAK_TIMES)
        return false;
    *place += (size_t)slot;
    *version = 0;
    for (size_t i = 0; i < row->field_count; i++)
        if (row->fields[i].value.type == OTS_INTEGER)
            *version = (uint32_t)row->fields[i].value.integer;
    soak_row_make(&wanted, table, *place, *version);
    return ots_row_equal(row, &wanted.row);
}
