/*
 * The exchanges that a transport has in hand, in the order in which they came.
 *
 * Whoever has a carrier is under way; the others wait for their time, for a lane, or for the
 * limiter. Not for several threads.
 */
#ifndef OTS_CLIENT_EXCHANGE_LIST_H
#define OTS_CLIENT_EXCHANGE_LIST_H

#include "backend/client/transport.h"

struct ots_exchange_list {
    struct ots_exchange *first;
    struct ots_exchange *last;
};

void ots_exchange_list_add(struct ots_exchange_list *list, struct ots_exchange *exchange);
void ots_exchange_list_remove(struct ots_exchange_list *list, struct ots_exchange *exchange);

/* Looks through the list; `exchange` may point to anything. */
bool ots_exchange_list_has(const struct ots_exchange_list *list,
                           const struct ots_exchange *exchange);

/* The first that is marked as cancelled; NULL: none is. */
struct ots_exchange *ots_exchange_list_cancelled(const struct ots_exchange_list *list);

/* The first that waits and whose time has come; NULL: none, and `*wait_us` is lowered to what is
 * left until the next one's time. */
struct ots_exchange *ots_exchange_list_due(const struct ots_exchange_list *list, int64_t now_us,
                                           int64_t *wait_us);

#endif
