#include "tests/soak/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { FAULTS_SHOWN = 20 };

/* What is seen of one table. */
struct check {
    struct ots_store *store;
    struct soak_table *table;
    struct soak_counts *counts;
    struct seen {
        uint32_t version; /* of the row */
        uint32_t last;    /* version of its last stream record */
        uint32_t records;
        bool has_meta; /* at a timeline's first place */
    } * seen;
};

OTS_PRINTF(2, 3) static void fault(struct soak_counts *counts, const char *fmt, ...)
{
    va_list args;
    if (counts->faults++ >= FAULTS_SHOWN)
        return;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

/* A failure is a fault, too. */
static bool run(struct ots_store *store, struct ots_call *call, struct soak_counts *counts)
{
    struct ots_error err;
    if (ots_store_run(store, call, NULL, &err) == OTS_OK)
        return true;
    fault(counts, "%s", err.message);
    return false;
}

/* --- tables -----------------------------------------------------------------------------------*/

static struct soak_table *find_table(struct soak_ledger *ledger, struct ots_slice name)
{
    for (size_t i = 0; i < SOAK_TABLES; i++)
        if (ots_slice_equal(name, ots_slice_str(ledger->tables[i].name)))
            return &ledger->tables[i];
    return NULL;
}

static void settle_table(struct soak_table *table, bool is_listed, struct soak_counts *counts)
{
    if (table->presence == SOAK_PRESENT && !is_listed)
        fault(counts, "table %s is lost", table->name);
    if (table->presence == SOAK_ABSENT && is_listed)
        fault(counts, "table %s is there, but was deleted or never made", table->name);
    if (!is_listed)
        soak_table_set(table, SOAK_ABSENT);
    else if (table->presence == SOAK_DELETING)
        table->presence = SOAK_PRESENT;
    else if (table->presence != SOAK_PRESENT)
        soak_table_set(table, SOAK_PRESENT);
}

static void check_tables(struct ots_store *store, struct soak_ledger *ledger,
                         struct soak_counts *counts)
{
    bool is_listed[SOAK_TABLES] = {false};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    if (run(store, &call, counts)) {
        for (size_t i = 0; i < call.response.list_tables.count; i++) {
            struct ots_slice name = call.response.list_tables.metas[i].name;
            struct soak_table *table = find_table(ledger, name);
            if (table)
                is_listed[table - ledger->tables] = true;
            else
                fault(counts, "table %.*s was never made", OTS_SLICE_FMT(name));
        }
        counts->tables = call.response.list_tables.count;
        for (size_t i = 0; i < SOAK_TABLES; i++)
            settle_table(&ledger->tables[i], is_listed[i], counts);
    }
    ots_call_deinit(&call);
}

/* --- rows -------------------------------------------------------------------------------------*/

static void see_row(struct check *check, const struct ots_row *row)
{
    size_t place;
    uint32_t version;
    check->counts->rows++;
    if (!soak_row_find(check->table, row, &place, &version))
        fault(check->counts, "%s: a row that nobody sent, of time %" PRId64, check->table->name,
              row->time_us);
    else if (check->seen[place].version)
        fault(check->counts, "%s: row %zu twice", check->table->name, place);
    else
        check->seen[place].version = version;
}

static void scan(struct check *check)
{
    struct ots_buf token = OTS_BUF_INIT;
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_SCAN);
        call.request.scan.table = ots_slice_str(check->table->name);
        call.request.scan.token = ots_buf_slice(&token);
        bool is_ok = run(check->store, &call, check->counts);
        for (size_t i = 0; is_ok && i < call.response.page.rows.count; i++)
            see_row(check, &call.response.page.rows.items[i]);
        ots_buf_reset(&token);
        if (is_ok)
            ots_buf_append_slice(&token, call.response.page.next_token);
        ots_call_deinit(&call);
    } while (token.size);
    ots_buf_deinit(&token);
}

static void settle_place(struct check *check, size_t i)
{
    struct soak_place *place = &check->table->places[i];
    uint32_t version = check->seen[i].version;
    if (place->in_flight && version == place->in_flight)
        place->puts++;
    else if (version != place->stored)
        fault(check->counts,
              "%s: row %zu has version %" PRIu32 ", acknowledged was %" PRIu32
              ", in flight %" PRIu32,
              check->table->name, i, version, place->stored, place->in_flight);
    place->stored = version;
    place->in_flight = 0;
}

/* A writer has one put in flight: all its rows are there, or none. */
static void settle_rows(struct check *check)
{
    for (size_t first = 0; first < check->table->place_count; first += SOAK_PLACES_EACH) {
        size_t sent = 0;
        size_t found = 0;
        for (size_t i = first; i < first + SOAK_PLACES_EACH; i++) {
            uint32_t in_flight = check->table->places[i].in_flight;
            sent += in_flight != 0;
            found += in_flight && check->seen[i].version == in_flight;
            settle_place(check, i);
        }
        if (found && found != sent)
            fault(check->counts, "%s: %zu of the %zu rows of a put", check->table->name, found,
                  sent);
    }
}

/* --- timelines --------------------------------------------------------------------------------*/

static void see_timeline(struct check *check, const struct ots_timeline_meta *meta)
{
    size_t place;
    check->counts->timelines++;
    if (!soak_key_find(check->table, &meta->key, &place))
        fault(check->counts, "%s: a timeline that nobody sent", check->table->name);
    else if (check->seen[place].has_meta)
        fault(check->counts, "%s: timeline %zu twice", check->table->name, place / SOAK_TIMES);
    else
        check->seen[place].has_meta = true;
}

