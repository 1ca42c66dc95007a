#include "tests/loop/xattr_fixture.h"

#include <stdio.h>

/* --- the view ---------------------------------------------------------------------------------*/

static void start_view(struct xattr_fixture *fixture)
{
    fixture->log = (struct ots_log){.program = "test", .level = OTS_LOG_ERROR};
    const struct ots_view_source source = {.store = &fixture->tap.store};
    const struct ots_view_options options = {
        .sources = &source,
        .source_count = 1,
        .clock = &fixture->loop.client_clock,
        .log = &fixture->log,
        .scan_lanes = 2,
    };
    assert_int_equal(ots_view_new(&options, &fixture->view, NULL), OTS_OK);
}

int xattr_setup(void **state)
{
    struct xattr_fixture *fixture = calloc(1, sizeof(*fixture));
    loop_start(&fixture->loop, (struct loop_options){.threads = 2});
    tap_init(&fixture->tap, fixture->loop.store);
    loop_create_table(&fixture->loop, "t");
    start_view(fixture);
    *state = fixture;
    return 0;
}

int xattr_teardown(void **state)
{
    struct xattr_fixture *fixture = *state;
    ots_view_free(fixture->view);
    loop_stop(&fixture->loop);
    tap_deinit(&fixture->tap);
    free(fixture);
    return 0;
}

void xattr_pass_time(struct xattr_fixture *fixture, int64_t seconds)
{
    atomic_fetch_add(&fixture->loop.now_us, seconds * 1000000);
}

uint64_t xattr_child_of(struct xattr_fixture *fixture, uint64_t parent, const char *name)
{
    struct ots_attr attr;
    struct ots_error err = {.message = ""};
    if (ots_view_lookup(fixture->view, parent, ots_slice_str(name), NULL, &attr, &err) != OTS_OK)
        fail_msg("%s: %s", name, err.message);
    return attr.ino;
}

uint64_t xattr_table_ino(struct xattr_fixture *fixture)
{
    return xattr_child_of(fixture, 1, "t");
}

/* The inode number of `m/host=N.lp`. */
uint64_t xattr_timeline_ino(struct xattr_fixture *fixture, int number)
{
    char name[32];
    snprintf(name, sizeof(name), "host=%d.lp", number);
    return xattr_child_of(fixture, xattr_child_of(fixture, xattr_table_ino(fixture), "m"), name);
}

static void key_of(int number, char *text, struct ots_tag *tag, struct ots_series_key *key)
{
    snprintf(text, 16, "%d", number);
    *tag = (struct ots_tag){OTS_SLICE("host"), ots_slice_str(text)};
    *key = (struct ots_series_key){.measurement = OTS_SLICE("m"), .tags = tag, .tag_count = 1};
}

/* A row for each of `count` timelines. */
void xattr_put_timelines(struct xattr_fixture *fixture, int count)
{
    struct ots_field field = {.name = OTS_SLICE("v"), .value = {.type = OTS_INTEGER}};
    for (int i = 0; i < count; i++) {
        char text[16];
        struct ots_tag tag;
        struct ots_series_key key;
        key_of(i, text, &tag, &key);
        struct ots_row row = {.key = &key, .time_us = 1, .fields = &field, .field_count = 1};
        struct ots_rows rows = {.items = &row, .count = 1};
        loop_put(&fixture->loop, "t", &rows, 1);
    }
}

/* What somebody else does to a timeline's attributes: one, or with NULL none. */
void xattr_others_set(struct xattr_fixture *fixture, int number, const char *name,
                      const char *value)
{
    char text[16];
    struct ots_tag tag;
    struct ots_meta_update update = {.has_attributes = true};
    key_of(number, text, &tag, &update.key);
    const struct ots_tag attribute = {ots_slice_str(name ? name : ""),
                                      ots_slice_str(value ? value : "")};
    update.attributes = &attribute;
    update.attribute_count = name != NULL;
    TEST_CALL(call, OTS_ACTION_UPDATE_META);
    call.request.update_meta =
        (struct ots_update_meta_request){.table = OTS_SLICE("t"), .updates = &update, .count = 1};
    loop_call_ok(&fixture->loop, &call);
}

/* What the service has of the timeline, as text. */
void xattr_expect_stored(struct xattr_fixture *fixture, int number, const char *wanted)
{
    char text[16];
    struct ots_tag tag;
    struct ots_series_key key;
    key_of(number, text, &tag, &key);
    const struct ots_condition condition = {
        .kind = OTS_CONDITION_TAG, .comparison = OTS_EQUAL, .name = tag.name, .value = tag.value};
    TEST_CALL(call, OTS_ACTION_QUERY_META);
    call.request.query_meta.table = OTS_SLICE("t");
    call.request.query_meta.condition = &condition;
    loop_call_ok(&fixture->loop, &call);
    const struct ots_query_meta_response *response = &call.response.query_meta;
    struct ots_buf found = OTS_BUF_INIT;
    for (size_t i = 0; i < response->count; i++)
        ots_tags_text_append(&found, response->metas[i].attributes,
                             response->metas[i].attribute_count);
    ots_buf_append_byte(&found, '\0');
    assert_string_equal((const char *)found.data, wanted);
    ots_buf_deinit(&found);
}

enum ots_status xattr_set(struct xattr_fixture *fixture, uint64_t ino, const char *name,
                          const char *value, enum ots_attribute_mode mode)
{
    struct ots_error err;
    return ots_view_setxattr(fixture->view, ino, ots_slice_str(name), ots_slice_str(value), mode,
                             NULL, &err);
}

enum ots_status xattr_set_any(struct xattr_fixture *fixture, int number, const char *name,
                              const char *value)
{
    return xattr_set(fixture, xattr_timeline_ino(fixture, number), name, value, OTS_ATTRIBUTE_SET);
}

void xattr_expect_attribute(struct xattr_fixture *fixture, int number, const char *name,
                            const char *wanted)
{
    struct ots_buf value = OTS_BUF_INIT;
    struct ots_error err = {.message = ""};
    enum ots_status status = ots_view_getxattr(fixture->view, xattr_timeline_ino(fixture, number),
                                               ots_slice_str(name), NULL, &value, &err);
    ots_buf_append_byte(&value, '\0');
    assert_int_equal(status, wanted ? OTS_OK : OTS_NO_ATTRIBUTE);
    assert_string_equal((const char *)value.data, wanted ? wanted : "");
    ots_buf_deinit(&value);
}

enum ots_status xattr_sync_table(struct xattr_fixture *fixture)
{
    struct ots_error err;
    return ots_view_sync(fixture->view, xattr_table_ino(fixture), NULL, &err);
}
