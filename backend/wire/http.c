#include "backend/wire/http.h"

#include "backend/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void ots_headers_deinit(struct ots_headers *headers)
{
    /* An STS token or a signature may be among them. */
    if (headers->text)
        ots_secret_wipe(headers->text, headers->text_size);
    free(headers->text);
    *headers = OTS_HEADERS_INIT;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static struct ots_slice trim(struct ots_slice text)
{
    while (text.size && is_space(text.data[0]))
        text = ots_slice(text.data + 1, text.size - 1);
    while (text.size && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

static struct ots_slice store(struct ots_headers *headers, struct ots_slice bytes)
{
    char *to = headers->text + headers->text_size;
    if (bytes.size)
        memcpy(to, bytes.data, bytes.size);
    headers->text_size += bytes.size;
    return ots_slice(to, bytes.size);
}

enum ots_status ots_headers_add(struct ots_headers *headers, struct ots_slice name,
                                struct ots_slice value)
{
    value = trim(value);
    /* The text is allocated once at its full size: growing it would move the slices. */
    size_t left = OTS_HEADER_TEXT_BYTES_MAX - headers->text_size;
    if (headers->count == OTS_HEADERS_MAX || name.size > left || value.size > left - name.size)
        return OTS_LIMIT;
    if (!headers->text)
        headers->text = malloc(OTS_HEADER_TEXT_BYTES_MAX);
    if (!headers->text)
        return OTS_NOMEM;
    char *lower = headers->text + headers->text_size;
    struct ots_header *header = &headers->items[headers->count++];
    header->name = store(headers, name);
    header->value = store(headers, value);
    for (size_t i = 0; i < name.size; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] - 'A' + 'a');
    return OTS_OK;
}

struct ots_slice ots_headers_get(const struct ots_headers *headers, const char *name)
{
    struct ots_slice wanted = ots_slice_str(name);
    for (size_t i = 0; i < headers->count; i++)
        if (ots_slice_equal(headers->items[i].name, wanted))
            return headers->items[i].value;
    return OTS_SLICE_NONE;
}

void ots_date_format(int64_t time_us, char text[32])
{
    int64_t ms = time_us / 1000 - (time_us % 1000 < 0);
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    struct tm tm;
    gmtime_r(&seconds, &tm);
    /* strftime does not fill years before 1000 with zeros. */
    size_t used = (size_t)snprintf(text, 32, "%04d", tm.tm_year + 1900);
    used += strftime(text + used, 32 - used, "-%m-%dT%H:%M:%S", &tm);
    snprintf(text + used, 32 - used, ".%03dZ", (int)(ms - (int64_t)seconds * 1000));
}

/* Match `text` against the pattern, where each run of a letter is one number for `numbers`. */
static bool scan_numbers(struct ots_slice text, const char *pattern, int *numbers)
{
    size_t count = 0;
    char previous = '\0';
    for (size_t i = 0; pattern[i]; i++) {
        uint8_t byte = text.data[i];
        if (pattern[i] >= 'a' && pattern[i] <= 'z') {
            if (byte < '0' || byte > '9')
                return false;
            if (pattern[i] != previous)
                numbers[count++] = 0;
            numbers[count - 1] = numbers[count - 1] * 10 + (byte - '0');
        } else if (byte != (uint8_t)pattern[i]) {
            return false;
        }
        previous = pattern[i];
    }
    return true;
}

static bool is_fraction_and_zone(struct ots_slice text)
{
    if (!text.size || text.data[text.size - 1] != 'Z')
        return false;
    text.size--;
    if (!text.size)
        return true;
    if (text.data[0] != '.')
        return false;
    for (size_t i = 1; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

enum ots_status ots_date_parse(struct ots_slice text, int64_t *time_us)
{
    static const char pattern[] = "yyyy-mm-ddThh:nn:ss";
    const size_t length = sizeof(pattern) - 1;
    int numbers[6];
    if (text.size < length || !scan_numbers(text, pattern, numbers))
        return OTS_INVALID;
    if (!is_fraction_and_zone(ots_slice(text.data + length, text.size - length)))
        return OTS_INVALID;
    struct tm tm = {.tm_year = numbers[0] - 1900,
                    .tm_mon = numbers[1] - 1,
                    .tm_mday = numbers[2],
                    .tm_hour = numbers[3],
                    .tm_min = numbers[4],
                    .tm_sec = numbers[5]};
    struct tm given = tm;
    time_t seconds = timegm(&tm);
    /* timegm makes 30 February a day in March; then it was no date. */
    if (tm.tm_year != given.tm_year || tm.tm_mon != given.tm_mon || tm.tm_mday != given.tm_mday ||
        tm.tm_hour != given.tm_hour || tm.tm_min != given.tm_min || tm.tm_sec != given.tm_sec)
        return OTS_INVALID;
    *time_us = (int64_t)seconds * 1000000;
    return OTS_OK;
}

enum ots_status ots_date_parse_fine(struct ots_slice text, int64_t *time_us)
{
    enum ots_status status = ots_date_parse(text, time_us);
    const uint8_t *point = status == OTS_OK ? memchr(text.data, '.', text.size) : NULL;
    if (!point)
        return status;
    /* The parse has seen to it that digits follow and then the zone. */
    int64_t unit_us = 100000;
    for (point++; *point != 'Z' && unit_us; point++, unit_us /= 10)
        *time_us += (*point - '0') * unit_us;
    return status;
}
