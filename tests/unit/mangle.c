#include "tests/unit/mangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void try_input(struct test_mangled *mangled, const uint8_t *data, size_t size,
                      test_decoder *decode, void *context)
{
    mangled->tried++;
    if (decode(ots_slice(data, size), context))
        mangled->accepted++;
}

struct test_mangled test_truncate(struct ots_slice input, test_decoder *decode, void *context)
{
    struct test_mangled mangled = {0, 0};
    for (size_t size = 0; size < input.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        assert_non_null(copy);
        memcpy(copy, input.data, size);
        try_input(&mangled, copy, size, decode, context);
        free(copy);
    }
    return mangled;
}

struct test_mangled test_corrupt(struct ots_slice input, test_decoder *decode, void *context)
{
    struct test_mangled mangled = {0, 0};
    uint8_t *copy = malloc(input.size);
    assert_non_null(copy);
    memcpy(copy, input.data, input.size);
    for (size_t i = 0; i < input.size; i++) {
        for (unsigned change = 0; change < 10; change++) {
            copy[i] = (uint8_t)(input.data[i] ^ 1U << change);
            if (change >= 8)
                copy[i] = change == 8 ? 0 : 255;
            if (copy[i] != input.data[i])
                try_input(&mangled, copy, input.size, decode, context);
        }
        copy[i] = input.data[i];
    }
    free(copy);
    return mangled;
}
