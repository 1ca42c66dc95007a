/*
 * What a view's follower tells of itself; apart, because the view's and the server's structs share
 * names.
 */
#ifndef TESTS_LOOP_VIEW_FOLLOW_H
#define TESTS_LOOP_VIEW_FOLLOW_H

#include "fs/view/follower_report.h"
#include "fs/view/view.h"

/* Of the table `name` of the view's first instance; nothing is known of one that was not used. */
void view_follow_report(struct ots_view *view, const char *name,
                        struct ots_follower_report *report);

#endif
