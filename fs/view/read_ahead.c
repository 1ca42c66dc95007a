/*
 * Texts that a scan has read (fs/view/texts.h) are taken from there. Of timelines without one, the
 * pages of the next ones of a walk are asked for while it reads; who opens a timeline takes its
 * page and prints it, as it would have done with its own. When a walk has many small ones of a
 * measurement before it, a scan of that (fs/view/walk_scan.h) takes fewer requests.
 *
 * A fetch is in the list from when it is asked for until somebody took it, the walk has passed it,
 * or room is needed. It is freed once it was answered.
 */
#include "fs/view/read_ahead.h"

#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/view/portion.h"
#include "fs/view/texts.h"
#include "fs/view/walk.h"
#include "fs/view/walk_scan.h"

enum {
    FETCH_BYTES_MAX = 8 * 1024 * 1024,
    FETCHES_MAX = 64,
    /* A scan is for so many timelines, of less rows than this on the average. */
    SCAN_TIMELINES_MIN = 100,
    SCAN_ROWS_MAX = 500,
    /* To print more takes longer than who may not wait has. */
    AT_HAND_BYTES_MAX = 64 * 1024,
};

struct fetch {
    struct fetch *next;
    struct ots_read_ahead *ahead;
    struct ots_store *store;
    uint64_t ino; /* of the timeline's known node */
    uint64_t directory;
    size_t place;
    uint64_t size_bytes; /* that the text is known to have */
    struct ots_arena arena;
    struct ots_call call;
    bool is_answered;
    bool is_taken;    /* somebody waits for it */
    bool is_unwanted; /* freed when it is answered */
};

struct ots_read_ahead {
    struct ots_view *view;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t answered; /* or an interrupt was raised */
        struct ots_walks walks;
        struct fetch *first; /* the newest */
        size_t count;        /* of those that are wanted */
        uint64_t bytes;      /* the same */
        bool is_ending;
        /* One at a time, for one walk; NULL: none. */
        struct ots_walk_scan *scan;
        unsigned scan_users;
        uint64_t scan_walk;
    } synced;
};

struct ots_read_ahead *ots_read_ahead_new(struct ots_view *view)
{
    struct ots_read_ahead *ahead = calloc(1, sizeof(*ahead));
    if (!ahead)
        return NULL;
    ahead->view = view;
    pthread_mutex_init(&ahead->synced.lock, NULL);
    pthread_cond_init(&ahead->synced.answered, NULL);
    return ahead;
}

/* --- fetches ----------------------------------------------------------------------------------*/

static void fetch_free(struct fetch *fetch)
{
    ots_call_deinit(&fetch->call);
    ots_arena_deinit(&fetch->arena);
    free(fetch);
}

static void unlink_locked(struct fetch *fetch)
{
    struct fetch **link = &fetch->ahead->synced.first;
    while (*link != fetch)
        link = &(*link)->next;
    *link = fetch->next;
}

/* Nobody will take it. */
static void drop_locked(struct fetch *fetch)
{
    struct ots_read_ahead *ahead = fetch->ahead;
    ahead->synced.count--;
    ahead->synced.bytes -= fetch->size_bytes;
    fetch->is_unwanted = true;
    if (!fetch->is_answered)
        return;
    unlink_locked(fetch);
    fetch_free(fetch);
}

static void note_answer(struct ots_call *call, void *context)
{
    struct fetch *fetch = context;
    struct ots_read_ahead *ahead = fetch->ahead;
    (void)call;
    pthread_mutex_lock(&ahead->synced.lock);
    fetch->is_answered = true;
    if (fetch->is_unwanted && !ahead->synced.is_ending) {
        unlink_locked(fetch);
        fetch_free(fetch);
    }
    pthread_cond_broadcast(&ahead->synced.answered);
    pthread_mutex_unlock(&ahead->synced.lock);
}

static enum ots_status copy_fields(struct fetch *fetch, const struct ots_page_source *source)
{
    struct ots_get_request *get = &fetch->call.request.get;
    if (!source->field_count)
        return OTS_OK;
    struct ots_field_wanted *fields =
        ots_arena_array(&fetch->arena, source->field_count, sizeof(*fields));
    enum ots_status status = fields ? OTS_OK : OTS_NOMEM;
    for (size_t i = 0; status == OTS_OK && i < source->field_count; i++) {
        fields[i] = source->fields[i];
        status = ots_arena_copy(&fetch->arena, source->fields[i].name, &fields[i].name);
    }
    get->fields = fields;
    get->field_count = source->field_count;
    return status;
}

