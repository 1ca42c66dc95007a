#include "tests/unit/server_fixture.h"

#include "backend/server/series_cache.h"

#include <pthread.h>
#include <stdio.h>

static struct ots_slice key_of(char text[32], unsigned number)
{
    return ots_slice(text, (size_t)snprintf(text, 32, "key number %u", number));
}

static void put(struct ots_series_cache *cache, unsigned number, int64_t meta_update_us)
{
    char text[32];
    const struct ots_series_cached cached = {number + 1, meta_update_us};
    ots_series_cache_put(cache, key_of(text, number), &cached);
}

static bool has(struct ots_series_cache *cache, unsigned number, struct ots_series_cached *cached)
{
    char text[32];
    return ots_series_cache_get(cache, key_of(text, number), cached);
}

static void test_put_get(void **state)
{
    (void)state;
    struct ots_series_cached cached;
    struct ots_series_cache *cache = ots_series_cache_new(1 << 20);
    assert_false(has(cache, 1, &cached));
    put(cache, 1, 5);
    put(cache, 2, 0);
    assert_true(has(cache, 1, &cached));
    assert_true(cached.timeline == 2 && cached.meta_update_us == 5);
    put(cache, 1, 6);
    assert_true(has(cache, 1, &cached));
    assert_int_equal(cached.meta_update_us, 6);
    assert_true(has(cache, 2, &cached));
    assert_int_equal(cached.meta_update_us, 0);
    /* The empty key and one with zeros are keys like others. */
    const struct ots_series_cached some = {7, 7};
    ots_series_cache_put(cache, OTS_SLICE_NONE, &some);
    assert_true(ots_series_cache_get(cache, OTS_SLICE_NONE, &cached));
    assert_false(ots_series_cache_get(cache, OTS_SLICE("\0"), &cached));
    ots_series_cache_free(cache);
    ots_series_cache_free(NULL);
}

static void test_forgets_oldest(void **state)
{
    (void)state;
    const size_t bytes_max = 4000;
    struct ots_series_cached cached;
    struct ots_series_cache *cache = ots_series_cache_new(bytes_max);
    for (unsigned i = 0; i < 1000; i++) {
        put(cache, i, 1);
        assert_true(ots_series_cache_size(cache) <= bytes_max);
        /* Used all the time, so never the oldest. */
        assert_true(has(cache, 0, &cached));
    }
    assert_true(has(cache, 999, &cached));
    assert_false(has(cache, 1, &cached));
    unsigned kept = 0;
    for (unsigned i = 0; i < 1000; i++)
        kept += has(cache, i, &cached);
    assert_true(kept > 20 && kept < 60);
    ots_series_cache_free(cache);
}

static void test_one_fits_always(void **state)
{
    (void)state;
    struct ots_series_cached cached;
    struct ots_series_cache *cache = ots_series_cache_new(0);
    put(cache, 1, 1);
    assert_true(has(cache, 1, &cached));
    put(cache, 2, 1);
    assert_false(has(cache, 1, &cached));
    assert_true(has(cache, 2, &cached));
    ots_series_cache_free(cache);
}

static void *use_cache(void *argument)
{
    struct ots_series_cache *cache = argument;
    struct ots_series_cached cached;
    bool is_right = true;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned number = i * 7 % 100;
        put(cache, number, 1);
        if (has(cache, number, &cached))
            is_right &= cached.timeline == number + 1;
    }
    return is_right ? NULL : cache;
}

static void test_threads(void **state)
{
    (void)state;
    struct ots_series_cache *cache = ots_series_cache_new(3000);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_cache, cache), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result = cache;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    ots_series_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_get),
        cmocka_unit_test(test_forgets_oldest),
        cmocka_unit_test(test_one_fits_always),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
