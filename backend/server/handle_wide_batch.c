/*
 * A batch is checked as a whole, then its rows are worked on one after another, each for itself:
 * one that fails has its error in its place in the answer.
 */
#include "backend/server/handle_wide.h"
#include "backend/server/physical.h"
#include "backend/wire/service_code.h"

/* What a batch wants of one table: `write` or `get`. */
struct part {
    struct ots_slice table;
    size_t row_count;
    const struct ots_wide_batch_write_table *write;
    const struct ots_wide_batch_get_table *get;
};

struct batch {
    struct ots_instance *instance;
    struct ots_arena *arena;
    struct part *parts;
    size_t part_count;
    size_t rows_max;
    size_t bytes_read; /* of the rows in the answer */
};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a batch of rows");
}

static enum ots_status parts_make(struct batch *batch, const struct ots_call *call,
                                  struct ots_error *err)
{
    const struct ots_wide_batch_write_request *write = &call->request.wide.batch_write;
    const struct ots_wide_batch_get_request *get = &call->request.wide.batch_get;
    bool is_write = call->action == OTS_ACTION_WIDE_BATCH_WRITE;
    batch->rows_max = is_write ? OTS_WIDE_BATCH_WRITES_MAX : OTS_WIDE_BATCH_READS_MAX;
    batch->part_count = is_write ? write->table_count : get->table_count;
    batch->parts = ots_arena_array(batch->arena, batch->part_count, sizeof(*batch->parts));
    if (!batch->parts)
        return no_memory(err);
    for (size_t i = 0; i < batch->part_count; i++) {
        if (is_write)
            batch->parts[i] = (struct part){write->tables[i].table, write->tables[i].write_count,
                                            &write->tables[i], NULL};
        else
            batch->parts[i] = (struct part){get->tables[i].table, get->tables[i].key_count, NULL,
                                            &get->tables[i]};
    }
    return OTS_OK;
}

/* ---- checking ---- */

static enum ots_status check_rows(const struct batch *batch, struct ots_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->part_count; i++) {
        if (!batch->parts[i].row_count)
            return ots_error_set(err, OTS_INVALID, "No row is specified for a table.");
        count += batch->parts[i].row_count;
    }
    if (count < 1 || count > batch->rows_max)
        return ots_error_set(err, OTS_INVALID, "%zu rows instead of 1 to %zu.", count,
                             batch->rows_max);
    return OTS_OK;
}

static enum ots_status check_bytes(const struct batch *batch, struct ots_error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < batch->part_count; i++) {
        const struct ots_wide_batch_write_table *write = batch->parts[i].write;
        for (size_t j = 0; write && j < write->write_count; j++)
            bytes += ots_wide_row_bytes(&write->writes[j].row);
    }
    if (bytes > OTS_WIDE_WRITE_BYTES_MAX)
        return ots_error_set(err, OTS_INVALID, "The rows have %zu bytes instead of at most %d.",
                             bytes, OTS_WIDE_WRITE_BYTES_MAX);
    return OTS_OK;
}

static enum ots_status check_tables(const struct batch *batch, struct ots_error *err)
{
    for (size_t i = 1; i < batch->part_count; i++)
        for (size_t j = 0; j < i; j++)
            if (ots_slice_equal(batch->parts[i].table, batch->parts[j].table))
                return ots_error_set(err, OTS_INVALID, "A table is named twice.");
    return OTS_OK;
}

static bool is_same_key(const struct ots_plain_row *a, const struct ots_plain_row *b)
{
    bool is_same = a->key_count == b->key_count;
    for (size_t i = a->key_count; i-- > 0 && is_same;) {
        const struct ots_cell *x = &a->key[i];
        const struct ots_cell *y = &b->key[i];
        is_same = x->type == y->type;
        if (is_same && x->type == OTS_CELL_INTEGER)
            is_same = x->integer == y->integer;
        else if (is_same && (x->type == OTS_CELL_STRING || x->type == OTS_CELL_BLOB))
            is_same = ots_slice_equal(x->bytes, y->bytes);
    }
    return is_same;
}

/* The service refuses a row that is written twice; one may be read twice. */
static enum ots_status check_keys(const struct batch *batch, struct ots_error *err)
{
    for (size_t i = 0; i < batch->part_count; i++) {
        const struct part *part = &batch->parts[i];
        for (size_t j = 1; part->write && j < part->row_count; j++)
            for (size_t k = 0; k < j; k++)
                if (is_same_key(&part->write->writes[j].row, &part->write->writes[k].row))
                    return ots_error_set(err, OTS_INVALID, "A row is written twice.");
    }
    return OTS_OK;
}