/* The view that it reads from may be forgotten meanwhile: all but the table is copied. */
static enum ots_status init_call_locked(struct fetch *fetch, struct ots_extract *extract,
                                        const struct ots_node *timeline)
{
    struct ots_get_request *get = &fetch->call.request.get;
    const struct ots_page_source source = ots_extract_page_source_locked(extract, NULL);
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key;
    fetch->store = source.store;
    get->table = source.table;
    get->has_begin = get->has_end = true;
    get->begin_us = source.begin_us;
    get->end_us = source.end_us;
    get->limit = OTS_PAGE_ROWS_MAX;
    fetch->call.done = note_answer;
    fetch->call.done_context = fetch;
    enum ots_status status = ots_node_key(timeline, &arena, &key);
    if (status == OTS_OK)
        status = ots_series_key_copy(&fetch->arena, &key, &get->key);
    if (status == OTS_OK)
        status = copy_fields(fetch, &source);
    ots_arena_deinit(&arena);
    return status;
}

/* NULL without memory, or when its key is not known. */
static struct fetch *fetch_new_locked(struct ots_read_ahead *ahead, struct ots_extract *extract,
                                      const struct ots_node *timeline)
{
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    if (!fetch)
        return NULL;
    fetch->ahead = ahead;
    fetch->ino = timeline->ino;
    fetch->size_bytes = timeline->timeline.extent.size_bytes;
    ots_call_init(&fetch->call, OTS_ACTION_GET);
    if (init_call_locked(fetch, extract, timeline) == OTS_OK)
        return fetch;
    fetch_free(fetch);
    return NULL;
}

/* --- what comes next --------------------------------------------------------------------------*/

/* Whether it is known what it should be. */
static bool is_certain_locked(struct ots_extract *extract, struct ots_node *timeline)
{
    const struct ots_node *origin = ots_extract_origin_locked(extract, timeline);
    return timeline->ino && timeline->timeline.extent.row_count &&
           !(origin && origin->is_sending) && !ots_extract_is_unmeasured_locked(extract, timeline);
}

static uint64_t text_id(const struct ots_extract *extract, const struct ots_node *timeline)
{
    return ots_text_id(extract->node->ino, timeline->parent->name, timeline->name);
}

/* Whether it is one page, and nobody has read it yet. */
static bool is_worth_it_locked(struct ots_extract *extract, struct ots_node *timeline)
{
    const struct ots_extent *known = &timeline->timeline.extent;
    return known->row_count < OTS_PAGE_ROWS_MAX && is_certain_locked(extract, timeline) &&
           !ots_texts_has(extract->view->texts, text_id(extract, timeline), known, false);
}

/* The known node of a directory's child, NULL when it is nothing to be fetched. */
static struct ots_node *known_locked(struct ots_node *child, struct ots_extract **extract)
{
    if (child->kind != OTS_NODE_TIMELINE || !child->is_listed)
        return NULL;
    struct ots_node *origin = ots_portion_origin_locked(child);
    if (!origin && ots_extract_is_portion(ots_node_extract(child)))
        return NULL;
    struct ots_node *timeline = origin ? origin : child;
    *extract = ots_node_extract(timeline);
    return is_worth_it_locked(*extract, timeline) ? timeline : NULL;
}

/* Those that the walk has left behind, and when room is needed those of others. */
static void drop_old_locked(struct ots_read_ahead *ahead, const struct ots_walk *walk)
{
    for (struct fetch *fetch = ahead->synced.first, *next; fetch; fetch = next) {
        next = fetch->next;
        bool is_passed = fetch->directory == walk->directory
                             ? ots_walk_has_passed(walk, fetch->place)
                             : ahead->synced.count >= FETCHES_MAX / 2 ||
                                   ahead->synced.bytes >= FETCH_BYTES_MAX / 2;
        if (is_passed && !fetch->is_taken && !fetch->is_unwanted)
            drop_locked(fetch);
    }
}

static bool has_room_locked(const struct ots_read_ahead *ahead)
{
    return ahead->synced.count < FETCHES_MAX && ahead->synced.bytes < FETCH_BYTES_MAX;
}

