/*
 * Whether listings of large directories come with what there is to know of each name.
 *
 * That costs the kernel an inode for each name, and saves it a lookup for each that somebody looks
 * at behind the listing. Tools do so with all names or with none. So the first names of a listing
 * always come with it, and the others when those that came without were looked up.
 *
 * Pure. Threads: one at a time.
 */
#ifndef OTS_MOUNT_HABIT_H
#define OTS_MOUNT_HABIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OTS_HABIT_ALWAYS = 256 }; /* so many names */

/* Zero: nothing is known yet. */
struct ots_habit {
    uint64_t bare_count;   /* names that were listed without */
    uint64_t lookup_count; /* lookups since, at most one for each */
};

/* The name at `index` of a listing is about to be told: whether with what is known of it. */
bool ots_habit_list(struct ots_habit *habit, size_t index);

/* A name is looked up. */
void ots_habit_look_up(struct ots_habit *habit);

#endif
