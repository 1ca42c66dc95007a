#include "fs/lp/names.h"

#include "backend/base/digest.h"
#include "backend/base/utf8.h"
#include "fs/lp/pairs.h"
#include "fs/lp/text.h"

#define SUFFIX OTS_SLICE(".lp")
#define EMPTY_TIMELINE OTS_SLICE("_")
#define EMPTY_MEASUREMENT OTS_SLICE("_%")

/* 128 bits, in lower case as sha256sum prints them. */
enum { HASH_BYTES = 16, HASH_MARK_BYTES = 2, HASHED_TAIL_BYTES = HASH_MARK_BYTES + 2 * HASH_BYTES };

/* --- escaping --------------------------------------------------------------------------------- */

static bool is_plain(uint8_t byte, bool is_utf8)
{
    if (byte >= 0x80)
        return is_utf8;
    return byte > ' ' && byte != 0x7F && byte != '%' && byte != '/' && byte != ',' && byte != '=' &&
           byte != '"' && byte != '\\';
}

/* `text` as it stands in a name, but for a leading '.'. Borrowed when nothing is escaped. */
static enum ots_status escape(struct ots_slice text, struct ots_arena *arena,
                              struct ots_slice *escaped)
{
    bool is_utf8 = ots_utf8_is_valid(text);
    size_t plain = 0;
    while (plain < text.size && is_plain(text.data[plain], is_utf8))
        plain++;
    *escaped = text;
    if (plain == text.size)
        return OTS_OK;
    uint8_t *data = ots_arena_array(arena, text.size, 3);
    if (!data)
        return OTS_NOMEM;
    uint8_t *to = data;
    for (size_t i = 0; i < text.size; i++) {
        if (is_plain(text.data[i], is_utf8)) {
            *to++ = text.data[i];
        } else {
            *to++ = '%';
            to = ots_lp_hex_write(to, text.data[i]);
        }
    }
    *escaped = ots_slice(data, (size_t)(to - data));
    return OTS_OK;
}

/* A tag's name; the user's own `_data_source` must not read as the data source. */
static enum ots_status escape_tag_name(struct ots_slice name, struct ots_arena *arena,
                                       struct ots_slice *escaped)
{
    if (ots_slice_equal(name, OTS_SLICE(OTS_LP_DATA_SOURCE))) {
        *escaped = OTS_SLICE("%5Fdata_source");
        return OTS_OK;
    }
    return escape(name, arena, escaped);
}

/* The whole name: a leading '.' would make it one of the views. */
static void append_shielded(struct ots_buf *name, struct ots_slice text)
{
    if (text.size && text.data[0] == '.') {
        ots_buf_append_slice(name, OTS_SLICE("%2E"));
        text = ots_slice(text.data + 1, text.size - 1);
    }
    ots_buf_append_slice(name, text);
}

/* --- names that are too long ------------------------------------------------------------------ */

/* The longest prefix of at most `size` bytes that ends neither in a character nor in a %HH. */
static size_t whole_prefix(struct ots_slice text, size_t size)
{
    while (size > 0 && (text.data[size] & 0xC0) == 0x80)
        size--;
    for (size_t back = 1; back <= 2 && back <= size; back++)
        if (text.data[size - back] == '%')
            return size - back;
    return size;
}

/* Append `full`, or what stands for it when it is too long, and `suffix`. */
static enum ots_status append_bounded(struct ots_buf *name, struct ots_slice full,
                                      struct ots_slice suffix)
{
    if (full.size + suffix.size <= OTS_NAME_BYTES_MAX) {
        ots_buf_append_slice(name, full);
        ots_buf_append_slice(name, suffix);
        return ots_buf_status(name);
    }
    uint8_t digest[OTS_SHA256_BYTES];
    enum ots_status status = ots_sha256(full, digest);
    if (status != OTS_OK)
        return status;
    size_t room = OTS_NAME_BYTES_MAX - HASHED_TAIL_BYTES - suffix.size;
    ots_buf_append(name, full.data, whole_prefix(full, room));
    ots_buf_append_slice(name, OTS_SLICE("%~"));
    for (size_t i = 0; i < HASH_BYTES; i++)
        ots_buf_append_fmt(name, "%02x", digest[i]);
    ots_buf_append_slice(name, suffix);
    return ots_buf_status(name);
}

static bool is_hashed(struct ots_slice stem)
{
    if (stem.size < HASHED_TAIL_BYTES)
        return false;
    const uint8_t *tail = stem.data + stem.size - HASHED_TAIL_BYTES;
    if (tail[0] != '%' || tail[1] != '~')
        return false;
    for (size_t i = HASH_MARK_BYTES; i < HASHED_TAIL_BYTES; i++)
        if (!(tail[i] >= '0' && tail[i] <= '9') && !(tail[i] >= 'a' && tail[i] <= 'f'))
            return false;
    return true;
}

