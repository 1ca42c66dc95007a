#include "fs/mount/habit.h"

enum {
    WORTH_SHARE = 4,      /* one in so many names must be looked up */
    REMEMBERED = 1 << 20, /* of names; older ones count less and less */
};

bool ots_habit_list(struct ots_habit *habit, size_t index)
{
    if (index < OTS_HABIT_ALWAYS || habit->lookup_count > habit->bare_count / WORTH_SHARE)
        return true;
    if (habit->bare_count == REMEMBERED) {
        habit->bare_count /= 2;
        habit->lookup_count /= 2;
    }
    habit->bare_count++;
    return false;
}

void ots_habit_look_up(struct ots_habit *habit)
{
    if (habit->lookup_count < habit->bare_count)
        habit->lookup_count++;
}