/* One for each of the next timelines; `*asked` has those that are to be submitted. */
static void ask_next_locked(struct ots_read_ahead *ahead, struct ots_walk *walk,
                            struct ots_children *children, struct fetch **asked, size_t *count)
{
    size_t from;
    size_t to;
    if (!ots_walk_next(walk, &from, &to))
        return;
    struct ots_node *const *order = ots_children_sorted(children);
    for (; from < to && from < children->count && has_room_locked(ahead); from++) {
        struct ots_extract *extract;
        const struct ots_node *timeline = known_locked(order[from], &extract);
        struct fetch *fetch = timeline ? fetch_new_locked(ahead, extract, timeline) : NULL;
        ots_walk_ask(walk, from + 1);
        if (!fetch)
            continue;
        fetch->directory = walk->directory;
        fetch->place = from;
        fetch->next = ahead->synced.first;
        ahead->synced.first = fetch;
        ahead->synced.count++;
        ahead->synced.bytes += fetch->size_bytes;
        asked[(*count)++] = fetch;
    }
}

/* What a walk has before it in a measurement, and what is in all of that. */
struct prospect {
    uint64_t timelines;
    uint64_t rows;
    uint64_t bytes;
    uint64_t all_rows;
};

static void look_forward_locked(struct ots_extract *extract, struct ots_children *children,
                                size_t place, struct prospect *prospect)
{
    struct ots_node *const *order = ots_children_sorted(children);
    for (size_t i = 0; i < children->count; i++) {
        if (order[i]->kind != OTS_NODE_TIMELINE)
            continue;
        const struct ots_extent *known = &order[i]->timeline.extent;
        prospect->all_rows += known->row_count;
        if (i < place || !order[i]->is_listed || !is_worth_it_locked(extract, order[i]))
            continue;
        prospect->timelines++;
        prospect->rows += known->row_count;
        prospect->bytes += known->size_bytes;
    }
}

/* Whether to scan costs less than to ask for each. */
static bool is_for_scan_locked(struct ots_read_ahead *ahead, const struct ots_node *shown,
                               size_t place, uint64_t *row_count)
{
    struct ots_extract *extract = ots_node_extract(shown);
    struct prospect prospect = {0};
    if (extract->selection.share.count > 1)
        return false;
    look_forward_locked(extract, &shown->parent->children, place, &prospect);
    *row_count = prospect.all_rows;
    return prospect.timelines >= SCAN_TIMELINES_MIN &&
           prospect.rows < prospect.timelines * SCAN_ROWS_MAX &&
           prospect.rows >= prospect.all_rows / 4 * 3 &&
           prospect.bytes <= ahead->view->options.cache_bytes + OTS_TEXTS_MEMORY_BYTES / 2;
}

static void start_scan_locked(struct ots_read_ahead *ahead, const struct ots_node *shown,
                              const struct ots_walk *walk, uint64_t row_count)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key;
    /* It is over, so that this does not wait. */
    ots_walk_scan_free(ahead->synced.scan);
    ahead->synced.scan = NULL;
    if (ots_node_key(shown, &arena, &key) == OTS_OK)
        ahead->synced.scan = ots_walk_scan_new(ots_node_extract(shown), key.measurement, row_count);
    ahead->synced.scan_walk = walk->id;
    ots_arena_deinit(&arena);
}

/* Whether the scan is for that walk. */
static bool has_scan_locked(const struct ots_read_ahead *ahead, const struct ots_walk *walk)
{
    return ahead->synced.scan && ahead->synced.scan_walk == walk->id &&
           !ots_walk_scan_is_over(ahead->synced.scan);
}

/* Whether no other scan is under way; one whose walk has stopped makes room for the next. */
static bool can_scan_locked(struct ots_read_ahead *ahead)
{
    struct ots_walk_scan *scan = ahead->synced.scan;
    if (ahead->synced.scan_users)
        return false;
    if (scan && ots_walk_scan_is_idle(scan))
        ots_walk_scan_end(scan);
    return !scan || ots_walk_scan_is_over(scan);
}

/* The scan that the walk's step forward is to take its text from; given back by the caller. */
static struct ots_walk_scan *plan_locked(struct ots_read_ahead *ahead, struct ots_walk *walk,
                                         const struct ots_node *shown, bool is_forward)
{
    if (ots_walk_is_going(walk) && !walk->is_planned && can_scan_locked(ahead)) {
        walk->is_planned = true;
        uint64_t row_count;
        if (is_for_scan_locked(ahead, shown, walk->at, &row_count))
            start_scan_locked(ahead, shown, walk, row_count);
    }
    if (!is_forward || !has_scan_locked(ahead, walk))
        return NULL;
    ahead->synced.scan_users++;
    return ahead->synced.scan;
}

