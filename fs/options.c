#include "fs/options.h"

#include <stdlib.h>

enum { TIMEOUT_SECONDS_MAX = 3600, CONNECTIONS_MAX = 256 };

/* For mount(8) and systemd, or about access times, of which there are none. */
static const char *const ignored[] = {"defaults", "auto",       "noauto",      "user",    "nouser",
                                      "users",    "nofail",     "_netdev",     "owner",   "group",
                                      "relatime", "norelatime", "strictatime", "lazytime"};
static const char *const ignored_prefixes[] = {"x-", "comment="};

static bool is_ignored(const char *option)
{
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        if (strcmp(option, ignored[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof(ignored_prefixes) / sizeof(ignored_prefixes[0]); i++)
        if (strncmp(option, ignored_prefixes[i], strlen(ignored_prefixes[i])) == 0)
            return true;
    return false;
}

static enum ots_status parse_number(const char *name, const char *text, long max, long *number,
                                    struct ots_error *err)
{
    char *end;
    *number = strtol(text, &end, 10);
    if (!*text || *end || *number < 1 || *number > max)
        return ots_error_set(err, OTS_INVALID, "-o %s=%s: a number from 1 to %ld is wanted", name,
                             text, max);
    return OTS_OK;
}

static enum ots_status set_text(char **place, const char *text)
{
    free(*place);
    *place = strdup(text);
    return *place ? OTS_OK : OTS_NOMEM;
}

static enum ots_status set_put(struct ots_options *options, const char *text, struct ots_error *err)
{
    if (strcmp(text, "sdk") == 0)
        options->put = OTS_PUT_CHOICE_SDK;
    else if (strcmp(text, "shared") == 0)
        options->put = OTS_PUT_CHOICE_SHARED;
    else
        return ots_error_set(err, OTS_INVALID, "-o put=%s: sdk or shared is wanted", text);
    return OTS_OK;
}

static enum ots_status set_signature(struct ots_options *options, const char *text,
                                     struct ots_error *err)
{
    if (strcmp(text, "v2") != 0 && strcmp(text, "v4") != 0)
        return ots_error_set(err, OTS_INVALID, "-o signature=%s: v2 or v4 is wanted", text);
    options->wants_v4 = strcmp(text, "v4") == 0;
    return OTS_OK;
}

static enum ots_status set_valued(struct ots_options *options, const char *name, const char *value,
                                  bool *is_known, struct ots_error *err)
{
    long number;
    enum ots_status status;
    *is_known = true;
    if (strcmp(name, "config") == 0)
        return set_text(&options->config, value);
    if (strcmp(name, "instance") == 0)
        return set_text(&options->instance, value);
    if (strcmp(name, "put") == 0)
        return set_put(options, value, err);
    if (strcmp(name, "signature") == 0)
        return set_signature(options, value, err);
    if (strcmp(name, "timeout") == 0) {
        status = parse_number(name, value, TIMEOUT_SECONDS_MAX, &number, err);
        options->timeout_ms = status == OTS_OK ? number * 1000 : 0;
        return status;
    }
    if (strcmp(name, "connections") == 0) {
        status = parse_number(name, value, CONNECTIONS_MAX, &number, err);
        options->connections = status == OTS_OK ? (unsigned)number : 0;
        return status;
    }
    *is_known = false;
    return OTS_OK;
}

static void pass_on(struct ots_options *options, const char *option)
{
    if (options->rest.size)
        ots_buf_append_byte(&options->rest, ',');
    for (const char *c = option; *c; c++) {
        if (*c == ',' || *c == '\\')
            ots_buf_append_byte(&options->rest, '\\');
        ots_buf_append_byte(&options->rest, (uint8_t)*c);
    }
}

static enum ots_status parse_one(struct ots_options *options, char *option, struct ots_error *err)
{
    if (!*option || is_ignored(option))
        return OTS_OK;
    char *equals = strchr(option, '=');
    if (equals) {
        bool is_known;
        *equals = '\0';
        enum ots_status status = set_valued(options, option, equals + 1, &is_known, err);
        *equals = '=';
        if (status != OTS_OK || is_known)
            return status;
    }
    pass_on(options, option);
    return OTS_OK;
}

/* Split at commas; a backslash takes away a comma's meaning. `list` is overwritten. */
static enum ots_status parse_list(struct ots_options *options, char *list, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    char *from = list;
    while (status == OTS_OK && *from) {
        char *option = from;
        char *to = from;
        for (; *from && *from != ','; from++) {
            if (*from == '\\' && from[1])
                from++;
            *to++ = *from;
        }
        from += *from == ',';
        *to = '\0';
        status = parse_one(options, option, err);
    }
    return status;
}

static enum ots_status parse_option_argument(struct ots_options *options, const char *list,
                                             struct ots_error *err)
{
    if (!list)
        return ots_error_set(err, OTS_INVALID, "-o wants options behind it");
    char *copy = strdup(list);
    if (!copy)
        return OTS_NOMEM;
    enum ots_status status = parse_list(options, copy, err);
    free(copy);
    return status;
}

static enum ots_status parse_word(struct ots_options *options, const char *word,
                                  struct ots_error *err)
{
    if (strcmp(word, "-f") == 0 || strcmp(word, "--foreground") == 0)
        options->is_foreground = true;
    else if (strcmp(word, "-d") == 0 || strcmp(word, "--debug") == 0)
        options->is_foreground = options->is_debug = true;
    else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
        options->wants_help = true;
    else if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0)
        options->wants_version = true;
    else if (word[0] == '-' && word[1])
        return ots_error_set(err, OTS_INVALID, "unknown option %s", word);
    else if (!options->source)
        options->source = word;
    else if (!options->mountpoint)
        options->mountpoint = word;
    else
        return ots_error_set(err, OTS_INVALID, "one word too many: %s", word);
    return OTS_OK;
}

enum ots_status ots_options_parse(struct ots_options *options, int argc, char *const *argv,
                                  struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    *options = (struct ots_options){.rest = OTS_BUF_INIT};
    for (int i = 1; i < argc && status == OTS_OK; i++) {
        if (strcmp(argv[i], "-o") == 0)
            status = parse_option_argument(options, i + 1 < argc ? argv[++i] : NULL, err);
        else if (strncmp(argv[i], "-o", 2) == 0)
            status = parse_option_argument(options, argv[i] + 2, err);
        else
            status = parse_word(options, argv[i], err);
    }
    if (status == OTS_OK && !options->wants_help && !options->wants_version &&
        (!options->source || !options->mountpoint))
        status = ots_error_set(err, OTS_INVALID, "a source and a mount point are wanted");
    ots_buf_append_byte(&options->rest, '\0');
    return status == OTS_OK ? ots_buf_status(&options->rest) : status;
}

void ots_options_deinit(struct ots_options *options)
{
    free(options->config);
    free(options->instance);
    ots_buf_deinit(&options->rest);
}
