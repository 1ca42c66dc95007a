#include "fs/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char ots_options_usage[] =
    "usage: otsfs SOURCE[,SOURCE...] MOUNTPOINT [-f] [-d] [-o OPTION,...]\n"
    "       otsfs --check SOURCE [-o OPTION,...]\n"
    "\n"
    "Mounts Tablestore instances. SOURCE is\n"
    "  NAME                 a data source of datasources.json\n"
    "  https://HOST         an endpoint, with the access key in the environment variables\n"
    "                       TABLESTORE_ACCESS_KEY_ID and TABLESTORE_ACCESS_KEY_SECRET\n"
    "  local:DIR            a local instance kept in DIR\n"
    "With several, each is a directory in the mount.\n"
    "\n"
    "  -f                   stay in the foreground\n"
    "  -d                   the same, and print every request of the kernel\n"
    "  --check              try the source step by step; mount nothing\n"
    "  -h, -V               print this text or the version, and end\n"
    "  -o config=FILE       where data sources are described\n"
    "  -o instance=NAME     the instance, where the endpoint does not tell it\n"
    "  -o state_dir=DIR     where the journal, rejected lines and sizes are kept\n"
    "  -o cache_size=MIB    of what is read ahead, on disk (1024)\n"
    "  -o cache_dir=DIR     in which directory ($TMPDIR or /var/tmp)\n"
    "  -o precision=UNIT    of times in lines: ns (default), us, ms or s\n"
    "  -o sync              close waits until the rows are stored\n"
    "  -o browse            list from metadata, without scans; sizes come with open\n"
    "  -o allow_delete      rm removes metadata of timelines, rmdir empty tables\n"
    "  -o uid=N,gid=N       whose the files are (who mounts)\n"
    "  -o umask=OCTAL       permissions that files lack (000)\n"
    "  -o timeout=SECONDS   give up what the service does not answer (60)\n"
    "  -o connections=N     connections to the service at once (16)\n"
    "  -o max_rps=N         requests per second at most (no limit)\n"
    "  -o max_mbps=N        megabits per second at most, both ways together (no limit)\n"
    "  -o stream=on|off     whether changes by others are learned from the stream (on)\n"
    "  -o poll=SECONDS      how often a table's stream is read, 0.05 to 3600 (1)\n"
    "  -o settle=SECONDS    after which .changes are complete (300; 2 for local:DIR)\n"
    "  -o put=sdk|shared    how rows are laid out in requests\n"
    "  -o signature=v2|v4   how requests are signed (v2; v4 needs a region)\n"
    "  -o auto_unmount      unmount also when otsfs is killed\n"
    "  -o ro,allow_other... what mount.fuse3(8) describes\n"
    "\n"
    "Unmount with fusermount3 -u MOUNTPOINT. See otsfs(1).\n";

/* For mount(8) and systemd, or about access times, of which there are none. */
static const char *const ignored[] = {
    "defaults", "auto",  "noauto",   "user",       "nouser",      "users",    "nousers",
    "nofail",   "owner", "_netdev",  "group",      "nogroup",     "noowner",  "_rnetdev",
    "relatime", "loud",  "diratime", "nodiratime", "strictatime", "lazytime", "nostrictatime",
    "silent",   "mand",  "nomand",   "norelatime", "nolazytime",  NULL};
static const char *const ignored_prefixes[] = {"x-", "X-", "comment=", "user=", NULL};

/* What libfuse or the kernel understand. `sync` is not for them: the kernel would only flush what
 * it never keeps. */
static const char *const passed[] = {
    "ro",      "rw",          "suid",       "nosuid",       "dev",
    "nodev",   "exec",        "noexec",     "atime",        "noatime",
    "dirsync", "allow_other", "allow_root", "auto_unmount", "default_permissions",
    NULL};
static const char *const passed_prefixes[] = {
    "fsname=",    "subtype=",    "max_read=",    "context=",
    "fscontext=", "defcontext=", "rootcontext=", NULL};

static bool is_one_of(const char *const *names, const char *option)
{
    for (; *names; names++)
        if (strcmp(option, *names) == 0)
            return true;
    return false;
}

