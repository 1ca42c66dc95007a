/*
 * otsfs --check: whether a source can be mounted, and if not, at which step it ends and what to do.
 *
 * A line for each step that is reached, "STEP: ok: what was found" or "STEP: failed: why; to do:
 * what"; what is tried after a failed step would fail as well, so it ends there. Steps:
 *   configuration  what the source stands for; files and environment
 *   otslocal       local:DIR: it is served. Stands for the next three
 *   DNS, TCP, TLS  as far as the connection gets
 *   signature      the service takes the key, and its answer is signed with it
 *   instance       it is there
 *   permission     of the first table: its description, a timeline and a row can be read
 * Secrets are never shown. Nothing is made or changed, except that otslocal may be started.
 */
#ifndef OTS_FS_CHECK_H
#define OTS_FS_CHECK_H

#include <stdio.h>

#include "fs/options.h"

/* Check every source of `options`. Returns whether all steps of all are ok. */
bool ots_check_run(const struct ots_options *options, FILE *out);

#endif
