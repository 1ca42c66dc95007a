/*
 * A small file as a whole: text, or a JSON document that holds secrets.
 *
 * What is secret must be a regular file that only its owner may use, and is not left in memory.
 */
#ifndef OTS_BASE_FILE_TEXT_H
#define OTS_BASE_FILE_TEXT_H

#include "backend/base/json.h"

enum { OTS_FILE_TEXT_BYTES_MAX = 1024 * 1024 };

/*
 * Append the file and a NUL.
 * Errors: OTS_DENIED (others may use what is secret, or it is no regular file), OTS_LIMIT,
 *         OTS_NOMEM, and what the system says.
 */
enum ots_status ots_file_text(const char *path, bool is_secret, struct ots_buf *text,
                              struct ots_error *err) OTS_MUST_CHECK;

/*
 * Parse the open file, called `path` in messages, which is secret; free the document with
 * ots_json_free_secret.
 * Errors: as above, and OTS_CORRUPT (not JSON).
 */
enum ots_status ots_file_secret_json(int fd, const char *path, struct ots_json **out,
                                     struct ots_error *err) OTS_MUST_CHECK;

#endif
