#include "fs/lp/print.h"

#include <math.h>
#include <stdlib.h>

#include "backend/base/base64.h"
#include "fs/lp/copy.h"
#include "fs/lp/key_text.h"
#include "fs/lp/number.h"
#include "fs/lp/text.h"

void ots_lp_printer_init(struct ots_lp_printer *printer, enum ots_precision precision)
{
    *printer = (struct ots_lp_printer){.precision = precision};
}

void ots_lp_printer_deinit(struct ots_lp_printer *printer)
{
    ots_buf_deinit(&printer->key_text);
    ots_buf_deinit(&printer->names_text);
    ots_arena_deinit(&printer->arena);
    printer->last_key = NULL;
}

void ots_lp_printer_forget_key(struct ots_lp_printer *printer)
{
    printer->last_key = NULL;
}

/* --- values ----------------------------------------------------------------------------------- */

/* `real` as the string of an `@f64` field; it is not finite. */
static void append_special_real(struct ots_buf *out, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof(bits));
    if (isinf(real))
        ots_buf_append_str(out, real < 0 ? "\"-Inf\"" : "\"+Inf\"");
    else if (bits == UINT64_C(0x7FF8000000000000))
        ots_buf_append_str(out, "\"NaN\"");
    else
        ots_buf_append_fmt(out, "\"nan:%016llx\"", (unsigned long long)bits);
}

/* A quoted string: a backslash before `"` and backslash. */
static void append_string(struct ots_buf *out, struct ots_slice text)
{
    uint8_t *start = ots_buf_reserve(out, 2 * text.size + 2);
    if (!start)
        return;
    uint8_t *to = start;
    *to++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"' || byte == '\\')
            *to++ = '\\';
        *to++ = byte;
    }
    *to++ = '"';
    ots_buf_advance(out, (size_t)(to - start));
}

/*
 * The string of an `@str` field: C escapes for controls and backslash, and then, as in any string,
 * a backslash before each backslash and `"`.
 */
static void append_coded_string(struct ots_buf *out, struct ots_slice text)
{
    uint8_t *start = ots_buf_reserve(out, 5 * text.size + 2);
    if (!start)
        return;
    uint8_t *to = start;
    *to++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool is_control = ots_lp_classes[byte] & OTS_LP_IS_CONTROL;
        if (!is_control && byte != '\\') {
            if (byte == '"')
                *to++ = '\\';
            *to++ = byte;
            continue;
        }
        *to++ = '\\';
        *to++ = '\\';
        if (byte == '\n' || byte == '\r') {
            *to++ = byte == '\n' ? 'n' : 'r';
        } else if (is_control) {
            *to++ = 'x';
            to = ots_lp_hex_write(to, byte);
        } else {
            *to++ = '\\';
            *to++ = '\\';
        }
    }
    *to++ = '"';
    ots_buf_advance(out, (size_t)(to - start));
}

static void append_binary(struct ots_buf *out, struct ots_slice bytes)
{
    ots_buf_append_byte(out, '"');
    ots_base64_append(out, bytes);
    ots_buf_append_byte(out, '"');
}

/* --- fields ----------------------------------------------------------------------------------- */

/* What is written behind the field's name. */
static const char *mark_of(const struct ots_field *field)
{
    const struct ots_value *value = &field->value;
    if (value->type == OTS_BINARY)
        return "@b64";
    if (value->type == OTS_DOUBLE && !isfinite(value->real))
        return "@f64";
    if (value->type == OTS_STRING && (ots_lp_classes_of(value->bytes) & OTS_LP_IS_CODED))
        return "@str";
    bool has_at = ots_lp_classes_of(field->name) & OTS_LP_IS_AT;
    return has_at || ots_lp_is_reserved_field(field->name) ? "@" : "";
}

/* Write a number at `to`, which has room for it; 0 for a value of another kind. */
static size_t write_number(uint8_t *to, const struct ots_value *value)
{
    if (value->type == OTS_DOUBLE && isfinite(value->real))
        return ots_number_print_double(to, value->real);
    if (value->type != OTS_INTEGER)
        return 0;
    size_t size = ots_number_print_i64(to, value->integer);
    to[size] = 'i';
    return size + 1;
}

