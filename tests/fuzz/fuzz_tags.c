/* Tags' text: what is parsed comes back from its text; sorted text is its own. */
#include <stdlib.h>

#include "backend/model/series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf text = OTS_BUF_INIT;
    struct ots_error err = {0};
    struct ots_series_key key = {OTS_SLICE("m"), OTS_SLICE(""), NULL, 0};
    struct ots_series_key again = key;
    enum ots_status status =
        ots_tags_text_parse(ots_slice(data, size), &arena, &key.tags, &key.tag_count, &err);
    must(status == OTS_OK || (status == OTS_INVALID && err.message[0]));
    if (status == OTS_OK) {
        ots_tags_text_append(&text, key.tags, key.tag_count);
        must(text.size == ots_tags_text_size(key.tags, key.tag_count));
        must(!size || text.size == size);
        must(ots_tags_text_parse(ots_buf_slice(&text), &arena, &again.tags, &again.tag_count,
                                 &err) == OTS_OK);
        must(ots_series_key_equal(&key, &again));
        must(ots_series_key_hash(&key) == ots_series_key_hash(&again));
        status = ots_series_key_check(&key, false, &err);
        must(status == OTS_OK || status == OTS_INVALID || status == OTS_LIMIT);
    }
    ots_buf_deinit(&text);
    ots_arena_deinit(&arena);
    return 0;
}
