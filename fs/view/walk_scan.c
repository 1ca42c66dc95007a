#include "fs/view/walk_scan.h"

#include <stdlib.h>

#include "backend/base/cond.h"
#include "fs/lp/names.h"
#include "fs/view/scan.h"
#include "fs/view/texts.h"

enum {
    /* So far it goes ahead of the walk, and on when the walk has come so near: lanes that go on for
     * each text cost more than the text. */
    LEAD_BYTES = 16 * 1024 * 1024,
    LEAD_BYTES_MIN = 10 * 1024 * 1024,
    IDLE_US = 30 * 1000000,
    SPLIT_PAGES = 4,
};

/* Somebody who waits for a text. */
struct waiter {
    struct waiter *next;
    uint64_t id;
};

struct ots_walk_scan {
    struct ots_extract *extract; /* pinned until it is over */
    struct ots_texts *texts;
    uint64_t feed;
    uint64_t extract_ino;
    struct ots_selection selection;
    struct ots_arena arena;
    struct ots_slice measurement;
    unsigned split_count;
    struct ots_pool *pool;
    struct ots_interrupt interrupt;
    pthread_t thread;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed; /* anything, or an interrupt was raised */
        struct waiter *waiters;
        bool is_far;         /* ahead of the walk */
        uint64_t take_count; /* texts that were asked for */
        int64_t taken_us;    /* when the last one was */
        bool is_read;        /* nothing more comes */
        bool is_ending;
        bool is_over;
    } synced;
};

/* What is kept of a split while it is read. */
struct lane {
    struct ots_text_page page;
    bool has_page;
};

static int64_t now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

/* --- reading ----------------------------------------------------------------------------------*/

/* Wait for a change; when none comes for long and nobody asked for anything, it is to end. */
static void wait_or_end_locked(struct ots_walk_scan *scan)
{
    uint64_t take_count = scan->synced.take_count;
    bool is_over = !ots_cond_wait_for(&scan->synced.changed, &scan->synced.lock, IDLE_US);
    if (is_over && take_count == scan->synced.take_count && !scan->synced.waiters)
        scan->synced.is_ending = true;
}

/* Returns whether lanes may go on that could not. */
static bool note_lead_locked(struct ots_walk_scan *scan)
{
    uint64_t bytes = ots_texts_bytes(scan->texts, scan->feed);
    bool was_far = scan->synced.is_far;
    scan->synced.is_far = bytes >= (was_far ? LEAD_BYTES_MIN : LEAD_BYTES);
    return was_far && !scan->synced.is_far;
}

static enum ots_status wait_for_walk(void *context)
{
    struct ots_walk_scan *scan = context;
    pthread_mutex_lock(&scan->synced.lock);
    (void)note_lead_locked(scan);
    while (!scan->synced.is_ending && !scan->synced.waiters && scan->synced.is_far)
        wait_or_end_locked(scan);
    bool is_ending = scan->synced.is_ending;
    pthread_mutex_unlock(&scan->synced.lock);
    return is_ending ? OTS_CANCELLED : OTS_OK;
}

static enum ots_status end_part(const struct ots_walk_scan *scan, struct lane *lane,
                                const struct ots_series_key *key)
{
    struct ots_key_names names = {0};
    enum ots_status status = ots_key_names_set(&names, key);
    uint64_t id = ots_text_id(scan->extract_ino, names.measurement, names.timeline);
    ots_key_names_deinit(&names);
    return status == OTS_OK ? ots_text_page_end_part(&lane->page, id) : status;
}

static bool is_waited_for_locked(const struct ots_walk_scan *scan, const struct ots_text_page *page)
{
    size_t count;
    const struct ots_text_part *parts = ots_text_page_parts(page, &count);
    for (const struct waiter *waiter = scan->synced.waiters; waiter; waiter = waiter->next)
        for (size_t i = 0; i < count; i++)
            if (parts[i].id == waiter->id)
                return true;
    return false;
}

/* There is no room, and will be none. */
static enum ots_status hand_over(struct ots_walk_scan *scan, const struct ots_text_page *page)
{
    if (!ots_texts_add(scan->texts, scan->feed, page))
        return OTS_LIMIT;
    pthread_mutex_lock(&scan->synced.lock);
    if (is_waited_for_locked(scan, page))
        pthread_cond_broadcast(&scan->synced.changed);
    pthread_mutex_unlock(&scan->synced.lock);
    return OTS_OK;
}

