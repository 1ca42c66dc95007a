#include "backend/server/options.h"

#include "backend/server/credentials.h"
#include "backend/server/streams.h"

#include <getopt.h>
#include <stdlib.h>

enum { LINGER_SECONDS_MAX = 86400, LINGER_NEVER = -1 };

static const struct option known[] = {
    {"listen", required_argument, NULL, 'l'},
    {"socket", required_argument, NULL, 's'},
    {"instance", required_argument, NULL, 'i'},
    {"credentials", required_argument, NULL, 'c'},
    {"linger", required_argument, NULL, 'L'},
    {"stream-retention", required_argument, NULL, 'R'},
    {"certificate", required_argument, NULL, 'C'},
    {"key", required_argument, NULL, 'K'},
    {"admin", no_argument, NULL, 'A'},
    {"faults", required_argument, NULL, 'F'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

const char *ots_local_options_help(void)
{
    return "usage: otslocal DIR [OPTION...]\n"
           "Serve a local Tablestore instance that is kept in DIR.\n"
           "\n"
           "  --listen ADDR:PORT   listen on this address; port 0 takes a free one\n"
           "                       (127.0.0.1:8087 unless --socket is given)\n"
           "  --socket PATH        listen on this Unix socket (DIR/otslocal.sock, where\n"
           "                       otsfs local:DIR looks)\n"
           "  --instance NAME      the instance's name, fixed by the first start (local)\n"
           "  --credentials FILE   where the access key is kept (DIR/credentials.json)\n"
           "  --linger SECONDS     end after so long without a connection and a mount of DIR\n"
           "  --stream-retention HOURS\n"
           "                       how long streams keep what was put, 1 to 168 (168)\n"
           "  --certificate FILE, --key FILE\n"
           "                       speak TLS on TCP, with these PEM files\n"
           "  --admin              let this machine set faults and read counters\n"
           "  --faults FILE        misbehave as this JSON file says\n"
           "  --help, --version    print this text or the version, and end\n";
}

static enum ots_status parse_number(const char *name, const char *text, int min, int max,
                                    int *value, struct ots_error *err)
{
    char *end = NULL;
    long number = strtol(text, &end, 10);
    if (!*text || *end || number < min || number > max)
        return ots_error_set(err, OTS_INVALID, "--%s %s: a number from %d to %d is wanted", name,
                             text, min, max);
    *value = (int)number;
    return OTS_OK;
}

static enum ots_status set_option(struct ots_local_options *options, int option, const char *value,
                                  struct ots_error *err)
{
    switch (option) {
    case 'l':
        options->listen = value;
        return OTS_OK;
    case 's':
        options->unix_socket = value;
        return OTS_OK;
    case 'i':
        options->instance = value;
        if (!ots_credentials_instance_is_valid(value))
            return ots_error_set(err, OTS_INVALID,
                                 "--instance %s: 1 to 64 letters, digits, - and _ are wanted",
                                 value);
        return OTS_OK;
    case 'c':
        options->credentials = value;
        return OTS_OK;
    case 'L':
        return parse_number("linger", value, 0, LINGER_SECONDS_MAX, &options->linger_s, err);
    case 'R':
        return parse_number("stream-retention", value, 1, OTS_STREAM_RETENTION_HOURS_MAX,
                            &options->stream_retention_hours, err);
    case 'C':
        options->certificate = value;
        return OTS_OK;
    case 'K':
        options->key = value;
        return OTS_OK;
    case 'A':
        options->wants_admin = true;
        return OTS_OK;
    case 'F':
        options->faults = value;
        return OTS_OK;
    case 'h':
        options->wants_help = true;
        return OTS_OK;
    default:
        options->wants_version = true;
        return OTS_OK;
    }
}

/* What getopt did not understand. */
static enum ots_status explain(int result, char **argv, struct ots_error *err)
{
    if (result == ':')
        return ots_error_set(err, OTS_INVALID, "%s: a value is missing", argv[optind - 1]);
    return ots_error_set(err, OTS_INVALID, "%s: unknown option", argv[optind - 1]);
}

enum ots_status ots_local_options_parse(int argc, char **argv, struct ots_local_options *options,
                                        struct ots_error *err)
{
    *options = (struct ots_local_options){
        .linger_s = LINGER_NEVER,
        .stream_retention_hours = OTS_STREAM_RETENTION_HOURS_DEFAULT,
    };
    /* 0 makes getopt start anew, for tests call this more than once. */
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, ":", known, NULL)) != -1;) {
        enum ots_status status = option == '?' || option == ':'
                                     ? explain(option, argv, err)
                                     : set_option(options, option, optarg, err);
        if (status != OTS_OK)
            return status;
    }
    if (options->wants_help || options->wants_version)
        return OTS_OK;
    if (optind + 1 != argc || !argv[optind][0])
        return ots_error_set(err, OTS_INVALID, "one directory is wanted; see --help");
    options->directory = argv[optind];
    if (!options->certificate != !options->key)
        return ots_error_set(err, OTS_INVALID, "--certificate and --key are wanted together");
    if (!options->listen && !options->unix_socket)
        options->listen = "127.0.0.1:8087";
    return OTS_OK;
}
