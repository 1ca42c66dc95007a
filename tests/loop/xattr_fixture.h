/*
 * A view on a local service with a table `t`, for tests of extended attributes. Between the view
 * and the client is a tap that counts calls and can fail, swallow or keep them back. What is not
 * expected ends the test.
 */
#ifndef TESTS_LOOP_XATTR_FIXTURE_H
#define TESTS_LOOP_XATTR_FIXTURE_H

#include "fs/view/xattr.h"
#include "tests/loop/loop.h"
#include "tests/loop/tap.h"

struct xattr_fixture {
    struct loop loop;
    struct tap tap;
    struct ots_view *view;
    struct ots_log log;
};

/* For cmocka. */
int xattr_setup(void **state);
int xattr_teardown(void **state);

/* --- the view ---------------------------------------------------------------------------------*/

void xattr_pass_time(struct xattr_fixture *fixture, int64_t seconds);
uint64_t xattr_child_of(struct xattr_fixture *fixture, uint64_t parent, const char *name);
uint64_t xattr_table_ino(struct xattr_fixture *fixture);
/* The inode number of `m/host=N.lp`. */
uint64_t xattr_timeline_ino(struct xattr_fixture *fixture, int number);
enum ots_status xattr_set(struct xattr_fixture *fixture, uint64_t ino, const char *name,
                          const char *value, enum ots_attribute_mode mode);
enum ots_status xattr_set_any(struct xattr_fixture *fixture, int number, const char *name,
                              const char *value);
/* `wanted` NULL: it is not there. */
void xattr_expect_attribute(struct xattr_fixture *fixture, int number, const char *name,
                            const char *wanted);
enum ots_status xattr_sync_table(struct xattr_fixture *fixture);

/* --- the service ------------------------------------------------------------------------------*/

/* A row for each of `count` timelines. */
void xattr_put_timelines(struct xattr_fixture *fixture, int count);
/* What somebody else does to a timeline's attributes: one, or with NULL none. */
void xattr_others_set(struct xattr_fixture *fixture, int number, const char *name,
                      const char *value);
/* What the service has of the timeline, as text. */
void xattr_expect_stored(struct xattr_fixture *fixture, int number, const char *wanted);

#endif
