#include "tests/loop/view_replay.h"

#include "fs/view/replay.h"

enum ots_status view_replay(struct ots_view *view, struct ots_error *err)
{
    return ots_replay_instance(&view->instances[0], NULL, err);
}
