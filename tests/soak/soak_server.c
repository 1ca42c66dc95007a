/*
 * soak_server [ROUNDS [SEED]]: what otslocal has acknowledged survives kill -9 under load.
 *
 * In each round some writers put rows, new ones and ones that replace others, and make and delete
 * tables, until otslocal is killed, in the midst of that, at a moment of chance. It is started
 * again on the same directory (in some rounds killed once more while it starts), and everything is
 * read and compared with what was acknowledged: ledger.h, check.h.
 *
 * Each round is one case. The seed, printed first, decides on all but what time does.
 */
#include "backend/base/clock.h"
#include "tests/soak/check.h"
#include "tests/soak/server.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS_DEFAULT = 3,
    LOAD_MS_MAX = 600,
    START_MS_MAX = 60, /* of a server that is killed while it starts */
    CHECK_MS = 60000,
    RENEW_ROUNDS = 10, /* the life of the table that all share */
};

struct soak;

struct writer {
    struct soak *soak;
    size_t number;
    uint64_t random;
    uint32_t version; /* that was sent last */
    uint64_t acknowledged;
    bool is_cut_off; /* a call was under way when the server was killed */
    pthread_t thread;
    struct soak_row rows[OTS_PUT_ROWS_MAX];
    struct ots_row put[OTS_PUT_ROWS_MAX];
};

struct soak {
    struct soak_server server;
    struct soak_ledger ledger;
    struct ots_store *store; /* of the present load */
    atomic_bool is_killed;
    atomic_size_t failures; /* of calls before that */
    sigset_t signals;
    uint64_t random;
    struct writer writers[SOAK_WRITERS];
};

/* splitmix64 */
static uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t random_below(uint64_t *state, size_t bound)
{
    return (size_t)(random_next(state) % bound);
}

/* --- load -------------------------------------------------------------------------------------*/

/* False when the writer has to end: its call was not answered, or is refused. */
static bool send_call(struct writer *writer, struct ots_call *call)
{
    struct ots_error err;
    if (ots_store_run(writer->soak->store, call, NULL, &err) == OTS_OK) {
        writer->acknowledged++;
        return true;
    }
    if (atomic_load(&writer->soak->is_killed)) {
        writer->is_cut_off = true;
        return false;
    }
    fprintf(stderr, "before the kill: %s\n", err.message);
    atomic_fetch_add(&writer->soak->failures, 1);
    return false;
}

static bool create_table(struct writer *writer, struct soak_table *table)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = ots_slice_str(table->name);
    table->presence = SOAK_CREATING;
    bool is_done = send_call(writer, &call);
    if (is_done)
        soak_table_set(table, SOAK_PRESENT);
    ots_call_deinit(&call);
    return is_done;
}

static bool delete_table(struct writer *writer, struct soak_table *table)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DELETE_TABLE);
    call.request.table.table = ots_slice_str(table->name);
    table->presence = SOAK_DELETING;
    bool is_done = send_call(writer, &call);
    if (is_done)
        soak_table_set(table, SOAK_ABSENT);
    ots_call_deinit(&call);
    return is_done;
}

/* Rows of one timeline, or one row of many; first_place is that of the writer's part. */
static bool put_rows(struct writer *writer, struct soak_table *table, size_t first_place)
{
    bool is_one_timeline = random_below(&writer->random, 2);
    size_t count = 1 + random_below(&writer->random, SOAK_HOSTS_EACH);
    size_t start = random_below(&writer->random, SOAK_PLACES_EACH);
    size_t step = is_one_timeline ? 1 : SOAK_TIMES;
    if (is_one_timeline && random_below(&writer->random, 8) == 0)
        count = OTS_PUT_ROWS_MAX;
    size_t places[OTS_PUT_ROWS_MAX];
    writer->version++;
    for (size_t i = 0; i < count; i++) {
        places[i] = first_place + (start + i * step) % SOAK_PLACES_EACH;
        table->places[places[i]].in_flight = writer->version;
        table->places[places[i]].was_sent = true;
        soak_row_make(&writer->rows[i], table, places[i], writer->version);
        writer->put[i] = writer->rows[i].row;
    }
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_PUT);
    call.request.put.table = ots_slice_str(table->name);
    call.request.put.rows = writer->put;
    call.request.put.row_count = count;
    bool is_done = send_call(writer, &call);
    for (size_t i = 0; is_done && i < count; i++) {
        struct soak_place *place = &table->places[places[i]];
        place->stored = writer->version;
        place->in_flight = 0;
        place->puts++;
    }
    ots_call_deinit(&call);
    return is_done;
}

static bool write_once(struct writer *writer)
{
    struct soak_table *tables = writer->soak->ledger.tables;
    size_t slot = random_below(&writer->random, SOAK_TABLES_EACH + 2);
    if (slot >= SOAK_TABLES_EACH)
        return put_rows(writer, &tables[SOAK_SHARED], writer->number * SOAK_PLACES_EACH);
    struct soak_table *table = &tables[writer->number * SOAK_TABLES_EACH + slot];
    if (table->presence == SOAK_ABSENT)
        return create_table(writer, table);
    if (random_below(&writer->random, 50) == 0)
        return delete_table(writer, table);
    return put_rows(writer, table, 0);
}

static void *write_until_cut_off(void *argument)
{
    struct writer *writer = argument;
    while (write_once(writer))
        continue;
    return NULL;
}

/* --- rounds -----------------------------------------------------------------------------------*/

