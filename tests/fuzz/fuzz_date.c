/*
 * Dates of requests: what parses, formats to the same second.
 */
#include "backend/wire/http.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t time_us;
    if (ots_date_parse(ots_slice(data, size), &time_us) != OTS_OK)
        return 0;
    char text[32];
    ots_date_format(time_us, text);
    assert(memcmp(text, data, strlen("2025-01-02T03:04:05")) == 0);
    return 0;
}
