/*
 * The codecs between socket and rows, on one core: what a row and a request cost on the wire's way.
 *
 * Each figure stands beside the ceiling of its kind: copying the same bytes, hashing them with
 * OpenSSL's MD5 as every request and answer must be, or ISA-L's CRC-32C of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "backend/base/md5_lanes.h"
#include "backend/client/client.h"
#include "backend/client/signer.h"
#include "backend/wire/crc.h"
#include "backend/wire/messages.h"
#include "tests/bench/bench.h"
#include "tests/bench/devops.h"

enum { PAGE_ROWS = 5000, SIGN_ROUNDS = 1000, MD5_TEXTS_MAX = 8 };

struct bench {
    struct ots_arena arena;
    struct ots_row *rows;
    struct ots_buf body; /* of the request or answer at hand */
    struct ots_buf copy;
    enum ots_put_layout layout;
    size_t lane_count;
    enum ots_md5_way way;
    struct ots_signer signer;
    unsigned sum; /* so that nothing is computed for nobody */
};

static struct ots_row *make_rows(struct bench *bench, bool is_one)
{
    const struct devops_options options = {DEVOPS_DECIMALS_2, is_one, PAGE_ROWS};
    ots_arena_reset(&bench->arena);
    bench->rows = devops_rows(&bench->arena, &options);
    return bench->rows;
}

/* --- ceilings --------------------------------------------------------------------------------- */

static void copy_body(void *context)
{
    struct bench *bench = context;
    ots_buf_reset(&bench->copy);
    ots_buf_append_slice(&bench->copy, ots_buf_slice(&bench->body));
    bench_must(ots_buf_status(&bench->copy), "copy");
}

static void hash_body(void *context)
{
    struct bench *bench = context;
    uint8_t digest[OTS_MD5_BYTES];
    bench_must(ots_md5(ots_buf_slice(&bench->body), digest), "MD5");
    bench->sum += digest[0];
}

/* The body as `lane_count` texts. */
static void hash_lanes(void *context)
{
    struct bench *bench = context;
    struct ots_slice texts[MD5_TEXTS_MAX];
    uint8_t digests[MD5_TEXTS_MAX][OTS_MD5_BYTES];
    size_t size = bench->body.size / bench->lane_count;
    for (size_t i = 0; i < bench->lane_count; i++)
        texts[i] = ots_slice(bench->body.data + i * size, size);
    ots_md5_lanes_by(bench->way, texts, bench->lane_count, digests);
    bench->sum += digests[0][0];
}

static void crc32c_body(void *context)
{
    struct bench *bench = context;
    bench->sum += ots_crc32c(bench->body.data, bench->body.size);
}

static void crc8_body(void *context)
{
    struct bench *bench = context;
    bench->sum += ots_crc8(0, bench->body.data, bench->body.size);
}

/* --- pages ------------------------------------------------------------------------------------ */

static void encode_page(struct bench *bench, bool is_one)
{
    struct ots_call call = {.action = OTS_ACTION_GET};
    call.response.page.rows.items = make_rows(bench, is_one);
    call.response.page.rows.count = PAGE_ROWS;
    ots_buf_reset(&bench->body);
    bench_must(ots_response_encode(&call, NULL, &bench->body, NULL), "page");
}

/* As the client does, which gives the answer's memory to the page; the copy stands for receiving.
 */
static void decode_page(void *context)
{
    struct bench *bench = context;
    struct ots_call call = {.action = OTS_ACTION_GET};
    copy_body(bench);
    bench_must(ots_response_take(&bench->copy, &call, NULL), "page");
    if (call.response.page.rows.count != PAGE_ROWS)
        bench_must(OTS_CORRUPT, "page");
    ots_arena_deinit(&call.arena);
}

static void tell(const char *name, const char *unit, double value, const char *peer,
                 double peer_value)
{
    bench_tell("wire", &(struct bench_figure){name, unit, value, peer, peer_value});
}

static void measure_page(struct bench *bench, bool is_one)
{
    const char *name = is_one ? "decode page, one" : "decode page, hosts";
    encode_page(bench, is_one);
    double md5_ns = 1e9 * bench_seconds(hash_body, bench) / PAGE_ROWS;
    tell(name, "ns/row", 1e9 * bench_seconds(decode_page, bench) / PAGE_ROWS, "MD5 of it", md5_ns);
    tell(name, "mallocs/row", bench_allocations(decode_page, bench) / PAGE_ROWS, NULL, 0);
    tell(name, "bytes/row", (double)bench->body.size / PAGE_ROWS, NULL, 0);
}

/* --- puts ------------------------------------------------------------------------------------- */

static void encode_put(void *context)
{
    struct bench *bench = context;
    struct ots_call call = {.action = OTS_ACTION_PUT};
    call.request.put = (struct ots_put_request){
        .table = OTS_SLICE("metrics"), .rows = bench->rows, .row_count = OTS_PUT_ROWS_MAX};
    ots_buf_reset(&bench->body);
    bench_must(ots_request_encode(&call, bench->layout, &bench->body, NULL), "put");
}