/* Ends the program when it is asked to end. */
static void sleep_ms(struct soak *soak, size_t ms)
{
    struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    if (sigtimedwait(&soak->signals, NULL, &time) < 0)
        return;
    atomic_store(&soak->is_killed, true);
    soak_server_deinit(&soak->server);
    _exit(1);
}

static struct ots_store *connect_for(const struct soak *soak, int64_t timeout_ms)
{
    return soak_connect(soak->server.directory,
                        &(struct soak_client_options){.timeout_ms = timeout_ms});
}

static void start_writers(struct soak *soak)
{
    atomic_store(&soak->is_killed, false);
    /* A put must not be made again: its fate decides how often it is in the stream. */
    soak->store = connect_for(soak, 1);
    for (size_t i = 0; i < SOAK_WRITERS; i++) {
        struct writer *writer = &soak->writers[i];
        writer->acknowledged = 0;
        writer->is_cut_off = false;
        if (pthread_create(&writer->thread, NULL, write_until_cut_off, writer) != 0) {
            perror("thread");
            exit(1);
        }
    }
}

static void join_writers(struct soak *soak)
{
    for (size_t i = 0; i < SOAK_WRITERS; i++)
        pthread_join(soak->writers[i].thread, NULL);
    ots_store_free(soak->store);
    soak->store = NULL;
}

/* The server runs, before and after. False when something is not as it should be. */
static bool run_round(struct soak *soak, size_t round)
{
    struct soak_counts counts;
    uint64_t acknowledged = 0;
    size_t cut_off = 0;
    size_t load_ms = 20 + random_below(&soak->random, LOAD_MS_MAX);
    start_writers(soak);
    sleep_ms(soak, load_ms);
    atomic_store(&soak->is_killed, true);
    soak_server_kill(&soak->server);
    join_writers(soak);
    soak_server_start(&soak->server);
    if (random_below(&soak->random, 3) == 0) {
        sleep_ms(soak, random_below(&soak->random, START_MS_MAX));
        soak_server_kill(&soak->server);
        soak_server_start(&soak->server);
    }
    struct ots_store *store = connect_for(soak, CHECK_MS);
    soak_check(store, &soak->ledger, &counts);
    ots_store_free(store);
    for (size_t i = 0; i < SOAK_WRITERS; i++) {
        acknowledged += soak->writers[i].acknowledged;
        cut_off += soak->writers[i].is_cut_off;
    }
    size_t failures = atomic_exchange(&soak->failures, 0);
    printf("round %zu: kill -9 after %zu ms, %" PRIu64 " calls acknowledged and %zu cut off; "
           "%zu tables, %zu rows, %zu timelines, %zu records: %s\n",
           round, load_ms, acknowledged, cut_off, counts.tables, counts.rows, counts.timelines,
           counts.records, counts.faults + failures ? "FAILED" : "ok");
    return counts.faults + failures == 0;
}

static bool ask(struct ots_store *store, struct ots_call *call)
{
    struct ots_error err;
    bool is_done = ots_store_run(store, call, NULL, &err) == OTS_OK;
    if (!is_done)
        fprintf(stderr, "%s\n", err.message);
    ots_call_deinit(call);
    return is_done;
}

/* Make the table that all share anew, so that its stream does not grow without end. */
static bool renew_shared(struct soak *soak)
{
    struct soak_table *shared = &soak->ledger.tables[SOAK_SHARED];
    struct ots_store *store = connect_for(soak, CHECK_MS);
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DELETE_TABLE);
    call.request.table.table = ots_slice_str(shared->name);
    bool is_done = shared->presence == SOAK_ABSENT || ask(store, &call);
    ots_call_init(&call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = ots_slice_str(shared->name);
    is_done = is_done && ask(store, &call);
    soak_table_set(shared, SOAK_PRESENT);
    ots_store_free(store);
    return is_done;
}

static bool soak_begin(struct soak *soak, uint64_t seed)
{
    if (!soak_ledger_init(&soak->ledger))
        return false;
    sigemptyset(&soak->signals);
    sigaddset(&soak->signals, SIGHUP);
    sigaddset(&soak->signals, SIGINT);
    sigaddset(&soak->signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &soak->signals, NULL);
    soak->random = seed;
    for (size_t i = 0; i < SOAK_WRITERS; i++) {
        soak->writers[i].soak = soak;
        soak->writers[i].number = i;
        soak->writers[i].random = random_next(&soak->random);
    }
    soak_server_init(&soak->server, "/tmp");
    return true;
}

static void soak_end(struct soak *soak)
{
    soak_server_deinit(&soak->server);
    soak_ledger_deinit(&soak->ledger);
    free(soak);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10)
                             : (uint64_t)ots_clock_now_us(&ots_clock_system) % 1000000;
    size_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : ROUNDS_DEFAULT;
    size_t passed = 0;
    struct soak *soak = calloc(1, sizeof(*soak));
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("seed %" PRIu64 "\n", seed);
    if (!soak || !soak_begin(soak, seed)) {
        fputs("out of memory\n", stderr);
        return 1;
    }
    soak_server_start(&soak->server);
    for (size_t round = 1; round <= rounds; round++) {
        bool is_ready = round % RENEW_ROUNDS != 1 || renew_shared(soak);
        passed += is_ready && run_round(soak, round);
    }
    soak_end(soak);
    printf("%zu passed, %zu failed, 0 skipped\n", passed, rounds - passed);
    return passed == rounds && rounds ? 0 : 1;
}
