/*
 * A small file as text.
 */
#ifndef OTS_SERVER_FILE_TEXT_H
#define OTS_SERVER_FILE_TEXT_H

#include "backend/base/buf.h"

enum { OTS_FILE_TEXT_BYTES_MAX = 1024 * 1024 };

/*
 * Append the file and a NUL. One that is secret must be a regular file that only its owner may use.
 * Errors: OTS_DENIED, OTS_INVALID, OTS_LIMIT, OTS_NOMEM, and what the system says.
 */
enum ots_status ots_file_text(const char *path, bool is_secret, struct ots_buf *text,
                              struct ots_error *err) OTS_MUST_CHECK;

/* The same of an open file, called `path` in messages; one of more than `bytes_max` is too large.
 */
enum ots_status ots_file_text_of(int fd, const char *path, bool is_secret, size_t bytes_max,
                                 struct ots_buf *text, struct ots_error *err) OTS_MUST_CHECK;

#endif
