/*
 * What calls that change a table's options or timelines' metadata ask and are answered; a part of
 * call.h.
 */
#ifndef OTS_MODEL_CHANGE_H
#define OTS_MODEL_CHANGE_H

#include "backend/model/series.h"
#include "backend/model/table.h"

/* A part of a request that was refused while the rest of it was carried out. */
struct ots_failed_row {
    uint32_t row_index;
    struct ots_slice code;
    struct ots_slice message;
};

/* UPDATE_TABLE: `meta` names the table; its has_ flags say which options change. */
struct ots_update_table_request {
    struct ots_table_meta meta;
    /* Server: which groups of options the request carried, be they empty. */
    bool has_data_options;
    bool has_meta_options;
};

struct ots_meta_update {
    struct ots_series_key key;
    /* With `has_attributes` these replace all that the timeline had, else it keeps them. */
    const struct ots_tag *attributes;
    size_t attribute_count;
    bool has_attributes;
};

struct ots_update_meta_request {
    struct ots_slice table;
    const struct ots_meta_update *updates;
    size_t count;
};

struct ots_delete_meta_request {
    struct ots_slice table;
    const struct ots_series_key *keys;
    size_t count;
};

struct ots_change_meta_response { /* UPDATE_META, DELETE_META */
    const struct ots_failed_row *failed_rows;
    size_t failed_row_count;
};

/* The time that the metadata of a row's timeline got, as PUT answers it. */
struct ots_meta_time {
    uint32_t row_index;
    uint32_t time_s;
};

#endif
