/*
 * Who answers requests. The listener has a handler; a layer has one and is one, so layers stack:
 * admin calls over faults over the service.
 */
#ifndef OTS_SERVER_HANDLER_H
#define OTS_SERVER_HANDLER_H

#include "backend/wire/http.h"

/* An answer that is an error; no code: none. */
struct ots_refusal {
    const char *code; /* one of wire/service_code.c */
    char message[128];
};

/* What a layer made up its mind to do to a request. All zero: nothing. */
struct ots_verdict {
    int64_t delay_us; /* before the work; 0: none */
    struct ots_refusal refusal;
    bool is_cut_before; /* the work is not done and the connection closed */
    bool is_cut_after;  /* the work is done, and then as `cut` says */
    size_t cut_bytes;
    bool is_signature_wrong;
    bool is_body_wrong;
};

/* One request on its way to its answer. */
struct ots_visit {
    /* From the listener. */
    struct ots_http_request http;
    const char *method;         /* "POST" */
    bool is_local;              /* from this machine */
    struct ots_refusal refusal; /* what HTTP finds wrong with it; the answer, if there is one */
    /* From `plan`. */
    struct ots_verdict verdict;
    /* From `handle`. Close the connection after so many bytes of the body instead of sending all;
     * without any answer when that is no less than the body has. */
    struct ots_http_response response;
    bool is_cut;
    size_t cut_bytes;
};

/*
 * `plan` comes first, once, when all of the request is there: the listener then waits as long as
 * the verdict says, holding up nobody else. `handle` fills the response, which is the caller's to
 * deinitialise also when the connection is cut. Threads: safe.
 */
struct ots_handler {
    void (*plan)(struct ots_handler *handler, struct ots_visit *visit);
    void (*handle)(struct ots_handler *handler, struct ots_visit *visit);
};

#endif
