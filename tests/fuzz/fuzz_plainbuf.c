/* PlainBuffer: what is read and written again is the input itself, as it has but one spelling. */
#include <stdlib.h>

#include "backend/wire/plainbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ots_plainbuf_reader reader;
    struct ots_plain_row row;
    struct ots_buf output = OTS_BUF_INIT;
    bool has_row = true;
    enum ots_status status = ots_plainbuf_reader_init(&reader, ots_slice(data, size), NULL);
    if (status == OTS_OK && size)
        ots_plainbuf_header_append(&output);
    while (status == OTS_OK && has_row) {
        status = ots_plainbuf_read_row(&reader, &row, &has_row, NULL);
        if (status == OTS_OK && has_row)
            ots_plainbuf_row_append(&output, &row);
    }
    must(status == OTS_OK || status == OTS_CORRUPT);
    if (status == OTS_OK)
        must(ots_slice_equal(ots_buf_slice(&output), ots_slice(data, size)));
    ots_buf_deinit(&output);
    ots_plainbuf_reader_deinit(&reader);
    return 0;
}
