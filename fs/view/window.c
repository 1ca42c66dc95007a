/*
 * The records come out of the sorter in the order of the tree. Their text is written to the spool,
 * and of each timeline it is noted where that is; only when all of it is there do the timelines
 * appear in the tree, in one go.
 */
#include "fs/view/window.h"

#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/lp/parse.h"
#include "fs/view/finding.h"
#include "fs/view/window_records.h"

/* Text is written in such pieces; a window with less stays in memory. */
enum { PIECE_BYTES = 256 * 1024, MEMORY_BYTES_MAX = 64 * 1024 };

/* A timeline of the window. */
struct found {
    size_t names_at; /* in the build's names: the measurement's, then the timeline's */
    size_t measurement_size;
    size_t timeline_size;
    const struct ots_series_key *key; /* only when the names do not tell it */
    uint64_t offset;
    struct ots_extent extent;
    int64_t put_us; /* of the last row */
    struct ots_node *node;
};

struct build {
    struct ots_window *window;
    struct ots_buf names;
    struct found *found;
    size_t count;
    size_t capacity;
    struct ots_arena keys;
    struct ots_buf piece; /* of the text, not written yet */
    uint64_t row_count;
    enum ots_precision precision;
    struct ots_error *err;
};

void ots_window_unref(struct ots_window *window)
{
    if (!window || atomic_fetch_sub(&window->ref_count, 1) > 1)
        return;
    ots_spool_deinit(&window->text);
    free(window->places);
    free(window);
}

static int compare_places(const void *a, const void *b)
{
    const struct ots_window_place *left = a;
    const struct ots_window_place *right = b;
    return left->ino < right->ino ? -1 : left->ino > right->ino;
}

const struct ots_window_place *ots_window_find(const struct ots_window *window, uint64_t ino)
{
    struct ots_window_place wanted = {.ino = ino};
    return bsearch(&wanted, window->places, window->count, sizeof(wanted), compare_places);
}

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "out of memory");
}

/* --- timelines --------------------------------------------------------------------------------*/

static struct ots_slice measurement_name(const struct build *build, const struct found *found)
{
    return ots_slice(build->names.data + found->names_at, found->measurement_size);
}

static struct ots_slice timeline_name(const struct build *build, const struct found *found)
{
    return ots_slice(build->names.data + found->names_at + found->measurement_size,
                     found->timeline_size);
}

static enum ots_status copy_key(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct build *build = context;
    struct ots_series_key *key = ots_arena_alloc(&build->keys, sizeof(*key));
    (void)cut_ns;
    if (!key)
        return OTS_NOMEM;
    build->found[build->count - 1].key = key;
    return ots_series_key_copy(&build->keys, row->key, key);
}

static enum ots_status refuse_line(void *context, const struct ots_lp_problem *problem)
{
    const struct build *build = context;
    return ots_error_set(build->err, OTS_CORRUPT, "a row cannot be read back: %s", problem->reason);
}

/* The key of the last timeline found, whose name ends in a hash, from the text of its first row. */
static enum ots_status learn_key(struct build *build, struct ots_slice line)
{
    const struct ots_lp_options options = {.precision = build->precision, .default_time_us = -1};
    const struct ots_lp_handler handler = {copy_key, refuse_line, build};
    struct ots_lp_parser *parser;
    enum ots_status status = ots_lp_parser_new(&options, &handler, &parser);
    if (status != OTS_OK)
        return status;
    status = ots_lp_parser_feed(parser, line);
    ots_lp_parser_free(parser);
    return status;
}

static bool is_last_found(const struct build *build, const struct ots_window_item *item)
{
    if (!build->count)
        return false;
    const struct found *last = &build->found[build->count - 1];
    return ots_slice_equal(timeline_name(build, last), item->timeline_name) &&
           ots_slice_equal(measurement_name(build, last), item->measurement_name);
}

static enum ots_status add_found(struct build *build, const struct ots_window_item *item)
{
    if (build->count == build->capacity) {
        size_t capacity = build->capacity ? 2 * build->capacity : 64;
        struct found *grown = reallocarray(build->found, capacity, sizeof(*grown));
        if (!grown)
            return OTS_NOMEM;
        build->found = grown;
        build->capacity = capacity;
    }
    build->found[build->count++] = (struct found){
        .names_at = build->names.size,
        .measurement_size = item->measurement_name.size,
        .timeline_size = item->timeline_name.size,
        .offset = build->window->text.size_bytes + build->piece.size,
    };
    ots_buf_append_slice(&build->names, item->measurement_name);
    ots_buf_append_slice(&build->names, item->timeline_name);
    enum ots_status status = ots_buf_status(&build->names);
    bool is_hashed = ots_timeline_name_is_hashed(item->timeline_name) ||
                     ots_measurement_name_is_hashed(item->measurement_name);
    return status == OTS_OK && is_hashed ? learn_key(build, item->text) : status;
}