static enum ots_status check(const struct batch *batch, struct ots_error *err)
{
    enum ots_status status = check_rows(batch, err);
    if (status == OTS_OK)
        status = check_bytes(batch, err);
    if (status == OTS_OK)
        status = check_tables(batch, err);
    return status == OTS_OK ? check_keys(batch, err) : status;
}

/* ---- working ---- */

static enum ots_status row_failed(struct batch *batch, struct ots_error *failure,
                                  struct ots_wide_row_response *response, struct ots_error *err)
{
    ots_instance_error_code(failure);
    enum ots_status status =
        ots_arena_copy(batch->arena, ots_slice_str(failure->service_code), &response->code);
    if (status == OTS_OK)
        status = ots_arena_copy(batch->arena, ots_slice_str(failure->message), &response->message);
    return status == OTS_OK ? OTS_OK : no_memory(err);
}

/* What all rows of a part share. */
struct opened {
    bool is_physical;
    const struct ots_table *table;
    struct ots_wide_reader reader;
};

static enum ots_status part_open(struct batch *batch, const struct part *part,
                                 struct opened *opened, struct ots_error *err)
{
    *opened = (struct opened){.is_physical = part->write && ots_physical_is_name(part->table)};
    if (opened->is_physical)
        return OTS_OK;
    enum ots_status status =
        ots_handle_hold_wide(batch->instance, part->table, &opened->table, err);
    if (status != OTS_OK || !part->get)
        return status;
    return ots_wide_reader_init(&opened->reader, &part->get->selection, opened->table->wide,
                                ots_clock_now_us(batch->instance->clock) / 1000, batch->arena, err);
}

/* What is full refuses the rows that are left: the client reads them with its next request. */
static enum ots_status get_row(struct batch *batch, const struct opened *opened,
                               const struct ots_plain_row *key,
                               struct ots_wide_row_response *response, struct ots_error *err)
{
    if (batch->bytes_read >= OTS_WIDE_BATCH_READ_BYTES)
        return ots_error_service(err, OTS_THROTTLED, OTS_CODE_SERVER_BUSY,
                                 "The rows before this one have over %d bytes.",
                                 OTS_WIDE_BATCH_READ_BYTES);
    enum ots_status status = ots_handle_wide_get_row(batch->instance, opened->table,
                                                     &opened->reader, key, response, err);
    if (status == OTS_OK && response->has_row)
        batch->bytes_read += ots_wide_row_bytes(&response->row);
    return status;
}

static enum ots_status run_row(struct batch *batch, const struct part *part,
                               const struct opened *opened, size_t row,
                               struct ots_wide_row_response *response, struct ots_error *err)
{
    if (part->get)
        return get_row(batch, opened, &part->get->keys[row], response, err);
    const struct ots_wide_write *write = &part->write->writes[row];
    if (opened->is_physical)
        return ots_physical_write(batch->instance, part->table, write, response, err);
    return ots_handle_wide_write_row(batch->instance, opened->table, write, response, err);
}

static enum ots_status run_part(struct batch *batch, const struct part *part,
                                struct ots_wide_batch_table_response *response,
                                struct ots_error *err)
{
    response->table = part->table;
    response->row_count = part->row_count;
    response->rows = ots_arena_array(batch->arena, part->row_count, sizeof(*response->rows));
    if (!response->rows)
        return no_memory(err);
    struct ots_error failure = {0};
    struct opened opened;
    enum ots_status open = part_open(batch, part, &opened, &failure);
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < part->row_count && status == OTS_OK; i++) {
        enum ots_status done = open;
        if (open == OTS_OK)
            done = run_row(batch, part, &opened, i, &response->rows[i], &failure);
        if (done != OTS_OK)
            status = row_failed(batch, &failure, &response->rows[i], err);
    }
    ots_table_releasep(&opened.table);
    return status;
}

enum ots_status ots_handle_wide_batch(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err)
{
    struct batch batch = {.instance = instance, .arena = &call->arena};
    struct ots_wide_batch_response *response = &call->response.wide.batch;
    enum ots_status status = parts_make(&batch, call, err);
    if (status == OTS_OK)
        status = check(&batch, err);
    if (status != OTS_OK)
        return status;
    struct ots_wide_batch_table_response *tables =
        ots_arena_array(&call->arena, batch.part_count, sizeof(*tables));
    if (!tables)
        return no_memory(err);
    response->tables = tables;
    response->table_count = batch.part_count;
    for (size_t i = 0; i < batch.part_count && status == OTS_OK; i++)
        status = run_part(&batch, &batch.parts[i], &tables[i], err);
    return status;
}
