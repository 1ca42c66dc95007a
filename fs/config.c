#include "fs/config.h"

#include "backend/base/digest.h"
#include "backend/base/file_text.h"
#include "backend/base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { NAME_BYTES_MAX = 128, SHOWN_BYTES = 160 };

static const char system_file[] = "/etc/otsfs/datasources.json";

/* --- data sources ---------------------------------------------------------------------------- */

static void free_secret(char *secret)
{
    if (secret)
        ots_secret_wipe(secret, strlen(secret));
    free(secret);
}

void ots_data_source_deinit(struct ots_data_source *source)
{
    free(source->name);
    free(source->description);
    free(source->region);
    free(source->instance);
    free(source->endpoint);
    free_secret(source->access_key_id);
    free_secret(source->access_key_secret);
    free_secret(source->sts_token);
    free(source->directory);
    free(source->ca_file);
    free(source->socket);
    *source = (struct ots_data_source){.name = NULL};
}

/* A copy of `text` in `*to`, which owns nothing so far. */
static enum ots_status set(char **to, const char *text, size_t size, struct ots_error *err)
{
    *to = strndup(text, size);
    return *to ? OTS_OK : ots_error_set(err, OTS_NOMEM, "configuration: out of memory");
}

static bool is_name(const char *text)
{
    if (!isascii(text[0]) || !isalpha((unsigned char)text[0]) || strlen(text) > NAME_BYTES_MAX)
        return false;
    for (; *text; text++)
        if (!isascii(*text) || !(isalnum((unsigned char)*text) || *text == '_'))
            return false;
    return true;
}

static bool has_only(const char *text, size_t size, const char *extra)
{
    for (size_t i = 0; i < size; i++)
        if (!isascii(text[i]) || !(isalnum((unsigned char)text[i]) || strchr(extra, text[i])))
            return false;
    return size > 0;
}

static bool is_instance(const char *text)
{
    return has_only(text, strlen(text), "_-") && strlen(text) <= NAME_BYTES_MAX;
}

/* --- endpoints ------------------------------------------------------------------------------- */

/* Where the host starts in an endpoint, NULL when it is none. */
static const char *find_host(const char *endpoint)
{
    if (strncmp(endpoint, "https://", 8) == 0)
        return endpoint + 8;
    return strncmp(endpoint, "http://", 7) == 0 ? endpoint + 7 : NULL;
}

static bool is_port(const char *text, size_t size)
{
    unsigned port = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || port > 65535)
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port > 0 && port <= 65535;
}

static enum ots_status set_endpoint(struct ots_data_source *source, const char *text,
                                    struct ots_error *err)
{
    char shown[SHOWN_BYTES];
    size_t size = strlen(text);
    const char *host = find_host(text);
    if (size && text[size - 1] == '/')
        size--;
    const char *end = text + size;
    const char *colon = host && host < end ? memchr(host, ':', (size_t)(end - host)) : NULL;
    const char *host_end = colon ? colon : end;
    if (!host || host >= host_end || !has_only(host, (size_t)(host_end - host), "._-") ||
        (colon && !is_port(colon + 1, (size_t)(end - colon - 1))))
        return ots_error_set(err, OTS_INVALID, "endpoint %s: must be http(s)://HOST[:PORT]",
                             ots_utf8_show(ots_slice_str(text), shown, sizeof(shown)));
    return set(&source->endpoint, text, size, err);
}

static bool is_service_label(const char *label, size_t size)
{
    static const char *const labels[] = {"ots", "ots-internal", "tablestore", "vpc"};
    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
        if (strlen(labels[i]) == size && memcmp(labels[i], label, size) == 0)
            return true;
    return false;
}

/* Take instance and region from INSTANCE.REGION.SERVICE...aliyuncs.com unless they are known. */
static enum ots_status derive_from_host(struct ots_data_source *source, struct ots_error *err)
{
    static const char domain[] = ".aliyuncs.com";
    const char *host = find_host(source->endpoint);
    size_t size = strcspn(host, ":");
    if (size <= strlen(domain) || memcmp(host + size - strlen(domain), domain, strlen(domain)) != 0)
        return OTS_OK;
    const char *region = memchr(host, '.', size);
    const char *service = memchr(region + 1, '.', size - (size_t)(region + 1 - host));
    if (!service || region == host || service == region + 1)
        return OTS_OK;
    region++;
    service++;
    if (!is_service_label(service, strcspn(service, ".")))
        return OTS_OK;
    enum ots_status status = OTS_OK;
    if (!source->instance)
        status = set(&source->instance, host, (size_t)(region - 1 - host), err);
    if (status == OTS_OK && !source->region)
        status = set(&source->region, region, (size_t)(service - 1 - region), err);
    return status;
}

/* What every data source needs in the end. */
static enum ots_status check_instance(const struct ots_data_source *source, const char *hint,
                                      struct ots_error *err)
{
    char shown[SHOWN_BYTES];
    if (!source->instance)
        return ots_error_set(err, OTS_INVALID, "the endpoint's host does not tell the instance; %s",
                             hint);
    if (!is_instance(source->instance))
        return ots_error_set(err, OTS_INVALID, "instance %s: must be letters, digits, '_' and '-'",
                             ots_utf8_show(ots_slice_str(source->instance), shown, sizeof(shown)));
    return OTS_OK;
}

