/*
 * Any bytes as file names: what decodes is spelled in the one right way. And any bytes as a
 * measurement and a tag: their names are fit for a directory, and decode unless they are hashed.
 */
#include <stdlib.h>

#include "fs/lp/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void check_name(struct ots_slice name)
{
    must(name.size > 0 && name.size <= OTS_NAME_BYTES_MAX && name.data[0] != '.');
    must(!memchr(name.data, '/', name.size) && !memchr(name.data, 0, name.size));
}

static void decode(struct ots_slice name, struct ots_arena *arena)
{
    struct ots_buf again = OTS_BUF_INIT;
    struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE(""), NULL, 0};
    if (ots_timeline_name_decode(name, arena, &key, NULL) == OTS_OK) {
        must(ots_timeline_name_append(&key, &again) == OTS_OK);
        must(ots_slice_equal(ots_buf_slice(&again), name));
        check_name(name);
    }
    ots_buf_reset(&again);
    struct ots_slice measurement;
    if (ots_measurement_name_decode(name, arena, &measurement, NULL) == OTS_OK) {
        must(ots_measurement_name_append(measurement, &again) == OTS_OK);
        must(ots_slice_equal(ots_buf_slice(&again), name));
        check_name(name);
    }
    ots_buf_deinit(&again);
}

static void encode(struct ots_slice bytes, struct ots_arena *arena)
{
    struct ots_buf name = OTS_BUF_INIT;
    struct ots_slice measurement;
    must(ots_measurement_name_append(bytes, &name) == OTS_OK);
    check_name(ots_buf_slice(&name));
    if (!ots_measurement_name_is_hashed(ots_buf_slice(&name))) {
        must(ots_measurement_name_decode(ots_buf_slice(&name), arena, &measurement, NULL) ==
             OTS_OK);
        must(ots_slice_equal(measurement, bytes));
    }
    ots_buf_reset(&name);
    size_t half = bytes.size / 2;
    struct ots_tag tag = {ots_slice(bytes.data, half),
                          ots_slice(bytes.data + half, bytes.size - half)};
    struct ots_series_key key = {OTS_SLICE("m"), bytes, &tag, 1};
    struct ots_series_key decoded = key;
    must(ots_timeline_name_append(&key, &name) == OTS_OK);
    check_name(ots_buf_slice(&name));
    if (!ots_timeline_name_is_hashed(ots_buf_slice(&name))) {
        must(ots_timeline_name_decode(ots_buf_slice(&name), arena, &decoded, NULL) == OTS_OK);
        must(ots_series_key_equal(&key, &decoded));
    }
    ots_buf_deinit(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_slice bytes = size ? ots_slice(data, size) : OTS_SLICE("");
    decode(bytes, &arena);
    encode(bytes, &arena);
    ots_arena_deinit(&arena);
    return 0;
}
