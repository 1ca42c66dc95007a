/*
 * A request that was captured from an SDK: tests/unit/golden/README.md.
 */
#ifndef TESTS_UNIT_GOLDEN_FILE_H
#define TESTS_UNIT_GOLDEN_FILE_H

#include "backend/wire/http.h"

/* Tests run from the root of the tree; the variable TESTS_DIR says otherwise. */
const char *test_dir(void);

struct golden_file {
    struct ots_http_request request;
    /* Own what `request` borrows. */
    struct ots_buf text;
    struct ots_buf body;
};

/* Fails the test when the file is not such a request. */
void golden_file_load(const char *path, struct golden_file *file);
void golden_file_free(struct golden_file *file);

#endif
