#include "tests/unit/view_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { OLD_US = 1000 * 1000 * 1000 };

static int64_t clock_now(const struct ots_clock *clock)
{
    struct view_fixture *fixture = clock->context;
    return atomic_load(&fixture->now_us);
}

static int64_t clock_monotonic(const struct ots_clock *clock)
{
    struct view_fixture *fixture = clock->context;
    return atomic_load(&fixture->monotonic_us);
}

static void make_view(struct view_fixture *fixture, bool may_delete, enum ots_precision precision,
                      uint64_t cache_bytes)
{
    struct ots_view_source source = {.store = fake_store_of(fixture->fake)};
    struct ots_view_options options = {
        .sources = &source,
        .source_count = 1,
        .clock = &fixture->clock,
        .log = &fixture->log,
        .scan_lanes = 2,
        .may_delete = may_delete,
        .precision = precision,
        .cache_bytes = cache_bytes,
    };
    assert_int_equal(ots_view_new(&options, &fixture->view, NULL), OTS_OK);
}

static int setup(void **state, size_t threads, bool may_delete)
{
    struct view_fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->fake = fake_store_new(threads);
    fake_store_add_table(fixture->fake, "t", false);
    fixture->clock = (struct ots_clock){clock_now, clock_monotonic, fixture};
    fake_store_set_clock(fixture->fake, &fixture->clock);
    fixture->log = (struct ots_log){.program = "test", .level = OTS_LOG_ERROR};
    atomic_store(&fixture->now_us, INT64_C(1700000000000000));
    atomic_store(&fixture->monotonic_us, OLD_US);
    make_view(fixture, may_delete, OTS_PRECISION_NS, 0);
    *state = fixture;
    return 0;
}

void view_use_precision(struct view_fixture *fixture, enum ots_precision precision)
{
    ots_view_free(fixture->view);
    make_view(fixture, false, precision, 0);
}

void view_keep_texts(struct view_fixture *fixture)
{
    ots_view_free(fixture->view);
    make_view(fixture, false, OTS_PRECISION_NS, 64 * 1024 * 1024);
}

int view_setup(void **state)
{
    return setup(state, 0, false);
}

int view_setup_threads(void **state)
{
    return setup(state, 2, false);
}

int view_setup_deleting(void **state)
{
    return setup(state, 0, true);
}

int view_teardown(void **state)
{
    struct view_fixture *fixture = *state;
    ots_view_free(fixture->view);
    fake_store_free(fixture->fake);
    free(fixture);
    return 0;
}

void view_pass_time(struct view_fixture *fixture, int64_t time_us)
{
    atomic_fetch_add(&fixture->now_us, time_us);
    atomic_fetch_add(&fixture->monotonic_us, time_us);
}

void view_grow_old(struct view_fixture *fixture)
{
    view_pass_time(fixture, OLD_US);
}

/* --- paths ------------------------------------------------------------------------------------*/

static struct ots_slice next_name(const char **path)
{
    size_t size = strcspn(*path, "/");
    struct ots_slice name = ots_slice(*path, size);
    *path += size;
    *path += **path == '/';
    return name;
}

/* The attributes of all of `path` but its last name, which is returned. */
static struct ots_slice walk(struct view_fixture *fixture, const char *path, struct ots_attr *dir)
{
    *dir = (struct ots_attr){.ino = 1, .is_directory = true};
    for (;;) {
        struct ots_slice name = next_name(&path);
        if (!*path)
            return name;
        struct ots_error err;
        if (ots_view_lookup(fixture->view, dir->ino, name, NULL, dir, &err) != OTS_OK)
            fail_msg("%.*s: %s", OTS_SLICE_FMT(name), err.message);
    }
}

enum ots_status view_lookup(struct view_fixture *fixture, const char *path, struct ots_attr *attr)
{
    struct ots_attr dir;
    struct ots_error err;
    struct ots_slice name = walk(fixture, path, &dir);
    if (!name.size) {
        *attr = dir;
        return OTS_OK;
    }
    return ots_view_lookup(fixture->view, dir.ino, name, NULL, attr, &err);
}

struct ots_attr view_attr(struct view_fixture *fixture, const char *path)
{
    struct ots_attr attr;
    if (view_lookup(fixture, path, &attr) != OTS_OK)
        fail_msg("%s is not there", path);
    return attr;
}

