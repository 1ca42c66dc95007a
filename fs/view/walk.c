#include "fs/view/walk.h"

static bool is_step(const struct ots_walk *walk, uint64_t directory, size_t place)
{
    return walk->directory == directory && place + OTS_WALK_GAP >= walk->at &&
           place <= walk->at + OTS_WALK_GAP;
}

/* The last one that it can be a step of: others may have come to an end there. */
static struct ots_walk *find(struct ots_walks *walks, uint64_t directory, size_t place)
{
    struct ots_walk *found = NULL;
    for (size_t i = 0; i < OTS_WALKS_MAX; i++) {
        struct ots_walk *walk = &walks->items[i];
        if (is_step(walk, directory, place) && (!found || walk->used > found->used))
            found = walk;
    }
    return found;
}

static struct ots_walk *oldest(struct ots_walks *walks)
{
    struct ots_walk *found = &walks->items[0];
    for (size_t i = 1; i < OTS_WALKS_MAX; i++)
        if (walks->items[i].used < found->used)
            found = &walks->items[i];
    return found;
}

static bool is_next_directory(const struct ots_walks *walks, uint64_t parent, size_t place)
{
    if (place > OTS_WALK_GAP)
        return false;
    for (size_t i = 0; i < OTS_WALKS_MAX; i++) {
        const struct ots_walk *walk = &walks->items[i];
        if (walk->directory && walk->parent == parent && ots_walk_is_going(walk))
            return true;
    }
    return false;
}

struct ots_walk *ots_walks_note(struct ots_walks *walks, uint64_t directory, uint64_t parent,
                                size_t place)
{
    struct ots_walk *walk = find(walks, directory, place);
    if (!walk) {
        unsigned steps = is_next_directory(walks, parent, place) ? OTS_WALK_STEPS : 1;
        walk = oldest(walks);
        *walk = (struct ots_walk){
            .directory = directory, .parent = parent, .start = place, .at = place};
        walk->steps = steps;
        walk->id = walks->clock + 1;
    } else if (place > walk->at) {
        walk->at = place;
        walk->steps++;
    }
    walk->used = ++walks->clock;
    return walk;
}

bool ots_walk_is_going(const struct ots_walk *walk)
{
    return walk->steps >= OTS_WALK_STEPS &&
           walk->at - walk->start <= OTS_WALK_STRIDE * (size_t)walk->steps;
}

bool ots_walk_next(const struct ots_walk *walk, size_t *from, size_t *to)
{
    if (!ots_walk_is_going(walk))
        return false;
    size_t seen = 4;
    for (unsigned i = OTS_WALK_STEPS; i < walk->steps && seen < OTS_WALK_AHEAD_MAX; i++)
        seen *= 2;
    *from = walk->at + 1 > walk->asked ? walk->at + 1 : walk->asked;
    *to = walk->at + 1 + seen;
    return *from < *to;
}

void ots_walk_ask(struct ots_walk *walk, size_t to)
{
    if (to > walk->asked)
        walk->asked = to;
}

bool ots_walk_has_passed(const struct ots_walk *walk, size_t place)
{
    return place + OTS_WALK_GAP < walk->at;
}
