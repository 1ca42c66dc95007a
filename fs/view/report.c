#include "fs/view/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backend/base/json.h"
#include "backend/base/version.h"

struct figure {
    const char *object;
    const char *member;
    const char *type;
    const char *help;
};

static const struct figure figures[] = {
#define X(name, object, member, type, help) {object, member, type, help},
    OTS_FIGURE_LIST(X)
#undef X
};

/* What is counted of each action. */
struct action_figure {
    const char *member;
    size_t offset;
    const char *help;
};

static const struct action_figure action_figures[] = {
    {"calls", offsetof(struct ots_action_counts, calls), "Calls that ended."},
    {"failures", offsetof(struct ots_action_counts, failures),
     "Calls that ended in an error or were interrupted."},
    {"requests", offsetof(struct ots_action_counts, requests),
     "Requests that were sent, tries after the first too."},
    {"retries", offsetof(struct ots_action_counts, retries),
     "Requests that repeated one that failed, or the rest of it."},
    {"sent_bytes", offsetof(struct ots_action_counts, sent_bytes),
     "Bytes of requests, before compression and without headers."},
    {"received_bytes", offsetof(struct ots_action_counts, received_bytes),
     "Bytes of answers, before compression and without headers."},
};

enum { ACTION_FIGURES = sizeof(action_figures) / sizeof(*action_figures) };

static uint64_t action_count(const struct ots_action_counts *counts, size_t index)
{
    uint64_t value;
    memcpy(&value, (const char *)counts + action_figures[index].offset, sizeof(value));
    return value;
}

/* Whether there is something to tell of an action. */
static bool read_action(const struct ots_report *report, enum ots_action action,
                        struct ots_action_counts *counts)
{
    if (!report->meter)
        return false;
    ots_meter_read(report->meter, action, counts);
    return counts->calls || counts->requests;
}

/* Whether a table has this figure. Metadata does not tell rows. */
static bool has_figure(const struct ots_report *report, const struct ots_table_report *table,
                       size_t index)
{
    if (index == OTS_FIGURE_SCAN_ROWS && report->is_incomplete)
        return false;
    return table->scanned_us || strcmp(figures[index].object, "scan") != 0;
}

/* --- JSON -------------------------------------------------------------------------------------*/

/* What goes wrong is remembered and ends up as the document's status. */
struct writer {
    enum ots_status status;
};

static void note(struct writer *writer, enum ots_status status)
{
    if (status != OTS_OK)
        writer->status = status;
}

static void set_number(struct writer *writer, struct ots_json *object, const char *name,
                       double number)
{
    note(writer, ots_json_set_number(object, name, number));
}

static void set_text(struct writer *writer, struct ots_json *object, const char *name,
                     const char *text)
{
    note(writer, ots_json_set_string(object, name, text));
}

static void set_time(struct writer *writer, struct ots_json *object, const char *name,
                     int64_t time_us)
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm parts;
    char text[40];
    if (!gmtime_r(&seconds, &parts) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts))
        text[0] = '\0';
    set_text(writer, object, name, text);
}

/* A new object in `parent`, which owns it; NULL without memory. */
static struct ots_json *add_object(struct writer *writer, struct ots_json *parent, const char *name)
{
    struct ots_json *object = ots_json_object_new();
    enum ots_status status = object ? ots_json_set(parent, name, object) : OTS_NOMEM;
    note(writer, status);
    return status == OTS_OK ? object : NULL;
}

static void set_settings(struct writer *writer, struct ots_json *root,
                         const struct ots_report *report)
{
    struct ots_json *options = add_object(writer, root, "options");
    for (size_t i = 0; options && i < report->setting_count; i++) {
        const struct ots_setting *setting = &report->settings[i];
        switch (setting->kind) {
        case OTS_SETTING_TEXT:
            set_text(writer, options, setting->name, setting->text);
            break;
        case OTS_SETTING_NUMBER:
            set_number(writer, options, setting->name, (double)setting->number);
            break;
        case OTS_SETTING_SECONDS:
            set_number(writer, options, setting->name, (double)setting->number / 1e6);
            break;
        case OTS_SETTING_FLAG:
            note(writer, ots_json_set_bool(options, setting->name, setting->number != 0));
            break;
        }
    }
}

