/*
 * The service without HTTP, on a directory below $TMPDIR: CPU per row of the whole process,
 * RocksDB's threads included, of puts as the SDKs send them (200 rows of 10 fields) and of scans.
 *
 * `one`: timeline after timeline, as copying writes; `hosts`: each row of a put is of another
 * timeline. The client's part (encoding, signing, verifying) is not counted. MB: resident memory.
 */
#include "backend/base/base64.h"
#include "backend/base/digest.h"
#include "backend/server/service.h"
#include "backend/wire/messages.h"
#include "backend/wire/sign.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { FIELDS = 10, PUT_ROWS = 200, SPLITS = 4 };

#define KEY_ID "id"
#define SECRET "secret"

struct bench {
    char directory[256];
    struct ots_service *service;
    double handle_seconds; /* CPU of the process while the service works */
};

static void must(enum ots_status status, const struct ots_error *err)
{
    if (status == OTS_OK)
        return;
    fprintf(stderr, "bench_service: %s\n", err ? err->message : ots_status_text(status));
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void add(struct ots_http_request *request, const char *name, struct ots_slice value)
{
    must(ots_headers_add(&request->headers, ots_slice_str(name), value), NULL);
}

static void sign(struct ots_http_request *request)
{
    uint8_t digest[OTS_MD5_BYTES];
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    char date[32];
    struct ots_signing_key key;
    struct ots_buf md5 = OTS_BUF_INIT;
    must(ots_md5(request->body, digest), NULL);
    ots_base64_append(&md5, ots_slice(digest, sizeof(digest)));
    ots_date_format(ots_clock_now_us(&ots_clock_system), date);
    add(request, OTS_HEADER_DATE, ots_slice_str(date));
    add(request, OTS_HEADER_API_VERSION, OTS_SLICE(OTS_API_VERSION));
    add(request, OTS_HEADER_ACCESS_KEY_ID, OTS_SLICE(KEY_ID));
    add(request, OTS_HEADER_INSTANCE, OTS_SLICE("i"));
    add(request, OTS_HEADER_CONTENT_MD5, ots_buf_slice(&md5));
    must(ots_signing_key_v2(OTS_SLICE(SECRET), &key), NULL);
    must(ots_sign_request(&key, request->path, &request->headers, signature), NULL);
    add(request, OTS_HEADER_SIGNATURE, ots_slice_str(signature));
    ots_buf_deinit(&md5);
}

static void carry_out(struct bench *bench, struct ots_call *call)
{
    char path[64];
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err = {0};
    struct ots_http_response response;
    struct ots_http_request request = {.headers = OTS_HEADERS_INIT};
    snprintf(path, sizeof(path), "/%s", ots_action_name(call->action));
    must(ots_request_encode(call, OTS_PUT_PLAIN, &body, &err), &err);
    request.path = ots_slice_str(path);
    request.body = ots_buf_slice(&body);
    sign(&request);
    double start = cpu_seconds();
    ots_service_handle(bench->service, &request, &response);
    bench->handle_seconds += cpu_seconds() - start;
    if (response.status != 200) {
        fprintf(stderr, "bench_service: %s answered %d\n", path, response.status);
        exit(1);
    }
    must(ots_response_decode(ots_buf_slice(&response.body), call, &err), &err);
    ots_headers_deinit(&request.headers);
    ots_headers_deinit(&response.headers);
    ots_buf_deinit(&response.body);
    ots_buf_deinit(&body);
}

static double resident_mb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * 4096 / 1e6;
}

