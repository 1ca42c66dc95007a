/*
 * What the benchmarks share: the time that work takes, the allocations in it, and figures told as
 * text, or with BENCH_JSON=1 in the environment as one JSON object a line.
 *
 * A figure stands beside a ceiling or peer that was measured in the same run, because the same
 * machine is never equally fast twice. Figures are told as they come; a script picks them by
 * their names.
 */
#ifndef OTS_TESTS_BENCH_BENCH_H
#define OTS_TESTS_BENCH_BENCH_H

#include "backend/base/status.h"

#include <stddef.h>

typedef void bench_work(void *context);

/* The median of the process's CPU seconds over at least 15 rounds and a third of a second. */
double bench_seconds(bench_work *work, void *context);

/* Calls of malloc, calloc and realloc in one round, after a first one that is not counted. */
double bench_allocations(bench_work *work, void *context);

struct bench_figure {
    const char *name;
    const char *unit; /* "MB/s", "ns/row": more is better where it is "per second" */
    double value;
    const char *peer; /* what it is compared with, in the same unit; NULL: nothing */
    double peer_value;
};

/* Print `figure` of the benchmark called `bench`. */
void bench_tell(const char *bench, const struct bench_figure *figure);

/* End the program unless `status` is OTS_OK. */
void bench_must(enum ots_status status, const char *what);

#endif
