#include "backend/client/endpoint.h"

#include <string.h>

bool ots_endpoint_parse(struct ots_slice text, struct ots_slice *host)
{
    size_t skip = 0;
    if (ots_slice_starts(text, OTS_SLICE("https://")))
        skip = strlen("https://");
    else if (ots_slice_starts(text, OTS_SLICE("http://")))
        skip = strlen("http://");
    if (!skip || text.size == skip || text.size > OTS_ENDPOINT_BYTES_MAX)
        return false;
    struct ots_slice rest = ots_slice(text.data + skip, text.size - skip);
    for (size_t i = 0; i < rest.size; i++)
        if (rest.data[i] <= ' ' || rest.data[i] > '~' || strchr("/?#@\\", rest.data[i]))
            return false;
    const uint8_t *end = rest.data[0] == '[' ? memchr(rest.data, ']', rest.size) : NULL;
    const uint8_t *colon = end ? NULL : memchr(rest.data, ':', rest.size);
    *host = ots_slice(rest.data, rest.size);
    if (end)
        host->size = (size_t)(end - rest.data) + 1;
    else if (colon)
        host->size = (size_t)(colon - rest.data);
    return host->size > 0;
}

bool ots_endpoint_is_loopback(struct ots_slice host)
{
    return ots_slice_equal(host, OTS_SLICE("localhost")) ||
           ots_slice_equal(host, OTS_SLICE("[::1]")) || ots_slice_starts(host, OTS_SLICE("127."));
}
