#include "fs/mount/nearby.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/base/cleanup.h"

enum {
    ALONE = 32,        /* requests in a row, from when on a tool works alone */
    LOOK_AGAIN = 64,   /* requests; to look costs as much as to wake a thread once */
    STAT_BYTES = 1024, /* of /proc/ID/stat, more than it ever has */
    PROCESSOR_FIELD = 39,
};

void ots_nearby_init(struct ots_nearby *nearby)
{
    pthread_attr_t attributes;
    *nearby = (struct ots_nearby){0};
    if (sched_getaffinity(0, sizeof(nearby->all), &nearby->all) != 0 ||
        CPU_COUNT(&nearby->all) < 2 || pthread_getattr_default_np(&attributes) != 0)
        return;
    /* Else they would be bound to where their maker is. */
    nearby->is_on =
        pthread_attr_setaffinity_np(&attributes, sizeof(nearby->all), &nearby->all) == 0 &&
        pthread_setattr_default_np(&attributes) == 0;
    pthread_attr_destroy(&attributes);
}

bool ots_nearby_parse(const char *stat, size_t *processor)
{
    /* The second field is a name in parentheses, in which anything may be. */
    const char *at = strrchr(stat, ')');
    for (int field = 2; at && field < PROCESSOR_FIELD; field++)
        at = strchr(at + 1, ' ');
    if (!at || at[1] < '0' || at[1] > '9')
        return false;
    *processor = strtoul(at + 1, NULL, 10);
    return *processor < CPU_SETSIZE;
}

static bool find_processor(pid_t thread, size_t *processor)
{
    char path[64];
    char stat[STAT_BYTES];
    snprintf(path, sizeof(path), "/proc/%jd/stat", (intmax_t)thread);
    OTS_AUTO(ots_close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
    if (size <= 0)
        return false;
    stat[size] = '\0';
    return ots_nearby_parse(stat, processor);
}

static void set_free(struct ots_nearby *nearby)
{
    if (nearby->is_bound && sched_setaffinity(0, sizeof(nearby->all), &nearby->all) == 0)
        nearby->is_bound = false;
}

static void bind_to(struct ots_nearby *nearby, size_t processor)
{
    cpu_set_t one;
    if (nearby->is_bound && nearby->processor == processor)
        return;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0)
        return;
    nearby->is_bound = true;
    nearby->processor = processor;
}

void ots_nearby_note(struct ots_nearby *nearby, pid_t caller)
{
    if (!nearby->is_on || caller <= 0)
        return;
    if (caller != nearby->caller) {
        nearby->caller = caller;
        nearby->count = 0;
        set_free(nearby);
    }
    if (++nearby->count < (nearby->is_bound ? LOOK_AGAIN : ALONE))
        return;
    nearby->count = 0;
    size_t processor;
    if (find_processor(caller, &processor) && CPU_ISSET(processor, &nearby->all))
        bind_to(nearby, processor);
    else
        set_free(nearby);
}
