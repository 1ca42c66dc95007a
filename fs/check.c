#include "fs/check.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/base/clock.h"
#include "backend/base/utf8.h"
#include "backend/client/probe.h"
#include "fs/source.h"

enum { TIMEOUT_MS = 10000, SHOWN_BYTES = 64 };

struct check {
    const struct ots_options *options;
    FILE *out;
    struct ots_source source;
    struct ots_store *store;
    struct ots_error err;
};

/* What to do about an answer that refuses; the first that fits. */
struct advice {
    const char *code;    /* "": no answer of the service */
    const char *message; /* what it contains; NULL: this is the last */
    const char *step;
    const char *text;
};

/* The messages are those that the service documents. */
static const struct advice advices[] = {
    {"OTSAuthFailed", "Mismatch between system time", "signature",
     "set this machine's clock right, for instance by NTP"},
    {"OTSAuthFailed", "AccessKeyID", "signature",
     "see that the access key id is right and the key enabled"},
    {"OTSAuthFailed", "instance", "instance",
     "see that the name of the instance and the region in the endpoint are right"},
    {"OTSAuthFailed", "", "signature",
     "see that the secret is that of the access key id, and the STS token, if any, still valid"},
    {"OTSNoPermissionAccess", "", "permission",
     "give the user of the key the right to do that, in RAM, or use another key"},
    {"", "signature", "signature",
     "see that the endpoint is that of the service: who answered does not know the key"},
    {NULL, NULL, "signature", "see that the endpoint is that of Tablestore, and try again later"},
};

/* --- lines ----------------------------------------------------------------------------------- */

static void begin_line(const struct check *check, const char *step)
{
    if (check->options->source_count > 1)
        fprintf(check->out, "%s: ", check->source.text);
    fprintf(check->out, "%s: ", step);
}

static bool pass(const struct check *check, const char *step, const char *fmt, ...)
    OTS_PRINTF(3, 4);
static bool pass(const struct check *check, const char *step, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    begin_line(check, step);
    fputs("ok: ", check->out);
    vfprintf(check->out, fmt, args);
    fputc('\n', check->out);
    va_end(args);
    return true;
}

static bool fail(const struct check *check, const char *step, const char *to_do)
{
    const struct ots_error *err = &check->err;
    begin_line(check, step);
    fprintf(check->out, "failed: %s%s%s", err->service_code, err->service_code[0] ? ": " : "",
            err->message[0] ? err->message : ots_status_text(err->status));
    fprintf(check->out, "; to do: %s\n", to_do);
    return false;
}

/* --- configuration --------------------------------------------------------------------------- */

static bool check_local(struct check *check)
{
    const struct ots_data_source *data = &check->source.data;
    if (access(data->directory, F_OK) != 0) {
        ots_error_errno(&check->err, errno, "%s", data->directory);
        return fail(check, "configuration", "see that the path is right; mounting would make it");
    }
    pass(check, "configuration", "a local instance in %s", data->directory);
    if (ots_source_start(&check->source, &check->err) != OTS_OK)
        return fail(check, "otslocal",
                    "see that the directory is yours and that otslocal is installed");
    return pass(check, "otslocal", "serves %s", data->socket);
}

static const char *configuration_advice(enum ots_status status)
{
    if (status == OTS_NOT_FOUND)
        return "see that the name and the file are right; otsfs(1) says where data sources stand";
    if (status == OTS_DENIED)
        return "make the file yours and readable by nobody else";
    return "mend it; otsfs(1) shows how data sources are written";
}

static bool check_configuration(struct check *check, const char *text)
{
    enum ots_status status = ots_source_find(&check->source, text, check->options, &check->err);
    if (status != OTS_OK)
        return fail(check, "configuration", configuration_advice(status));
    const struct ots_data_source *data = &check->source.data;
    if (data->directory)
        return check_local(check);
    return pass(check, "configuration", "instance %s at %s", data->instance, data->endpoint);
}

/* --- connection ------------------------------------------------------------------------------ */

static bool fail_connection(const struct check *check, const struct ots_probe *probe)
{
    switch (probe->reached) {
    case OTS_PROBE_DNS:
        return fail(
            check, "DNS",
            "see that the endpoint is right, instance and region in it too, and name lookup works");
    case OTS_PROBE_TCP:
        return fail(check, "TCP",
                    "see that the port is right and no firewall or proxy is in the way; outside of "
                    "Alibaba Cloud a VPC endpoint cannot be reached");
    case OTS_PROBE_TLS:
    case OTS_PROBE_DONE:
        break;
    }
    if (check->err.status == OTS_DENIED)
        return fail(check, "TLS",
                    "see that the host's name is right; trust a certificate of your own by caFile");
    return fail(check, "TLS", "see that the service speaks TLS on this port, else write http://");
}

