#include "tests/unit/golden_file.h"

#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

const char *test_dir(void)
{
    const char *dir = getenv("TESTS_DIR");
    return dir ? dir : "tests";
}

static void read_whole(const char *path, struct ots_buf *text)
{
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    char chunk[4096];
    size_t count;
    while ((count = fread(chunk, 1, sizeof(chunk), stream)) > 0)
        ots_buf_append(text, chunk, count);
    fclose(stream);
    ots_buf_append_byte(text, '\0');
    assert_int_equal(ots_buf_status(text), OTS_OK);
}

/* Ends the line at *next with a NUL and moves *next behind it. */
static char *cut_line(char **next)
{
    char *line = *next;
    char *end = strchr(line, '\n');
    assert_non_null(end);
    *end = '\0';
    *next = end + 1;
    return line;
}

void golden_file_load(const char *path, struct golden_file *file)
{
    *file = (struct golden_file){.text = OTS_BUF_INIT};
    read_whole(path, &file->text);
    char *next = (char *)file->text.data;

    static const char method[] = "POST ";
    char *line = cut_line(&next);
    assert_memory_equal(line, method, sizeof(method) - 1);
    char *target = line + sizeof(method) - 1;
    char *protocol = strchr(target, ' ');
    assert_non_null(protocol);
    assert_string_equal(protocol, " HTTP/1.1");
    file->request.path = ots_slice(target, (size_t)(protocol - target));

    while (*(line = cut_line(&next))) {
        char *colon = strchr(line, ':');
        assert_non_null(colon);
        assert_int_equal(ots_headers_add(&file->request.headers,
                                         ots_slice(line, (size_t)(colon - line)),
                                         ots_slice_str(colon + 1)),
                         OTS_OK);
    }
    file->body = test_hex(next);
    file->request.body = ots_buf_slice(&file->body);
}

void golden_file_free(struct golden_file *file)
{
    ots_headers_deinit(&file->request.headers);
    ots_buf_deinit(&file->text);
    ots_buf_deinit(&file->body);
}