/* Returns the scan that reads the timeline; NULL: none does. */
static struct ots_walk_scan *note_step(struct ots_read_ahead *ahead, const struct ots_node *shown)
{
    struct fetch *asked[OTS_WALK_AHEAD_MAX];
    size_t count = 0;
    pthread_mutex_lock(&ahead->view->synced.lock);
    pthread_mutex_lock(&ahead->synced.lock);
    struct ots_node *directory = shown->parent;
    size_t place = ots_children_place(&directory->children, shown);
    struct ots_walk *walk =
        ots_walks_note(&ahead->synced.walks, directory->ino, directory->parent->ino, place);
    struct ots_walk_scan *scan = plan_locked(ahead, walk, shown, place == walk->at);
    drop_old_locked(ahead, walk);
    if (!has_scan_locked(ahead, walk))
        ask_next_locked(ahead, walk, &directory->children, asked, &count);
    pthread_mutex_unlock(&ahead->synced.lock);
    pthread_mutex_unlock(&ahead->view->synced.lock);
    /* None of them is freed before it is answered. */
    for (size_t i = 0; i < count; i++)
        asked[i]->store->ops->submit(asked[i]->store, &asked[i]->call);
    return scan;
}

/* --- who opens --------------------------------------------------------------------------------*/

static void wake(void *context)
{
    struct ots_read_ahead *ahead = context;
    pthread_mutex_lock(&ahead->synced.lock);
    pthread_cond_broadcast(&ahead->synced.answered);
    pthread_mutex_unlock(&ahead->synced.lock);
}

/* The timeline's fetch, waited for; it is the caller's. NULL: none is there, or interrupted. */
static struct fetch *take(struct ots_read_ahead *ahead, uint64_t ino,
                          struct ots_interrupt *interrupt)
{
    ots_interrupt_attach_waiter(interrupt, wake, ahead);
    pthread_mutex_lock(&ahead->synced.lock);
    struct fetch *fetch = ahead->synced.first;
    while (fetch && (fetch->ino != ino || fetch->is_taken || fetch->is_unwanted))
        fetch = fetch->next;
    if (fetch)
        fetch->is_taken = true;
    while (fetch && !fetch->is_answered && !ots_interrupt_is_raised(interrupt))
        pthread_cond_wait(&ahead->synced.answered, &ahead->synced.lock);
    if (fetch && fetch->is_answered) {
        unlink_locked(fetch);
        ahead->synced.count--;
        ahead->synced.bytes -= fetch->size_bytes;
    } else if (fetch) {
        fetch->is_taken = false;
        fetch = NULL;
    }
    pthread_mutex_unlock(&ahead->synced.lock);
    ots_interrupt_detach(interrupt);
    return fetch;
}

/* The page's text, and its rows with what each line adds to that. */
static void print(struct ots_read_ahead *ahead, struct fetch *fetch, struct ots_whole_text *text,
                  struct ots_page_rows *rows)
{
    const struct ots_page_response *page = &fetch->call.response.page;
    struct ots_lp_printer printer;
    enum ots_status status = fetch->call.status;
    if (status != OTS_OK || page->next_token.size)
        return;
    ots_lp_printer_init(&printer, ahead->view->options.precision);
    ots_page_rows_begin(rows, 0);
    for (size_t i = 0; status == OTS_OK && i < page->rows.count; i++) {
        struct ots_row_sum sum;
        status = ots_whole_text_add(text, &printer, &page->rows.items[i], &sum, NULL);
        ots_page_rows_add(rows, &sum);
    }
    ots_lp_printer_deinit(&printer);
    if (status == OTS_OK)
        ots_page_rows_take(rows, &fetch->call);
    else
        ots_whole_text_deinit(text);
}

/* What is known of the timeline; nothing (no row), when that is not certain. */
static struct ots_extent known_extent(struct ots_read_ahead *ahead, struct ots_node *timeline)
{
    struct ots_view *view = ahead->view;
    struct ots_extent known = {0};
    pthread_mutex_lock(&view->synced.lock);
    if (is_certain_locked(ots_node_extract(timeline), timeline))
        known = timeline->timeline.extent;
    pthread_mutex_unlock(&view->synced.lock);
    return known;
}

static bool is_last(const struct ots_read_ahead *ahead, const struct ots_node *timeline)
{
    struct ots_view *view = ahead->view;
    const struct ots_children *children = &timeline->parent->children;
    pthread_mutex_lock(&view->synced.lock);
    bool is_last = children->order[children->count - 1] == timeline;
    pthread_mutex_unlock(&view->synced.lock);
    return is_last;
}

