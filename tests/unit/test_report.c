/*
 * The texts of `.otsfs/status` and `.otsfs/metrics`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/base/json.h"
#include "fs/view/report.h"

static const struct ots_setting settings[] = {
    {.name = "timeout", .kind = OTS_SETTING_NUMBER, .number = 60},
    {.name = "precision", .kind = OTS_SETTING_TEXT, .text = "ns"},
    {.name = "sync", .kind = OTS_SETTING_FLAG, .number = 1},
    {.name = "poll", .kind = OTS_SETTING_SECONDS, .number = 200000},
};

struct fixture {
    struct ots_report report;
    struct ots_table_report tables[2];
    struct ots_meter meter;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->tables[0].name = OTS_SLICE("never_scanned");
    struct ots_table_report *table = &fixture->tables[1];
    table->name = OTS_SLICE("t");
    for (size_t i = 0; i < OTS_FIGURE_COUNT; i++)
        table->figures[i] = 100 + i;
    table->scanned_us = INT64_C(1700000000000000);
    table->shown_from_us = INT64_C(1600000000000000);
    table->stream = "following";
    table->last_gap_us = INT64_C(1600000000000000);
    table->is_unsaved = true;
    table->is_journal_failing = true;
    ots_meter_request(&fixture->meter, OTS_ACTION_PUT, false, 1000);
    ots_meter_request(&fixture->meter, OTS_ACTION_PUT, true, 500);
    ots_meter_answer(&fixture->meter, OTS_ACTION_PUT, 70);
    ots_meter_end(&fixture->meter, OTS_ACTION_PUT, false);
    fixture->report = (struct ots_report){
        .source = "so\"ur\\ce\n",
        .endpoint = "http://localhost",
        .instance = "inst",
        .now_us = INT64_C(1700000061500000),
        .service_now_us = INT64_C(1700000062000000),
        .mounted_us = INT64_C(1690000000250000),
        .settle_us = 2500000,
        .settings = settings,
        .setting_count = 4,
        .meter = &fixture->meter,
        .tables = fixture->tables,
        .table_count = 2,
    };
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* --- JSON -------------------------------------------------------------------------------------*/

static struct ots_json *parse(const struct fixture *fixture)
{
    struct ots_buf text = OTS_BUF_INIT;
    struct ots_json *root;
    struct ots_error err = {0};
    assert_int_equal(ots_report_json(&fixture->report, &text), OTS_OK);
    if (ots_json_parse(ots_buf_slice(&text), &root, &err) != OTS_OK)
        fail_msg("%s", err.message);
    ots_buf_deinit(&text);
    return root;
}

static void expect_number(const struct ots_json *object, const char *name, double wanted)
{
    double number;
    if (!ots_json_number(object, name, &number))
        fail_msg("no number %s", name);
    if (number != wanted)
        fail_msg("%s: %f, wanted %f", name, number, wanted);
}

static void json_tells_the_mount(void **state)
{
    struct ots_json *root = parse(*state);
    bool flag = false;
    assert_non_null(ots_json_string(root, "version"));
    assert_string_equal(ots_json_string(root, "time"), "2023-11-14T22:14:21Z");
    assert_string_equal(ots_json_string(root, "service_time"), "2023-11-14T22:14:22Z");
    assert_string_equal(ots_json_string(root, "mounted_at"), "2023-07-22T04:26:40Z");
    const struct ots_json *source = ots_json_member(root, "source");
    assert_string_equal(ots_json_string(source, "name"), "so\"ur\\ce\n");
    assert_string_equal(ots_json_string(source, "endpoint"), "http://localhost");
    assert_string_equal(ots_json_string(source, "instance"), "inst");
    expect_number(source, "settle", 2.5);
    const struct ots_json *options = ots_json_member(root, "options");
    expect_number(options, "timeout", 60);
    expect_number(options, "poll", 0.2);
    assert_string_equal(ots_json_string(options, "precision"), "ns");
    assert_true(ots_json_bool(options, "sync", &flag) && flag);
    assert_true(ots_json_bool(root, "listings_incomplete", &flag) && !flag);
    ots_json_free(root);
}