static void measure_put(struct bench *bench, const char *name, enum ots_put_layout layout,
                        bool is_one)
{
    make_rows(bench, is_one);
    bench->layout = layout;
    encode_put(bench);
    double md5_ns = 1e9 * bench_seconds(hash_body, bench) / OTS_PUT_ROWS_MAX;
    tell(name, "ns/row", 1e9 * bench_seconds(encode_put, bench) / OTS_PUT_ROWS_MAX, "MD5 of it",
         md5_ns);
    tell(name, "mallocs/row", bench_allocations(encode_put, bench) / OTS_PUT_ROWS_MAX, NULL, 0);
    tell(name, "bytes/row", (double)bench->body.size / OTS_PUT_ROWS_MAX, NULL, 0);
}

/* --- checksums and signatures ----------------------------------------------------------------- */

static void measure_lanes(struct bench *bench, double md5)
{
    static const char *const WAYS[OTS_MD5_WAYS] = {"portable", "AVX2", "AVX-512"};
    double megabytes = (double)bench->body.size / 1e6;
    for (bench->way = 0; bench->way < OTS_MD5_WAYS; bench->way++) {
        for (bench->lane_count = 2; bench->lane_count <= 8; bench->lane_count *= 2) {
            char name[48];
            snprintf(name, sizeof(name), "MD5, %zu side by side, %s", bench->lane_count,
                     WAYS[bench->way]);
            if (ots_md5_has_way(bench->way))
                tell(name, "MB/s", megabytes / bench_seconds(hash_lanes, bench), "MD5", md5);
        }
    }
}

static void measure_checksums(struct bench *bench)
{
    encode_page(bench, true);
    double megabytes = (double)bench->body.size / 1e6;
    double copy = megabytes / bench_seconds(copy_body, bench);
    double crc32c = megabytes / bench_seconds(crc32c_body, bench);
    double md5 = megabytes / bench_seconds(hash_body, bench);
    tell("MD5", "MB/s", md5, "memcpy", copy);
    measure_lanes(bench, md5);
    tell("CRC-32C", "MB/s", crc32c, "memcpy", copy);
    tell("CRC-8", "MB/s", megabytes / bench_seconds(crc8_body, bench), "CRC-32C", crc32c);
}

/* Requests with an empty body, so that only signing is in it. */
static void sign_requests(void *context)
{
    struct bench *bench = context;
    for (int i = 0; i < SIGN_ROUNDS; i++) {
        struct ots_http_request request = {.path = OTS_SLICE("/GetTimeseriesData")};
        struct ots_signing_key key;
        char signature[OTS_SIGNATURE_TEXT_BYTES];
        bench_must(ots_signer_sign(&bench->signer, &request, 1700000000000000, &key, NULL), "sign");
        /* An answer's signature has about as much text. */
        bench_must(ots_sign_response(&key, request.path, &request.headers, signature), "sign");
        bench->sum += (unsigned char)signature[0];
        ots_signing_key_wipe(&key);
        ots_headers_deinit(&request.headers);
    }
}

static void hash_little(void *context)
{
    struct bench *bench = context;
    uint8_t digest[OTS_MD5_BYTES];
    for (int i = 0; i < SIGN_ROUNDS; i++) {
        bench_must(ots_md5(ots_slice(bench->body.data, 320), digest), "MD5");
        bench->sum += digest[0];
    }
}

static void measure_signatures(struct bench *bench)
{
    const struct ots_client_options options = {.instance = "local",
                                               .access_key_id = "LTAI0123456789012345",
                                               .access_key_secret =
                                                   "0123456789012345678901234567890123456789"};
    bench_must(ots_signer_init(&bench->signer, &options, NULL), "signer");
    double md5_us = 1e6 * bench_seconds(hash_little, bench) / SIGN_ROUNDS;
    tell("sign a request and check its answer", "us", //
         1e6 * bench_seconds(sign_requests, bench) / SIGN_ROUNDS, "MD5 of 320 B", md5_us);
    tell("sign a request and check its answer", "mallocs",
         bench_allocations(sign_requests, bench) / SIGN_ROUNDS, NULL, 0);
    ots_signer_deinit(&bench->signer);
}

int main(void)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bench_must(bench ? OTS_OK : OTS_NOMEM, "bench");
    measure_checksums(bench);
    measure_page(bench, true);
    measure_page(bench, false);
    measure_put(bench, "encode put, plain, one", OTS_PUT_PLAIN, true);
    measure_put(bench, "encode put, plain, hosts", OTS_PUT_PLAIN, false);
    measure_put(bench, "encode put, shared, one", OTS_PUT_SHARED, true);
    measure_put(bench, "encode put, shared, hosts", OTS_PUT_SHARED, false);
    measure_signatures(bench);
    printf("%s", bench->sum == 0x12345678 ? "\n" : "");
    ots_arena_deinit(&bench->arena);
    ots_buf_deinit(&bench->body);
    ots_buf_deinit(&bench->copy);
    free(bench);
    return 0;
}
