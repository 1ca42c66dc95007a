#include "tests/bench/devops.h"

#include "tests/bench/bench.h"

#include <stdio.h>

enum { TAGS = 10 };

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 11;
}

static void *make(struct ots_arena *arena, size_t count, size_t size)
{
    void *data = ots_arena_array(arena, count, size);
    bench_must(data ? OTS_OK : OTS_NOMEM, "rows");
    return data;
}

static struct ots_slice keep(struct ots_arena *arena, const char *text)
{
    struct ots_slice copy;
    bench_must(ots_arena_copy(arena, ots_slice_str(text), &copy), "rows");
    return copy;
}

static void make_key(struct ots_arena *arena, size_t host, struct ots_series_key *key)
{
    static const char *const NAMES[TAGS] = {
        "arch",    "datacenter",          "hostname",        "os",  "rack", "region",
        "service", "service_environment", "service_version", "team"};
    static const char *const VALUES[TAGS] = {
        "x64", "eu-central-1a", NULL, "Ubuntu16.04LTS", "31", "eu-central-1", "18", "staging", "1",
        "LON"};
    struct ots_tag *tags = make(arena, TAGS, sizeof(*tags));
    for (size_t i = 0; i < TAGS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "host_%zu", host);
        tags[i].name = keep(arena, NAMES[i]);
        tags[i].value = keep(arena, VALUES[i] ? VALUES[i] : name);
    }
    *key = (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE(""), tags, TAGS};
}

static struct ots_value make_value(enum devops_number kind, uint64_t *state)
{
    uint64_t number = next_random(state);
    if (kind == DEVOPS_WHOLE)
        return (struct ots_value){.type = OTS_INTEGER, .integer = (int64_t)(number % 101)};
    struct ots_value value = {.type = OTS_DOUBLE};
    value.real = kind == DEVOPS_DECIMALS_2 ? (double)(number % 10001) / 100.0
                                           : (double)number / 9007199254740992.0 * 100.0;
    return value;
}

struct ots_row *devops_rows(struct ots_arena *arena, const struct devops_options *options)
{
    static const char *const NAMES[DEVOPS_FIELDS] = {
        "usage_guest", "usage_guest_nice", "usage_idle",  "usage_iowait", "usage_irq",
        "usage_nice",  "usage_softirq",    "usage_steal", "usage_system", "usage_user"};
    uint64_t state = 42;
    struct ots_series_key *keys = make(arena, DEVOPS_HOSTS, sizeof(*keys));
    struct ots_row *rows = make(arena, options->count, sizeof(*rows));
    for (size_t host = 0; host < DEVOPS_HOSTS; host++)
        make_key(arena, host, &keys[host]);
    for (size_t i = 0; i < options->count; i++) {
        struct ots_field *fields = make(arena, DEVOPS_FIELDS, sizeof(*fields));
        for (size_t f = 0; f < DEVOPS_FIELDS; f++)
            fields[f] =
                (struct ots_field){ots_slice_str(NAMES[f]), make_value(options->number, &state)};
        int64_t time_us = 1451606400000000 + (int64_t)i * 10000000;
        rows[i] = (struct ots_row){&keys[options->is_one ? 0 : i % DEVOPS_HOSTS], time_us, fields,
                                   DEVOPS_FIELDS};
    }
    return rows;
}
