#include "fs/view/table_options.h"

#include "backend/base/json.h"

static const char TTL[] = "time_to_live";
static const char META_TTL[] = "meta_time_to_live";
static const char MAY_UPDATE[] = "allow_update_attributes";
static const char KEYS[] = "timeseries_key_schema";
static const char FIELD_KEYS[] = "field_primary_key_schema";

static const char *key_type_text(enum ots_key_type type)
{
    switch (type) {
    case OTS_KEY_INTEGER:
        return "INTEGER";
    case OTS_KEY_STRING:
        return "STRING";
    case OTS_KEY_BINARY:
        break;
    }
    return "BINARY";
}

/* What was fixed at creation, as NUL-terminated texts. */
static void keys_append(const struct ots_table_meta *meta, struct ots_buf *text)
{
    for (size_t i = 0; i < meta->key_schema_count; i++) {
        ots_buf_append_str(text, i ? "," : "");
        ots_buf_append_slice(text, meta->key_schema[i]);
    }
    ots_buf_append_byte(text, '\0');
}

static void field_keys_append(const struct ots_table_meta *meta, struct ots_buf *text)
{
    for (size_t i = 0; i < meta->field_key_count; i++) {
        ots_buf_append_str(text, i ? "," : "");
        ots_buf_append_slice(text, meta->field_keys[i].name);
        ots_buf_append_byte(text, ':');
        ots_buf_append_str(text, key_type_text(meta->field_keys[i].type));
    }
    ots_buf_append_byte(text, '\0');
}

typedef void append_fn(const struct ots_table_meta *meta, struct ots_buf *text);

/* --- printing ---------------------------------------------------------------------------------*/

static enum ots_status set_fixed(struct ots_json *json, const char *name,
                                 const struct ots_table_meta *meta, append_fn *append)
{
    struct ots_buf text = OTS_BUF_INIT;
    append(meta, &text);
    enum ots_status status = ots_buf_status(&text);
    if (status == OTS_OK && text.size > 1)
        status = ots_json_set_string(json, name, (const char *)text.data);
    ots_buf_deinit(&text);
    return status;
}

enum ots_status ots_table_options_print(const struct ots_table_meta *meta, struct ots_buf *text)
{
    OTS_AUTO(ots_json_freep) struct ots_json *json = ots_json_object_new();
    if (!json)
        return OTS_NOMEM;
    enum ots_status status = ots_json_set_number(json, TTL, meta->time_to_live_s);
    if (status == OTS_OK)
        status = ots_json_set_number(json, META_TTL, meta->meta_time_to_live_s);
    if (status == OTS_OK)
        status = ots_json_set_bool(json, MAY_UPDATE, meta->allow_update_attributes);
    if (status == OTS_OK)
        status = set_fixed(json, KEYS, meta, keys_append);
    if (status == OTS_OK)
        status = set_fixed(json, FIELD_KEYS, meta, field_keys_append);
    return status == OTS_OK ? ots_json_print_line(json, text) : status;
}

/* --- parsing ----------------------------------------------------------------------------------*/

static enum ots_status parse_seconds(const struct ots_json *json, const char *name,
                                     int32_t *seconds, struct ots_error *err)
{
    double number;
    if (!ots_json_number(json, name, &number) || number < INT32_MIN || number > INT32_MAX ||
        number != (double)(int32_t)number)
        return ots_error_set(err, OTS_INVALID, "options: %s is no number of seconds", name);
    *seconds = (int32_t)number;
    return OTS_OK;
}

static enum ots_status check_fixed(const struct ots_json *json, const char *name,
                                   const struct ots_table_meta *meta, append_fn *append,
                                   struct ots_error *err)
{
    struct ots_buf text = OTS_BUF_INIT;
    append(meta, &text);
    enum ots_status status = ots_buf_status(&text);
    const char *wanted = ots_json_string(json, name);
    if (status == OTS_OK && (!wanted || strcmp(wanted, (const char *)text.data) != 0))
        status =
            ots_error_set(err, OTS_INVALID, "options: %s was fixed when the table was made", name);
    ots_buf_deinit(&text);
    return status;
}

