/*
 * The directory in which otsfs keeps what must outlive it, one for each source:
 *
 *   ROOT/<instance>-<hash of endpoint and instance>/
 *     lock        locked while the source is mounted; says where
 *     source      endpoint and instance, for people
 *     errors, rejected/<table>.lp      see rejects.h
 *     journal/<table>/<number>         see journal.h
 *     tables/<table>.db                see table_state.h
 *
 * Only its owner may read it. ROOT is `-o state_dir=`, else $XDG_STATE_HOME/otsfs, else
 * $HOME/.local/state/otsfs, else /var/lib/otsfs.
 */
#ifndef OTS_STATE_STATE_DIR_H
#define OTS_STATE_STATE_DIR_H

#include "fs/state/rejects.h"

struct ots_state;

/* All strings are borrowed for the call but for the clock and the log. */
struct ots_state_options {
    const char *root; /* NULL: the default. Made when it is not there, but not what is above it */
    const char *endpoint; /* of local:DIR, the directory's real path */
    const char *instance;
    const char *mountpoint; /* what a second mount is told */
    const struct ots_clock *clock;
    const struct ots_log *log;
};

/*
 * Open and lock a source's directory. Waits a second for whoever has it, and ten for one that is
 * ending. The lock belongs to the process that opens, so this comes after any fork.
 * Errors: OTS_CONFLICT (mounted already; the message says where), OTS_DENIED (it belongs to
 * somebody else), OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_state_open(const struct ots_state_options *options, struct ots_state **out,
                               struct ots_error *err) OTS_MUST_CHECK;

/* Accepts NULL. */
void ots_state_close(struct ots_state *state);

/* Nobody uses the mount any more; the next one may wait for the end of this process. Accepts NULL.
 */
void ots_state_set_ending(struct ots_state *state);

/* The source's directory, open; borrowed. */
int ots_state_dir_fd(const struct ots_state *state);

struct ots_rejects *ots_state_rejects(struct ots_state *state);

/* Keep a line that was not stored. Without a state (NULL) it is forgotten. Never fails. */
void ots_state_reject(struct ots_state *state, const struct ots_reject *reject);

/* A line in `errors`; the same rules. */
void ots_state_note(struct ots_state *state, struct ots_slice table, struct ots_slice text);

#endif