/* The scan is given back. */
static enum ots_status take_from_scan(struct ots_read_ahead *ahead, struct ots_walk_scan *scan,
                                      struct ots_node *timeline, struct ots_interrupt *interrupt,
                                      struct ots_whole_text *text, struct ots_error *err)
{
    const struct ots_extent known = known_extent(ahead, timeline);
    uint64_t id = text_id(ots_node_extract(timeline), timeline);
    enum ots_status status = OTS_OK;
    if (known.row_count)
        status = ots_walk_scan_take(scan, id, &known, interrupt, text, err);
    bool is_end = is_last(ahead, timeline);
    pthread_mutex_lock(&ahead->synced.lock);
    if (is_end)
        ots_walk_scan_end(scan);
    ahead->synced.scan_users--;
    pthread_mutex_unlock(&ahead->synced.lock);
    return status;
}

/* What a scan has read of it. */
static bool take_text(struct ots_read_ahead *ahead, struct ots_node *timeline,
                      struct ots_whole_text *text)
{
    const struct ots_extent known = known_extent(ahead, timeline);
    return known.row_count &&
           ots_texts_take(ahead->view->texts, text_id(ots_node_extract(timeline), timeline), &known,
                          text);
}

/* Whether the timeline's text can be had without waiting, for it or for a file. */
static bool is_at_hand(struct ots_read_ahead *ahead, struct ots_node *timeline)
{
    const struct ots_extent known = known_extent(ahead, timeline);
    if (known.row_count &&
        ots_texts_has(ahead->view->texts, text_id(ots_node_extract(timeline), timeline), &known,
                      true))
        return true;
    bool is_there = false;
    pthread_mutex_lock(&ahead->synced.lock);
    for (const struct fetch *fetch = ahead->synced.first; fetch && !is_there; fetch = fetch->next)
        is_there = fetch->ino == timeline->ino && fetch->is_answered && !fetch->is_taken &&
                   !fetch->is_unwanted && fetch->size_bytes <= AT_HAND_BYTES_MAX;
    pthread_mutex_unlock(&ahead->synced.lock);
    return is_there;
}

enum ots_status ots_read_ahead_open(struct ots_read_ahead *ahead, const struct ots_node *shown,
                                    struct ots_node *timeline, struct ots_interrupt *interrupt,
                                    struct ots_whole_text *text, struct ots_page_rows *rows,
                                    struct ots_error *err)
{
    if (ahead->view->options.is_browse)
        return OTS_OK;
    if (ots_interrupt_is_raised(interrupt) && !is_at_hand(ahead, timeline))
        return ots_error_set(err, OTS_CANCELLED, "interrupted");
    struct ots_walk_scan *scan = note_step(ahead, shown);
    if (scan) {
        enum ots_status status = take_from_scan(ahead, scan, timeline, interrupt, text, err);
        if (status != OTS_OK || text->extent.row_count)
            return status;
    } else if (take_text(ahead, timeline, text)) {
        return OTS_OK;
    }
    struct fetch *fetch = take(ahead, timeline->ino, interrupt);
    if (!fetch)
        return ots_interrupt_is_raised(interrupt) ? ots_error_set(err, OTS_CANCELLED, "interrupted")
                                                  : OTS_OK;
    print(ahead, fetch, text, rows);
    fetch_free(fetch);
    return OTS_OK;
}

/* --- the end ----------------------------------------------------------------------------------*/

static bool has_unanswered_locked(const struct ots_read_ahead *ahead)
{
    for (const struct fetch *fetch = ahead->synced.first; fetch; fetch = fetch->next)
        if (!fetch->is_answered)
            return true;
    return false;
}

void ots_read_ahead_free(struct ots_read_ahead *ahead)
{
    if (!ahead)
        return;
    pthread_mutex_lock(&ahead->synced.lock);
    ahead->synced.is_ending = true;
    pthread_mutex_unlock(&ahead->synced.lock);
    /* Nobody changes the list from here on. */
    for (struct fetch *fetch = ahead->synced.first; fetch; fetch = fetch->next)
        fetch->store->ops->cancel(fetch->store, &fetch->call);
    pthread_mutex_lock(&ahead->synced.lock);
    while (has_unanswered_locked(ahead))
        pthread_cond_wait(&ahead->synced.answered, &ahead->synced.lock);
    pthread_mutex_unlock(&ahead->synced.lock);
    while (ahead->synced.first) {
        struct fetch *fetch = ahead->synced.first;
        ahead->synced.first = fetch->next;
        fetch_free(fetch);
    }
    ots_walk_scan_free(ahead->synced.scan);
    pthread_cond_destroy(&ahead->synced.answered);
    pthread_mutex_destroy(&ahead->synced.lock);
    free(ahead);
}