static void set_scan(struct writer *writer, struct ots_json *scan,
                     const struct ots_table_report *table, int64_t now_us)
{
    int64_t age_us = now_us > table->scanned_us ? now_us - table->scanned_us : 0;
    set_time(writer, scan, "at", table->scanned_us);
    set_number(writer, scan, "age_seconds", (double)(age_us / 1000000));
    if (table->shown_from_us)
        set_time(writer, scan, "shown_from", table->shown_from_us);
}

static void set_stream(struct writer *writer, struct ots_json *stream,
                       const struct ots_table_report *table)
{
    if (table->stream)
        set_text(writer, stream, "state", table->stream);
    note(writer, ots_json_set_bool(stream, "stored", !table->is_unsaved));
    if (table->last_gap_us)
        set_time(writer, stream, "last_gap", table->last_gap_us);
}

static void set_table(struct writer *writer, struct ots_json *tables,
                      const struct ots_report *report, const struct ots_table_report *table)
{
    char name[256];
    snprintf(name, sizeof(name), "%.*s", OTS_SLICE_FMT(table->name));
    struct ots_json *parent = add_object(writer, tables, name);
    struct ots_json *object = NULL;
    const char *object_name = "";
    for (size_t i = 0; parent && i < OTS_FIGURE_COUNT; i++) {
        if (!has_figure(report, table, i))
            continue;
        if (strcmp(figures[i].object, object_name) != 0) {
            object_name = figures[i].object;
            object = add_object(writer, parent, object_name);
            if (object && strcmp(object_name, "scan") == 0)
                set_scan(writer, object, table, report->now_us);
            if (object && strcmp(object_name, "stream") == 0)
                set_stream(writer, object, table);
            if (object && strcmp(object_name, "journal") == 0)
                note(writer, ots_json_set_bool(object, "stored", !table->is_journal_failing));
        }
        if (object)
            set_number(writer, object, figures[i].member, (double)table->figures[i]);
    }
    if (parent && table->has_field_keys)
        note(writer, ots_json_set_bool(parent, "has_field_keys", true));
}

static void set_requests(struct writer *writer, struct ots_json *root,
                         const struct ots_report *report)
{
    struct ots_json *requests = add_object(writer, root, "requests");
    for (int i = 0; requests && i < OTS_ACTION_COUNT; i++) {
        struct ots_action_counts counts;
        if (!read_action(report, (enum ots_action)i, &counts))
            continue;
        struct ots_json *action = add_object(writer, requests, ots_action_name((enum ots_action)i));
        for (size_t k = 0; action && k < ACTION_FIGURES; k++)
            set_number(writer, action, action_figures[k].member, (double)action_count(&counts, k));
    }
}

static void set_all(struct writer *writer, struct ots_json *root, const struct ots_report *report)
{
    set_text(writer, root, "version", OTS_VERSION);
    set_time(writer, root, "time", report->now_us);
    set_time(writer, root, "service_time", report->service_now_us);
    set_time(writer, root, "mounted_at", report->mounted_us);
    struct ots_json *source = add_object(writer, root, "source");
    if (source) {
        set_text(writer, source, "name", report->source);
        set_text(writer, source, "endpoint", report->endpoint);
        set_text(writer, source, "instance", report->instance);
        set_number(writer, source, "settle", (double)report->settle_us / 1e6);
    }
    set_settings(writer, root, report);
    note(writer, ots_json_set_bool(root, "listings_incomplete", report->is_incomplete));
    struct ots_json *tables = add_object(writer, root, "tables");
    for (size_t i = 0; tables && i < report->table_count; i++)
        set_table(writer, tables, report, &report->tables[i]);
    set_requests(writer, root, report);
}

enum ots_status ots_report_json(const struct ots_report *report, struct ots_buf *text)
{
    OTS_AUTO(ots_json_freep) struct ots_json *root = ots_json_object_new();
    if (!root)
        return OTS_NOMEM;
    struct writer writer = {OTS_OK};
    set_all(&writer, root, report);
    return writer.status == OTS_OK ? ots_json_print(root, text) : writer.status;
}

/* --- metrics ----------------------------------------------------------------------------------*/

static void append_label(struct ots_buf *text, const char *name, struct ots_slice value)
{
    ots_buf_append_fmt(text, "%s=\"", name);
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];
        if (byte == '\\' || byte == '"')
            ots_buf_append_byte(text, '\\');
        if (byte == '\n')
            ots_buf_append_str(text, "\\n");
        else
            ots_buf_append_byte(text, byte);
    }
    ots_buf_append_byte(text, '"');
}

