#include "fs/mount/habit.h"

enum {
    WORTH_SHARE = 4,      /* one in so many names must be looked up */
    REMEMBERED = 1 << 20, /* of names; older ones count less and less */
};

void ots_habit_begin_answer(const struct ots_habit *habit, struct ots_habit_listing *listing)
{
    uint64_t lookups = habit->all_lookups - listing->lookups_before;
    if (listing->bare_count && lookups > listing->bare_count / WORTH_SHARE)
        listing->is_looked_at = true;
    listing->bare_count = 0;
    listing->lookups_before = habit->all_lookups;
}

bool ots_habit_list(struct ots_habit *habit, struct ots_habit_listing *listing, size_t index)
{
    if (index < OTS_HABIT_ALWAYS || listing->is_looked_at ||
        habit->lookup_count > habit->bare_count / WORTH_SHARE)
        return true;
    if (habit->bare_count == REMEMBERED) {
        habit->bare_count /= 2;
        habit->lookup_count /= 2;
    }
    habit->bare_count++;
    listing->bare_count++;
    return false;
}

void ots_habit_look_up(struct ots_habit *habit)
{
    habit->all_lookups++;
    if (habit->lookup_count < habit->bare_count)
        habit->lookup_count++;
}
