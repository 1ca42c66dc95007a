#include "backend/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/hex.h"

/* RFC 1321, FIPS 180-2, RFC 2202 and RFC 4231. */
static void test_hashes(void **state)
{
    (void)state;
    uint8_t md5[OTS_MD5_BYTES];
    uint8_t sha256[OTS_SHA256_BYTES];
    assert_int_equal(ots_md5(OTS_SLICE_NONE, md5), OTS_OK);
    test_assert_hex(ots_slice(md5, sizeof(md5)), "d41d8cd98f00b204e9800998ecf8427e");
    assert_int_equal(ots_md5(OTS_SLICE("message digest"), md5), OTS_OK);
    test_assert_hex(ots_slice(md5, sizeof(md5)), "f96b697d7cb7938d525a2f31aaf161d0");
    assert_int_equal(ots_sha256(OTS_SLICE("abc"), sha256), OTS_OK);
    test_assert_hex(ots_slice(sha256, sizeof(sha256)),
                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(ots_sha256(OTS_SLICE(""), sha256), OTS_OK);
    test_assert_hex(ots_slice(sha256, sizeof(sha256)),
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_keyed_hashes(void **state)
{
    (void)state;
    const struct ots_slice text = OTS_SLICE("what do ya want for nothing?");
    uint8_t sha1[OTS_SHA1_BYTES];
    uint8_t sha256[OTS_SHA256_BYTES];
    uint8_t key[131];
    memset(key, 0xAA, sizeof(key));
    assert_int_equal(ots_hmac_sha1(OTS_SLICE("Jefe"), text, sha1), OTS_OK);
    test_assert_hex(ots_slice(sha1, sizeof(sha1)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_int_equal(ots_hmac_sha256(OTS_SLICE("Jefe"), text, sha256), OTS_OK);
    test_assert_hex(ots_slice(sha256, sizeof(sha256)),
                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(
        ots_hmac_sha256(ots_slice(key, sizeof(key)),
                        OTS_SLICE("Test Using Larger Than Block-Size Key - Hash Key First"),
                        sha256),
        OTS_OK);
    test_assert_hex(ots_slice(sha256, sizeof(sha256)),
                    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_an_empty_key_is_a_key(void **state)
{
    (void)state;
    uint8_t sha1[OTS_SHA1_BYTES];
    assert_int_equal(ots_hmac_sha1(OTS_SLICE("other"), OTS_SLICE(""), sha1), OTS_OK);
    assert_int_equal(ots_hmac_sha1(OTS_SLICE_NONE, OTS_SLICE_NONE, sha1), OTS_OK);
    test_assert_hex(ots_slice(sha1, sizeof(sha1)), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
}

static void test_secrets(void **state)
{
    (void)state;
    uint8_t secret[] = {1, 2, 3};
    assert_true(ots_secret_equal(OTS_SLICE("abc"), OTS_SLICE("abc")));
    assert_false(ots_secret_equal(OTS_SLICE("abc"), OTS_SLICE("abd")));
    assert_false(ots_secret_equal(OTS_SLICE("abc"), OTS_SLICE("ab")));
    assert_true(ots_secret_equal(OTS_SLICE_NONE, OTS_SLICE("")));
    ots_secret_wipe(secret, 2);
    assert_int_equal(secret[0] | secret[1], 0);
    assert_int_equal(secret[2], 3);
}

static void test_random_bytes_differ(void **state)
{
    (void)state;
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    assert_int_equal(ots_random_bytes(a, sizeof(a)), OTS_OK);
    assert_int_equal(ots_random_bytes(b, sizeof(b)), OTS_OK);
    assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_keyed_hashes),
        cmocka_unit_test(test_an_empty_key_is_a_key),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
