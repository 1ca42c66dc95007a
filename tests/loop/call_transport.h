/*
 * A transport that calls a function instead of using a network.
 */
#ifndef TESTS_LOOP_CALL_TRANSPORT_H
#define TESTS_LOOP_CALL_TRANSPORT_H

#include "backend/client/transport.h"

/*
 * Answers `exchange`: sets its status and, for OTS_OK, its response. False: never answers, so the
 * exchange hangs until it is cancelled. The delay is not waited for, only told.
 */
typedef bool call_transport_serve(void *context, struct ots_exchange *exchange, int64_t delay_ms);

/* Runs `serve` and done on `thread_count` threads of its own. Asserts instead of failing. */
struct ots_transport *call_transport_new(call_transport_serve *serve, void *context,
                                         unsigned thread_count);

#endif
