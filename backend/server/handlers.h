/*
 * The actions, one function each. Every one checks its request as the service does and fills
 * call->response; errors without a service code are those of the model, see
 * ots_instance_error_code.
 */
#ifndef OTS_SERVER_HANDLERS_H
#define OTS_SERVER_HANDLERS_H

#include "backend/server/instance.h"

enum {
    /* A page ends early when it holds this much, or when so many rows or records were looked at:
     * a client goes on with the token. */
    OTS_PAGE_BYTES_MAX = 16 * 1024 * 1024,
    OTS_PAGE_EXAMINED_MAX = 500000,
    OTS_META_PAGE_DEFAULT = 1000,
    /* Of stream records, as they are in memory. */
    OTS_STREAM_PAGE_BYTES_MAX = 4 * 1024 * 1024,
};

enum ots_status ots_handle_create_table(struct ots_instance *instance, struct ots_call *call,
                                        struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_list_tables(struct ots_instance *instance, struct ots_call *call,
                                       struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_describe_table(struct ots_instance *instance, struct ots_call *call,
                                          struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_delete_table(struct ots_instance *instance, struct ots_call *call,
                                        struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_update_table(struct ots_instance *instance, struct ots_call *call,
                                        struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_put(struct ots_instance *instance, struct ots_call *call,
                               struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_get(struct ots_instance *instance, struct ots_call *call,
                               struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_query_meta(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_update_meta(struct ots_instance *instance, struct ots_call *call,
                                       struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_delete_meta(struct ots_instance *instance, struct ots_call *call,
                                       struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_split(struct ots_instance *instance, struct ots_call *call,
                                 struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_scan(struct ots_instance *instance, struct ots_call *call,
                                struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_list_streams(struct ots_instance *instance, struct ots_call *call,
                                        struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_describe_stream(struct ots_instance *instance, struct ots_call *call,
                                           struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_shard_iterator(struct ots_instance *instance, struct ots_call *call,
                                          struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_handle_stream_records(struct ots_instance *instance, struct ots_call *call,
                                          struct ots_error *err) OTS_MUST_CHECK;

/* Every action on wide-column tables, see handle_wide.h. */
enum ots_status ots_handle_wide(struct ots_instance *instance, struct ots_call *call,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Hold the table that a request names. Errors: OTS_INVALID (no table can be named so),
 * OTS_NOT_FOUND. */
enum ots_status ots_handle_hold(struct ots_instance *instance, struct ots_slice name,
                                const struct ots_table **table,
                                struct ots_error *err) OTS_MUST_CHECK;

/*
 * The same for a call on timelines or rows: OTS_INVALID also for a table with identifiers or key
 * fields of its own, when who asks does not know of such.
 */
enum ots_status ots_handle_hold_for(struct ots_instance *instance, const struct ots_call *call,
                                    struct ots_slice name, const struct ots_table **table,
                                    struct ots_error *err) OTS_MUST_CHECK;

#endif
