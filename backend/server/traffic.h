/*
 * How many connections are open and how many requests under way, and waiting for their end.
 *
 * Threads: safe.
 */
#ifndef OTS_SERVER_TRAFFIC_H
#define OTS_SERVER_TRAFFIC_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct ots_traffic {
    struct {
        pthread_mutex_t lock;
        pthread_cond_t quiet; /* no request is under way */
        unsigned connections;
        unsigned requests;
        bool is_ending;
    } synced;
};

void ots_traffic_init(struct ots_traffic *traffic);
void ots_traffic_deinit(struct ots_traffic *traffic);

void ots_traffic_connected(struct ots_traffic *traffic);
/* Returns the number of connections that are left. */
unsigned ots_traffic_disconnected(struct ots_traffic *traffic);
unsigned ots_traffic_connections(struct ots_traffic *traffic);

void ots_traffic_begin(struct ots_traffic *traffic);
void ots_traffic_finish(struct ots_traffic *traffic);

/* Tell that the end has begun, and wait until no request is under way, at most `wait_ms`. */
void ots_traffic_end(struct ots_traffic *traffic, int64_t wait_ms);
bool ots_traffic_is_ending(struct ots_traffic *traffic);

#endif
