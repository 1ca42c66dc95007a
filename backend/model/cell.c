#include "backend/model/cell.h"

struct ots_cell *ots_cells_copy(struct ots_arena *arena, const struct ots_cell *cells, size_t count)
{
    struct ots_cell *copy = ots_arena_array(arena, count, sizeof(*copy));
    if (copy && count)
        memcpy(copy, cells, count * sizeof(*copy));
    return copy;
}