static void append_value(struct ots_buf *out, const struct ots_value *value, bool is_coded_string)
{
    uint8_t *to = ots_buf_reserve(out, OTS_NUMBER_BYTES_MAX + 1);
    if (!to)
        return;
    switch (value->type) {
    case OTS_INTEGER:
        ots_buf_advance(out, write_number(to, value));
        break;
    case OTS_BOOLEAN:
        ots_buf_append_slice(out, value->boolean ? OTS_SLICE("true") : OTS_SLICE("false"));
        break;
    case OTS_DOUBLE:
        if (isfinite(value->real))
            ots_buf_advance(out, write_number(to, value));
        else
            append_special_real(out, value->real);
        break;
    case OTS_STRING:
        if (is_coded_string)
            append_coded_string(out, value->bytes);
        else
            append_string(out, value->bytes);
        break;
    case OTS_BINARY:
        append_binary(out, value->bytes);
        break;
    }
}

static enum ots_status append_field(struct ots_lp_printer *printer, struct ots_buf *out,
                                    const struct ots_field *field, uint8_t separator)
{
    struct ots_slice marked;
    enum ots_status status = ots_lp_mark(field->name, OTS_LP_FIELD_NAME, &printer->arena, &marked);
    if (status != OTS_OK)
        return status;
    ots_buf_append_byte(out, separator);
    ots_lp_escape_append(out, marked, OTS_LP_FIELD_NAME);
    const char *mark = mark_of(field);
    ots_buf_append_str(out, mark);
    ots_buf_append_byte(out, '=');
    append_value(out, &field->value, mark[0] && mark[1] == 's');
    return OTS_OK;
}

static int compare_fields(const void *a, const void *b)
{
    const struct ots_field *const *left = a;
    const struct ots_field *const *right = b;
    int order = ots_slice_compare((*left)->name, (*right)->name);
    return order ? order : (*left > *right) - (*left < *right);
}

static bool is_ascending(const struct ots_row *row)
{
    for (size_t i = 1; i < row->field_count; i++)
        if (ots_slice_compare(row->fields[i - 1].name, row->fields[i].name) > 0)
            return false;
    return true;
}

static enum ots_status append_sorted_fields(struct ots_lp_printer *printer, struct ots_buf *out,
                                            const struct ots_row *row)
{
    const struct ots_field **sorted =
        ots_arena_array(&printer->arena, row->field_count, sizeof(const struct ots_field *));
    if (!sorted)
        return OTS_NOMEM;
    for (size_t i = 0; i < row->field_count; i++)
        sorted[i] = &row->fields[i];
    qsort(sorted, row->field_count, sizeof(const struct ots_field *), compare_fields);
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < row->field_count && status == OTS_OK; i++)
        status = append_field(printer, out, sorted[i], i ? ',' : ' ');
    return status;
}

static bool is_plain_name(struct ots_slice name)
{
    const uint8_t special = OTS_LP_IS_SEPARATOR | OTS_LP_IS_MARKED | OTS_LP_IS_AT;
    return name.size && !(ots_lp_classes_of(name) & special) && !ots_lp_is_reserved_field(name);
}

/* Remember the names of a row whose fields ascend, if they can be written as they are. */
static void learn_names(struct ots_lp_printer *printer, const struct ots_row *row)
{
    struct ots_buf *text = &printer->names_text;
    ots_buf_reset(text);
    for (size_t i = 0; i < row->field_count; i++) {
        if (!is_plain_name(row->fields[i].name)) {
            ots_buf_reset(text);
            return;
        }
        ots_buf_append_byte(text, ',');
        ots_buf_append_slice(text, row->fields[i].name);
        ots_buf_append_byte(text, '=');
    }
    printer->names_count = row->field_count;
    if (!ots_buf_reserve(text, OTS_LP_COPY_ROOM))
        ots_buf_reset(text);
}

/*
 * Whether the row has the names that were learnt, all of them and no others. A name like `a=,b` can
 * match two of them, but then not every field finds one.
 */
static bool has_learnt_names(const struct ots_lp_printer *printer, const struct ots_row *row)
{
    const uint8_t *at = printer->names_text.data;
    size_t left = printer->names_text.size;
    if (row->field_count != printer->names_count)
        return false;
    for (size_t i = 0; i < row->field_count; i++) {
        struct ots_slice name = row->fields[i].name;
        if (left < name.size + 2 || at[name.size + 1] != '=' ||
            !ots_lp_equal(at + 1, name.data, name.size))
            return false;
        at += name.size + 2;
        left -= name.size + 2;
    }
    return !left;
}