/* --- text -------------------------------------------------------------------------------------*/

static enum ots_status write_piece(struct build *build)
{
    struct ots_spool *text = &build->window->text;
    enum ots_status status =
        ots_spool_write(text, text->size_bytes, ots_buf_slice(&build->piece), build->err);
    ots_buf_reset(&build->piece);
    return status;
}

static enum ots_status add_line(struct build *build, const struct ots_window_item *item)
{
    ots_buf_append_slice(&build->piece, item->text);
    enum ots_status status = ots_buf_status(&build->piece);
    if (status != OTS_OK)
        return status;
    if (item->is_blank) {
        memset(build->piece.data + build->piece.size - item->text.size, 0, item->text.size);
        build->window->has_blanks = true;
    }
    struct found *found = &build->found[build->count - 1];
    found->extent.size_bytes += item->text.size;
    found->extent.row_count++;
    found->extent.last_time_us = item->time_us;
    if (item->put_us > found->put_us || found->extent.row_count == 1)
        found->put_us = item->put_us;
    build->row_count++;
    return build->piece.size >= PIECE_BYTES ? write_piece(build) : OTS_OK;
}

static enum ots_status take_item(void *context, struct ots_slice key, struct ots_slice value)
{
    struct build *build = context;
    struct ots_window_item item;
    ots_window_item_read(key, value, &item);
    if (!item.text.size)
        return OTS_OK;
    enum ots_status status = is_last_found(build, &item) ? OTS_OK : add_found(build, &item);
    if (status == OTS_OK)
        status = add_line(build, &item);
    return status == OTS_NOMEM ? no_memory(build->err) : status;
}

static enum ots_status end_text(struct build *build)
{
    struct ots_window *window = build->window;
    enum ots_status status = write_piece(build);
    if (status == OTS_OK && window->text.size_bytes > MEMORY_BYTES_MAX)
        status = ots_spool_spill(&window->text, build->err);
    if (status != OTS_OK)
        return status;
    window->places = calloc(build->count ? build->count : 1, sizeof(*window->places));
    window->count = build->count;
    return window->places ? OTS_OK : no_memory(build->err);
}

/* --- the tree ---------------------------------------------------------------------------------*/

static void unlist(struct ots_node *node, void *context)
{
    if (node->kind == OTS_NODE_MEASUREMENT)
        ots_node_each_child(node, unlist, context);
    if (node->kind == OTS_NODE_MEASUREMENT || node->kind == OTS_NODE_TIMELINE)
        node->is_listed = false;
}

static void note_mtime(struct ots_node *dir, int64_t mtime_ns, bool is_first)
{
    if (is_first || mtime_ns > dir->mtime_ns)
        dir->mtime_ns = mtime_ns;
}

static enum ots_status list_found(struct ots_extract *extract, const struct build *build,
                                  struct found *found)
{
    struct ots_tree *tree = &extract->view->synced.tree;
    struct ots_node *measurement =
        ots_node_child_make(extract->node, OTS_NODE_MEASUREMENT, measurement_name(build, found));
    if (!measurement)
        return OTS_NOMEM;
    bool is_first = !measurement->is_listed;
    /* Before its timelines, so that inode numbers ascend in the order of a walk. */
    if (ots_tree_list(tree, measurement) != OTS_OK)
        return OTS_NOMEM;
    found->node = ots_node_child_make(measurement, OTS_NODE_TIMELINE, timeline_name(build, found));
    if (!found->node || ots_tree_list(tree, found->node) != OTS_OK)
        return OTS_NOMEM;
    int64_t mtime_ns = found->put_us * 1000;
    found->node->timeline.extent = found->extent;
    found->node->mtime_ns = mtime_ns;
    note_mtime(measurement, mtime_ns, is_first);
    note_mtime(extract->node, mtime_ns, found == build->found);
    return found->key ? ots_node_set_key(found->node, found->key) : OTS_OK;
}

static size_t count_measurements(const struct build *build)
{
    size_t count = 0;
    for (size_t i = 0; i < build->count; i++)
        count += !i || !ots_slice_equal(measurement_name(build, &build->found[i]),
                                        measurement_name(build, &build->found[i - 1]));
    return count;
}

