/*
 * Whether listings of large directories come with what there is to know of each name.
 *
 * That costs the kernel an inode for each name, and saves it a lookup for each that somebody looks
 * at. Tools look at all names or at none: at some while they list, as `ls -l` and rsync do, or at
 * all of them behind it. So the first names of a listing always come with it, and the others when
 * those that came without were looked up: those of the same listing's last answer, whatever was
 * before, or those of earlier listings. Names that the kernel knows are not looked up, and come
 * alone.
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
    uint64_t all_lookups;  /* lookups ever */
};

/* Of one listing; zero at its beginning. */
struct ots_habit_listing {
    uint64_t bare_count;     /* of the last answer */
    uint64_t lookups_before; /* lookups ever, when that answer began */
    bool is_looked_at;
};

/* One more answer with names of the listing is about to be made. */
void ots_habit_begin_answer(const struct ots_habit *habit, struct ots_habit_listing *listing);

/* The name at `index` of the listing is about to be told: whether with what is known of it. */
bool ots_habit_list(struct ots_habit *habit, struct ots_habit_listing *listing, size_t index);

/* A name is looked up. */
void ots_habit_look_up(struct ots_habit *habit);

#endif