/* One put: `host` of its i-th row is first_host + i * step. */
static void put(struct bench *bench, const char *table, unsigned first_host, unsigned step,
                int64_t first_us, int64_t step_us)
{
    static char names[FIELDS][8];
    struct ots_row rows[PUT_ROWS];
    struct ots_series_key keys[PUT_ROWS];
    struct ots_tag tags[PUT_ROWS];
    struct ots_field fields[PUT_ROWS][FIELDS];
    char hosts[PUT_ROWS][24];
    for (unsigned i = 0; i < PUT_ROWS; i++) {
        int size = snprintf(hosts[i], sizeof(hosts[i]), "host_%u", first_host + i * step);
        tags[i] = (struct ots_tag){OTS_SLICE("hostname"), ots_slice(hosts[i], (size_t)size)};
        keys[i] = (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE("telegraf"), &tags[i], 1};
        for (int f = 0; f < FIELDS; f++) {
            snprintf(names[f], sizeof(names[f]), "usage%d", f);
            fields[i][f] = (struct ots_field){
                ots_slice_str(names[f]),
                {.type = OTS_DOUBLE, .real = (double)(first_us % 997) / (f + 1)}};
        }
        rows[i] = (struct ots_row){&keys[i], first_us + i * step_us, fields[i], FIELDS};
    }
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_PUT);
    call.request.put.table = ots_slice_str(table);
    call.request.put.rows = rows;
    call.request.put.row_count = PUT_ROWS;
    carry_out(bench, &call);
    ots_call_deinit(&call);
}

static void create(struct bench *bench, const char *table)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = ots_slice_str(table);
    carry_out(bench, &call);
    ots_call_deinit(&call);
}

static void report(const struct bench *bench, const char *what, size_t rows, double wall)
{
    printf("%-8s %9zu rows  %6.2f us CPU/row  %8.0f rows/s  %5.0f MB\n", what, rows,
           1e6 * bench->handle_seconds / (double)rows, (double)rows / wall, resident_mb());
}

static void bench_puts(struct bench *bench, const char *table, unsigned hosts, unsigned puts_each)
{
    bool is_one = table[0] == 'o';
    create(bench, table);
    bench->handle_seconds = 0;
    double start = wall_seconds();
    for (unsigned h = 0; h < (is_one ? hosts : hosts / PUT_ROWS); h++)
        for (unsigned p = 0; p < (is_one ? puts_each : puts_each * PUT_ROWS); p++)
            put(bench, table, is_one ? h : h * PUT_ROWS, !is_one,
                (int64_t)p * (is_one ? PUT_ROWS : 1) * 10000000, is_one ? 10000000 : 0);
    report(bench, table, (size_t)hosts * puts_each * PUT_ROWS, wall_seconds() - start);
}

static size_t scan_split(struct bench *bench, const char *table, struct ots_slice split)
{
    size_t count = 0;
    struct ots_buf token = OTS_BUF_INIT;
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_SCAN);
        call.request.scan.table = ots_slice_str(table);
        call.request.scan.split = split;
        call.request.scan.token = ots_buf_slice(&token);
        carry_out(bench, &call);
        count += call.response.page.rows.count;
        ots_buf_reset(&token);
        ots_buf_append_slice(&token, call.response.page.next_token);
        ots_call_deinit(&call);
    } while (token.size);
    ots_buf_deinit(&token);
    return count;
}

static void bench_scan(struct bench *bench, const char *table)
{
    struct ots_call call;
    size_t count = 0;
    ots_call_init(&call, OTS_ACTION_SPLIT);
    call.request.split.table = ots_slice_str(table);
    call.request.split.split_count_hint = SPLITS;
    carry_out(bench, &call);
    bench->handle_seconds = 0;
    double start = wall_seconds();
    for (size_t i = 0; i < call.response.split.count; i++)
        count += scan_split(bench, table, call.response.split.splits[i]);
    report(bench, "scan", count, wall_seconds() - start);
    ots_call_deinit(&call);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct ots_error err = {0};
    const struct ots_log log = {.program = "bench_service", .level = OTS_LOG_ERROR};
    unsigned hosts = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
    const char *base = getenv("TMPDIR");
    snprintf(bench.directory, sizeof(bench.directory), "%s/ots-bench-XXXXXX",
             base && *base ? base : "/tmp");
    if (!mkdtemp(bench.directory))
        return 1;
    const struct ots_service_options options = {
        .directory = bench.directory,
        .instance = "i",
        .access_key_id = KEY_ID,
        .access_key_secret = SECRET,
        .clock = &ots_clock_system,
        .log = &log,
    };
    must(ots_service_open(&options, &bench.service, &err), &err);
    bench_puts(&bench, "one", hosts, 2);
    bench_scan(&bench, "one");
    bench_puts(&bench, "hosts", hosts, 2);
    bench_scan(&bench, "hosts");
    ots_service_close(bench.service);
    nftw(bench.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
