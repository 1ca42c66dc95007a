#include "backend/server/admin.h"

#include "backend/base/json.h"
#include "backend/server/stream_commands.h"

#include <string.h>

enum { STATUS_OK = 200, STATUS_BAD = 400, STATUS_NO_METHOD = 405, STATUS_FAILED = 500 };

struct admin_call {
    const char *path;
    const char *method;
    enum ots_status (*run)(struct ots_admin *admin, struct ots_slice body, struct ots_buf *answer,
                           struct ots_error *err);
};

static enum ots_status set_faults(struct ots_admin *admin, struct ots_slice body,
                                  struct ots_buf *answer, struct ots_error *err)
{
    enum ots_status status = ots_faults_set(admin->faults, body, err);
    return status == OTS_OK ? ots_faults_print(admin->faults, answer) : status;
}

static enum ots_status get_faults(struct ots_admin *admin, struct ots_slice body,
                                  struct ots_buf *answer, struct ots_error *err)
{
    (void)body;
    (void)err;
    return ots_faults_print(admin->faults, answer);
}

static enum ots_status get_counters(struct ots_admin *admin, struct ots_slice body,
                                    struct ots_buf *answer, struct ots_error *err)
{
    (void)body;
    (void)err;
    return ots_counters_print(admin->counters, answer);
}

static enum ots_status reset(struct ots_admin *admin, struct ots_slice body, struct ots_buf *answer,
                             struct ots_error *err)
{
    (void)body;
    (void)err;
    ots_faults_clear(admin->faults);
    ots_counters_reset(admin->counters);
    return ots_counters_print(admin->counters, answer);
}

static enum ots_status get_streams(struct ots_admin *admin, struct ots_slice body,
                                   struct ots_buf *answer, struct ots_error *err)
{
    (void)body;
    return ots_streams_print(admin->instance, answer, err);
}

static enum ots_status trim(struct ots_admin *admin, const char *table, double age_s,
                            struct ots_error *err)
{
    const double age_max_s = OTS_STREAM_RETENTION_HOURS_MAX * 3600.0;
    if (!(age_s >= 0 && age_s <= age_max_s))
        return ots_error_set(err, OTS_INVALID, "trim_older_than_s: 0 to %.0f are wanted",
                             age_max_s);
    return ots_streams_trim(admin->instance, ots_slice_str(table), (int64_t)(age_s * 1e6), err);
}

static enum ots_status change_stream(struct ots_admin *admin, const struct ots_json *json,
                                     struct ots_error *err)
{
    double age_s;
    const char *table = ots_json_string(json, "table");
    const char *split = ots_json_string(json, "split");
    const struct ots_json *merge = ots_json_member(json, "merge");
    const char *first = ots_json_text(ots_json_at(merge, 0));
    const char *second = ots_json_text(ots_json_at(merge, 1));
    if (table && ots_json_number(json, "trim_older_than_s", &age_s) && !split && !merge)
        return trim(admin, table, age_s, err);
    if (table && split && !merge)
        return ots_streams_split(admin->instance, ots_slice_str(table), ots_slice_str(split), err);
    if (table && first && second && !split)
        return ots_streams_merge(admin->instance, ots_slice_str(table), ots_slice_str(first),
                                 ots_slice_str(second), err);
    return ots_error_set(err, OTS_INVALID,
                         "table, and split, a merge of two shards or trim_older_than_s, or "
                         "retention_hours are wanted");
}

static enum ots_status set_retention(struct ots_admin *admin, double hours, struct ots_error *err)
{
    if (!(hours >= 1 && hours <= OTS_STREAM_RETENTION_HOURS_MAX) || hours != (int32_t)hours)
        return ots_error_set(err, OTS_INVALID, "retention_hours: 1 to %d are wanted",
                             OTS_STREAM_RETENTION_HOURS_MAX);
    ots_streams_set_retention(admin->instance->streams, (int32_t)hours);
    return OTS_OK;
}

/* {"table": T, "split": SHARD}, {"table": T, "merge": [SHARD, NEIGHBOUR]},
 * {"table": T, "trim_older_than_s": N} or {"retention_hours": N} */
static enum ots_status change_streams(struct ots_admin *admin, struct ots_slice body,
                                      struct ots_buf *answer, struct ots_error *err)
{
    OTS_AUTO(ots_json_freep) struct ots_json *json = NULL;
    double hours;
    enum ots_status status = ots_json_parse(body, &json, err);
    if (status != OTS_OK)
        return status;
    ots_buf_append_str(answer, "{}\n");
    if (ots_json_number(json, "retention_hours", &hours) && !ots_json_name_at(json, 1))
        return set_retention(admin, hours, err);
    return change_stream(admin, json, err);
}

static const struct admin_call calls[] = {
    {"/otslocal/faults", "POST", set_faults},      {"/otslocal/faults", "GET", get_faults},
    {"/otslocal/counters", "GET", get_counters},   {"/otslocal/reset", "POST", reset},
    {"/otslocal/streams", "POST", change_streams}, {"/otslocal/streams", "GET", get_streams},
};

static bool is_path(struct ots_slice path)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (ots_slice_equal(path, ots_slice_str(calls[i].path)))
            return true;
    return false;
}

static const struct admin_call *find(struct ots_slice path, const char *method)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (ots_slice_equal(path, ots_slice_str(calls[i].path)) &&
            strcmp(calls[i].method, method) == 0)
            return &calls[i];
    return NULL;
}

static bool is_ours(const struct ots_visit *visit)
{
    return visit->is_local && is_path(visit->http.path);
}

static void answer_error(struct ots_http_response *response, const struct ots_error *err)
{
    OTS_AUTO(ots_json_freep) struct ots_json *json = ots_json_object_new();
    ots_buf_reset(&response->body);
    if (!json || ots_json_set_string(json, "error", err->message) != OTS_OK ||
        ots_json_print(json, &response->body) != OTS_OK)
        ots_buf_reset(&response->body);
}

static void plan(struct ots_handler *handler, struct ots_visit *visit)
{
    const struct ots_admin *admin = (struct ots_admin *)handler;
    if (!is_ours(visit))
        admin->next->plan(admin->next, visit);
}

static void handle(struct ots_handler *handler, struct ots_visit *visit)
{
    struct ots_admin *admin = (struct ots_admin *)handler;
    if (!is_ours(visit)) {
        admin->next->handle(admin->next, visit);
        return;
    }
    struct ots_error err = {.message = "not with this method"};
    struct ots_http_response *response = &visit->response;
    const struct admin_call *call = find(visit->http.path, visit->method);
    *response = (struct ots_http_response){
        .status = STATUS_NO_METHOD, .headers = OTS_HEADERS_INIT, .body = OTS_BUF_INIT};
    if (call) {
        enum ots_status status = call->run(admin, visit->http.body, &response->body, &err);
        response->status = status == OTS_OK                          ? STATUS_OK
                           : status == OTS_NOMEM || status == OTS_IO ? STATUS_FAILED
                                                                     : STATUS_BAD;
    }
    if (response->status != STATUS_OK)
        answer_error(response, &err);
    if (ots_headers_add(&response->headers, OTS_SLICE("content-type"),
                        OTS_SLICE("application/json")) != OTS_OK)
        response->status = STATUS_FAILED;
}

void ots_admin_init(struct ots_admin *admin, struct ots_handler *next, struct ots_faults *faults,
                    struct ots_counters *counters, struct ots_instance *instance)
{
    *admin = (struct ots_admin){{plan, handle}, next, faults, counters, instance};
}