/* Fields whose names were learnt; nearly every one is a number, and is written without calls. */
static enum ots_status append_learnt(struct ots_lp_printer *printer, struct ots_buf *out,
                                     const struct ots_row *row)
{
    const uint8_t *name = printer->names_text.data;
    for (size_t i = 0; i < row->field_count; i++) {
        const struct ots_field *field = &row->fields[i];
        size_t size = field->name.size + 2;
        uint8_t *to = ots_buf_reserve(out, size + OTS_LP_COPY_ROOM + OTS_NUMBER_BYTES_MAX + 1);
        if (!to)
            return OTS_NOMEM;
        uint8_t *end = ots_lp_copy_padded(to, name, size);
        *to = i ? ',' : ' ';
        name += size;
        size_t number = write_number(end, &field->value);
        enum ots_status status = OTS_OK;
        if (number)
            ots_buf_advance(out, size + number);
        else
            status = append_field(printer, out, field, i ? ',' : ' ');
        if (status != OTS_OK)
            return status;
    }
    return OTS_OK;
}

static enum ots_status append_fields(struct ots_lp_printer *printer, struct ots_buf *out,
                                     const struct ots_row *row)
{
    if (has_learnt_names(printer, row))
        return append_learnt(printer, out, row);
    if (!is_ascending(row))
        return append_sorted_fields(printer, out, row);
    learn_names(printer, row);
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < row->field_count && status == OTS_OK; i++)
        status = append_field(printer, out, &row->fields[i], i ? ',' : ' ');
    return status;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Microseconds in one step. */
static int64_t precision_unit(enum ots_precision precision)
{
    static const int64_t UNITS[] = {[OTS_PRECISION_NS] = 1,
                                    [OTS_PRECISION_US] = 1,
                                    [OTS_PRECISION_MS] = 1000,
                                    [OTS_PRECISION_S] = 1000000};
    return UNITS[precision];
}

int64_t ots_precision_cut(enum ots_precision precision, int64_t time_us)
{
    return time_us - time_us % precision_unit(precision);
}

static enum ots_status append_time(struct ots_buf *out, int64_t time_us,
                                   enum ots_precision precision)
{
    uint8_t *to = ots_buf_reserve(out, OTS_NUMBER_BYTES_MAX);
    if (!to)
        return OTS_NOMEM;
    int64_t unit = precision_unit(precision);
    if (time_us < 0 || time_us % unit)
        return OTS_INVALID;
    *to = ' ';
    size_t size = 1 + ots_number_print_i64(to + 1, time_us / unit);
    if (precision == OTS_PRECISION_NS && time_us) {
        memcpy(to + size, "000", 3);
        size += 3;
    }
    to[size++] = '\n';
    ots_buf_advance(out, size);
    return OTS_OK;
}

static enum ots_status append_row(struct ots_lp_printer *printer, const struct ots_row *row,
                                  struct ots_buf *out)
{
    enum ots_status status = OTS_OK;
    if (!row->field_count)
        return OTS_INVALID;
    if (printer->arena.used_bytes)
        ots_arena_reset(&printer->arena);
    if (row->key != printer->last_key) {
        printer->last_key = NULL;
        status = ots_lp_key_print(row->key, &printer->arena, &printer->key_text);
    }
    if (status != OTS_OK)
        return status;
    printer->last_key = row->key;
    ots_buf_append_slice(out, ots_buf_slice(&printer->key_text));
    status = append_fields(printer, out, row);
    if (status == OTS_OK)
        status = append_time(out, row->time_us, printer->precision);
    return status == OTS_OK ? ots_buf_status(out) : status;
}

enum ots_status ots_lp_print(struct ots_lp_printer *printer, const struct ots_row *row,
                             struct ots_buf *out, struct ots_error *err)
{
    if (out->has_failed)
        return ots_error_set(err, OTS_NOMEM, "printing a row");
    size_t size = out->size;
    enum ots_status status = append_row(printer, row, out);
    if (status == OTS_OK)
        return OTS_OK;
    out->size = size;
    out->has_failed = false;
    if (status == OTS_INVALID)
        return ots_error_set(err, status,
                             row->field_count ? "time %lld us cannot be written in this precision"
                                              : "a row without fields (time %lld us)",
                             (long long)row->time_us);
    return ots_error_set(err, status, "printing a row");
}