static bool starts_with_one_of(const char *const *prefixes, const char *option)
{
    for (; *prefixes; prefixes++)
        if (strncmp(option, *prefixes, strlen(*prefixes)) == 0)
            return true;
    return false;
}

/* --- values ---------------------------------------------------------------------------------- */

static enum ots_status parse_number(const char *name, const char *text, long min, long max,
                                    long *number, struct ots_error *err)
{
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    if (errno || text[0] < '0' || text[0] > '9' || *end || *number < min || *number > max)
        return ots_error_set(err, OTS_INVALID, "-o %s=%s: a number from %ld to %ld is wanted", name,
                             text, min, max);
    return OTS_OK;
}

static enum ots_status set_number(unsigned *place, const char *name, const char *text, long min,
                                  long max, struct ots_error *err)
{
    long number;
    enum ots_status status = parse_number(name, text, min, max, &number, err);
    if (status == OTS_OK)
        *place = (unsigned)number;
    return status;
}

static enum ots_status set_timeout(struct ots_options *options, const char *text,
                                   struct ots_error *err)
{
    long seconds;
    enum ots_status status = parse_number("timeout", text, 1, 3600, &seconds, err);
    if (status == OTS_OK)
        options->timeout_ms = seconds * 1000;
    return status;
}

/* Digits, and if it has a point digits behind that; what is below a microsecond is cut. */
static bool parse_microseconds(const char *text, int64_t max_us, int64_t *time_us)
{
    *time_us = 0;
    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        *time_us = *time_us * 10 + (*text - '0') * INT64_C(1000000);
        if (*time_us > max_us)
            return false;
    }
    if (*text == '.' && text[1]) {
        text++;
        for (int64_t unit_us = 100000; *text >= '0' && *text <= '9'; text++, unit_us /= 10)
            *time_us += (*text - '0') * unit_us;
    }
    return !*text && *time_us <= max_us;
}

static enum ots_status set_seconds(int64_t *place, const char *name, const char *text,
                                   int64_t min_us, int64_t max_us, struct ots_error *err)
{
    int64_t time_us;
    if (!parse_microseconds(text, max_us, &time_us) || time_us < min_us)
        return ots_error_set(err, OTS_INVALID, "-o %s=%s: seconds from %g to %g are wanted", name,
                             text, (double)min_us / 1e6, (double)max_us / 1e6);
    *place = time_us;
    return OTS_OK;
}

static enum ots_status set_umask(struct ots_options *options, const char *text,
                                 struct ots_error *err)
{
    size_t size = strlen(text);
    if (!size || size > 4 || strspn(text, "01234567") != size || strtoul(text, NULL, 8) > 0777)
        return ots_error_set(err, OTS_INVALID, "-o umask=%s: octal digits up to 777 are wanted",
                             text);
    options->umask = (unsigned)strtoul(text, NULL, 8);
    return OTS_OK;
}

static enum ots_status set_text(char **place, const char *name, const char *text,
                                struct ots_error *err)
{
    if (!*text)
        return ots_error_set(err, OTS_INVALID, "-o %s=: a value is wanted", name);
    free(*place);
    *place = strdup(text);
    return *place ? OTS_OK : OTS_NOMEM;
}

