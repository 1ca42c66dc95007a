/*
 * Staging files: names in a measurement that are no timelines'. They are this mount's own, until
 * they are renamed to a timeline's name, removed, or the mount ends.
 *
 * They are not part of the tree: its nodes stay for ever, and tools make temporary names without
 * end. A staging file's inode number is one that no node has. When the file becomes a timeline that
 * was not there before, the timeline takes it over, as the kernel expects of a rename; a timeline
 * that was there keeps its own, and the file's comes to mean nothing. A staging file's memory goes
 * with its last reference: its name, an open file, an operation.
 *
 * Threads: functions named _locked are called with the view's lock held, the others without.
 */
#ifndef OTS_VIEW_STAGING_H
#define OTS_VIEW_STAGING_H

#include "fs/view/attribute_set.h"
#include "fs/view/spool.h"
#include "fs/view/state.h"

/* What all staging files together keep in memory; what is written then goes to files. */
enum { OTS_STAGING_MEMORY_BYTES_MAX = 64 * 1024 * 1024 };

struct ots_staging {
    struct ots_node node; /* OTS_NODE_STAGING; its parent is the measurement */
    uint64_t parent_ino;
    struct ots_view *view;
    struct ots_staging *previous;
    struct ots_staging *next;
    /* All of these are guarded by the view's lock. */
    size_t references;
    bool is_linked;   /* it has a name */
    bool is_timeline; /* it is or becomes one: what is written now would be lost */
    struct ots_attribute_set attributes; /* for the timeline that it becomes */
    uint64_t size_bytes;
    size_t memory_bytes;
    /* Taken before the view's lock, never behind it. */
    struct {
        pthread_mutex_t lock;
        struct ots_spool spool;
    } content;
};

bool ots_staging_is_name(struct ots_slice name);

/* With a reference for the caller; NULL when there is none. */
struct ots_staging *ots_staging_find(struct ots_view *view, uint64_t measurement,
                                     struct ots_slice name);

/* NULL also when it has become a timeline: whoever asks by its number may mean that. */
struct ots_staging *ots_staging_by_ino(struct ots_view *view, uint64_t ino);

/* For its attributes, which whoever has it open may ask for. NULL also when its number is a
 * timeline's. */
struct ots_staging *ots_staging_to_stat(struct ots_view *view, uint64_t ino);

/* Drop a reference. Accepts NULL. */
void ots_staging_unref(struct ots_staging *staging);

/* Find or make it, with a reference for the caller. Errors: OTS_NOMEM. */
enum ots_status ots_staging_make(struct ots_view *view, struct ots_node *measurement,
                                 struct ots_slice name, struct ots_staging **out) OTS_MUST_CHECK;

void ots_staging_attr(struct ots_staging *staging, struct ots_attr *attr);
void ots_staging_set_mtime(struct ots_staging *staging, int64_t mtime_ns);

/*
 * Errors of these three: those of a spool; OTS_STALE (writing what is or becomes a timeline).
 */
enum ots_status ots_staging_read(struct ots_staging *staging, uint64_t offset, size_t size,
                                 struct ots_buf *out, struct ots_error *err) OTS_MUST_CHECK;
/* `offset` UINT64_MAX: at the end. */
enum ots_status ots_staging_write(struct ots_staging *staging, uint64_t offset,
                                  struct ots_slice bytes, struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_staging_truncate(struct ots_staging *staging, uint64_t size_bytes,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* Take its name away, if it has one. */
void ots_staging_unlink(struct ots_staging *staging);

/* The same for all of a measurement. */
void ots_staging_unlink_all_locked(struct ots_view *view, const struct ots_node *measurement);

/* Give it another name, of which whoever has it loses it. Errors: OTS_NOMEM. */
enum ots_status ots_staging_relink(struct ots_staging *staging, struct ots_node *measurement,
                                   struct ots_slice name) OTS_MUST_CHECK;

/* Its content is to become a timeline's, so it must not change; or that failed. */
void ots_staging_freeze(struct ots_staging *staging);
void ots_staging_thaw(struct ots_staging *staging);

/* The content is now the timeline's: that gets the time and, when it is new, the inode number, and
 * the staging file loses its name. */
void ots_staging_become(struct ots_staging *staging, struct ots_node *timeline);

/* At the end of the view. */
void ots_staging_set_deinit(struct ots_staging_set *set);

#endif
