/*
 * Timelines' texts as they are measured, line by line.
 */
#ifndef OTS_VIEW_FOUND_H
#define OTS_VIEW_FOUND_H

#include "fs/view/marks.h"

/* A timeline's text. */
struct ots_found {
    struct ots_extent extent;
    struct ots_marks marks;
    bool is_unordered; /* the rows did not come in the order of their times: no marks */
};

void ots_found_deinit(struct ots_found *found);
void ots_found_add(struct ots_found *found, const struct ots_row_sum *lines, size_t count);

/*
 * Many of them, for a while: their memory goes back to the system, instead of leaving holes between
 * what stays. Most have no marks, and take the room of an extent and a pointer.
 */
struct ots_found_slot;
struct ots_found_list {
    struct ots_found_slot **chunks;
    size_t chunk_count;
    size_t count;
};

void ots_found_list_deinit(struct ots_found_list *list);

/* One more, empty; its index is `count` of before. False without memory. */
bool ots_found_list_add(struct ots_found_list *list) OTS_MUST_CHECK;

/* Lines of the one at `index`. Errors: OTS_NOMEM. */
enum ots_status ots_found_list_add_lines(struct ots_found_list *list, size_t index,
                                         const struct ots_row_sum *lines,
                                         size_t count) OTS_MUST_CHECK;

/* The one at `index`; its marks are borrowed until lines are added to it. */
struct ots_found ots_found_list_at(const struct ots_found_list *list, size_t index);

#endif
