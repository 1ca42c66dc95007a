/*
 * Which thread answers: the one that reads requests, unless it would have to wait. libfuse's
 * functions are this test's own.
 */
#include "fs/mount/ops_files.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/mount/task.h"
#include "fs/view/state.h"
#include "tests/unit/view_fixture.h"

#define A "t/cpu/host=a.lp"
#define A1 "cpu,host=a v=1i 1000\n"

struct fuse_req {
    struct ots_mount *mount;
    struct fuse_ctx context;
    fuse_interrupt_func_t interrupt;
    void *interrupt_data;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t answered;
        bool is_answered;
        pthread_t thread; /* that answered */
        int error;
        size_t taken;
    } synced;
};

/* --- libfuse ----------------------------------------------------------------------------------*/

void *fuse_req_userdata(fuse_req_t request)
{
    return request->mount;
}

const struct fuse_ctx *fuse_req_ctx(fuse_req_t request)
{
    return &request->context;
}

void fuse_req_interrupt_func(fuse_req_t request, fuse_interrupt_func_t interrupt, void *data)
{
    request->interrupt = interrupt;
    request->interrupt_data = data;
}

static int answer(fuse_req_t request, int error, size_t taken)
{
    pthread_mutex_lock(&request->synced.lock);
    if (request->synced.is_answered)
        abort();
    request->synced.is_answered = true;
    request->synced.thread = pthread_self();
    request->synced.error = error;
    request->synced.taken = taken;
    pthread_cond_signal(&request->synced.answered);
    pthread_mutex_unlock(&request->synced.lock);
    return 0;
}

int fuse_reply_err(fuse_req_t request, int error)
{
    return answer(request, error, 0);
}

int fuse_reply_write(fuse_req_t request, size_t taken)
{
    return answer(request, 0, taken);
}

/* --- a mount without a kernel -----------------------------------------------------------------*/

struct fixture {
    struct view_fixture *view;
    struct ots_mount mount;
    struct fuse_file_info file;
    struct fuse_req request;
    pthread_mutex_t gate; /* of jobs that keep a worker busy */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    view_setup((void **)&fixture->view);
    struct ots_mount *mount = &fixture->mount;
    mount->view = fixture->view->view;
    mount->options.log = &fixture->view->log;
    ots_keeping_init(&mount->keeping, NULL);
    mount->keeping.view = mount->view;
    pthread_mutex_init(&mount->tasks.lock, NULL);
    pthread_mutex_init(&fixture->gate, NULL);
    assert_int_equal(ots_pool_new(1, 8, &mount->workers, NULL), OTS_OK);
    assert_int_equal(view_mkdir(fixture->view, "t/cpu"), OTS_OK);
    fixture->file.fh = (uintptr_t)view_open(fixture->view, A, OTS_OPEN_WRITE);
    fixture->request.mount = mount;
    pthread_mutex_init(&fixture->request.synced.lock, NULL);
    pthread_cond_init(&fixture->request.synced.answered, NULL);
    *state = fixture;
    return 0;
}

static struct ots_file *file_of(const struct fixture *fixture)
{
    return (struct ots_file *)(uintptr_t)fixture->file.fh;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_pool_free(fixture->mount.workers);
    ots_file_close(file_of(fixture));
    pthread_mutex_destroy(&fixture->mount.tasks.lock);
    pthread_mutex_destroy(&fixture->gate);
    ots_keeping_deinit(&fixture->mount.keeping);
    pthread_cond_destroy(&fixture->request.synced.answered);
    pthread_mutex_destroy(&fixture->request.synced.lock);
    view_teardown((void **)&fixture->view);
    free(fixture);
    return 0;
}

/* The kernel has to be told of something, and nobody does. */
static void note_stale(struct fixture *fixture)
{
    struct ots_view *view = fixture->mount.view;
    pthread_mutex_lock(&view->synced.lock);
    view->synced.kept.dropped_count++;
    pthread_mutex_unlock(&view->synced.lock);
}

