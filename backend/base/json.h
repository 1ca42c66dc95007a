/*
 * JSON documents: the one door to cJSON.
 *
 * A value that was got from a document is borrowed from it. Numbers are doubles: exact up to 2^53.
 */
#ifndef OTS_BASE_JSON_H
#define OTS_BASE_JSON_H

#include "backend/base/buf.h"
#include "backend/base/cleanup.h"

struct ots_json;

/* Errors: OTS_CORRUPT with the byte offset, OTS_NOMEM. Trailing text is an error. */
enum ots_status ots_json_parse(struct ots_slice text, struct ots_json **out,
                               struct ots_error *err) OTS_MUST_CHECK;
struct ots_json *ots_json_object_new(void);
struct ots_json *ots_json_array_new(void);
void ots_json_free(struct ots_json *json);
OTS_DEFINE_FREEP(struct ots_json, ots_json_free, ots_json_freep)

/* The same, but overwrites every string first: for documents that hold secrets. */
void ots_json_free_secret(struct ots_json *json);
OTS_DEFINE_FREEP(struct ots_json, ots_json_free_secret, ots_json_free_secretp)

/* NULL when absent or of another type. Names are matched with their case. */
const struct ots_json *ots_json_member(const struct ots_json *object, const char *name);
const char *ots_json_string(const struct ots_json *object, const char *name);
bool ots_json_number(const struct ots_json *object, const char *name, double *number);
bool ots_json_bool(const struct ots_json *object, const char *name, bool *value);

/* Array elements; size 0 for anything else. */
size_t ots_json_size(const struct ots_json *array);
const struct ots_json *ots_json_at(const struct ots_json *array, size_t index);
bool ots_json_is_object(const struct ots_json *json);
bool ots_json_is_array(const struct ots_json *json);
/* The text of a value that is a string itself; NULL otherwise. */
const char *ots_json_text(const struct ots_json *json);
/* A value that is a number itself. */
bool ots_json_number_of(const struct ots_json *json, double *number);
/* The name of the index-th member of an object, NULL beyond the last. */
const char *ots_json_name_at(const struct ots_json *object, size_t index);

/* Adding to an object or array. Errors: OTS_NOMEM. `take_value` belongs to the document. */
enum ots_status ots_json_set_string(struct ots_json *object, const char *name,
                                    const char *text) OTS_MUST_CHECK;
enum ots_status ots_json_set_number(struct ots_json *object, const char *name,
                                    double number) OTS_MUST_CHECK;
enum ots_status ots_json_set_bool(struct ots_json *object, const char *name,
                                  bool value) OTS_MUST_CHECK;
enum ots_status ots_json_set(struct ots_json *object, const char *name,
                             struct ots_json *take_value) OTS_MUST_CHECK;
enum ots_status ots_json_push(struct ots_json *array, struct ots_json *take_value) OTS_MUST_CHECK;

/* Append the document's text, indented, with a final LF. */
enum ots_status ots_json_print(const struct ots_json *json, struct ots_buf *buf) OTS_MUST_CHECK;
/* The same as one line without spaces and without a LF. */
enum ots_status ots_json_print_line(const struct ots_json *json,
                                    struct ots_buf *buf) OTS_MUST_CHECK;

#endif
