#include "fs/view/history.h"

void ots_history_init(struct ots_history *history)
{
    *history = (struct ots_history){.written_from_us = INT64_MAX, .written_before_us = INT64_MAX};
}

void ots_history_deinit(struct ots_history *history)
{
    ots_marks_deinit(&history->marks);
}

bool ots_history_is_needed(const struct ots_history *history)
{
    return history->marks.count || history->written_from_us != INT64_MAX ||
           history->written_before_us != INT64_MAX;
}

bool ots_history_has_kept_marks(const struct ots_history *history)
{
    const struct ots_mark *last = &history->marks.items[history->marks.count - 1];
    const struct ots_mark *kept = &history->kept_last;
    return history->marks.count == history->kept_count && last->offset == kept->offset &&
           last->row_index == kept->row_index && last->time_us == kept->time_us &&
           last->hash == kept->hash;
}

void ots_history_note_kept_marks(struct ots_history *history)
{
    history->kept_count = history->marks.count;
    history->kept_last = history->marks.items[history->marks.count - 1];
}

static int64_t lower(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void ots_history_see_row(struct ots_history *history, int64_t time_us)
{
    int64_t newest_us = atomic_load(&history->newest_us);
    while (time_us > newest_us &&
           !atomic_compare_exchange_weak(&history->newest_us, &newest_us, time_us))
        ;
}

void ots_history_put_row(struct ots_history *history, int64_t time_us)
{
    if (time_us <= atomic_load(&history->newest_us))
        atomic_fetch_add(&history->version, 1);
    else
        ots_history_see_row(history, time_us);
}

void ots_history_write(struct ots_history *history, int64_t from_us)
{
    history->written_from_us = lower(history->written_from_us, from_us);
    ots_marks_cut(&history->marks, from_us);
}

struct ots_extent ots_history_begin(struct ots_history *history, const struct ots_extent *extent,
                                    uint64_t write_number)
{
    int64_t from_us = lower(history->written_from_us, history->written_before_us);
    history->written_before_us = from_us;
    history->written_from_us = INT64_MAX;
    history->begin_number = write_number;
    if (extent->row_count && from_us > extent->last_time_us)
        return *extent;
    const struct ots_mark *mark = ots_marks_floor_time(&history->marks, from_us);
    if (!mark)
        return (struct ots_extent){0};
    return (struct ots_extent){.size_bytes = mark->offset,
                               .row_count = mark->row_index,
                               .last_time_us = mark->time_us - 1,
                               .first_time_us = extent->first_time_us,
                               .hash = mark->hash};
}

static bool is_equal(const struct ots_extent *a, const struct ots_extent *b)
{
    return a->size_bytes == b->size_bytes && a->row_count == b->row_count &&
           a->last_time_us == b->last_time_us;
}

/* As far as the numbers tell. */
static bool is_growth(const struct ots_extent *before, const struct ots_extent *after)
{
    return is_equal(before, after) || !before->row_count ||
           (after->last_time_us > before->last_time_us && after->row_count > before->row_count &&
            after->size_bytes > before->size_bytes);
}

void ots_history_note(struct ots_history *history, const struct ots_extent *before,
                      int64_t begin_us, const struct ots_measured *measured, bool is_all)
{
    const struct ots_marks *marks = measured->marks;
    const struct ots_extent *after = &measured->extent;
    bool is_same_begin = begin_us == measured->begin_us;
    bool has_grown =
        is_growth(before, after) && (!marks || ots_marks_is_growth(&history->marks, marks));
    if (!has_grown || !is_same_begin)
        history->change_count++;
    /* Files that are open keep their own first time. */
    if (!has_grown && is_same_begin)
        atomic_fetch_add(&history->version, 1);
    if (marks)
        ots_marks_copy(marks, &history->marks);
    else if (!ots_extent_is_same(before, after) || !is_same_begin)
        ots_marks_clear(&history->marks);
    if (after->row_count)
        ots_history_see_row(history, after->last_time_us);
    if (is_all || measured->write_number >= history->begin_number)
        history->written_before_us = INT64_MAX;
    if (is_all)
        history->written_from_us = INT64_MAX;
    ots_marks_cut(&history->marks, lower(history->written_from_us, history->written_before_us));
}
