#include "backend/client/exchange_list.h"

void ots_exchange_list_add(struct ots_exchange_list *list, struct ots_exchange *exchange)
{
    exchange->link.previous = list->last;
    exchange->link.next = NULL;
    if (exchange->link.previous)
        exchange->link.previous->link.next = exchange;
    else
        list->first = exchange;
    list->last = exchange;
}

void ots_exchange_list_remove(struct ots_exchange_list *list, struct ots_exchange *exchange)
{
    if (exchange->link.previous)
        exchange->link.previous->link.next = exchange->link.next;
    else
        list->first = exchange->link.next;
    if (exchange->link.next)
        exchange->link.next->link.previous = exchange->link.previous;
    else
        list->last = exchange->link.previous;
}

bool ots_exchange_list_has(const struct ots_exchange_list *list,
                           const struct ots_exchange *exchange)
{
    const struct ots_exchange *found = list->first;
    while (found && found != exchange)
        found = found->link.next;
    return found;
}

struct ots_exchange *ots_exchange_list_cancelled(const struct ots_exchange_list *list)
{
    struct ots_exchange *exchange = list->first;
    while (exchange && !exchange->link.is_cancelled)
        exchange = exchange->link.next;
    return exchange;
}

struct ots_exchange *ots_exchange_list_due(const struct ots_exchange_list *list, int64_t now_us,
                                           int64_t *wait_us)
{
    for (struct ots_exchange *exchange = list->first; exchange; exchange = exchange->link.next) {
        if (exchange->link.carrier)
            continue;
        if (exchange->link.start_us <= now_us)
            return exchange;
        if (exchange->link.start_us - now_us < *wait_us)
            *wait_us = exchange->link.start_us - now_us;
    }
    return NULL;
}
