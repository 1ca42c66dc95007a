#include "fs/view/attribute_set.h"

#include "backend/base/search.h"

void ots_attribute_set_deinit(struct ots_attribute_set *set)
{
    ots_arena_deinit(&set->arena);
    *set = OTS_ATTRIBUTE_SET_INIT;
}

static bool is_before(const void *item, const void *name)
{
    return ots_slice_compare(((const struct ots_tag *)item)->name,
                             *(const struct ots_slice *)name) < 0;
}

/* The first attribute that does not come before `name`. */
static size_t position_of(const struct ots_tag *items, size_t count, struct ots_slice name)
{
    return ots_search(items, count, sizeof(*items), is_before, &name);
}

const struct ots_tag *ots_attribute_find(const struct ots_tag *items, size_t count,
                                         struct ots_slice name)
{
    size_t at = position_of(items, count, name);
    return at < count && ots_slice_equal(items[at].name, name) ? &items[at] : NULL;
}

bool ots_attributes_equal(const struct ots_tag *a, size_t a_count, const struct ots_tag *b,
                          size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!ots_slice_equal(a[i].name, b[i].name) || !ots_slice_equal(a[i].value, b[i].value))
            return false;
    return true;
}

enum ots_status ots_attribute_set_assign(struct ots_attribute_set *set, const struct ots_tag *items,
                                         size_t count)
{
    struct ots_attribute_set copy = OTS_ATTRIBUTE_SET_INIT;
    if (count) {
        struct ots_tag *tags = ots_arena_array(&copy.arena, count, sizeof(*tags));
        enum ots_status status = tags ? OTS_OK : OTS_NOMEM;
        for (size_t i = 0; status == OTS_OK && i < count; i++) {
            status = ots_arena_copy(&copy.arena, items[i].name, &tags[i].name);
            if (status == OTS_OK)
                status = ots_arena_copy(&copy.arena, items[i].value, &tags[i].value);
        }
        if (status != OTS_OK) {
            ots_arena_deinit(&copy.arena);
            return status;
        }
        copy.items = tags;
        copy.count = count;
    }
    ots_arena_deinit(&set->arena);
    *set = copy;
    return OTS_OK;
}

enum ots_status ots_attribute_set_change(struct ots_attribute_set *set, struct ots_slice name,
                                         const struct ots_slice *value, struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_tag *changed = ots_arena_array(&arena, set->count + 1, sizeof(*changed));
    if (!changed)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    size_t before = position_of(set->items, set->count, name);
    size_t behind = before + (ots_attribute_find(set->items, set->count, name) != NULL);
    size_t count = before;
    if (before)
        memcpy(changed, set->items, before * sizeof(*changed));
    if (value)
        changed[count++] = (struct ots_tag){name, *value};
    if (set->count > behind)
        memcpy(&changed[count], &set->items[behind], (set->count - behind) * sizeof(*changed));
    count += set->count - behind;
    enum ots_status status = value ? ots_attributes_check(changed, count, err) : OTS_OK;
    if (status == OTS_OK)
        status = ots_attribute_set_assign(set, changed, count);
    ots_arena_deinit(&arena);
    return status;
}

enum ots_status ots_attribute_check_mode(bool is_there, const struct ots_slice *value,
                                         enum ots_attribute_mode mode)
{
    if (is_there && mode == OTS_ATTRIBUTE_CREATE)
        return OTS_EXISTS;
    if (!is_there && (!value || mode == OTS_ATTRIBUTE_REPLACE))
        return OTS_NO_ATTRIBUTE;
    return OTS_OK;
}