static enum ots_status commit_locked(struct ots_extract *extract, struct build *build)
{
    struct ots_window *window = build->window;
    enum ots_status status = OTS_OK;
    ots_node_each_child(extract->node, unlist, NULL);
    for (size_t i = 0; status == OTS_OK && i < build->count; i++) {
        struct found *found = &build->found[i];
        status = list_found(extract, build, found);
        if (status == OTS_OK)
            window->places[i] = (struct ots_window_place){found->node->ino, found->offset};
    }
    if (status != OTS_OK) {
        ots_node_each_child(extract->node, unlist, NULL);
        return no_memory(build->err);
    }
    qsort(window->places, window->count, sizeof(*window->places), compare_places);
    build->window = extract->window;
    extract->window = window;
    extract->row_count = build->row_count;
    extract->timeline_count = build->count;
    extract->scanned_us = ots_clock_now_us(extract->view->options.clock);
    extract->timelines.fresh_until_us = INT64_MAX;
    ots_views_note_nodes_locked(extract, build->count + count_measurements(build));
    return OTS_OK;
}

/* --- reading a window -------------------------------------------------------------------------*/

/* The records in order, or nothing when one of them may be missing. */
static enum ots_status sort_records(struct ots_extract *extract, struct ots_window_sorter *sorter,
                                    const struct ots_retention *retention,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_table *table = extract->table;
    pthread_mutex_lock(&extract->view->synced.lock);
    int32_t time_to_live_s = table->time_to_live_s;
    pthread_mutex_unlock(&extract->view->synced.lock);
    const struct ots_window_source source = {
        .view = extract->view,
        .store = table->instance->store,
        .table = table->node->name,
        .selection = &extract->selection,
        .cut_us = ots_expiry_cut_us(table->instance->store, time_to_live_s),
        .precision = extract->view->options.precision,
    };
    enum ots_status status = ots_window_records_read(&source, sorter, interrupt, err);
    if (status != OTS_OK)
        return status;
    if (!ots_retention_has(retention, &extract->selection, ots_store_now_us(source.store)))
        return ots_error_set(err, OTS_TRIMMED, "the window's records are not kept any more");
    return OTS_OK;
}

static enum ots_status build_window(struct build *build, struct ots_extract *extract,
                                    struct ots_interrupt *interrupt)
{
    struct ots_retention retention;
    struct ots_window_sorter *sorter = NULL;
    enum ots_status status = ots_table_retention(extract->table, interrupt, &retention, build->err);
    if (status != OTS_OK)
        return status;
    build->window->created_us = retention.created_us;
    status = ots_window_sorter_new(&sorter, build->err);
    if (status == OTS_OK)
        status = sort_records(extract, sorter, &retention, interrupt, build->err);
    if (status == OTS_OK)
        status = ots_window_sorter_each(sorter, take_item, build, interrupt, build->err);
    ots_window_sorter_free(sorter);
    return status == OTS_OK ? end_text(build) : status;
}

enum ots_status ots_extract_read_window(struct ots_extract *extract,
                                        struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = extract->view;
    struct build build = {
        .window = calloc(1, sizeof(*build.window)),
        .precision = view->options.precision,
        .err = err,
        .names = OTS_BUF_INIT,
        .piece = OTS_BUF_INIT,
        .keys = OTS_ARENA_INIT,
    };
    if (!build.window)
        return no_memory(err);
    atomic_init(&build.window->ref_count, 1);
    ots_spool_init(&build.window->text);
    enum ots_status status = build_window(&build, extract, interrupt);
    pthread_mutex_lock(&view->synced.lock);
    if (status == OTS_OK)
        status = commit_locked(extract, &build);
    pthread_mutex_unlock(&view->synced.lock);
    /* The one that failed, or that was there before. */
    ots_window_unref(build.window);
    ots_buf_deinit(&build.names);
    ots_buf_deinit(&build.piece);
    ots_arena_deinit(&build.keys);
    free(build.found);
    return status;
}

/* --- checking a name --------------------------------------------------------------------------*/

/* Whether it was read, of the table as it is now. The view's lock is held. */
static bool is_read(struct ots_extract *extract, const struct ots_retention *retention)
{
    if (!extract || !extract->window)
        return false;
    bool is_same = extract->window->created_us == retention->created_us;
    if (!is_same && !extract->timelines.is_busy)
        extract->timelines.fresh_until_us = 0;
    return is_same;
}

enum ots_status ots_window_check(struct ots_table *table, const struct ots_selection *selection,
                                 struct ots_extract *extract, struct ots_interrupt *interrupt,
                                 struct ots_error *err)
{
    struct ots_view *view = table->view;
    struct ots_retention retention;
    enum ots_status status = ots_table_retention(table, interrupt, &retention, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    bool is_known = is_read(extract, &retention);
    pthread_mutex_unlock(&view->synced.lock);
    if (is_known)
        return OTS_OK;
    return ots_retention_check(&retention, selection, ots_store_now_us(table->instance->store),
                               table->instance->source.settle_us, err);
}
