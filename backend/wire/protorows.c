#include "backend/wire/protorows.h"

#include "backend/wire/convert.h"

static struct ots_value value_in(const Ots__Wire__ProtoField *field)
{
    if (field->has_integer)
        return (struct ots_value){.type = OTS_INTEGER, .integer = field->integer};
    if (field->has_text)
        return (struct ots_value){.type = OTS_STRING, .bytes = ots_proto_slice(field->text)};
    if (field->has_boolean)
        return (struct ots_value){.type = OTS_BOOLEAN, .boolean = field->boolean != 0};
    if (field->has_real)
        return (struct ots_value){.type = OTS_DOUBLE, .real = field->real};
    return (struct ots_value){.type = OTS_BINARY, .bytes = ots_proto_slice(field->binary)};
}

static int count_values(const Ots__Wire__ProtoField *field)
{
    return (field->has_integer ? 1 : 0) + (field->has_text ? 1 : 0) + (field->has_boolean ? 1 : 0) +
           (field->has_real ? 1 : 0) + (field->has_binary ? 1 : 0);
}

static enum ots_status fields_in(const Ots__Wire__ProtoRow *message, struct ots_arena *arena,
                                 struct ots_row *row, struct ots_error *err)
{
    struct ots_field *fields = ots_arena_array(arena, message->n_fields, sizeof(*fields));
    if (!fields)
        return OTS_NOMEM;
    for (size_t i = 0; i < message->n_fields; i++) {
        int count = count_values(message->fields[i]);
        if (count != 1)
            return ots_error_set(err, OTS_INVALID, "a field has %d values instead of one", count);
        fields[i].name = ots_proto_slice(message->fields[i]->name);
        fields[i].value = value_in(message->fields[i]);
    }
    row->fields = fields;
    row->field_count = message->n_fields;
    return OTS_OK;
}

static enum ots_status row_in(const Ots__Wire__ProtoRow *message, struct ots_arena *arena,
                              struct ots_row *row, struct ots_error *err)
{
    struct ots_series_key *key = ots_arena_alloc(arena, sizeof(*key));
    if (!key)
        return OTS_NOMEM;
    *row = (struct ots_row){.key = key, .time_us = message->time_us};
    if (!message->key)
        return ots_error_set(err, OTS_INVALID, "a row has no timeline");
    enum ots_status status = ots_convert_key_in(message->key, arena, key, err);
    return status == OTS_OK ? fields_in(message, arena, row, err) : status;
}

enum ots_status ots_protorows_decode(struct ots_slice input, struct ots_arena *arena,
                                     struct ots_rows *rows, struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        ots_proto_unpack(&ots__wire__proto_rows__descriptor, input, arena, "rows", &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__ProtoRows *message = unpacked;
    for (size_t i = 0; i < message->n_rows && status == OTS_OK; i++) {
        struct ots_row row;
        status = row_in(message->rows[i], arena, &row, err);
        if (status == OTS_OK)
            status = ots_rows_append(rows, arena, &row);
    }
    return status;
}
