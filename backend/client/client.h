/*
 * A store over HTTP: encodes, signs, sends over a pool of connections, verifies, classifies,
 * retries.
 *
 * A call that fails says in its error which action, after how many tries and how long, and the
 * last reason. What is repeated: retry.h. Beyond that:
 * - An answer whose signature or MD5 is wrong counts as none at all.
 * - A put of which the service stored only some rows: the rows whose code allows it are put again;
 *   response.failed_rows then holds all that failed in the end, with their indexes in the request.
 *   When a later try fails as a whole so does the call, though some rows are stored.
 * - CreateTimeseriesTable that finds the table there after a try of unknown fate has succeeded:
 *   it was that try that created it, as far as anyone can tell. Without such a try it is
 *   OTS_EXISTS.
 *
 * Threads: safe. Requests are encoded by the thread that submits; the transport's thread decodes
 * answers and runs the done callbacks.
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
    const struct ots_log *log; /* repeated tries, at level debug; NULL: nothing */
};

/*
 * Strings are copied, secrets are overwritten when freed; `clock` and `log` must outlive the
 * client. `take_transport` belongs to the client, also on failure.
 * Errors: OTS_INVALID (an option; secrets are not shown), OTS_NOMEM, OTS_IO (no randomness).
 */
enum ots_status ots_client_new(const struct ots_client_options *options,
                               struct ots_transport *take_transport, struct ots_store **out,
                               struct ots_error *err) OTS_MUST_CHECK;

#endif
