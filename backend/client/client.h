/*
 * A store over HTTP: encodes, signs, sends over a pool of connections, verifies, classifies,
 * retries.
 *
 * Threads: safe. One thread of the client's own moves all bytes; done callbacks run on it.
 */
#ifndef OTS_CLIENT_CLIENT_H
#define OTS_CLIENT_CLIENT_H

#include "backend/base/clock.h"
#include "backend/base/log.h"
#include "backend/client/transport.h"
#include "backend/store.h"
#include "backend/wire/flatrows.h"

struct ots_client_options {
    const char *instance;
    const char *access_key_id;
    const char *access_key_secret;
    const char *sts_token; /* NULL: none */
    const char *region;    /* with it requests are signed V4; NULL: V2 */
    enum ots_put_layout put_layout;
    /* From submit to the last try's start. Milliseconds, 1 to 3600000; 0: 60000. */
    int64_t timeout_ms;
    const struct ots_clock *clock;
    const struct ots_log *log;
};

/*
 * Strings are copied; `take_transport` belongs to the client, also on failure.
 * Errors: OTS_INVALID, OTS_NOMEM, OTS_IO.
 */
enum ots_status ots_client_new(const struct ots_client_options *options,
                               struct ots_transport *take_transport, struct ots_store **out,
                               struct ots_error *err) OTS_MUST_CHECK;

#endif