static void json_tells_tables(void **state)
{
    struct ots_json *root = parse(*state);
    const struct ots_json *table = ots_json_member(ots_json_member(root, "tables"), "t");
    const struct ots_json *rows = ots_json_member(table, "rows");
    expect_number(rows, "copied", 100 + OTS_FIGURE_ROWS_COPIED);
    expect_number(rows, "on_their_way", 100 + OTS_FIGURE_ROWS_ON_THEIR_WAY);
    expect_number(rows, "stored", 100 + OTS_FIGURE_ROWS_STORED);
    expect_number(rows, "refused", 100 + OTS_FIGURE_ROWS_REFUSED);
    expect_number(rows, "superseded", 100 + OTS_FIGURE_ROWS_SUPERSEDED);
    expect_number(ots_json_member(table, "lines"), "rejected", 100 + OTS_FIGURE_LINES_REJECTED);
    expect_number(ots_json_member(table, "lines"), "digits_cut", 100 + OTS_FIGURE_LINES_DIGITS_CUT);
    expect_number(ots_json_member(table, "journal"), "bytes", 100 + OTS_FIGURE_JOURNAL_BYTES);
    const struct ots_json *scan = ots_json_member(table, "scan");
    expect_number(scan, "rows", 100 + OTS_FIGURE_SCAN_ROWS);
    expect_number(scan, "age_seconds", 61);
    assert_string_equal(ots_json_string(scan, "at"), "2023-11-14T22:13:20Z");
    assert_string_equal(ots_json_string(scan, "shown_from"), "2020-09-13T12:26:40Z");
    const struct ots_json *stream = ots_json_member(table, "stream");
    bool is_stored = true;
    expect_number(stream, "polls", 100 + OTS_FIGURE_STREAM_POLLS);
    expect_number(stream, "behind_seconds", 100 + OTS_FIGURE_STREAM_BEHIND_SECONDS);
    assert_string_equal(ots_json_string(stream, "state"), "following");
    assert_string_equal(ots_json_string(stream, "last_gap"), "2020-09-13T12:26:40Z");
    assert_true(ots_json_bool(stream, "stored", &is_stored) && !is_stored);
    is_stored = true;
    assert_true(ots_json_bool(ots_json_member(table, "journal"), "stored", &is_stored) &&
                !is_stored);
    ots_json_free(root);
}

static void json_leaves_out_what_is_not_known(void **state)
{
    struct fixture *fixture = *state;
    fixture->tables[0].has_field_keys = true;
    struct ots_json *root = parse(fixture);
    bool has_field_keys = false;
    const struct ots_json *table =
        ots_json_member(ots_json_member(root, "tables"), "never_scanned");
    assert_non_null(ots_json_member(table, "rows"));
    assert_null(ots_json_member(table, "scan"));
    assert_true(ots_json_bool(table, "has_field_keys", &has_field_keys) && has_field_keys);
    ots_json_free(root);
}

/* Listings that come from metadata tell no rows. */
static void rows_of_incomplete_listings_are_not_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->report.is_incomplete = true;
    struct ots_json *root = parse(fixture);
    bool is_incomplete = false;
    double number;
    const struct ots_json *table = ots_json_member(ots_json_member(root, "tables"), "t");
    const struct ots_json *scan = ots_json_member(table, "scan");
    assert_true(ots_json_bool(root, "listings_incomplete", &is_incomplete) && is_incomplete);
    assert_false(ots_json_number(scan, "rows", &number));
    expect_number(scan, "timelines", 100 + OTS_FIGURE_SCAN_TIMELINES);
    expect_number(scan, "age_seconds", 61);
    ots_json_free(root);
}

static void json_tells_requests(void **state)
{
    struct fixture *fixture = *state;
    struct ots_json *root = parse(fixture);
    const struct ots_json *requests = ots_json_member(root, "requests");
    const struct ots_json *put = ots_json_member(requests, "PutTimeseriesData");
    expect_number(put, "calls", 1);
    expect_number(put, "failures", 0);
    expect_number(put, "requests", 2);
    expect_number(put, "retries", 1);
    expect_number(put, "sent_bytes", 1500);
    expect_number(put, "received_bytes", 70);
    assert_null(ots_json_member(requests, "GetTimeseriesData"));
    ots_json_free(root);
    fixture->report.meter = NULL;
    root = parse(fixture);
    assert_null(ots_json_name_at(ots_json_member(root, "requests"), 0));
    ots_json_free(root);
}

/* --- metrics ----------------------------------------------------------------------------------*/

/* What of the text format is checked: families in one piece, with HELP and TYPE before them. */
struct parser {
    const char *at;
    char family[128];
    size_t samples;
    size_t families;
    double last_value;
};

static void expect_text(struct parser *parser, const char *text)
{
    if (strncmp(parser->at, text, strlen(text)) != 0)
        fail_msg("wanted '%s' at '%.40s'", text, parser->at);
    parser->at += strlen(text);
}