/* The index of `text` in `choices`. */
static enum ots_status choose(const char *const *choices, const char *name, const char *text,
                              unsigned *index, struct ots_error *err)
{
    for (*index = 0; choices[*index]; ++*index)
        if (strcmp(choices[*index], text) == 0)
            return OTS_OK;
    char list[64] = "";
    for (size_t i = 0, used = 0; choices[i]; i++)
        used +=
            (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", choices[i]);
    return ots_error_set(err, OTS_INVALID, "-o %s=%s: one of %s is wanted", name, text, list);
}

static enum ots_status set_choice(struct ots_options *options, const char *name, const char *text,
                                  bool *is_known, struct ots_error *err)
{
    static const char *const puts[] = {"sdk", "shared", NULL};
    static const char *const signatures[] = {"v2", "v4", NULL};
    static const char *const precisions[] = {"ns", "us", "ms", "s", NULL};
    static const char *const streams[] = {"on", "off", NULL};
    unsigned index;
    enum ots_status status = OTS_OK;
    if (strcmp(name, "put") == 0) {
        status = choose(puts, name, text, &index, err);
        options->put = index ? OTS_PUT_CHOICE_SHARED : OTS_PUT_CHOICE_SDK;
    } else if (strcmp(name, "signature") == 0) {
        status = choose(signatures, name, text, &index, err);
        options->wants_v4 = index == 1;
    } else if (strcmp(name, "precision") == 0) {
        status = choose(precisions, name, text, &index, err);
        options->precision = (enum ots_precision)index;
    } else if (strcmp(name, "stream") == 0) {
        status = choose(streams, name, text, &index, err);
        options->stream_off = index == 1;
    } else {
        *is_known = false;
    }
    return status;
}

static enum ots_status set_valued(struct ots_options *options, const char *name, const char *value,
                                  bool *is_known, struct ots_error *err)
{
    static const long ID_MAX = 4294967294;
    static const long CACHE_MB_MAX = 1048576;
    static const int64_t POLL_US_MIN = 50000;
    static const int64_t POLL_US_MAX = INT64_C(3600000000);
    static const int64_t SETTLE_US_MAX = INT64_C(86400000000);
    *is_known = true;
    if (strcmp(name, "config") == 0)
        return set_text(&options->config, name, value, err);
    if (strcmp(name, "instance") == 0)
        return set_text(&options->instance, name, value, err);
    if (strcmp(name, "state_dir") == 0)
        return set_text(&options->state_dir, name, value, err);
    if (strcmp(name, "cache_dir") == 0)
        return set_text(&options->cache_dir, name, value, err);
    if (strcmp(name, "cache_size") == 0) {
        options->has_cache_size = true;
        return set_number(&options->cache_mb, name, value, 0, CACHE_MB_MAX, err);
    }
    if (strcmp(name, "timeout") == 0)
        return set_timeout(options, value, err);
    if (strcmp(name, "connections") == 0)
        return set_number(&options->connections, name, value, 1, 256, err);
    if (strcmp(name, "max_rps") == 0)
        return set_number(&options->max_rps, name, value, 1, 1000000, err);
    if (strcmp(name, "max_mbps") == 0)
        return set_number(&options->max_mbps, name, value, 1, 100000, err);
    if (strcmp(name, "poll") == 0)
        return set_seconds(&options->poll_us, name, value, POLL_US_MIN, POLL_US_MAX, err);
    if (strcmp(name, "settle") == 0) {
        options->has_settle = true;
        return set_seconds(&options->settle_us, name, value, 0, SETTLE_US_MAX, err);
    }
    if (strcmp(name, "umask") == 0)
        return set_umask(options, value, err);
    if (strcmp(name, "uid") == 0) {
        options->has_uid = true;
        return set_number(&options->uid, name, value, 0, ID_MAX, err);
    }
    if (strcmp(name, "gid") == 0) {
        options->has_gid = true;
        return set_number(&options->gid, name, value, 0, ID_MAX, err);
    }
    return set_choice(options, name, value, is_known, err);
}

static bool set_flag(struct ots_options *options, const char *name)
{
    if (strcmp(name, "browse") == 0)
        options->is_browse = true;
    else if (strcmp(name, "allow_delete") == 0)
        options->may_delete = true;
    else if (strcmp(name, "sync") == 0 || strcmp(name, "async") == 0)
        options->is_sync = name[0] == 's';
    else
        return false;
    return true;
}

/* --- lists ----------------------------------------------------------------------------------- */

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

/* A name of ours in the wrong form, as `browse=yes` or `precision`, is no less unknown. */
static enum ots_status parse_option(struct ots_options *options, char *option,
                                    struct ots_error *err)
{
    if (!*option || is_one_of(ignored, option) || starts_with_one_of(ignored_prefixes, option) ||
        set_flag(options, option))
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
    if (!is_one_of(passed, option) && !starts_with_one_of(passed_prefixes, option))
        return ots_error_set(err, OTS_INVALID, "unknown option -o %s", option);
    pass_on(options, option);
    return OTS_OK;
}

static enum ots_status add_source(struct ots_options *options, char *source, struct ots_error *err)
{
    if (!*source)
        return ots_error_set(err, OTS_INVALID, "%s: a source is empty", options->source);
    if (options->source_count == OTS_SOURCES_MAX)
        return ots_error_set(err, OTS_INVALID, "more than %d sources", OTS_SOURCES_MAX);
    options->sources[options->source_count] = strdup(source);
    if (!options->sources[options->source_count])
        return OTS_NOMEM;
    options->source_count++;
    return OTS_OK;
}

typedef enum ots_status add_function(struct ots_options *options, char *item,
                                     struct ots_error *err);

/* Split at commas; a backslash takes away a comma's meaning. */
static enum ots_status parse_list(struct ots_options *options, const char *list, add_function *add,
                                  struct ots_error *err)
{
    char *copy = strdup(list);
    if (!copy)
        return OTS_NOMEM;
    enum ots_status status = OTS_OK;
    bool is_last = false;
    for (char *from = copy; status == OTS_OK && !is_last;) {
        char *item = from;
        char *to = from;
        for (; *from && *from != ','; from++) {
            if (*from == '\\' && from[1])
                from++;
            *to++ = *from;
        }
        is_last = !*from++;
        *to = '\0';
        status = add(options, item, err);
    }
    free(copy);
    return status;
}

/* --- words ----------------------------------------------------------------------------------- */

static enum ots_status parse_options(struct ots_options *options, const char *list,
                                     struct ots_error *err)
{
    if (!list)
        return ots_error_set(err, OTS_INVALID, "-o wants options behind it");
    return parse_list(options, list, parse_option, err);
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
    else if (strcmp(word, "--check") == 0)
        options->is_check = true;
    else if (word[0] == '-' && word[1])
        return ots_error_set(err, OTS_INVALID, "unknown option %s", word);
    else if (!options->source[0])
        options->source = word;
    else if (!options->mountpoint)
        options->mountpoint = word;
    else
        return ots_error_set(err, OTS_INVALID, "one word too many: %s", word);
    return OTS_OK;
}

static enum ots_status check_words(const struct ots_options *options, struct ots_error *err)
{
    if (options->wants_help || options->wants_version)
        return OTS_OK;
    if (options->is_check && options->mountpoint)
        return ots_error_set(err, OTS_INVALID, "--check takes a source and no mount point");
    if (options->is_check && !options->source[0])
        return ots_error_set(err, OTS_INVALID, "a source is wanted");
    if (!options->is_check && !options->mountpoint)
        return ots_error_set(err, OTS_INVALID, "a source and a mount point are wanted");
    return OTS_OK;
}

enum ots_status ots_options_parse(struct ots_options *options, int argc, char *const *argv,
                                  struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    *options = (struct ots_options){.source = "", .rest = OTS_BUF_INIT};
    for (int i = 1; i < argc && status == OTS_OK; i++) {
        if (strcmp(argv[i], "-o") == 0)
            status = parse_options(options, i + 1 < argc ? argv[++i] : NULL, err);
        else if (strncmp(argv[i], "-o", 2) == 0)
            status = parse_options(options, argv[i] + 2, err);
        else
            status = parse_word(options, argv[i], err);
    }
    if (status == OTS_OK)
        status = check_words(options, err);
    if (status == OTS_OK && options->source[0])
        status = parse_list(options, options->source, add_source, err);
    ots_buf_append_byte(&options->rest, '\0');
    return status == OTS_OK ? ots_buf_status(&options->rest) : status;
}

void ots_options_deinit(struct ots_options *options)
{
    for (size_t i = 0; i < options->source_count; i++)
        free(options->sources[i]);
    free(options->config);
    free(options->instance);
    free(options->state_dir);
    free(options->cache_dir);
    ots_buf_deinit(&options->rest);
}