static enum ots_status take_page(void *context, void *state, const struct ots_rows *rows,
                                 struct ots_error *err)
{
    struct ots_walk_scan *scan = context;
    struct lane *lane = state;
    struct ots_row_sum sum;
    enum ots_status status = OTS_OK;
    if (!lane->has_page)
        ots_text_page_init(&lane->page, scan->extract->view->options.precision);
    lane->has_page = true;
    for (size_t i = 0; status == OTS_OK && i < rows->count; i++) {
        const struct ots_row *row = &rows->items[i];
        if (i && row->key != rows->items[i - 1].key)
            status = end_part(scan, lane, rows->items[i - 1].key);
        if (status == OTS_OK)
            status = ots_text_page_add(&lane->page, row, &sum, err);
    }
    if (status == OTS_OK && rows->count)
        status = end_part(scan, lane, rows->items[rows->count - 1].key);
    if (status == OTS_OK)
        status = hand_over(scan, &lane->page);
    ots_text_page_reset(&lane->page);
    return status;
}

static void end_lane(void *context, void *state)
{
    struct lane *lane = state;
    (void)context;
    if (lane->has_page)
        ots_text_page_deinit(&lane->page);
}

static void read_all(struct ots_walk_scan *scan)
{
    const struct ots_extract *extract = scan->extract;
    const struct ots_scan_plan plan = {.store = extract->table->instance->store,
                                       .pool = scan->pool,
                                       .split_count = scan->split_count,
                                       .table = extract->table->node->name,
                                       .measurement = &scan->measurement,
                                       .selection = &scan->selection,
                                       .lane_bytes = sizeof(struct lane),
                                       .wait = wait_for_walk,
                                       .take_page = take_page,
                                       .end_lane = end_lane,
                                       .context = scan};
    struct ots_error err;
    /* What it did not find is asked for one by one, and that tells what is wrong. */
    if (ots_scan_run(&plan, &scan->interrupt, &err) != OTS_OK)
        ots_log(extract->view->options.log, OTS_LOG_DEBUG, "table %.*s: reading ahead: %s",
                OTS_SLICE_FMT(extract->table->node->name), err.message);
}

static void *run(void *argument)
{
    struct ots_walk_scan *scan = argument;
    struct ots_view *view = scan->extract->view;
    read_all(scan);
    ots_texts_end(scan->texts, scan->feed);
    pthread_mutex_lock(&scan->synced.lock);
    scan->synced.is_read = true;
    bool is_ending = scan->synced.is_ending;
    pthread_cond_broadcast(&scan->synced.changed);
    pthread_mutex_unlock(&scan->synced.lock);
    if (is_ending)
        ots_texts_drop(scan->texts, scan->feed);
    ots_view_unpin(view, scan->extract->node);
    pthread_mutex_lock(&scan->synced.lock);
    scan->synced.is_over = true;
    pthread_mutex_unlock(&scan->synced.lock);
    return NULL;
}

/* --- its life ---------------------------------------------------------------------------------*/

static void init_synced(struct ots_walk_scan *scan)
{
    pthread_mutex_init(&scan->synced.lock, NULL);
    ots_cond_init(&scan->synced.changed);
    ots_interrupt_init(&scan->interrupt);
}

static void deinit(struct ots_walk_scan *scan)
{
    ots_pool_free(scan->pool);
    ots_interrupt_deinit(&scan->interrupt);
    pthread_cond_destroy(&scan->synced.changed);
    pthread_mutex_destroy(&scan->synced.lock);
    ots_arena_deinit(&scan->arena);
    free(scan);
}

/*
 * Splits are read in their order, so the more there are the more the scan is in the order of its
 * timelines, which is mostly that of a walk. But the last page of each is not full.
 */
static unsigned count_splits(uint64_t row_count, unsigned lanes)
{
    uint64_t count = row_count / (SPLIT_PAGES * OTS_PAGE_ROWS_MAX);
    return count < lanes ? lanes : count > OTS_SPLITS_MAX ? OTS_SPLITS_MAX : (unsigned)count;
}

