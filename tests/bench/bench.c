#include "tests/bench/bench.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS_MIN = 15, ROUNDS_MAX = 1001 };

static const double SECONDS_MIN = 0.33;

/* --- allocations ------------------------------------------------------------------------------ */

/* glibc's own names of what is replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *data, size_t size);

static atomic_ulong allocations;

void *malloc(size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_calloc(count, size);
}

void *realloc(void *data, size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_realloc(data, size);
}

double bench_allocations(bench_work *work, void *context)
{
    work(context);
    unsigned long before = atomic_load(&allocations);
    work(context);
    return (double)(atomic_load(&allocations) - before);
}

/* --- time ------------------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare_seconds(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_seconds(bench_work *work, void *context)
{
    double rounds[ROUNDS_MAX];
    size_t count = 0;
    double start = cpu_seconds();
    double previous = start;
    while (count < ROUNDS_MAX && (count < ROUNDS_MIN || previous - start < SECONDS_MIN)) {
        work(context);
        double now = cpu_seconds();
        rounds[count++] = now - previous;
        previous = now;
    }
    qsort(rounds, count, sizeof(rounds[0]), compare_seconds);
    return rounds[count / 2];
}

/* --- figures ---------------------------------------------------------------------------------- */

/* Names are ours: nothing in them needs an escape. */
static void tell_json(const char *bench, const struct bench_figure *figure)
{
    printf("{\"bench\":\"%s\",\"figure\":\"%s\",\"unit\":\"%s\",\"value\":%.6g", bench,
           figure->name, figure->unit, figure->value);
    if (figure->peer)
        printf(",\"peer\":\"%s\",\"peer_value\":%.6g,\"ratio\":%.4g", figure->peer,
               figure->peer_value, figure->value / figure->peer_value);
    puts("}");
}

void bench_tell(const char *bench, const struct bench_figure *figure)
{
    const char *json = getenv("BENCH_JSON");
    if (json && strcmp(json, "1") == 0) {
        tell_json(bench, figure);
        return;
    }
    printf("%-10s %-40s %10.4g %-13s", bench, figure->name, figure->value, figure->unit);
    if (figure->peer)
        printf(" %8.3g x %s (%.4g)", figure->value / figure->peer_value, figure->peer,
               figure->peer_value);
    putchar('\n');
}

void bench_must(enum ots_status status, const char *what)
{
    if (status == OTS_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, ots_status_text(status));
    exit(1);
}