enum ots_status view_mkdir(struct view_fixture *fixture, const char *path)
{
    struct ots_attr dir;
    struct ots_attr attr;
    struct ots_error err;
    struct ots_slice name = walk(fixture, path, &dir);
    return ots_view_mkdir(fixture->view, dir.ino, name, NULL, &attr, &err);
}

/* As the kernel does: what is to be removed was looked up. */
static struct ots_slice walk_to(struct view_fixture *fixture, const char *path,
                                struct ots_attr *dir)
{
    struct ots_attr attr;
    struct ots_error err;
    struct ots_slice name = walk(fixture, path, dir);
    if (ots_view_lookup(fixture->view, dir->ino, name, NULL, &attr, &err) != OTS_OK)
        assert_int_equal(err.status, OTS_NOT_FOUND);
    return name;
}

enum ots_status view_rmdir(struct view_fixture *fixture, const char *path)
{
    struct ots_attr dir;
    struct ots_error err;
    struct ots_slice name = walk_to(fixture, path, &dir);
    return ots_view_rmdir(fixture->view, dir.ino, name, NULL, &err);
}

enum ots_status view_unlink(struct view_fixture *fixture, const char *path)
{
    struct ots_attr dir;
    struct ots_error err;
    struct ots_slice name = walk_to(fixture, path, &dir);
    return ots_view_unlink(fixture->view, dir.ino, name, NULL, &err);
}

enum ots_status view_list_status(struct view_fixture *fixture, const char *path)
{
    struct ots_listing *listing;
    struct ots_error err;
    struct ots_attr dir = view_attr(fixture, path);
    enum ots_status status = ots_view_list(fixture->view, dir.ino, NULL, &listing, &err);
    if (status == OTS_OK)
        ots_listing_free(listing);
    return status;
}

void view_expect_list(struct view_fixture *fixture, const char *path, const char *names)
{
    struct ots_listing *listing;
    struct ots_attr attr = view_attr(fixture, path);
    assert_int_equal(ots_view_list(fixture->view, attr.ino, NULL, &listing, NULL), OTS_OK);
    struct ots_buf text = OTS_BUF_INIT;
    struct ots_slice name;
    for (size_t i = 0; ots_listing_entry(fixture->view, listing, i, &name, &attr); i++) {
        ots_buf_append_slice(&text, name);
        ots_buf_append_byte(&text, ' ');
    }
    ots_buf_append_byte(&text, '\0');
    assert_string_equal((const char *)text.data, names);
    ots_buf_deinit(&text);
    ots_listing_free(listing);
}

/* --- files ------------------------------------------------------------------------------------*/

static enum ots_status open_path(struct view_fixture *fixture, const char *path, unsigned mode,
                                 struct ots_file **file)
{
    struct ots_attr attr;
    struct ots_error err;
    enum ots_status status = view_lookup(fixture, path, &attr);
    if (status == OTS_OK)
        return ots_view_open(fixture->view, attr.ino, mode, NULL, file, &attr, &err);
    if (status != OTS_NOT_FOUND)
        return status;
    struct ots_attr dir;
    struct ots_slice name = walk(fixture, path, &dir);
    return ots_view_create(fixture->view, dir.ino, name, mode, NULL, file, &attr, &err);
}

struct ots_file *view_open(struct view_fixture *fixture, const char *path, unsigned mode)
{
    struct ots_file *file;
    enum ots_status status = open_path(fixture, path, mode, &file);
    if (status != OTS_OK)
        fail_msg("open %s: %s", path, ots_status_text(status));
    return file;
}

enum ots_status view_open_status(struct view_fixture *fixture, const char *path, unsigned mode)
{
    struct ots_file *file;
    struct ots_error err;
    struct ots_attr attr = view_attr(fixture, path);
    enum ots_status status = ots_view_open(fixture->view, attr.ino, mode, NULL, &file, &attr, &err);
    if (status == OTS_OK)
        ots_file_close(file);
    return status;
}

enum ots_status view_create_status(struct view_fixture *fixture, const char *path, unsigned mode)
{
    struct ots_attr dir;
    struct ots_attr attr;
    struct ots_file *file;
    struct ots_error err;
    struct ots_slice name = walk(fixture, path, &dir);
    enum ots_status status =
        ots_view_create(fixture->view, dir.ino, name, mode, NULL, &file, &attr, &err);
    if (status == OTS_OK)
        ots_file_close(file);
    return status;
}

