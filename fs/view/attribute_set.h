/*
 * The attributes of one timeline, in memory of their own.
 *
 * Threads: none of this locks.
 */
#ifndef OTS_VIEW_ATTRIBUTE_SET_H
#define OTS_VIEW_ATTRIBUTE_SET_H

#include "backend/model/series.h"

struct ots_attribute_set {
    struct ots_arena arena;
    const struct ots_tag *items; /* sorted by name */
    size_t count;
};

#define OTS_ATTRIBUTE_SET_INIT ((struct ots_attribute_set){OTS_ARENA_INIT, NULL, 0})

/* The set is empty afterwards, and usable. */
void ots_attribute_set_deinit(struct ots_attribute_set *set);

/* Hold a copy of these instead, which are sorted. Errors: OTS_NOMEM; the set is unchanged. */
enum ots_status ots_attribute_set_assign(struct ots_attribute_set *set, const struct ots_tag *items,
                                         size_t count) OTS_MUST_CHECK;

/*
 * Give an attribute a value, or with NULL remove it (it need not be there). What comes out of it
 * must be what the service takes, unless an attribute is removed.
 * Errors: OTS_INVALID, OTS_LIMIT, OTS_NOMEM; the set is unchanged.
 */
enum ots_status ots_attribute_set_change(struct ots_attribute_set *set, struct ots_slice name,
                                         const struct ots_slice *value,
                                         struct ots_error *err) OTS_MUST_CHECK;

/* NULL when there is none of that name. */
const struct ots_tag *ots_attribute_find(const struct ots_tag *items, size_t count,
                                         struct ots_slice name);

bool ots_attributes_equal(const struct ots_tag *a, size_t a_count, const struct ots_tag *b,
                          size_t b_count);

enum ots_attribute_mode { OTS_ATTRIBUTE_SET, OTS_ATTRIBUTE_CREATE, OTS_ATTRIBUTE_REPLACE };

/*
 * Whether an attribute that is there, or is not, may be given a value, or with NULL removed.
 * Errors: OTS_EXISTS (to be created), OTS_NO_ATTRIBUTE (to be replaced or removed).
 */
enum ots_status ots_attribute_check_mode(bool is_there, const struct ots_slice *value,
                                         enum ots_attribute_mode mode) OTS_MUST_CHECK;

#endif
