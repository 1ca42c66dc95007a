#include "backend/base/json.h"

#include "backend/base/digest.h"

#include <cjson/cJSON.h>

/* struct ots_json is never defined: a pointer to one is a cJSON pointer under our name. */
static const cJSON *in(const struct ots_json *json)
{
    return (const cJSON *)(const void *)json;
}

static cJSON *in_mutable(struct ots_json *json)
{
    return (cJSON *)(void *)json;
}

static struct ots_json *out(cJSON *json)
{
    return (struct ots_json *)(void *)json;
}

static const struct ots_json *out_const(const cJSON *json)
{
    return (const struct ots_json *)(const void *)json;
}

enum ots_status ots_json_parse(struct ots_slice text, struct ots_json **result,
                               struct ots_error *err)
{
    const char *end = NULL;
    const char *start = (const char *)text.data;
    cJSON *json = cJSON_ParseWithLengthOpts(start, text.size, &end, false);
    size_t offset = end && end >= start ? (size_t)(end - start) : 0;
    if (!json)
        return ots_error_set(err, OTS_CORRUPT, "not JSON at byte %zu", offset);
    while (offset < text.size && strchr(" \t\r\n", text.data[offset]) && text.data[offset])
        offset++;
    if (offset < text.size) {
        cJSON_Delete(json);
        return ots_error_set(err, OTS_CORRUPT, "text after the JSON document at byte %zu", offset);
    }
    *result = out(json);
    return OTS_OK;
}

struct ots_json *ots_json_object_new(void)
{
    return out(cJSON_CreateObject());
}

struct ots_json *ots_json_array_new(void)
{
    return out(cJSON_CreateArray());
}

void ots_json_free(struct ots_json *json)
{
    cJSON_Delete(in_mutable(json));
}

/* No deeper than the parser goes, which has a limit. */
static void wipe_strings(cJSON *json)
{
    for (; json; json = json->next) {
        if (json->valuestring)
            ots_secret_wipe(json->valuestring, strlen(json->valuestring));
        wipe_strings(json->child);
    }
}

void ots_json_free_secret(struct ots_json *json)
{
    wipe_strings(in_mutable(json));
    ots_json_free(json);
}

const struct ots_json *ots_json_member(const struct ots_json *object, const char *name)
{
    return out_const(cJSON_GetObjectItemCaseSensitive(in(object), name));
}

const char *ots_json_text(const struct ots_json *json)
{
    return cJSON_GetStringValue(in(json));
}

const char *ots_json_string(const struct ots_json *object, const char *name)
{
    return ots_json_text(ots_json_member(object, name));
}

bool ots_json_number_of(const struct ots_json *json, double *number)
{
    if (!cJSON_IsNumber(in(json)))
        return false;
    *number = cJSON_GetNumberValue(in(json));
    return true;
}

bool ots_json_number(const struct ots_json *object, const char *name, double *number)
{
    return ots_json_number_of(ots_json_member(object, name), number);
}

bool ots_json_bool(const struct ots_json *object, const char *name, bool *value)
{
    const cJSON *member = in(ots_json_member(object, name));
    if (!cJSON_IsBool(member))
        return false;
    *value = cJSON_IsTrue(member);
    return true;
}

size_t ots_json_size(const struct ots_json *array)
{
    return cJSON_IsArray(in(array)) ? (size_t)cJSON_GetArraySize(in(array)) : 0;
}

const struct ots_json *ots_json_at(const struct ots_json *array, size_t index)
{
    return index < ots_json_size(array) ? out_const(cJSON_GetArrayItem(in(array), (int)index))
                                        : NULL;
}

bool ots_json_is_object(const struct ots_json *json)
{
    return cJSON_IsObject(in(json));
}

bool ots_json_is_array(const struct ots_json *json)
{
    return cJSON_IsArray(in(json));
}

const char *ots_json_name_at(const struct ots_json *object, size_t index)
{
    if (!cJSON_IsObject(in(object)) || index > INT32_MAX)
        return NULL;
    const cJSON *member = cJSON_GetArrayItem(in(object), (int)index);
    return member ? member->string : NULL;
}

enum ots_status ots_json_set_string(struct ots_json *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(in_mutable(object), name, text) ? OTS_OK : OTS_NOMEM;
}

enum ots_status ots_json_set_number(struct ots_json *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(in_mutable(object), name, number) ? OTS_OK : OTS_NOMEM;
}

enum ots_status ots_json_set_bool(struct ots_json *object, const char *name, bool value)
{
    return cJSON_AddBoolToObject(in_mutable(object), name, value) ? OTS_OK : OTS_NOMEM;
}

enum ots_status ots_json_set(struct ots_json *object, const char *name, struct ots_json *take_value)
{
    if (take_value && cJSON_AddItemToObject(in_mutable(object), name, in_mutable(take_value)))
        return OTS_OK;
    ots_json_free(take_value);
    return OTS_NOMEM;
}

enum ots_status ots_json_push(struct ots_json *array, struct ots_json *take_value)
{
    if (take_value && cJSON_AddItemToArray(in_mutable(array), in_mutable(take_value)))
        return OTS_OK;
    ots_json_free(take_value);
    return OTS_NOMEM;
}

static enum ots_status append_text(char *take_text, struct ots_buf *buf)
{
    if (!take_text)
        return OTS_NOMEM;
    ots_buf_append_str(buf, take_text);
    cJSON_free(take_text);
    return ots_buf_status(buf);
}

enum ots_status ots_json_print(const struct ots_json *json, struct ots_buf *buf)
{
    enum ots_status status = append_text(cJSON_Print(in(json)), buf);
    ots_buf_append_byte(buf, '\n');
    return status == OTS_OK ? ots_buf_status(buf) : status;
}

enum ots_status ots_json_print_line(const struct ots_json *json, struct ots_buf *buf)
{
    return append_text(cJSON_PrintUnformatted(in(json)), buf);
}