static void read_name(struct parser *parser, char name[128])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t size = strspn(parser->at, letters);
    assert_in_range(size, 1, 127);
    assert_false(*parser->at >= '0' && *parser->at <= '9');
    memcpy(name, parser->at, size);
    name[size] = '\0';
    parser->at += size;
}

static void read_family(struct parser *parser)
{
    char name[128];
    expect_text(parser, "# HELP ");
    read_name(parser, parser->family);
    expect_text(parser, " ");
    size_t help = strcspn(parser->at, "\n");
    assert_true(help > 10);
    parser->at += help;
    expect_text(parser, "\n# TYPE ");
    read_name(parser, name);
    assert_string_equal(name, parser->family);
    bool is_total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
    expect_text(parser, is_total ? " counter\n" : " gauge\n");
    parser->families++;
}

static void read_label(struct parser *parser)
{
    char name[128];
    read_name(parser, name);
    expect_text(parser, "=\"");
    for (; *parser->at != '"'; parser->at++) {
        assert_true(*parser->at && *parser->at != '\n');
        if (*parser->at == '\\')
            assert_non_null(strchr("\\\"n", *++parser->at));
    }
    parser->at++;
}

static void read_sample(struct parser *parser)
{
    char name[128];
    char *end;
    read_name(parser, name);
    assert_string_equal(name, parser->family);
    expect_text(parser, "{");
    read_label(parser);
    while (*parser->at == ',') {
        parser->at++;
        read_label(parser);
    }
    expect_text(parser, "} ");
    parser->last_value = strtod(parser->at, &end);
    assert_true(end > parser->at);
    parser->at = end;
    expect_text(parser, "\n");
    parser->samples++;
}

static char *metrics(const struct fixture *fixture)
{
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_report_metrics(&fixture->report, &text), OTS_OK);
    ots_buf_append_byte(&text, '\0');
    assert_int_equal(ots_buf_status(&text), OTS_OK);
    return (char *)text.data;
}

static void metrics_are_in_the_text_format(void **state)
{
    char *text = metrics(*state);
    struct parser parser = {.at = text};
    while (*parser.at) {
        if (*parser.at == '#')
            read_family(&parser);
        else
            read_sample(&parser);
    }
    /* Two of the mount, one of scans, six of actions; one table has no scan. */
    assert_int_equal(parser.families, 2 + OTS_FIGURE_COUNT + 1 + 6);
    assert_int_equal(parser.samples, 2 + 2 * OTS_FIGURE_COUNT - 3 + 1 + 6);
    free(text);
}

static void metrics_have_names_and_labels(void **state)
{
    char *text = metrics(*state);
    char wanted[200];
    static const char source[] = "{source=\"so\\\"ur\\\\ce\\n\"";
    snprintf(wanted, sizeof(wanted), "\notsfs_rows_stored_total%s,table=\"t\"} %d\n", source,
             100 + OTS_FIGURE_ROWS_STORED);
    assert_non_null(strstr(text, wanted));
    snprintf(wanted, sizeof(wanted), "\notsfs_rows_on_their_way%s,table=\"t\"} %d\n", source,
             100 + OTS_FIGURE_ROWS_ON_THEIR_WAY);
    assert_non_null(strstr(text, wanted));
    snprintf(wanted, sizeof(wanted), "\notsfs_rows_stored_total%s,table=\"never_scanned\"} 0\n",
             source);
    assert_non_null(strstr(text, wanted));
    snprintf(wanted, sizeof(wanted),
             "\notsfs_service_retries_total%s,action=\"PutTimeseriesData\"} 1\n", source);
    assert_non_null(strstr(text, wanted));
    snprintf(wanted, sizeof(wanted), "\notsfs_mount_time_seconds%s} 1690000000.250000\n", source);
    assert_non_null(strstr(text, wanted));
    assert_null(
        strstr(text, "otsfs_scan_rows{source=\"so\\\"ur\\\\ce\\n\",table=\"never_scanned\""));
    free(text);
}

/* A number keeps all its digits. */
static void metrics_are_exact(void **state)
{
    struct fixture *fixture = *state;
    fixture->tables[1].figures[OTS_FIGURE_JOURNAL_BYTES] = UINT64_MAX;
    char *text = metrics(fixture);
    assert_non_null(strstr(text, "table=\"t\"} 18446744073709551615\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_tells_the_mount, setup, teardown),
        cmocka_unit_test_setup_teardown(json_tells_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(json_leaves_out_what_is_not_known, setup, teardown),
        cmocka_unit_test_setup_teardown(json_tells_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_of_incomplete_listings_are_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(metrics_are_in_the_text_format, setup, teardown),
        cmocka_unit_test_setup_teardown(metrics_have_names_and_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(metrics_are_exact, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
