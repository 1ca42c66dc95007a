/*
 * Walks: somebody opens the files of a directory one after another, in the order of its listing.
 *
 * What comes next is told in numbers of places in the listing. Several walks may go on at once, and
 * one may open several files at a time, so that opens come a little out of order. Pure.
 */
#ifndef OTS_VIEW_WALK_H
#define OTS_VIEW_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OTS_WALKS_MAX = 8,      /* remembered at once */
    OTS_WALK_STEPS = 3,     /* opens in order that make a walk */
    OTS_WALK_GAP = 8,       /* how far one step may be */
    OTS_WALK_STRIDE = 3,    /* and how far they may be on the average */
    OTS_WALK_AHEAD_MAX = 32 /* files that it is told of ahead */
};

struct ots_walk {
    uint64_t directory; /* numbers of the directory and of the one above; 0: no walk */
    uint64_t parent;
    size_t start; /* the first place that was opened */
    size_t at;    /* the last one */
    size_t asked; /* places before this one were told */
    unsigned steps;
    uint64_t id;     /* no other has it */
    uint64_t used;   /* when it took its last step */
    bool is_planned; /* the caller's: it was decided how to fetch ahead for it */
};

struct ots_walks {
    struct ots_walk items[OTS_WALKS_MAX];
    uint64_t clock;
};

/*
 * The file at `place` was opened. Returns the walk that this is a step of. Who has walked through a
 * directory walks through the next one from its first file on.
 */
struct ots_walk *ots_walks_note(struct ots_walks *walks, uint64_t directory, uint64_t parent,
                                size_t place);

/* Whether it is more than chance. */
bool ots_walk_is_going(const struct ots_walk *walk);

/*
 * The places [*from, *to) are to be had ready now and were not told before; the walk sees farther
 * the longer it goes. False: none are.
 */
bool ots_walk_next(const struct ots_walk *walk, size_t *from, size_t *to);

/* Places before `to` were looked at. */
void ots_walk_ask(struct ots_walk *walk, size_t to);

/* Whether it has left a place that it did not open behind it. */
bool ots_walk_has_passed(const struct ots_walk *walk, size_t place);

#endif
