/*
 * Data sources: which instance a mount shows, where it is and with which access key.
 *
 * A SOURCE is one of
 *   local:DIR            an instance that is kept in DIR; ots_local_open fills in the rest
 *   http(s)://HOST[:PORT] an endpoint. INSTANCE.REGION.{ots,ots-internal,tablestore,vpc}...
 *                        .aliyuncs.com tells instance and region. The access key comes from
 *                        TABLESTORE_ACCESS_KEY_ID, TABLESTORE_ACCESS_KEY_SECRET and, if set,
 *                        TABLESTORE_SESSION_TOKEN in the environment
 *   NAME                 a data source of a configuration file: of that which -o config= names,
 *                        else of the first of ~/.config/otsfs/datasources.json (or below
 *                        $XDG_CONFIG_HOME) and /etc/otsfs/datasources.json that has the name
 *
 * A configuration file is a JSON object with one array, keys as DataX names them:
 *
 *   {"datasources": [
 *     {"name": "prod",                        letters, digits, '_'; first a letter
 *      "description": "web servers",          optional, at most 80 characters
 *      "endpoint": "https://web.cn-hangzhou.ots.aliyuncs.com",
 *      "instanceName": "web",                 optional when the endpoint tells
 *      "region": "cn-hangzhou",               optional
 *      "accessId": "...", "accessKey": "...",
 *      "stsToken": "...",                     optional
 *      "caFile": "/etc/ssl/my.pem"}           optional: trust these certificates, not the system's
 *   ]}
 *
 * An unknown key is an error, for it may be a misspelt one. Only the entry that is asked for is
 * looked at: a mistake in another one does not matter. A file that its group or others may read, or
 * that belongs to somebody else than the user or root, is refused. Messages name the file, the data
 * source and the key, never the value of a secret.
 */
#ifndef FS_CONFIG_H
#define FS_CONFIG_H

#include "backend/base/json.h"

enum { OTS_DATA_SOURCE_DESCRIPTION_MAX = 80 }; /* characters */

/* Owns its strings; NULL for what is not known. */
struct ots_data_source {
    char *name;
    char *description;
    char *region;
    char *instance;
    char *endpoint; /* http(s)://host[:port], without a '/' at its end */
    char *access_key_id;
    char *access_key_secret;
    char *sts_token;
    char *directory; /* of local:DIR, as given until ots_local_open */
    char *ca_file;   /* certificates to trust; absolute */
    char *socket;    /* to connect to instead of the endpoint's host */
};

struct ots_config_options {
    const char *config_file; /* -o config=; NULL: the usual places */
    const char *instance;    /* -o instance=; NULL: the endpoint tells */
    const char *system_file; /* NULL: /etc/otsfs/datasources.json */
};

/*
 * Find what `source` stands for. Reads the environment, so no thread may change it meanwhile.
 * Errors: OTS_INVALID (the source, a value, a key that is missing), OTS_NOT_FOUND (no such name or
 * file), OTS_DENIED (a file that others may read, or that we may not), OTS_CORRUPT (not JSON),
 * OTS_NOMEM, OTS_IO. `out` is empty then.
 */
enum ots_status ots_config_load(const char *source, const struct ots_config_options *options,
                                struct ots_data_source *out, struct ots_error *err) OTS_MUST_CHECK;

/* Overwrites the secrets. */
void ots_data_source_deinit(struct ots_data_source *source);

/*
 * Parse a JSON file of at most 1 MiB that holds secrets, after the checks above; free it with
 * ots_json_free_secret. Errors: OTS_NOT_FOUND, OTS_DENIED, OTS_CORRUPT, OTS_LIMIT, OTS_IO,
 * OTS_NOMEM.
 */
enum ots_status ots_config_read_secret(const char *path, struct ots_json **out,
                                       struct ots_error *err) OTS_MUST_CHECK;

#endif
