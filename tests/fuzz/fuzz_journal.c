/* A journal's segment: each byte is part of a record, damage or a cut-off end, and what is read is
 * what was written. */
#include <stdlib.h>

#include "fs/state/journal_contents.h"
#include "fs/state/journal_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_record(struct ots_slice bytes, size_t from, size_t to,
                         const struct ots_journal_record *record)
{
    struct ots_buf again = OTS_BUF_INIT;
    ots_journal_record_append(&again, record);
    struct ots_slice there = ots_slice(bytes.data + from, to - from);
    /* Types of later versions have bytes that we do not write. */
    must(record->type > OTS_JOURNAL_MOVED || ots_slice_equal(ots_buf_slice(&again), there));
    ots_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ots_slice bytes = ots_slice(data, size);
    struct ots_journal_reader reader = {bytes, 0};
    struct ots_journal_record record;
    struct ots_journal_damage damage;
    size_t batches = 0;
    size_t damaged = 0;
    enum ots_journal_result result;
    size_t from = 0;
    while ((result = ots_journal_read(&reader, &record, &damage)) != OTS_JOURNAL_END) {
        must(reader.offset > from && reader.offset <= size);
        if (result == OTS_JOURNAL_DAMAGED) {
            must(damage.offset == from && damage.offset + damage.size == reader.offset);
            damaged += damage.size;
        } else {
            check_record(bytes, from, reader.offset, &record);
            batches += record.type == OTS_JOURNAL_BATCH;
        }
        from = reader.offset;
    }
    struct ots_journal_contents contents = {0};
    must(ots_journal_contents_add(&contents, bytes) == OTS_OK);
    must(contents.batch_count <= batches && contents.damaged_bytes >= damaged);
    ots_journal_contents_deinit(&contents);
    return 0;
}