/* --- encoding --------------------------------------------------------------------------------- */

static enum ots_status append_pairs(const struct ots_series_key *key, struct ots_arena *arena,
                                    struct ots_buf *full)
{
    const struct ots_lp_pair *pairs;
    size_t count;
    enum ots_status status = ots_lp_pairs_make(key, escape_tag_name, arena, &pairs, &count);
    if (status != OTS_OK)
        return status;
    if (!count)
        ots_buf_append_slice(full, EMPTY_TIMELINE);
    for (size_t i = 0; i < count; i++) {
        struct ots_slice value;
        status = escape(pairs[i].value, arena, &value);
        if (status != OTS_OK)
            return status;
        if (i)
            ots_buf_append_byte(full, ',');
        if (i)
            ots_buf_append_slice(full, pairs[i].name);
        else
            append_shielded(full, pairs[i].name);
        ots_buf_append_byte(full, '=');
        ots_buf_append_slice(full, value);
    }
    return ots_buf_status(full);
}

enum ots_status ots_timeline_name_append(const struct ots_series_key *key, struct ots_buf *name)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf full = OTS_BUF_INIT;
    enum ots_status status = append_pairs(key, &arena, &full);
    if (status == OTS_OK)
        status = append_bounded(name, ots_buf_slice(&full), SUFFIX);
    ots_buf_deinit(&full);
    ots_arena_deinit(&arena);
    return status;
}

enum ots_status ots_measurement_name_append(struct ots_slice measurement, struct ots_buf *name)
{
    if (!measurement.size) {
        ots_buf_append_slice(name, EMPTY_MEASUREMENT);
        return ots_buf_status(name);
    }
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf full = OTS_BUF_INIT;
    struct ots_slice escaped;
    enum ots_status status = escape(measurement, &arena, &escaped);
    if (status == OTS_OK) {
        append_shielded(&full, escaped);
        status = ots_buf_status(&full);
    }
    if (status == OTS_OK)
        status = append_bounded(name, ots_buf_slice(&full), OTS_SLICE(""));
    ots_buf_deinit(&full);
    ots_arena_deinit(&arena);
    return status;
}

enum ots_status ots_key_names_set(struct ots_key_names *names, const struct ots_series_key *key)
{
    struct ots_buf *text = &names->text;
    ots_buf_reset(text);
    names->measurement = names->timeline = OTS_SLICE_NONE;
    enum ots_status status = ots_measurement_name_append(key->measurement, text);
    size_t size = text->size;
    if (status == OTS_OK)
        status = ots_timeline_name_append(key, text);
    if (status != OTS_OK)
        return status;
    names->measurement = ots_slice(text->data, size);
    names->timeline = ots_slice(text->data + size, text->size - size);
    return OTS_OK;
}

void ots_key_names_deinit(struct ots_key_names *names)
{
    ots_buf_deinit(&names->text);
    *names = (struct ots_key_names){.text = OTS_BUF_INIT};
}

/* --- decoding --------------------------------------------------------------------------------- */

/* The name without `.lp`; false when it has none. */
static bool strip_suffix(struct ots_slice name, struct ots_slice *stem)
{
    struct ots_slice suffix = SUFFIX;
    if (name.size <= suffix.size ||
        memcmp(name.data + name.size - suffix.size, suffix.data, suffix.size) != 0)
        return false;
    *stem = ots_slice(name.data, name.size - suffix.size);
    return true;
}

bool ots_timeline_name_is_hashed(struct ots_slice name)
{
    struct ots_slice stem;
    return strip_suffix(name, &stem) && is_hashed(stem);
}

bool ots_measurement_name_is_hashed(struct ots_slice name)
{
    return is_hashed(name);
}

