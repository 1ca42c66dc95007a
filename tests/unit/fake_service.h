/*
 * A service that answers each try as a script says, for tests of the client without a server.
 *
 * It checks every request's signature, signs its answers, and turns a clock of its own. Instance
 * "inst1", access key id "testid".
 */
#ifndef TESTS_UNIT_FAKE_SERVICE_H
#define TESTS_UNIT_FAKE_SERVICE_H

#include "backend/base/clock.h"
#include "backend/client/transport.h"

#include <pthread.h>
#include <stdatomic.h>

#define FAKE_SERVICE_SECRET "testsecret"

enum step_kind {
    STEP_ANSWER,    /* what the call asks for, empty, signed */
    STEP_ROWS_FAIL, /* a put's answer with `codes` for its rows */
    STEP_ERROR,     /* `http_status` with `code` */
    STEP_NO_ERROR_BODY,
    STEP_NOT_CONNECTED,
    STEP_CUT,
    STEP_TIMEOUT,
    STEP_BAD_CERTIFICATE,
    STEP_BAD_SIGNATURE,
    STEP_BAD_MD5,
    STEP_GARBAGE, /* signed, but no message */
    STEP_HANG,
};

struct step {
    enum step_kind kind;
    int http_status;
    const char *code;
    const char *message;
    /* Per row of the put that came: NULL or its error code. */
    const char *codes[4];
    int64_t takes_us;
};

/* What the fake service does, one step per try; the last one is repeated. */
struct fake_service {
    const struct step *steps;
    size_t step_count;
    const char *region;
    unsigned tries;
    const char *date; /* of answers; NULL: some moment */
    int64_t delay_ms_sum;
    char dates[8][32];
    /* Times of the rows of the last put. */
    int64_t put_times[8];
    size_t put_count;
    /* Goes on by each delay and by what each step takes. */
    struct ots_clock clock;
    atomic_int_fast64_t now_us;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        unsigned tries;
    } synced;
};

void fake_service_init(struct fake_service *service, const struct step *steps, size_t step_count);
void fake_service_deinit(struct fake_service *service);

/* For call_transport_new, with one thread; `context` is the service. */
bool fake_service_serve(void *context, struct ots_exchange *exchange, int64_t delay_ms);

/* Wait until that many tries have come. */
void fake_service_wait_tries(struct fake_service *service, unsigned tries);

#endif
