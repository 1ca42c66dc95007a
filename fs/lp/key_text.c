/*
 * Nearly every key needs no mark, no escape and no sorting. Such a key is written as it is, and
 * then all of it is looked through at once: each tag brings one ',' and one '=', so there were no
 * others, and nothing else that is special, when the text has two special bytes for each tag.
 * A key that fails the test is written again with all care.
 */
#include "fs/lp/key_text.h"

#include "fs/lp/copy.h"
#include "fs/lp/pairs.h"
#include "fs/lp/text.h"

/* --- with all care ---------------------------------------------------------------------------- */

static enum ots_status append_name(struct ots_buf *out, struct ots_slice name,
                                   enum ots_lp_kind kind, struct ots_arena *arena)
{
    struct ots_slice marked;
    enum ots_status status = ots_lp_mark(name, kind, arena, &marked);
    if (status == OTS_OK)
        ots_lp_escape_append(out, marked, kind);
    return status;
}

static enum ots_status mark_tag_name(struct ots_slice name, struct ots_arena *arena,
                                     struct ots_slice *marked)
{
    return ots_lp_mark(name, OTS_LP_TAG_NAME, arena, marked);
}

static enum ots_status print_any(const struct ots_series_key *key, struct ots_arena *arena,
                                 struct ots_buf *text)
{
    enum ots_status status = append_name(text, key->measurement, OTS_LP_MEASUREMENT, arena);
    const struct ots_lp_pair *pairs = NULL;
    size_t count = 0;
    if (status == OTS_OK)
        status = ots_lp_pairs_make(key, mark_tag_name, arena, &pairs, &count);
    for (size_t i = 0; i < count && status == OTS_OK; i++) {
        ots_buf_append_byte(text, ',');
        ots_lp_escape_append(text, pairs[i].name, OTS_LP_TAG_NAME);
        ots_buf_append_byte(text, '=');
        status = append_name(text, pairs[i].value, OTS_LP_TAG_VALUE, arena);
    }
    return status == OTS_OK ? ots_buf_status(text) : status;
}

/* --- plain keys ------------------------------------------------------------------------------- */

/* Whether each tag has a name and a value, no name is reserved, and names ascend. */
static bool has_plain_tags(const struct ots_series_key *key, size_t *size)
{
    *size = key->measurement.size;
    for (size_t i = 0; i < key->tag_count; i++) {
        const struct ots_tag *tag = &key->tags[i];
        if (!tag->name.size || !tag->value.size || ots_lp_is_reserved_tag(tag->name))
            return false;
        if (i && tag[-1].name.data[0] >= tag->name.data[0] &&
            ots_slice_compare(tag[-1].name, tag->name) > 0)
            return false;
        *size += tag->name.size + tag->value.size + 2;
    }
    return true;
}

static uint8_t *write_tag(uint8_t *to, struct ots_slice name, struct ots_slice value)
{
    *to++ = ',';
    to = ots_lp_copy(to, name);
    *to++ = '=';
    return ots_lp_copy(to, value);
}

/* False, with nothing written, when the key is not plain. */
static bool print_plain(const struct ots_series_key *key, struct ots_buf *text)
{
    const struct ots_slice source = OTS_SLICE(OTS_LP_DATA_SOURCE);
    bool is_source_placed = !key->data_source.size;
    size_t tag_count = key->tag_count + !is_source_placed;
    size_t size;
    if (!key->measurement.size || key->measurement.data[0] == '#' || !has_plain_tags(key, &size))
        return false;
    size += source.size + key->data_source.size + 2;
    uint8_t *start = ots_buf_reserve(text, size + OTS_LP_COPY_ROOM);
    if (!start)
        return false;
    uint8_t *to = ots_lp_copy(start, key->measurement);
    for (size_t i = 0; i < key->tag_count; i++) {
        if (!is_source_placed && ots_slice_compare(key->tags[i].name, source) > 0) {
            to = write_tag(to, source, key->data_source);
            is_source_placed = true;
        }
        to = write_tag(to, key->tags[i].name, key->tags[i].value);
    }
    if (!is_source_placed)
        to = write_tag(to, source, key->data_source);
    struct ots_slice written = ots_slice(start, (size_t)(to - start));
    if (ots_lp_count_special(written) != 2 * tag_count)
        return false;
    ots_buf_advance(text, written.size);
    return true;
}

enum ots_status ots_lp_key_print(const struct ots_series_key *key, struct ots_arena *arena,
                                 struct ots_buf *text)
{
    ots_buf_reset(text);
    if (print_plain(key, text))
        return OTS_OK;
    return print_any(key, arena, text);
}
