#include "backend/server/listener_options.h"

enum {
    THREADS_DEFAULT = 4,
    THREADS_MAX = 64,
    CONNECTIONS_DEFAULT = 512,
    IDLE_TIMEOUT_DEFAULT_S = 75,
    SLOW_TIMEOUT_DEFAULT_S = 60,
    BODY_BYTES_DEFAULT = 128 * 1024 * 1024,
};

static unsigned or_default(unsigned value, unsigned fallback)
{
    return value ? value : fallback;
}

struct ots_listener_options ots_listener_complete(const struct ots_listener_options *given)
{
    struct ots_listener_options options = *given;
    options.threads = or_default(options.threads, THREADS_DEFAULT);
    if (options.threads > THREADS_MAX)
        options.threads = THREADS_MAX;
    options.connections_max = or_default(options.connections_max, CONNECTIONS_DEFAULT);
    if (options.connections_max < options.threads)
        options.connections_max = options.threads;
    options.idle_timeout_s = or_default(options.idle_timeout_s, IDLE_TIMEOUT_DEFAULT_S);
    options.slow_timeout_s = or_default(options.slow_timeout_s, SLOW_TIMEOUT_DEFAULT_S);
    if (!options.body_bytes_max)
        options.body_bytes_max = BODY_BYTES_DEFAULT;
    return options;
}
