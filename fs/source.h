/*
 * One source of a mount: what it stands for, the otslocal behind it, and the store that asks it.
 */
#ifndef FS_SOURCE_H
#define FS_SOURCE_H

#include "backend/base/log.h"
#include "backend/store.h"
#include "fs/config.h"
#include "fs/local.h"
#include "fs/options.h"

/* Zero it before it is opened. */
struct ots_source {
    const char *text; /* as the user wrote it; borrowed */
    /* Its directory in a mount of several: that of the data source, the last part of local:DIR,
     * else the instance. Begins with no dot, has no '/' and no control bytes. */
    char *name;
    struct ots_data_source data;
    struct ots_local *local; /* NULL unless local:DIR */
    struct ots_store *store; /* NULL until it is connected */
};

/* Find what `text` stands for. Errors: those of ots_config_load. */
enum ots_status ots_source_find(struct ots_source *source, const char *text,
                                const struct ots_options *options,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Start the otslocal of local:DIR, else nothing. Errors: those of ots_local_open. */
enum ots_status ots_source_start(struct ots_source *source, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Find, start and name it. Errors: as those; `source` is then to be closed all the same.
 */
enum ots_status ots_source_open(struct ots_source *source, const char *text,
                                const struct ots_options *options,
                                struct ots_error *err) OTS_MUST_CHECK;

/* A store for it with a time-out of its own; 0: that of the client. `log` must outlive it. */
enum ots_status ots_source_store(const struct ots_source *source, const struct ots_options *options,
                                 int64_t timeout_ms, const struct ots_log *log,
                                 struct ots_store **out, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Ask the service a first question, to know whether endpoint, instance and key are right, and make
 * source->store. A wrong host does not hold the caller for longer than 10 s. The otslocal of
 * local:DIR is watched from then on, and started again when it ends: no fork after this.
 */
enum ots_status ots_source_connect(struct ots_source *source, const struct ots_options *options,
                                   const struct ots_log *log, struct ots_error *err) OTS_MUST_CHECK;

/* How long after its end a window of changes counts as complete. */
int64_t ots_source_settle_us(const struct ots_source *source, const struct ots_options *options);

/* Errors: OTS_INVALID (two of the sources have one name). */
enum ots_status ots_sources_check_names(const struct ots_source *sources, size_t count,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* Free the store, let otslocal go, overwrite secrets. */
void ots_source_close(struct ots_source *source);

#endif
