#include "backend/base/md5_lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/make_rows.h"

enum { TEXTS_MAX = 40, BYTES_MAX = 70000 };

static void assert_digests(const struct ots_slice *texts, size_t count)
{
    uint8_t wanted[TEXTS_MAX][OTS_MD5_BYTES];
    uint8_t digests[TEXTS_MAX][OTS_MD5_BYTES];
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ots_md5(texts[i], wanted[i]), OTS_OK);
    ots_md5_lanes(texts, count, digests);
    assert_memory_equal(digests, wanted, count * OTS_MD5_BYTES);
    for (enum ots_md5_way way = 0; way < OTS_MD5_WAYS; way++) {
        if (!ots_md5_has_way(way))
            continue;
        memset(digests, 0, sizeof(digests));
        ots_md5_lanes_by(way, texts, count, digests);
        assert_memory_equal(digests, wanted, count * OTS_MD5_BYTES);
    }
}

static void fill(struct test_random *random, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)test_random_below(random, 256);
}

static void test_no_texts(void **state)
{
    (void)state;
    ots_md5_lanes(NULL, 0, NULL);
}

/* Around the ends of blocks, where the padding is one block or two. */
static void test_every_short_length(void **state)
{
    (void)state;
    struct test_random random = {1};
    uint8_t bytes[300];
    fill(&random, bytes, sizeof(bytes));
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        struct ots_slice text = ots_slice(bytes, size);
        assert_digests(&text, 1);
    }
    struct ots_slice none[3] = {OTS_SLICE_NONE, OTS_SLICE("a"), OTS_SLICE_NONE};
    assert_digests(none, 3);
}

static void test_many_texts_of_any_length(void **state)
{
    (void)state;
    static uint8_t bytes[BYTES_MAX];
    struct test_random random = {2};
    fill(&random, bytes, sizeof(bytes));
    for (size_t round = 0; round < 400; round++) {
        struct ots_slice texts[TEXTS_MAX];
        size_t count = 1 + test_random_below(&random, TEXTS_MAX);
        uint32_t size_max = round % 3 == 0 ? 200 : round % 3 == 1 ? 5000 : BYTES_MAX;
        for (size_t i = 0; i < count; i++) {
            uint32_t size = test_random_below(&random, size_max);
            texts[i] = ots_slice(bytes + test_random_below(&random, BYTES_MAX - size), size);
        }
        assert_digests(texts, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_texts),
        cmocka_unit_test(test_every_short_length),
        cmocka_unit_test(test_many_texts_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