static enum ots_status set_from_environment(char **to, const char *variable, bool is_optional,
                                            struct ots_error *err)
{
    const char *value = getenv(variable);
    if (value && *value)
        return set(to, value, strlen(value), err);
    if (is_optional)
        return OTS_OK;
    return ots_error_set(err, OTS_INVALID, "%s is not set in the environment", variable);
}

static enum ots_status load_endpoint(const char *text, const struct ots_config_options *options,
                                     struct ots_data_source *source, struct ots_error *err)
{
    enum ots_status status = set_endpoint(source, text, err);
    if (status == OTS_OK && options->instance)
        status = set(&source->instance, options->instance, strlen(options->instance), err);
    if (status == OTS_OK)
        status = derive_from_host(source, err);
    if (status == OTS_OK)
        status = check_instance(source, "say -o instance=NAME", err);
    if (status == OTS_OK)
        status =
            set_from_environment(&source->access_key_id, "TABLESTORE_ACCESS_KEY_ID", false, err);
    if (status == OTS_OK)
        status = set_from_environment(&source->access_key_secret, "TABLESTORE_ACCESS_KEY_SECRET",
                                      false, err);
    if (status == OTS_OK)
        status = set_from_environment(&source->sts_token, "TABLESTORE_SESSION_TOKEN", true, err);
    return status;
}

/* --- files with secrets ---------------------------------------------------------------------- */

enum ots_status ots_config_read_secret(const char *path, struct ots_json **out,
                                       struct ots_error *err)
{
    OTS_AUTO(ots_close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) != 0)
        return ots_error_errno(err, errno, "%s", path);
    if (stat.st_uid != geteuid() && stat.st_uid != 0)
        return ots_error_set(err, OTS_DENIED, "%s: belongs to another user", path);
    return ots_file_secret_json(fd, path, out, err);
}

/* --- data sources of a file ------------------------------------------------------------------ */

struct entry_key {
    const char *name;
    size_t offset; /* of the char * in struct ots_data_source */
    bool is_required;
};

#define KEY(name, member, is_required)                                                             \
    {                                                                                              \
        name, offsetof(struct ots_data_source, member), is_required                                \
    }

static const struct entry_key entry_keys[] = {
    KEY("name", name, true),
    KEY("description", description, false),
    KEY("endpoint", endpoint, true),
    KEY("instanceName", instance, false),
    KEY("region", region, false),
    KEY("accessId", access_key_id, true),
    KEY("accessKey", access_key_secret, true),
    KEY("stsToken", sts_token, false),
    KEY("caFile", ca_file, false),
};

enum { ENTRY_KEYS = sizeof(entry_keys) / sizeof(*entry_keys) };

static enum ots_status check_keys(const struct ots_json *entry, struct ots_error *err)
{
    const char *name;
    for (size_t i = 0; (name = ots_json_name_at(entry, i)) != NULL; i++) {
        size_t k = 0;
        while (k < ENTRY_KEYS && strcmp(entry_keys[k].name, name) != 0)
            k++;
        char shown[SHOWN_BYTES];
        if (k == ENTRY_KEYS)
            return ots_error_set(err, OTS_INVALID, "unknown key %s",
                                 ots_utf8_show(ots_slice_str(name), shown, sizeof(shown)));
    }
    return OTS_OK;
}

static enum ots_status set_from_entry(struct ots_data_source *source, const struct ots_json *entry,
                                      const struct entry_key *key, struct ots_error *err)
{
    const char *value = ots_json_string(entry, key->name);
    if (!value && ots_json_member(entry, key->name))
        return ots_error_set(err, OTS_INVALID, "%s: must be a string", key->name);
    if (!value || !*value)
        return key->is_required ? ots_error_set(err, OTS_INVALID, "%s: is missing", key->name)
                                : OTS_OK;
    if (strcmp(key->name, "endpoint") == 0)
        return set_endpoint(source, value, err);
    char **to = (char **)(void *)((char *)source + key->offset);
    return set(to, value, strlen(value), err);
}

static enum ots_status check_description(const char *text, struct ots_error *err)
{
    struct ots_slice left = ots_slice_str(text ? text : "");
    size_t count = 0;
    uint32_t code_point;
    while (left.size) {
        size_t size = ots_utf8_next(left, &code_point);
        if (!size)
            return ots_error_set(err, OTS_INVALID, "description: not UTF-8");
        left = ots_slice(left.data + size, left.size - size);
        count++;
    }
    if (count > OTS_DATA_SOURCE_DESCRIPTION_MAX)
        return ots_error_set(err, OTS_INVALID, "description: %zu characters, over the limit of %d",
                             count, OTS_DATA_SOURCE_DESCRIPTION_MAX);
    return OTS_OK;
}

