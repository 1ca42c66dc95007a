#include "fs/view/own_rows.h"

#include <stdlib.h>

#include "fs/view/apply.h"
#include "fs/view/follower.h"
#include "fs/view/timelines.h"

enum { EXPECT_AHEAD = 16 };

enum fate { PENDING, STORED, REFUSED };

struct own_row {
    struct ots_node *timeline;
    struct ots_row_sum sum;
    ots_ahead_id id; /* what is remembered of it; 0: nothing */
    uint8_t fate;
};

struct own_rows {
    uint64_t group; /* in the table's `ahead` */
    size_t count;
    struct own_row rows[];
};

/* The rows that come soon. */
static void expect(const struct ots_table *table, const struct own_rows *own, size_t at)
{
    const struct own_row *row = &own->rows[at];
    if (at + EXPECT_AHEAD < own->count)
        ots_ahead_expect(table->ahead, row[EXPECT_AHEAD].timeline, row[EXPECT_AHEAD].sum.time_us);
    if (at + EXPECT_AHEAD / 2 < own->count)
        ots_ahead_expect_entry(table->ahead, row[EXPECT_AHEAD / 2].timeline,
                               row[EXPECT_AHEAD / 2].sum.time_us);
}

/* --- before they are put ----------------------------------------------------------------------*/

/* What cannot be printed is measured. */
static enum ots_status sum_rows(const struct ots_table *table, const struct ots_row *rows,
                                const struct ots_row_sum *sums, struct own_rows *own)
{
    struct ots_row_summer summer;
    enum ots_status status = OTS_OK;
    ots_row_summer_init(&summer, table->view->options.precision);
    for (size_t i = 0; status != OTS_NOMEM && i < own->count; i++) {
        own->rows[i].sum = sums[i];
        if (sums[i].size_bytes)
            continue;
        status = ots_row_sum_of(&summer, &rows[i], &own->rows[i].sum, NULL);
        if (status != OTS_OK)
            own->rows[i].sum = (struct ots_row_sum){.time_us = rows[i].time_us};
    }
    ots_row_summer_deinit(&summer);
    return status == OTS_NOMEM ? status : OTS_OK;
}

static enum ots_status find_timelines_locked(struct ots_table *table, const struct ots_row *rows,
                                             struct ots_origin *const *origins,
                                             struct own_rows *own)
{
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && i < own->count; i++) {
        struct ots_node **timeline = &own->rows[i].timeline;
        if (origins[i]->timeline)
            *timeline = origins[i]->timeline;
        else if (i && rows[i].key == rows[i - 1].key)
            *timeline = own->rows[i - 1].timeline;
        else
            status = ots_table_add_timeline_locked(table, rows[i].key, timeline);
    }
    return status;
}

static void send_locked(struct ots_table *table, struct own_rows *own)
{
    own->group = ots_apply_begin_group_locked(table, own->count);
    for (size_t i = 0; i < own->count; i++) {
        expect(table, own, i);
        own->rows[i].id =
            ots_apply_send_locked(table, own->group, own->rows[i].timeline, &own->rows[i].sum);
    }
}

static void *begin(void *context, const struct ots_row *rows, const struct ots_row_sum *sums,
                   struct ots_origin *const *origins, size_t count)
{
    struct ots_table *table = context;
    struct own_rows *own = calloc(1, sizeof(*own) + count * sizeof(own->rows[0]));
    if (!own)
        return NULL;
    own->count = count;
    enum ots_status status = sum_rows(table, rows, sums, own);
    pthread_mutex_lock(&table->view->synced.lock);
    if (status == OTS_OK)
        status = find_timelines_locked(table, rows, origins, own);
    if (status == OTS_OK)
        send_locked(table, own);
    pthread_mutex_unlock(&table->view->synced.lock);
    if (status == OTS_OK)
        return own;
    free(own);
    return NULL;
}

/* --- behind -----------------------------------------------------------------------------------*/

static void settle(void *rows, size_t index, bool is_stored)
{
    struct own_rows *own = rows;
    own->rows[index].fate = is_stored ? STORED : REFUSED;
}

static void end(void *context, void *rows)
{
    struct ots_table *table = context;
    struct own_rows *own = rows;
    pthread_mutex_lock(&table->view->synced.lock);
    for (size_t i = 0; i < own->count; i++) {
        const struct own_row *row = &own->rows[i];
        expect(table, own, i);
        if (row->fate == STORED)
            ots_apply_stored_locked(table, own->group, row->id, row->timeline, &row->sum);
        else
            ots_apply_refused_locked(table, own->group, row->id);
    }
    ots_follower_note_stored_locked(table, own->count);
    pthread_mutex_unlock(&table->view->synced.lock);
    free(own);
}

/* The rows stay remembered as what may have been stored. */
static void give_up(void *context, void *rows)
{
    (void)context;
    free(rows);
}

const struct ots_put_watcher OTS_OWN_ROWS_WATCHER = {begin, settle, end, give_up};