enum ots_status view_write(struct ots_file *file, uint64_t offset, const char *text)
{
    struct ots_error err;
    size_t taken;
    return ots_file_write(file, offset, ots_slice_str(text), NULL, &taken, &err);
}

enum ots_status view_store(struct view_fixture *fixture, const char *path, const char *text)
{
    struct ots_file *file = view_open(fixture, path, OTS_OPEN_WRITE);
    enum ots_status status = view_write(file, 0, text);
    if (status == OTS_OK)
        status = view_flush(file);
    ots_file_close(file);
    return status;
}

enum ots_status view_flush(struct ots_file *file)
{
    struct ots_error err;
    return ots_file_flush(file, true, NULL, &err);
}

enum ots_status view_sync(struct view_fixture *fixture, const char *path)
{
    struct ots_error err;
    return ots_view_sync(fixture->view, view_attr(fixture, path).ino, NULL, &err);
}

char *view_read_file(struct ots_file *file, uint64_t offset, size_t size)
{
    struct ots_error err;
    struct ots_buf text = OTS_BUF_INIT;
    if (ots_file_read(file, offset, size, NULL, &text, &err) != OTS_OK)
        fail_msg("read: %s", err.message);
    ots_buf_append_byte(&text, '\0');
    return (char *)text.data;
}

void view_expect_text(struct view_fixture *fixture, const char *path, const char *wanted)
{
    size_t size = strlen(wanted);
    struct ots_file *file = view_open(fixture, path, OTS_OPEN_READ);
    char *text = view_read_file(file, 0, size + 1000);
    assert_string_equal(text, wanted);
    assert_int_equal(view_attr(fixture, path).size_bytes, size);
    free(text);
    ots_file_close(file);
}

void view_expect_stored(struct view_fixture *fixture, const char *table, const char *wanted)
{
    struct ots_buf text = OTS_BUF_INIT;
    fake_store_dump(fixture->fake, table, &text);
    ots_buf_append_byte(&text, '\0');
    assert_string_equal((const char *)text.data, wanted);
    ots_buf_deinit(&text);
}

char *view_lines(const char *series, int64_t first, int64_t count)
{
    struct ots_buf text = OTS_BUF_INIT;
    for (int64_t i = first; i < first + count; i++)
        ots_buf_append_fmt(&text, "%s v=%lldi %lld000\n", series, (long long)i, (long long)i);
    ots_buf_append_byte(&text, '\0');
    return (char *)text.data;
}

/* --- waiting ----------------------------------------------------------------------------------*/

static void *run_waiter(void *argument)
{
    struct view_waiter *waiter = argument;
    waiter->status = waiter->run(waiter);
    return NULL;
}

void view_waiter_start(struct view_waiter *waiter)
{
    ots_interrupt_init(&waiter->interrupt);
    assert_int_equal(pthread_create(&waiter->thread, NULL, run_waiter, waiter), 0);
}

void view_waiter_join(struct view_waiter *waiter)
{
    pthread_join(waiter->thread, NULL);
    ots_interrupt_deinit(&waiter->interrupt);
}

enum ots_status view_run_list(struct view_waiter *waiter)
{
    struct ots_listing *listing;
    struct ots_error err;
    enum ots_status status =
        ots_view_list(waiter->fixture->view, waiter->attr.ino, &waiter->interrupt, &listing, &err);
    if (status == OTS_OK)
        ots_listing_free(listing);
    return status;
}

enum ots_status view_run_open(struct view_waiter *waiter)
{
    struct ots_file *file;
    struct ots_attr attr;
    struct ots_error err;
    enum ots_status status = ots_view_open(waiter->fixture->view, waiter->attr.ino, OTS_OPEN_READ,
                                           &waiter->interrupt, &file, &attr, &err);
    if (status == OTS_OK)
        ots_file_close(file);
    return status;
}

void view_expect_interrupted(struct view_waiter *waiter, enum ots_action action, size_t held,
                             enum ots_status status)
{
    view_waiter_start(waiter);
    fake_store_wait_held(waiter->fixture->fake, action, held);
    ots_interrupt_raise(&waiter->interrupt);
    view_waiter_join(waiter);
    assert_int_equal(waiter->status, status);
}
