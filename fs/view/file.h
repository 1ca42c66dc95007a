/*
 * An open file: a struct of functions, and what its kinds have in common.
 *
 * A kind embeds `struct ots_file` as its first member, so that a pointer to one is a pointer to
 * the other. ots_file_read and its like (fs/view/view.h) call through here.
 *
 * Threads: whoever works on a file has entered it and is alone; others wait.
 */
#ifndef OTS_VIEW_FILE_H
#define OTS_VIEW_FILE_H

#include <stdatomic.h>

#include "fs/view/page_rows.h"
#include "fs/view/state.h"

/*
 * Each as the ots_file_... of its name; `rows`, `check_copy` and `take_rows` as ots_reader_rows,
 * ots_reader_check_copy and ots_writer_take_rows. The file was entered for these, `read` and
 * `write`; `flush` and `sync` enter it themselves, because they never wait, or wait first. NULL:
 * for `read` the file is empty, `write` is OTS_INVALID, the others have nothing to do.
 */
struct ots_file_ops {
    enum ots_status (*read)(struct ots_file *file, uint64_t offset, size_t size,
                            struct ots_interrupt *interrupt, struct ots_buf *out,
                            struct ots_error *err);
    enum ots_status (*write)(struct ots_file *file, uint64_t offset, struct ots_slice bytes,
                             struct ots_interrupt *interrupt, size_t *taken, struct ots_error *err);
    enum ots_status (*rows)(struct ots_file *file, uint64_t offset, size_t size,
                            struct ots_interrupt *interrupt, struct ots_row_span *span,
                            struct ots_error *err);
    enum ots_status (*check_copy)(struct ots_file *file, uint64_t cut, struct ots_error *err);
    enum ots_status (*take_rows)(struct ots_file *file, uint64_t offset,
                                 const struct ots_row_span *span, struct ots_interrupt *interrupt,
                                 size_t *taken, struct ots_error *err);
    enum ots_status (*flush)(struct ots_file *file, bool is_writer, struct ots_interrupt *interrupt,
                             struct ots_error *err);
    enum ots_status (*sync)(struct ots_file *file, struct ots_interrupt *interrupt,
                            struct ots_error *err);
    /* End what the kind has of its own and free the file; ots_file_deinit comes before that. */
    void (*close)(struct ots_file *file);
};

struct ots_file {
    const struct ots_file_ops *ops;
    struct ots_view *view;
    struct ots_node *node;
    atomic_uint writer;
    bool is_made; /* it came with attributes that the kernel may keep until it is written to */
    /* Guards who has entered; nothing else is locked while it is held. */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t idle;
        bool is_busy;
    } synced;
};

void ots_file_init(struct ots_file *file, const struct ots_file_ops *ops, struct ots_view *view,
                   struct ots_node *node);
void ots_file_deinit(struct ots_file *file);

/* Wait until nobody else works on the file. Errors: OTS_CANCELLED. */
enum ots_status ots_file_enter(struct ots_file *file,
                               struct ots_interrupt *interrupt) OTS_MUST_CHECK;
/* Enter without waiting; false while somebody else works on the file. */
bool ots_file_try_enter(struct ots_file *file) OTS_MUST_CHECK;
void ots_file_leave(struct ots_file *file);

/*
 * The file was entered and is about to be written to. The kernel forgets by itself what it keeps of
 * the one that it writes to: whoever made the file need not be told. Begin: whether end is due.
 * `is_noticed`: as ots_kept_end_own_locked.
 */
bool ots_file_begin_own(struct ots_file *file);
void ots_file_end_own(struct ots_file *file, bool is_noticed);

/* --- the kinds --------------------------------------------------------------------------------*/

/* A timeline's file: `mode` of enum ots_open_mode. Errors: as ots_view_open. */
enum ots_status ots_timeline_file_open(struct ots_view *view, struct ots_node *timeline,
                                       unsigned mode, struct ots_interrupt *interrupt,
                                       struct ots_file **out, struct ots_error *err) OTS_MUST_CHECK;

/* A staging file's. Takes the caller's reference to it, also on failure. Errors: OTS_NOMEM. */
struct ots_staging;
enum ots_status ots_staging_file_open(struct ots_staging *staging, unsigned mode,
                                      struct ots_file **out, struct ots_error *err) OTS_MUST_CHECK;

/* Find the timeline `name` in a measurement, or make it (no row yet). The view's lock is not held.
 * Errors: OTS_INVALID (not such a name), OTS_NOT_FOUND, OTS_NOT_PERMITTED (not in there). */
enum ots_status ots_view_make_timeline(struct ots_view *view, uint64_t parent,
                                       struct ots_slice name, struct ots_node **out,
                                       struct ots_error *err) OTS_MUST_CHECK;

#endif
