/*
 * The options of a mount as `.otsfs/status` tells them: with the values that are in effect.
 */
#ifndef OTS_FS_SETTINGS_H
#define OTS_FS_SETTINGS_H

#include "fs/options.h"
#include "fs/view/report.h"

enum { OTS_SETTINGS_MAX = 20 };

struct ots_settings {
    struct ots_setting items[OTS_SETTINGS_MAX];
    size_t count;
};

/* The value of cache_size=, in MiB. */
int64_t ots_settings_cache_mb(const struct ots_options *options);

/* Borrows from `options`. */
void ots_settings_init(struct ots_settings *settings, const struct ots_options *options);

#endif