/* A timeline that has a row is listed; a put that was cut off may have left one without rows. */
static void check_timelines(struct check *check)
{
    struct ots_buf token = OTS_BUF_INIT;
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_QUERY_META);
        call.request.query_meta.table = ots_slice_str(check->table->name);
        call.request.query_meta.token = ots_buf_slice(&token);
        bool is_ok = run(check->store, &call, check->counts);
        for (size_t i = 0; is_ok && i < call.response.query_meta.count; i++)
            see_timeline(check, &call.response.query_meta.metas[i]);
        ots_buf_reset(&token);
        if (is_ok)
            ots_buf_append_slice(&token, call.response.query_meta.next_token);
        ots_call_deinit(&call);
    } while (token.size);
    ots_buf_deinit(&token);
    for (size_t first = 0; first < check->table->place_count; first += SOAK_TIMES) {
        bool has_row = false;
        bool was_sent = false;
        for (size_t i = first; i < first + SOAK_TIMES; i++) {
            has_row = has_row || check->seen[i].version;
            was_sent = was_sent || check->table->places[i].was_sent;
        }
        if (has_row && !check->seen[first].has_meta)
            fault(check->counts, "%s: timeline %zu has no metadata", check->table->name,
                  first / SOAK_TIMES);
        if (check->seen[first].has_meta && !was_sent)
            fault(check->counts, "%s: timeline %zu was never sent", check->table->name,
                  first / SOAK_TIMES);
    }
}

/* --- the stream -------------------------------------------------------------------------------*/

static void see_record(struct check *check, const struct ots_stream_record *record)
{
    size_t place;
    uint32_t version;
    check->counts->records++;
    if (record->type != OTS_CHANGE_PUT ||
        !soak_row_find(check->table, &record->row, &place, &version)) {
        fault(check->counts, "%s: a record that nobody made", check->table->name);
        return;
    }
    check->seen[place].last = version;
    check->seen[place].records++;
}

static void read_shard(struct check *check, struct ots_slice stream, struct ots_slice shard)
{
    struct ots_buf iterator = OTS_BUF_INIT;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_SHARD_ITERATOR);
    call.request.shard_iterator.stream = stream;
    call.request.shard_iterator.shard = shard;
    if (run(check->store, &call, check->counts))
        ots_buf_append_slice(&iterator, call.response.shard_iterator.iterator);
    ots_call_deinit(&call);
    while (iterator.size) {
        ots_call_init(&call, OTS_ACTION_STREAM_RECORDS);
        call.request.stream_records.iterator = ots_buf_slice(&iterator);
        bool is_ok = run(check->store, &call, check->counts);
        size_t count = is_ok ? call.response.stream_records.count : 0;
        for (size_t i = 0; i < count; i++)
            see_record(check, &call.response.stream_records.records[i]);
        ots_buf_reset(&iterator);
        if (count)
            ots_buf_append_slice(&iterator, call.response.stream_records.next_iterator);
        ots_call_deinit(&call);
    }
    ots_buf_deinit(&iterator);
}

static void read_stream(struct check *check, struct ots_slice stream)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DESCRIBE_STREAM);
    call.request.describe_stream.stream = stream;
    call.request.describe_stream.accepts_timeseries = true;
    if (run(check->store, &call, check->counts))
        for (size_t i = 0; i < call.response.describe_stream.shard_count; i++)
            read_shard(check, stream, call.response.describe_stream.shards[i].id);
    ots_call_deinit(&call);
}

/* Each put of each row is in it once, and the last one is the row. */
static void check_stream(struct check *check)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_STREAMS);
    call.request.list_streams.table = ots_slice_str(check->table->name);
    if (run(check->store, &call, check->counts)) {
        if (call.response.list_streams.count == 1)
            read_stream(check, call.response.list_streams.streams[0].id);
        else
            fault(check->counts, "%s: %zu streams", check->table->name,
                  call.response.list_streams.count);
    }
    ots_call_deinit(&call);
    for (size_t i = 0; i < check->table->place_count; i++) {
        const struct soak_place *place = &check->table->places[i];
        const struct seen *seen = &check->seen[i];
        if (seen->last != place->stored || seen->records != place->puts)
            fault(check->counts,
                  "%s: row %zu of version %" PRIu32 " has %" PRIu32 " records for %" PRIu32
                  " puts, the last one of version %" PRIu32,
                  check->table->name, i, place->stored, seen->records, place->puts, seen->last);
    }
}

void soak_check(struct ots_store *store, struct soak_ledger *ledger, struct soak_counts *counts)
{
    *counts = (struct soak_counts){0};
    check_tables(store, ledger, counts);
    for (size_t i = 0; i < SOAK_TABLES; i++) {
        struct soak_table *table = &ledger->tables[i];
        if (table->presence != SOAK_PRESENT)
            continue;
        struct check check = {store, table, counts, NULL};
        check.seen = calloc(table->place_count, sizeof(*check.seen));
        if (!check.seen) {
            fault(counts, "out of memory");
            return;
        }
        scan(&check);
        settle_rows(&check);
        check_timelines(&check);
        check_stream(&check);
        free(check.seen);
    }
}
