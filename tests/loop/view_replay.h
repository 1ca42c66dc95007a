/*
 * Replaying a view's journals now; apart, because the view's and the server's structs share names.
 */
#ifndef TESTS_LOOP_VIEW_REPLAY_H
#define TESTS_LOOP_VIEW_REPLAY_H

#include "fs/view/view.h"

/* ots_replay_instance for the first of the view's instances. */
enum ots_status view_replay(struct ots_view *view, struct ots_error *err);

#endif
