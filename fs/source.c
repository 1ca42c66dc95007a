#include "fs/source.h"

#include "backend/client/client.h"

#include <stdlib.h>

/* A wrong host or port should not keep a terminal waiting for as long as a request may take. */
enum { FIRST_TIMEOUT_MS = 10000, IDLE_TIMEOUT_MS = 15000 };

enum { SERVICE_SETTLE_US = 300000000, LOCAL_SETTLE_US = 2000000 };

static const char *find_name(const struct ots_data_source *data)
{
    if (!data->directory)
        return data->name ? data->name : data->instance;
    const char *slash = strrchr(data->directory, '/');
    return slash ? slash + 1 : data->directory;
}

/* A name that begins with a dot would be hidden, and might be one of ours. */
static enum ots_status set_name(struct ots_source *source, struct ots_error *err)
{
    const char *name = find_name(&source->data);
    source->name = strdup(*name ? name : "_");
    if (!source->name)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    if (source->name[0] == '.')
        source->name[0] = '_';
    for (char *c = source->name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '_';
    return OTS_OK;
}

/* Of several sources those that are endpoints are meant. */
static const char *instance_for(const char *text, const struct ots_options *options)
{
    bool is_endpoint = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
    return is_endpoint || options->source_count < 2 ? options->instance : NULL;
}

enum ots_status ots_source_find(struct ots_source *source, const char *text,
                                const struct ots_options *options, struct ots_error *err)
{
    struct ots_config_options config = {
        .config_file = options->config,
        .instance = instance_for(text, options),
    };
    source->text = text;
    return ots_config_load(text, &config, &source->data, err);
}

enum ots_status ots_source_start(struct ots_source *source, struct ots_error *err)
{
    struct ots_local_options local = {0};
    if (!source->data.directory)
        return OTS_OK;
    return ots_local_open(&source->data, &local, &source->local, err);
}

enum ots_status ots_source_open(struct ots_source *source, const char *text,
                                const struct ots_options *options, struct ots_error *err)
{
    enum ots_status status = ots_source_find(source, text, options, err);
    if (status == OTS_OK)
        status = ots_source_start(source, err);
    return status == OTS_OK ? set_name(source, err) : status;
}

static enum ots_put_layout put_layout(const struct ots_source *source,
                                      const struct ots_options *options)
{
    switch (options->put) {
    case OTS_PUT_CHOICE_SDK:
        return OTS_PUT_PLAIN;
    case OTS_PUT_CHOICE_SHARED:
        return OTS_PUT_SHARED;
    case OTS_PUT_CHOICE_DEFAULT:
        break;
    }
    /* The real service could not be asked whether it follows shared offsets; otslocal does. */
    return source->data.directory ? OTS_PUT_SHARED : OTS_PUT_PLAIN;
}

enum ots_status ots_source_store(const struct ots_source *source, const struct ots_options *options,
                                 int64_t timeout_ms, const struct ots_log *log,
                                 struct ots_store **out, struct ots_error *err)
{
    const struct ots_data_source *data = &source->data;
    if (options->wants_v4 && !data->region)
        return ots_error_set(err, OTS_INVALID, "-o signature=v4 needs a region in the data source");
    struct ots_curl_options curl = {
        .endpoint = data->endpoint,
        .unix_socket = data->socket,
        .ca_file = data->ca_file,
        .connections_max = options->connections,
        .max_rps = options->max_rps,
        .max_mbps = options->max_mbps,
        /* A service that hangs must not hold a try for longer than all tries may take. */
        .idle_timeout_ms =
            timeout_ms && timeout_ms < IDLE_TIMEOUT_MS ? timeout_ms : IDLE_TIMEOUT_MS,
    };
    struct ots_client_options client = {
        .instance = data->instance,
        .access_key_id = data->access_key_id,
        .access_key_secret = data->access_key_secret,
        .sts_token = data->sts_token,
        .region = options->wants_v4 ? data->region : NULL,
        .put_layout = put_layout(source, options),
        .timeout_ms = timeout_ms,
        .clock = &ots_clock_system,
        .log = log,
    };
    struct ots_transport *transport;
    enum ots_status status = ots_curl_transport_new(&curl, &transport, err);
    return status == OTS_OK ? ots_client_new(&client, transport, out, err) : status;
}

static enum ots_status ask(const struct ots_source *source, const struct ots_options *options,
                           const struct ots_log *log, struct ots_error *err)
{
    int64_t timeout_ms = FIRST_TIMEOUT_MS;
    if (options->timeout_ms && options->timeout_ms < timeout_ms)
        timeout_ms = options->timeout_ms;
    struct ots_store *store = NULL;
    enum ots_status status = ots_source_store(source, options, timeout_ms, log, &store, err);
    if (status != OTS_OK)
        return status;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    status = ots_store_run(store, &call, NULL, err);
    ots_call_deinit(&call);
    ots_store_free(store);
    return status;
}

enum ots_status ots_source_connect(struct ots_source *source, const struct ots_options *options,
                                   const struct ots_log *log, struct ots_error *err)
{
    enum ots_status status = ask(source, options, log, err);
    if (status == OTS_OK && source->local)
        status = ots_local_watch(source->local, log, err);
    if (status != OTS_OK)
        return status;
    return ots_source_store(source, options, options->timeout_ms, log, &source->store, err);
}

/* The service shows a record of a stream late now and then; otslocal does not. */
int64_t ots_source_settle_us(const struct ots_source *source, const struct ots_options *options)
{
    if (options->has_settle)
        return options->settle_us;
    return source->data.directory ? LOCAL_SETTLE_US : SERVICE_SETTLE_US;
}

enum ots_status ots_sources_check_names(const struct ots_source *sources, size_t count,
                                        struct ots_error *err)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (strcmp(sources[i].name, sources[k].name) == 0)
                return ots_error_set(err, OTS_INVALID,
                                     "%s and %s would both be the directory %s; sources of one "
                                     "mount need different names",
                                     sources[i].text, sources[k].text, sources[i].name);
    return OTS_OK;
}

void ots_source_close(struct ots_source *source)
{
    ots_store_free(source->store);
    ots_local_close(source->local);
    ots_data_source_deinit(&source->data);
    free(source->name);
    *source = (struct ots_source){.text = NULL};
}
