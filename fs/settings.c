#include "fs/settings.h"

#include <assert.h>

/* What the client and the view do when it is told nothing. */
enum {
    TIMEOUT_SECONDS_DEFAULT = 60,
    CONNECTIONS_DEFAULT = 16,
    POLL_US_DEFAULT = 1000000,
    CACHE_MB_DEFAULT = 1024
};

static struct ots_setting *add(struct ots_settings *settings, const char *name,
                               enum ots_setting_kind kind)
{
    assert(settings->count < OTS_SETTINGS_MAX);
    struct ots_setting *setting = &settings->items[settings->count++];
    *setting = (struct ots_setting){.name = name, .kind = kind};
    return setting;
}

static void add_flag(struct ots_settings *settings, const char *name, bool is_set)
{
    add(settings, name, OTS_SETTING_FLAG)->number = is_set;
}

static void add_number(struct ots_settings *settings, const char *name, int64_t number)
{
    add(settings, name, OTS_SETTING_NUMBER)->number = number;
}

static void add_seconds(struct ots_settings *settings, const char *name, int64_t time_us)
{
    add(settings, name, OTS_SETTING_SECONDS)->number = time_us;
}

/* NULL: not told, and then not shown. */
static void add_text(struct ots_settings *settings, const char *name, const char *text)
{
    if (text)
        add(settings, name, OTS_SETTING_TEXT)->text = text;
}

static const char *put_name(enum ots_put_choice put)
{
    switch (put) {
    case OTS_PUT_CHOICE_SDK:
        return "sdk";
    case OTS_PUT_CHOICE_SHARED:
        return "shared";
    case OTS_PUT_CHOICE_DEFAULT:
        break;
    }
    return NULL;
}

static const char *precision_name(enum ots_precision precision)
{
    switch (precision) {
    case OTS_PRECISION_NS:
        return "ns";
    case OTS_PRECISION_US:
        return "us";
    case OTS_PRECISION_MS:
        return "ms";
    case OTS_PRECISION_S:
        return "s";
    }
    return NULL;
}

int64_t ots_settings_cache_mb(const struct ots_options *options)
{
    return options->has_cache_size ? options->cache_mb : CACHE_MB_DEFAULT;
}

void ots_settings_init(struct ots_settings *settings, const struct ots_options *options)
{
    *settings = (struct ots_settings){.count = 0};
    add_flag(settings, "allow_delete", options->may_delete);
    add_flag(settings, "browse", options->is_browse);
    add_text(settings, "cache_dir", options->cache_dir);
    add_number(settings, "cache_size", ots_settings_cache_mb(options));
    add_text(settings, "config", options->config);
    add_number(settings, "connections",
               options->connections ? options->connections : CONNECTIONS_DEFAULT);
    add_number(settings, "max_mbps", options->max_mbps);
    add_number(settings, "max_rps", options->max_rps);
    add_seconds(settings, "poll", options->poll_us ? options->poll_us : POLL_US_DEFAULT);
    add_text(settings, "precision", precision_name(options->precision));
    add_text(settings, "put", put_name(options->put));
    /* Else each source has its own. */
    if (options->has_settle)
        add_seconds(settings, "settle", options->settle_us);
    add_text(settings, "signature", options->wants_v4 ? "v4" : "v2");
    add_text(settings, "state_dir", options->state_dir);
    add_text(settings, "stream", options->stream_off ? "off" : "on");
    add_flag(settings, "sync", options->is_sync);
    add_number(settings, "timeout",
               options->timeout_ms ? options->timeout_ms / 1000 : TIMEOUT_SECONDS_DEFAULT);
}