/* Undo every %HH; false for any other '%'. `*text` is in `arena`, or NULL without memory. */
static bool unescape(struct ots_slice escaped, struct ots_arena *arena, struct ots_slice *text)
{
    uint8_t *data = ots_arena_alloc(arena, escaped.size);
    *text = ots_slice(data, 0);
    for (size_t i = 0; data && i < escaped.size; i++) {
        uint8_t byte = escaped.data[i];
        if (byte == '%') {
            if (escaped.size - i < 3)
                return false;
            int high = ots_lp_hex_value(escaped.data[i + 1]);
            int low = ots_lp_hex_value(escaped.data[i + 2]);
            if (high < 0 || low < 0)
                return false;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        data[text->size++] = byte;
    }
    return true;
}

static enum ots_status not_a_name(struct ots_slice name, struct ots_error *err)
{
    return ots_error_set(err, OTS_INVALID, "'%.*s' is not the canonical name of a timeline",
                         OTS_SLICE_FMT(name));
}

static size_t count_pairs(struct ots_slice stem)
{
    size_t count = 1;
    for (size_t i = 0; i < stem.size; i++)
        count += stem.data[i] == ',';
    return count;
}

/* Cut the next `name=value` off `*stem`; false when it is no pair. */
static bool next_pair(struct ots_slice *stem, struct ots_slice *name, struct ots_slice *value)
{
    const uint8_t *comma = memchr(stem->data, ',', stem->size);
    size_t size = comma ? (size_t)(comma - stem->data) : stem->size;
    const uint8_t *equals = size ? memchr(stem->data, '=', size) : NULL;
    if (!equals)
        return false;
    *name = ots_slice(stem->data, (size_t)(equals - stem->data));
    *value = ots_slice(equals + 1, size - name->size - 1);
    size += comma ? 1 : 0;
    *stem = ots_slice(stem->data + size, stem->size - size);
    return true;
}

/* Split and unescape. Whether the spelling is canonical is seen by encoding it again. */
static enum ots_status decode_pairs(struct ots_slice stem, struct ots_arena *arena,
                                    struct ots_series_key *key)
{
    size_t pairs_left = count_pairs(stem);
    struct ots_tag *tags = ots_arena_array(arena, pairs_left, sizeof(*tags));
    if (!tags)
        return OTS_NOMEM;
    key->tag_count = 0;
    key->data_source = OTS_SLICE("");
    for (; pairs_left > 0; pairs_left--) {
        struct ots_slice name;
        struct ots_slice value;
        struct ots_tag tag;
        if (!next_pair(&stem, &name, &value) || !unescape(name, arena, &tag.name) ||
            !unescape(value, arena, &tag.value))
            return OTS_INVALID;
        if (!tag.name.data || !tag.value.data)
            return OTS_NOMEM;
        if (ots_slice_equal(name, OTS_SLICE(OTS_LP_DATA_SOURCE)))
            key->data_source = tag.value;
        else
            tags[key->tag_count++] = tag;
    }
    key->tags = tags;
    return ots_tags_sort(tags, key->tag_count, NULL);
}

static enum ots_status check_canonical(struct ots_slice name, enum ots_status encoded,
                                       struct ots_buf *again)
{
    if (encoded == OTS_OK && !ots_slice_equal(ots_buf_slice(again), name))
        encoded = OTS_INVALID;
    ots_buf_deinit(again);
    return encoded;
}

enum ots_status ots_timeline_name_decode(struct ots_slice name, struct ots_arena *arena,
                                         struct ots_series_key *key, struct ots_error *err)
{
    struct ots_slice stem;
    if (!strip_suffix(name, &stem) || is_hashed(stem))
        return not_a_name(name, err);
    struct ots_series_key decoded = {key->measurement, OTS_SLICE(""), NULL, 0};
    enum ots_status status = OTS_OK;
    if (!ots_slice_equal(stem, EMPTY_TIMELINE))
        status = decode_pairs(stem, arena, &decoded);
    if (status == OTS_OK) {
        struct ots_buf again = OTS_BUF_INIT;
        status = check_canonical(name, ots_timeline_name_append(&decoded, &again), &again);
    }
    if (status == OTS_INVALID)
        return not_a_name(name, err);
    if (status != OTS_OK)
        return ots_error_set(err, status, "decoding a timeline's name");
    *key = decoded;
    return OTS_OK;
}

enum ots_status ots_measurement_name_decode(struct ots_slice name, struct ots_arena *arena,
                                            struct ots_slice *measurement, struct ots_error *err)
{
    struct ots_slice decoded = OTS_SLICE("");
    enum ots_status status = OTS_OK;
    if (!ots_slice_equal(name, EMPTY_MEASUREMENT)) {
        if (is_hashed(name) || !unescape(name, arena, &decoded))
            status = OTS_INVALID;
        else if (!decoded.data)
            status = OTS_NOMEM;
        struct ots_buf again = OTS_BUF_INIT;
        if (status == OTS_OK)
            status = check_canonical(name, ots_measurement_name_append(decoded, &again), &again);
    }
    if (status == OTS_INVALID)
        return ots_error_set(err, status, "'%.*s' is not the canonical name of a measurement",
                             OTS_SLICE_FMT(name));
    if (status != OTS_OK)
        return ots_error_set(err, status, "decoding a measurement's name");
    *measurement = decoded;
    return OTS_OK;
}