static enum ots_status parse_member(const struct ots_json *json, const char *name,
                                    struct ots_table_meta *changes, struct ots_error *err)
{
    if (strcmp(name, TTL) == 0) {
        changes->has_time_to_live = true;
        return parse_seconds(json, name, &changes->time_to_live_s, err);
    }
    if (strcmp(name, META_TTL) == 0) {
        changes->has_meta_time_to_live = true;
        return parse_seconds(json, name, &changes->meta_time_to_live_s, err);
    }
    if (strcmp(name, MAY_UPDATE) == 0) {
        changes->has_allow_update_attributes = true;
        if (ots_json_bool(json, name, &changes->allow_update_attributes))
            return OTS_OK;
        return ots_error_set(err, OTS_INVALID, "options: %s is neither true nor false", name);
    }
    if (strcmp(name, KEYS) == 0)
        return check_fixed(json, name, changes, keys_append, err);
    if (strcmp(name, FIELD_KEYS) == 0)
        return check_fixed(json, name, changes, field_keys_append, err);
    return ots_error_set(err, OTS_INVALID, "options: there is no option %.64s", name);
}

static enum ots_status parse_members(const struct ots_json *json, struct ots_table_meta *changes,
                                     struct ots_error *err)
{
    if (!ots_json_is_object(json))
        return ots_error_set(err, OTS_INVALID, "options: no JSON object");
    const char *name;
    for (size_t i = 0; (name = ots_json_name_at(json, i)); i++) {
        for (size_t j = 0; j < i; j++)
            if (strcmp(name, ots_json_name_at(json, j)) == 0)
                return ots_error_set(err, OTS_INVALID, "options: %.64s twice", name);
        enum ots_status status = parse_member(json, name, changes, err);
        if (status != OTS_OK)
            return status;
    }
    return OTS_OK;
}

enum ots_status ots_table_options_parse(struct ots_slice text, const struct ots_table_meta *meta,
                                        struct ots_table_meta *wanted, struct ots_error *err)
{
    OTS_AUTO(ots_json_freep) struct ots_json *json = NULL;
    enum ots_status status = ots_json_parse(text, &json, err);
    if (status == OTS_CORRUPT)
        return ots_error_set(err, OTS_INVALID, "options: no JSON");
    if (status != OTS_OK)
        return status;
    struct ots_table_meta changes = *meta;
    changes.has_time_to_live = false;
    changes.has_meta_time_to_live = false;
    changes.has_allow_update_attributes = false;
    status = parse_members(json, &changes, err);
    *wanted = *meta;
    return status == OTS_OK ? ots_table_meta_update(wanted, &changes, err) : status;
}

bool ots_table_options_are_default(const struct ots_table_meta *meta)
{
    return meta->time_to_live_s == OTS_TTL_FOREVER &&
           meta->meta_time_to_live_s == OTS_TTL_FOREVER && meta->allow_update_attributes;
}

/* --- the way from some options to others
 * --------------------------------------------------------*/

/* The data's time to live may change while the metadata's is still what it was. */
static bool may_begin_with_data(const struct ots_table_meta *from, const struct ots_table_meta *to)
{
    return from->meta_time_to_live_s == OTS_TTL_FOREVER ||
           (to->time_to_live_s != OTS_TTL_FOREVER &&
            to->time_to_live_s <= from->meta_time_to_live_s);
}

/*
 * Either order ends right; only the state between the two steps may be one that is not allowed.
 * Where data first is not, the metadata's time to live either goes or grows, and then it can come
 * first.
 */
size_t ots_table_options_steps(const struct ots_table_meta *from, const struct ots_table_meta *to,
                               struct ots_table_meta steps[OTS_TABLE_STEPS_MAX])
{
    struct ots_table_meta data = *to;
    data.has_time_to_live = from->time_to_live_s != to->time_to_live_s;
    data.has_meta_time_to_live = false;
    data.has_allow_update_attributes = false;
    struct ots_table_meta meta = *to;
    meta.has_time_to_live = false;
    meta.has_meta_time_to_live = from->meta_time_to_live_s != to->meta_time_to_live_s;
    meta.has_allow_update_attributes = from->allow_update_attributes != to->allow_update_attributes;
    bool has_meta_step = meta.has_meta_time_to_live || meta.has_allow_update_attributes;
    size_t count = 0;
    if (!may_begin_with_data(from, to) && has_meta_step) {
        steps[count++] = meta;
        has_meta_step = false;
    }
    if (data.has_time_to_live)
        steps[count++] = data;
    if (has_meta_step)
        steps[count++] = meta;
    return count;
}
