/*
 * Any bytes as names of views: what they select is well-formed, and nothing but itself with itself.
 */
#include <stdlib.h>

#include "fs/view/selection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void check(const struct ots_selection *selection, struct ots_arena *arena)
{
    must(selection->begin_us >= 0 && selection->begin_us < selection->end_us);
    for (size_t i = 0; i < selection->field_count; i++) {
        must(ots_field_name_check(selection->fields[i].name, NULL) == OTS_OK);
        must(!i || ots_slice_compare(selection->fields[i - 1].name, selection->fields[i].name) < 0);
    }
    struct ots_selection both;
    must(ots_selection_intersect(selection, selection, arena, &both) == OTS_OK);
    must(both.begin_us == selection->begin_us && both.end_us == selection->end_us);
    must(both.field_count == selection->field_count);
    must(both.is_window == selection->is_window && both.put_begin_us == selection->put_begin_us);
    must(both.put_end_us == selection->put_end_us);
    must(both.share.index == selection->share.index && both.share.count == selection->share.count);
}

/* The UTC name of a window that a name stands for, in UTC too, stands for the same window. */
static void check_window(const struct ots_selection *selection)
{
    struct ots_buf name = OTS_BUF_INIT;
    struct ots_selection again;
    int64_t size_us = selection->put_end_us - selection->put_begin_us;
    must(size_us > 0);
    if (selection->put_begin_us >= 0) {
        ots_window_name_append(selection->put_begin_us, size_us, &name);
        must(name.size == OTS_WINDOW_NAME_BYTES);
        must(ots_selection_parse_changes(ots_buf_slice(&name), &again) == OTS_OK);
        must(again.put_begin_us == selection->put_begin_us);
        must(again.put_end_us == selection->put_end_us);
    }
    ots_buf_deinit(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_slice name = size ? ots_slice(data, size) : OTS_SLICE("");
    struct ots_selection selection;
    if (ots_selection_parse_range(name, &selection) == OTS_OK)
        check(&selection, &arena);
    if (ots_selection_parse_changes(name, &selection) == OTS_OK) {
        check(&selection, &arena);
        check_window(&selection);
    }
    if (ots_selection_parse_splits(name, &selection) == OTS_OK) {
        check(&selection, &arena);
        must(selection.share.index < selection.share.count);
        must(ots_selection_is_share(&selection));
    }
    if (ots_selection_parse_fields(name, &arena, &selection) == OTS_OK)
        check(&selection, &arena);
    ots_arena_deinit(&arena);
    return 0;
}
