/*
 * A local Tablestore instance: requests in, responses out, without sockets.
 *
 * Checks what the real service checks, in the order of docs/PROTOCOL.md, carries the action out on
 * a store of rows in a directory, and signs every answer, refusals included.
 * Threads: safe.
 */
#ifndef OTS_SERVER_SERVICE_H
#define OTS_SERVER_SERVICE_H

#include "backend/base/clock.h"
#include "backend/base/log.h"
#include "backend/model/call.h"
#include "backend/server/counters.h"
#include "backend/server/handler.h"

struct ots_service;
struct ots_instance;

/* Carries calls out in the service's stead, mostly by ots_instance_call. Threads: safe. */
struct ots_caller {
    void (*call)(struct ots_caller *caller, struct ots_instance *instance, struct ots_call *call);
};

/* Strings are copied, all else is borrowed. */
struct ots_service_options {
    const char *directory; /* of the data; created when absent, with mode 0700 */
    const char *instance;  /* name that requests must carry */
    const char *access_key_id;
    const char *access_key_secret;
    /* How far x-ots-date may be from our clock. Seconds; 0: 900. */
    int64_t date_skew_max_s;
    /* How long records of streams are kept. Hours, at most 168; 0: 168. */
    int32_t stream_retention_hours;
    const struct ots_clock *clock;
    const struct ots_log *log;
    struct ots_caller *caller;     /* NULL: ots_instance_call */
    struct ots_counters *counters; /* NULL: nothing is counted */
};

/* Errors: OTS_IO, OTS_EXISTS (another process has the directory), OTS_CORRUPT, OTS_NOMEM. */
enum ots_status ots_service_open(const struct ots_service_options *options,
                                 struct ots_service **out, struct ots_error *err) OTS_MUST_CHECK;

/* Close; what was acknowledged is on disk. Accepts NULL. No request may be under way. */
void ots_service_close(struct ots_service *service);

/*
 * Answer one request. Always fills `response`, which is the caller's to deinitialise; never fails.
 */
void ots_service_handle(struct ots_service *service, const struct ots_http_request *request,
                        struct ots_http_response *response);

/*
 * Refuse a request without looking at it, because of what HTTP said of it: its method, its size,
 * its headers. The answer is signed like any other.
 */
void ots_service_refuse(struct ots_service *service, const struct ots_http_request *request,
                        const char *code, const char *message, struct ots_http_response *response);

/* The service as a handler: ots_service_refuse for what HTTP refuses, else ots_service_handle. */
struct ots_handler *ots_service_handler(struct ots_service *service);

/* What it works on, for an operator's commands. */
struct ots_instance *ots_service_instance(struct ots_service *service);

#endif