static void note_told(struct fixture *fixture)
{
    struct ots_keeping *keeping = &fixture->mount.keeping;
    pthread_mutex_lock(&keeping->synced.lock);
    keeping->synced.told_count++;
    pthread_cond_broadcast(&keeping->synced.told);
    pthread_mutex_unlock(&keeping->synced.lock);
}

/* Wait for the answer; whether it is another thread's. */
static bool is_by_worker(struct fixture *fixture)
{
    struct fuse_req *request = &fixture->request;
    pthread_mutex_lock(&request->synced.lock);
    while (!request->synced.is_answered)
        pthread_cond_wait(&request->synced.answered, &request->synced.lock);
    request->synced.is_answered = false;
    bool is_own = pthread_equal(request->synced.thread, pthread_self());
    pthread_mutex_unlock(&request->synced.lock);
    return !is_own;
}

static void flush(struct fixture *fixture)
{
    ots_op_flush(&fixture->request, 0, &fixture->file);
}

static void write_text(struct fixture *fixture, const char *text, uint64_t offset)
{
    ots_op_write(&fixture->request, 0, text, strlen(text), (off_t)offset, &fixture->file);
}

/* --- closing ----------------------------------------------------------------------------------*/

static void a_flush_that_waits_for_nobody_is_answered_at_once(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(view_write(file_of(fixture), 0, "no line\n"), OTS_OK);
    flush(fixture);
    assert_false(is_by_worker(fixture));
    assert_int_equal(fixture->request.synced.error, EINVAL);
}

/* Whoever has told a failure has told it, so nothing may be flushed twice. */
static void a_flush_waits_for_the_kernel_on_a_worker(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(view_write(file_of(fixture), 0, "no line\n"), OTS_OK);
    note_stale(fixture);
    flush(fixture);
    note_told(fixture);
    assert_true(is_by_worker(fixture));
    assert_int_equal(fixture->request.synced.error, EINVAL);
    flush(fixture);
    assert_false(is_by_worker(fixture));
    assert_int_equal(fixture->request.synced.error, 0);
}

static void pass_gate(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
}

/* No worker has it yet: what it came to is told all the same. */
static void who_interrupts_a_flush_hears_what_it_came_to(void **state)
{
    struct fixture *fixture = *state;
    pthread_mutex_lock(&fixture->gate);
    ots_pool_run(fixture->mount.workers, pass_gate, &fixture->gate);
    assert_int_equal(view_write(file_of(fixture), 0, "no line\n"), OTS_OK);
    note_stale(fixture);
    flush(fixture);
    fixture->request.interrupt(&fixture->request, fixture->request.interrupt_data);
    assert_false(is_by_worker(fixture));
    assert_int_equal(fixture->request.synced.error, EINVAL);
    pthread_mutex_unlock(&fixture->gate);
}

/* --- writing ----------------------------------------------------------------------------------*/

static void a_write_waits_for_the_kernel_on_a_worker(void **state)
{
    struct fixture *fixture = *state;
    note_stale(fixture);
    write_text(fixture, A1, 0);
    note_told(fixture);
    assert_true(is_by_worker(fixture));
    assert_int_equal(fixture->request.synced.taken, strlen(A1));
    write_text(fixture, "cpu,host=a v=2i 2000\n", strlen(A1));
    /* The worker may not be through with the first one. */
    (void)is_by_worker(fixture);
    assert_int_equal(fixture->request.synced.taken, strlen(A1));
    view_expect_text(fixture->view, A, A1 "cpu,host=a v=2i 2000\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flush_that_waits_for_nobody_is_answered_at_once),
        TEST(a_flush_waits_for_the_kernel_on_a_worker),
        TEST(who_interrupts_a_flush_hears_what_it_came_to),
        TEST(a_write_waits_for_the_kernel_on_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
