#include "backend/wire/crc.h"

#include <isa-l/crc.h>

enum { CHUNK_BYTES_MAX = 1 << 30 };

uint32_t ots_crc32c(const void *data, size_t size)
{
    /* isa-l works on the bare register: the inversions at both ends are the caller's. It takes
     * a pointer to bytes that it does not change, and an int as their number. */
    unsigned char *at = (unsigned char *)(uintptr_t)data;
    uint32_t reg = 0xFFFFFFFF;
    while (size) {
        size_t taken = size < CHUNK_BYTES_MAX ? size : CHUNK_BYTES_MAX;
        reg = crc32_iscsi(at, (int)taken, reg);
        at += taken;
        size -= taken;
    }
    return reg ^ 0xFFFFFFFF;
}
