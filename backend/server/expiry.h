/*
 * Rows and metadata that have outlived their table's TTL. They are never seen again; where an
 * engine merges files anyway, it leaves such rows out for good. While a table has a TTL, files that
 * were not merged for OTS_EXPIRY_AGE_S are, so such rows are off the disk about a day after they
 * were put there and have expired. An hour may pass until that is noticed, and nothing happens as
 * long as nobody calls.
 *
 * Times and TTLs are compared with the server's clock at the moment of a call, so a changed TTL
 * counts at once. A longer one may bring back what no merge has left out yet.
 */
#ifndef OTS_SERVER_EXPIRY_H
#define OTS_SERVER_EXPIRY_H

#include "backend/base/clock.h"
#include "backend/server/catalog.h"

enum { OTS_EXPIRY_AGE_S = 86400 };

/* The earliest time that is still alive, never negative; 0 without a TTL. */
int64_t ots_expiry_begin_us(int32_t ttl_s, int64_t now_us);

struct ots_expiry;

/*
 * Have `engine` leave out expired rows of the catalog's tables. All three are borrowed; the engine
 * is to be freed before the result. NULL without memory.
 */
struct ots_expiry *ots_expiry_new(struct ots_engine *engine, struct ots_catalog *catalog,
                                  const struct ots_clock *clock);
/* Have the engine merge what is due, at most once an hour. Quick otherwise. Threads: safe. */
void ots_expiry_look(struct ots_expiry *expiry);
/* Accepts NULL. */
void ots_expiry_free(struct ots_expiry *expiry);

#endif