static enum ots_status parse_entry(const struct ots_json *entry, struct ots_data_source *source,
                                   struct ots_error *err)
{
    enum ots_status status = check_keys(entry, err);
    for (size_t i = 0; status == OTS_OK && i < ENTRY_KEYS; i++)
        status = set_from_entry(source, entry, &entry_keys[i], err);
    if (status == OTS_OK)
        status = check_description(source->description, err);
    /* The daemon works elsewhere than where it was started. */
    if (status == OTS_OK && source->ca_file && source->ca_file[0] != '/')
        status = ots_error_set(err, OTS_INVALID, "caFile: must be an absolute path");
    if (status == OTS_OK)
        status = derive_from_host(source, err);
    if (status == OTS_OK)
        status = check_instance(source, "instanceName is missing", err);
    return status;
}

/* The one entry with the name: a mistake in another one is nothing to who does not ask for it. */
static enum ots_status find_entry(const struct ots_json *json, const char *name,
                                  struct ots_data_source *out, struct ots_error *err)
{
    const struct ots_json *entries = ots_json_member(json, "datasources");
    if (!ots_json_is_array(entries))
        return ots_error_set(err, OTS_INVALID, "datasources: must be an array");
    const struct ots_json *found = NULL;
    for (size_t i = 0; i < ots_json_size(entries); i++) {
        const struct ots_json *entry = ots_json_at(entries, i);
        const char *has_name = ots_json_is_object(entry) ? ots_json_string(entry, "name") : NULL;
        if (!has_name || strcmp(has_name, name) != 0)
            continue;
        if (found)
            return ots_error_set(err, OTS_INVALID, "data source %s: is there twice", name);
        found = entry;
    }
    if (!found)
        return OTS_NOT_FOUND;
    enum ots_status status = parse_entry(found, out, err);
    if (status == OTS_OK)
        return OTS_OK;
    ots_data_source_deinit(out);
    return ots_error_prefix(err, "data source %s", name);
}

/* OTS_NOT_FOUND: the file or the name is not there. */
static enum ots_status load_from_file(const char *path, const char *name,
                                      struct ots_data_source *out, struct ots_error *err)
{
    OTS_AUTO(ots_json_free_secretp) struct ots_json *json = NULL;
    enum ots_status status = ots_config_read_secret(path, &json, err);
    if (status != OTS_OK)
        return status;
    status = find_entry(json, name, out, err);
    if (status == OTS_NOT_FOUND)
        return ots_error_set(err, status, "%s: has no data source %s", path, name);
    return status == OTS_OK ? OTS_OK : ots_error_prefix(err, "%s", path);
}

/* NULL: nobody's home is known. */
static char *user_file(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    char *path = NULL;
    int length = -1;
    if (config && config[0] == '/')
        length = asprintf(&path, "%s/otsfs/datasources.json", config);
    else if (home && home[0] == '/')
        length = asprintf(&path, "%s/.config/otsfs/datasources.json", home);
    return length < 0 ? NULL : path;
}

static enum ots_status load_name(const char *name, const struct ots_config_options *options,
                                 struct ots_data_source *out, struct ots_error *err)
{
    if (options->config_file)
        return load_from_file(options->config_file, name, out, err);
    const char *system = options->system_file ? options->system_file : system_file;
    OTS_AUTO(ots_free_bytesp) char *user = user_file();
    enum ots_status status = OTS_NOT_FOUND;
    if (user)
        status = load_from_file(user, name, out, err);
    if (status == OTS_NOT_FOUND)
        status = load_from_file(system, name, out, err);
    if (status == OTS_NOT_FOUND)
        return ots_error_set(err, status, "no data source %s in %s or %s", name,
                             user ? user : "~/.config/otsfs/datasources.json", system);
    return status;
}

/* --- sources --------------------------------------------------------------------------------- */

static enum ots_status load(const char *source, const struct ots_config_options *options,
                            struct ots_data_source *out, struct ots_error *err)
{
    static const char local[] = "local:";
    bool is_endpoint = strstr(source, "://") != NULL;
    if (options->instance && !is_endpoint)
        return ots_error_set(err, OTS_INVALID, "instance= goes with an endpoint only");
    if (is_endpoint)
        return load_endpoint(source, options, out, err);
    if (strncmp(source, local, strlen(local)) == 0) {
        const char *directory = source + strlen(local);
        if (!*directory)
            return ots_error_set(err, OTS_INVALID,
                                 "a directory is wanted, as in local:/var/lib/mydata");
        return set(&out->directory, directory, strlen(directory), err);
    }
    if (!is_name(source))
        return ots_error_set(err, OTS_INVALID,
                             "is no local:DIR, no endpoint http(s)://HOST and no name of a data "
                             "source");
    return load_name(source, options, out, err);
}

enum ots_status ots_config_load(const char *source, const struct ots_config_options *options,
                                struct ots_data_source *out, struct ots_error *err)
{
    struct ots_error unwanted;
    *out = (struct ots_data_source){.name = NULL};
    enum ots_status status = load(source, options, out, err ? err : &unwanted);
    if (status != OTS_OK)
        ots_data_source_deinit(out);
    return status;
}
