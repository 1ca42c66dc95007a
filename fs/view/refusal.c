#include "fs/view/refusal.h"

#include "fs/lp/names.h"
#include "fs/lp/print.h"

/* `<measurement>/<timeline>.lp`, or as much of it as there is memory for. */
static void append_path(struct ots_buf *path, const struct ots_series_key *key)
{
    if (ots_measurement_name_append(key->measurement, path) != OTS_OK)
        return;
    ots_buf_append_byte(path, '/');
    struct ots_buf name = OTS_BUF_INIT;
    if (ots_timeline_name_append(key, &name) == OTS_OK)
        ots_buf_append_slice(path, ots_buf_slice(&name));
    ots_buf_deinit(&name);
}

void ots_refusal_keep(struct ots_state *state, struct ots_slice table, const struct ots_row *row,
                      const char *reason)
{
    struct ots_lp_printer printer;
    struct ots_buf line = OTS_BUF_INIT;
    struct ots_buf path = OTS_BUF_INIT;
    struct ots_error err;
    if (!state)
        return;
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    append_path(&path, row->key);
    if (ots_lp_print(&printer, row, &line, &err) != OTS_OK) {
        ots_buf_reset(&line);
        ots_buf_append_fmt(&line, "# a row that cannot be printed: %s", err.message);
    }
    struct ots_reject reject = {
        .table = table,
        .file = ots_buf_slice(&path),
        .reason = ots_slice_str(reason),
        .text = ots_buf_slice(&line),
    };
    ots_state_reject(state, &reject);
    ots_buf_deinit(&path);
    ots_buf_deinit(&line);
    ots_lp_printer_deinit(&printer);
}
