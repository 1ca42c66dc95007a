/*
 * Rows as key cells and data cells: what wide-column calls and streams carry.
 */
#ifndef OTS_MODEL_CELL_H
#define OTS_MODEL_CELL_H

#include "backend/base/arena.h"

enum ots_cell_type {
    OTS_CELL_INTEGER = 0x00,
    OTS_CELL_DOUBLE = 0x01,
    OTS_CELL_BOOLEAN = 0x02,
    OTS_CELL_STRING = 0x03,
    OTS_CELL_NULL = 0x06, /* reserved: neither written nor read */
    OTS_CELL_BLOB = 0x07,
    OTS_CELL_INF_MIN = 0x09,
    OTS_CELL_INF_MAX = 0x0a,
    OTS_CELL_AUTO_INCREMENT = 0x0b,
    OTS_CELL_NO_VALUE = 0xff, /* not on the wire: the cell has no value part */
};

/* What a cell does to its column; 0 for an ordinary put. */
enum ots_cell_operation {
    OTS_CELL_PUT = 0,
    OTS_CELL_DELETE_ALL_VERSIONS = 1,
    OTS_CELL_DELETE_ONE_VERSION = 3,
    OTS_CELL_INCREMENT = 4,
};

struct ots_cell {
    struct ots_slice name;
    enum ots_cell_type type;
    enum ots_cell_operation operation;
    bool has_timestamp;
    int64_t timestamp_ms;
    union {
        int64_t integer;
        double real;
        bool boolean;
        struct ots_slice bytes; /* STRING, BLOB */
    };
};

/* Where a stream record stands; part of a row's extension. */
struct ots_sequence {
    uint32_t epoch;
    int64_t timestamp_us;
    uint32_t row_index;
};

struct ots_plain_row {
    const struct ots_cell *key;
    size_t key_count;
    const struct ots_cell *cells;
    size_t cell_count;
    bool is_delete;
    bool has_sequence;
    struct ots_sequence sequence;
};

/* A copy of the array that may be changed, never NULL but for want of memory; names and values
 * stay where they are. */
struct ots_cell *ots_cells_copy(struct ots_arena *arena, const struct ots_cell *cells,
                                size_t count);

#endif
