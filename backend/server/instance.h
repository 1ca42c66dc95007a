/*
 * An instance: the tables, timelines and rows in one engine, and the actions on them.
 *
 * Threads: safe.
 */
#ifndef OTS_SERVER_INSTANCE_H
#define OTS_SERVER_INSTANCE_H

#include "backend/base/clock.h"
#include "backend/model/call.h"
#include "backend/server/catalog.h"
#include "backend/server/dictionary.h"
#include "backend/server/engine.h"
#include "backend/server/expiry.h"
#include "backend/server/row_locks.h"
#include "backend/server/streams.h"

struct ots_instance {
    struct ots_engine *engine;
    const struct ots_clock *clock;
    struct ots_catalog *catalog;
    struct ots_dictionary *dictionary;
    struct ots_streams *streams;
    struct ots_expiry *expiry;
    struct ots_row_locks row_locks;
};

/*
 * Use what is in `take_engine`, or begin in an empty one. `clock` is borrowed.
 * Errors: OTS_CORRUPT (another format), OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_instance_open(struct ots_engine *take_engine, const struct ots_clock *clock,
                                  struct ots_instance **out, struct ots_error *err) OTS_MUST_CHECK;

/* Accepts NULL. No call may be under way. */
void ots_instance_close(struct ots_instance *instance);

/*
 * Carry out `call`: fills its response, status and error; an error always has a service code.
 * Does not run call->done.
 */
void ots_instance_call(struct ots_instance *instance, struct ots_call *call);

/* Give an error that has none the service code that its status stands for. */
void ots_instance_error_code(struct ots_error *err);

#endif