struct ots_walk_scan *ots_walk_scan_new(struct ots_extract *extract, struct ots_slice measurement,
                                        uint64_t row_count)
{
    const struct ots_view_options *options = &extract->view->options;
    struct ots_walk_scan *scan = calloc(1, sizeof(*scan));
    if (!scan)
        return NULL;
    scan->extract = extract;
    scan->extract_ino = extract->node->ino;
    scan->texts = extract->view->texts;
    scan->feed = ots_texts_begin(scan->texts, OTS_TEXTS_OF_WALK);
    scan->selection = extract->selection;
    if (scan->selection.begin_us < extract->cut_us)
        scan->selection.begin_us = extract->cut_us;
    scan->split_count = count_splits(row_count, options->scan_lanes);
    init_synced(scan);
    scan->synced.taken_us = now_us();
    enum ots_status status = ots_arena_copy(&scan->arena, measurement, &scan->measurement);
    if (status == OTS_OK)
        status = ots_pool_new(options->scan_lanes, OTS_SPLITS_MAX, &scan->pool, NULL);
    if (status != OTS_OK || pthread_create(&scan->thread, NULL, run, scan) != 0) {
        ots_texts_drop(scan->texts, scan->feed);
        deinit(scan);
        return NULL;
    }
    /* It takes the pin away under the view's lock. */
    ots_node_pin_locked(extract->node);
    return scan;
}

bool ots_walk_scan_is_idle(struct ots_walk_scan *scan)
{
    pthread_mutex_lock(&scan->synced.lock);
    bool is_idle = !scan->synced.waiters && now_us() - scan->synced.taken_us > 1000000;
    pthread_mutex_unlock(&scan->synced.lock);
    return is_idle;
}

bool ots_walk_scan_is_over(struct ots_walk_scan *scan)
{
    pthread_mutex_lock(&scan->synced.lock);
    bool is_over = scan->synced.is_over;
    pthread_mutex_unlock(&scan->synced.lock);
    return is_over;
}

static void wake(void *context)
{
    struct ots_walk_scan *scan = context;
    pthread_mutex_lock(&scan->synced.lock);
    pthread_cond_broadcast(&scan->synced.changed);
    pthread_mutex_unlock(&scan->synced.lock);
}

static void stop(struct ots_walk_scan *scan)
{
    pthread_mutex_lock(&scan->synced.lock);
    scan->synced.is_ending = true;
    pthread_mutex_unlock(&scan->synced.lock);
    ots_interrupt_raise(&scan->interrupt);
    wake(scan);
}

void ots_walk_scan_end(struct ots_walk_scan *scan)
{
    stop(scan);
    ots_texts_drop(scan->texts, scan->feed);
}

void ots_walk_scan_free(struct ots_walk_scan *scan)
{
    if (!scan)
        return;
    stop(scan);
    pthread_join(scan->thread, NULL);
    deinit(scan);
}

/* --- the walk ---------------------------------------------------------------------------------*/

/* Wait until the text is whole, or will never be. */
static void wait_for_text_locked(struct ots_walk_scan *scan, uint64_t id, uint64_t row_count,
                                 struct ots_interrupt *interrupt)
{
    struct waiter waiter = {.next = scan->synced.waiters, .id = id};
    scan->synced.waiters = &waiter;
    /* Lanes that wait because there is enough go on. */
    pthread_cond_broadcast(&scan->synced.changed);
    while (ots_texts_rows(scan->texts, id) < row_count && !scan->synced.is_read &&
           !scan->synced.is_ending && !ots_interrupt_is_raised(interrupt))
        pthread_cond_wait(&scan->synced.changed, &scan->synced.lock);
    struct waiter **link = &scan->synced.waiters;
    while (*link != &waiter)
        link = &(*link)->next;
    *link = waiter.next;
}

enum ots_status ots_walk_scan_take(struct ots_walk_scan *scan, uint64_t id,
                                   const struct ots_extent *known, struct ots_interrupt *interrupt,
                                   struct ots_whole_text *text, struct ots_error *err)
{
    ots_interrupt_attach_waiter(interrupt, wake, scan);
    pthread_mutex_lock(&scan->synced.lock);
    scan->synced.take_count++;
    scan->synced.taken_us = now_us();
    if (ots_texts_rows(scan->texts, id) < known->row_count)
        wait_for_text_locked(scan, id, known->row_count, interrupt);
    bool is_there = ots_texts_take(scan->texts, id, known, text);
    if (note_lead_locked(scan))
        pthread_cond_broadcast(&scan->synced.changed);
    pthread_mutex_unlock(&scan->synced.lock);
    ots_interrupt_detach(interrupt);
    return !is_there && ots_interrupt_is_raised(interrupt)
               ? ots_error_set(err, OTS_CANCELLED, "interrupted")
               : OTS_OK;
}
