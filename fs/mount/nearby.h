/*
 * On which processor requests are read. A tool that works alone waits for each of its requests, and
 * to wake a thread on another processor, which sleeps meanwhile, costs more than most answers. So
 * the thread that reads requests binds itself to the processor on which such a tool runs, and is
 * free again when somebody else asks.
 *
 * Threads: all calls on the thread that reads requests.
 */
#ifndef OTS_MOUNT_NEARBY_H
#define OTS_MOUNT_NEARBY_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/* Zero: the thread stays where the scheduler puts it. */
struct ots_nearby {
    cpu_set_t all; /* processors of the process */
    bool is_on;
    pid_t caller;   /* thread that asked last */
    unsigned count; /* of its requests, since another asked or its processor was looked for */
    bool is_bound;
    size_t processor; /* when bound */
};

/*
 * Off when the process has only one processor. Threads that are started from here on, also by the
 * bound thread, may use all of the process.
 */
void ots_nearby_init(struct ots_nearby *nearby);

/* Thread `caller` asked for something; 0: not known who, or nobody waits for it. */
void ots_nearby_note(struct ots_nearby *nearby, pid_t caller);

/* The processor in the text of /proc/ID/stat; false: there is none. */
bool ots_nearby_parse(const char *stat, size_t *processor);

#endif
