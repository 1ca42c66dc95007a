/*
 * What ahead.c and ahead_groups.c share; ahead.c tells how it works.
 */
#ifndef OTS_VIEW_AHEAD_STATE_H
#define OTS_VIEW_AHEAD_STATE_H

#include "fs/view/ahead.h"

struct ots_ahead_item {
    struct ots_node *node; /* NULL: free */
    int64_t time_us;
    uint64_t hash;
    uint32_t size_bytes : 28;
    uint32_t kind : 3;
    uint32_t is_content : 1;
    uint32_t next; /* in its chain, or of the free ones */
    union {
        struct {
            uint32_t group; /* index of it */
            uint32_t place; /* in it */
        } own;
        struct {
            uint32_t newer;
            uint32_t older;
        } age;
    };
};

struct ots_ahead_group {
    uint64_t number;
    struct ots_ahead_group *newer;
    struct ots_ahead_group *older;
    uint32_t index;
    uint32_t count;
    uint32_t capacity;
    uint32_t left;   /* entries that were not dropped */
    bool is_changed; /* since it was visited */
    bool is_saved;   /* whoever saves knows of it */
    uint32_t ids[];
};

struct ots_ahead_list {
    uint32_t newest;
    uint32_t oldest;
    uint64_t count;
};

struct ots_ahead {
    size_t own_max;
    size_t counted_max;
    struct ots_ahead_item *entries; /* from 1 on */
    uint32_t used;                  /* entries that ever were used, free ones too */
    uint32_t capacity;
    uint32_t free;
    uint32_t *buckets; /* a power of two, `capacity` */
    struct ots_ahead_group **groups;
    uint32_t group_capacity;
    uint32_t free_group; /* the lowest index that may be free */
    struct ots_ahead_group *newest;
    struct ots_ahead_group *oldest;
    uint64_t next_number;
    struct ots_ahead_list counted;
    struct ots_ahead_list again;
    struct ots_ahead_counts counts;
    void (*evicted)(void *context, struct ots_node *node);
    void *context;
};

static inline bool ots_ahead_is_own(unsigned kind)
{
    return kind <= OTS_AHEAD_UNKNOWN;
}

/* The group of that number, the newest one, with room for one more. NULL without memory. */
struct ots_ahead_group *ots_ahead_restore_group(struct ots_ahead *ahead, uint64_t number);

/* False when there is no room. */
bool ots_ahead_join_group(struct ots_ahead *ahead, struct ots_ahead_group *group, uint32_t id);
void ots_ahead_leave_group(struct ots_ahead *ahead, uint32_t id);

/* A group of which nothing is left goes, unless whoever saves has to be told, or it is filled. */
void ots_ahead_tidy_group(struct ots_ahead *ahead, struct ots_ahead_group *group);

#endif