static void append_family(struct ots_buf *text, const char *name, const char *type,
                          const char *help)
{
    ots_buf_append_fmt(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A sample with one label behind that of the source; `label` NULL: none. */
static void append_sample(struct ots_buf *text, const struct ots_report *report, const char *name,
                          const char *label, struct ots_slice value, const char *number)
{
    ots_buf_append_fmt(text, "%s{", name);
    append_label(text, "source", ots_slice_str(report->source));
    if (label) {
        ots_buf_append_byte(text, ',');
        append_label(text, label, value);
    }
    ots_buf_append_fmt(text, "} %s\n", number);
}

static void append_count(struct ots_buf *text, const struct ots_report *report, const char *name,
                         const char *label, struct ots_slice value, uint64_t count)
{
    char number[32];
    snprintf(number, sizeof(number), "%" PRIu64, count);
    append_sample(text, report, name, label, value, number);
}

/* Units: the metric's are seconds. */
static void append_seconds(struct ots_buf *text, const struct ots_report *report, const char *name,
                           const char *label, struct ots_slice value, int64_t time_us)
{
    char number[32];
    snprintf(number, sizeof(number), "%" PRId64 ".%06d", time_us / 1000000,
             (int)(time_us % 1000000));
    append_sample(text, report, name, label, value, number);
}

static void append_mount(struct ots_buf *text, const struct ots_report *report)
{
    static const char info[] = "otsfs_info";
    append_family(text, info, "gauge", "Version of otsfs and the instance; always 1.");
    ots_buf_append_fmt(text, "%s{", info);
    append_label(text, "source", ots_slice_str(report->source));
    ots_buf_append_byte(text, ',');
    append_label(text, "instance", ots_slice_str(report->instance));
    ots_buf_append_byte(text, ',');
    append_label(text, "version", OTS_SLICE(OTS_VERSION));
    ots_buf_append_str(text, "} 1\n");
    append_family(text, "otsfs_mount_time_seconds", "gauge", "When the mount began.");
    append_seconds(text, report, "otsfs_mount_time_seconds", NULL, OTS_SLICE_NONE,
                   report->mounted_us);
}

static void append_figure(struct ots_buf *text, const struct ots_report *report, size_t index)
{
    const struct figure *figure = &figures[index];
    char name[96];
    snprintf(name, sizeof(name), "otsfs_%s_%s%s", figure->object, figure->member,
             strcmp(figure->type, "counter") == 0 ? "_total" : "");
    append_family(text, name, figure->type, figure->help);
    for (size_t i = 0; i < report->table_count; i++)
        if (has_figure(report, &report->tables[i], index))
            append_count(text, report, name, "table", report->tables[i].name,
                         report->tables[i].figures[index]);
}

static void append_scan_times(struct ots_buf *text, const struct ots_report *report)
{
    static const char name[] = "otsfs_scan_time_seconds";
    append_family(text, name, "gauge", "When the last scan ended.");
    for (size_t i = 0; i < report->table_count; i++)
        if (report->tables[i].scanned_us)
            append_seconds(text, report, name, "table", report->tables[i].name,
                           report->tables[i].scanned_us);
}

static void append_action_figure(struct ots_buf *text, const struct ots_report *report,
                                 size_t index)
{
    char name[96];
    snprintf(name, sizeof(name), "otsfs_service_%s_total", action_figures[index].member);
    append_family(text, name, "counter", action_figures[index].help);
    for (int i = 0; i < OTS_ACTION_COUNT; i++) {
        struct ots_action_counts counts;
        if (read_action(report, (enum ots_action)i, &counts))
            append_count(text, report, name, "action",
                         ots_slice_str(ots_action_name((enum ots_action)i)),
                         action_count(&counts, index));
    }
}

enum ots_status ots_report_metrics(const struct ots_report *report, struct ots_buf *text)
{
    append_mount(text, report);
    for (size_t i = 0; i < OTS_FIGURE_COUNT; i++)
        append_figure(text, report, i);
    append_scan_times(text, report);
    for (size_t i = 0; i < ACTION_FIGURES; i++)
        append_action_figure(text, report, i);
    return ots_buf_status(text);
}