static bool check_connection(struct check *check)
{
    const struct ots_data_source *data = &check->source.data;
    if (data->directory)
        return true;
    struct ots_curl_options options = {
        .endpoint = data->endpoint,
        .ca_file = data->ca_file,
        .idle_timeout_ms = TIMEOUT_MS,
    };
    struct ots_probe probe;
    enum ots_status status = ots_curl_probe(&options, &probe, &check->err);
    if (status == OTS_NOT_FOUND || status == OTS_INVALID)
        return fail(check, "TLS", "see that caFile is right");
    if (probe.reached > OTS_PROBE_DNS)
        pass(check, "DNS", "%s", data->endpoint);
    if (probe.reached > OTS_PROBE_TCP)
        pass(check, "TCP", "%s port %u", probe.address, probe.port);
    if (status != OTS_OK)
        return fail_connection(check, &probe);
    return pass(check, "TLS", probe.has_tls ? "the certificate is right" : "not used");
}

/* --- the service ----------------------------------------------------------------------------- */

static const struct advice *find_advice(const struct ots_error *err)
{
    const struct advice *advice = advices;
    while (advice->message &&
           (strcmp(advice->code, err->service_code) != 0 || !strstr(err->message, advice->message)))
        advice++;
    return advice;
}

static bool run(struct check *check, struct ots_call *call)
{
    return ots_store_run(check->store, call, NULL, &check->err) == OTS_OK;
}

/* What a mount asks: its description, a scan, the first timeline, and that one's first row. */
static bool check_table(struct check *check, struct ots_slice table)
{
    char shown[SHOWN_BYTES];
    struct ots_call describe;
    struct ots_call split;
    struct ots_call query;
    struct ots_call get;
    ots_call_init(&describe, OTS_ACTION_DESCRIBE_TABLE);
    ots_call_init(&split, OTS_ACTION_SPLIT);
    ots_call_init(&query, OTS_ACTION_QUERY_META);
    ots_call_init(&get, OTS_ACTION_GET);
    describe.request.table.table = table;
    query.request.query_meta = (struct ots_query_meta_request){.table = table, .limit = 1};
    split.request.split = (struct ots_split_request){.table = table, .split_count_hint = 1};
    bool is_ok = run(check, &describe) && run(check, &split) && run(check, &query);
    if (is_ok && query.response.query_meta.count) {
        get.request.get = (struct ots_get_request){
            .table = table, .key = query.response.query_meta.metas[0].key, .limit = 1};
        is_ok = run(check, &get);
    }
    ots_utf8_show(table, shown, sizeof(shown));
    if (is_ok) {
        pass(check, "permission", "table %s can be read; writing was not tried", shown);
    } else {
        ots_error_prefix(&check->err, "table %s", shown);
        fail(check, "permission", find_advice(&check->err)->text);
    }
    ots_call_deinit(&get);
    ots_call_deinit(&query);
    ots_call_deinit(&split);
    ots_call_deinit(&describe);
    return is_ok;
}

static void pass_signature(const struct check *check)
{
    int64_t ahead_us = ots_store_now_us(check->store) - ots_clock_now_us(&ots_clock_system);
    pass(check, "signature", "the key is known; the service's clock is %.1f s %s",
         (double)(ahead_us < 0 ? -ahead_us : ahead_us) / 1e6, ahead_us < 0 ? "behind" : "ahead");
}

static bool check_tables(struct check *check)
{
    struct ots_call list;
    ots_call_init(&list, OTS_ACTION_LIST_TABLES);
    bool is_ok = run(check, &list);
    if (!is_ok) {
        const struct advice *advice = find_advice(&check->err);
        fail(check, advice->step, advice->text);
    } else {
        size_t count = list.response.list_tables.count;
        pass_signature(check);
        pass(check, "instance", "%s has %zu time-series tables", check->source.data.instance,
             count);
        is_ok = count ? check_table(check, list.response.list_tables.metas[0].name)
                      : pass(check, "permission", "tables can be listed; there is none to read");
    }
    ots_call_deinit(&list);
    return is_ok;
}

static bool check_service(struct check *check)
{
    int64_t timeout_ms = check->options->timeout_ms;
    if (!timeout_ms || timeout_ms > TIMEOUT_MS)
        timeout_ms = TIMEOUT_MS;
    if (ots_source_store(&check->source, check->options, timeout_ms, NULL, &check->store,
                         &check->err) != OTS_OK)
        return fail(check, "configuration", "mend it; otsfs(1) shows how data sources are written");
    bool is_ok = check_tables(check);
    ots_store_free(check->store);
    return is_ok;
}

bool ots_check_run(const struct ots_options *options, FILE *out)
{
    bool is_ok = true;
    for (size_t i = 0; i < options->source_count; i++) {
        struct check check = {.options = options, .out = out};
        check.source.text = options->sources[i];
        is_ok &= check_configuration(&check, options->sources[i]) && check_connection(&check) &&
                 check_service(&check);
        ots_source_close(&check.source);
    }
    return is_ok;
}
