#include "backend/server/traffic.h"

#include "backend/base/clock.h"
#include "backend/base/cond.h"

void ots_traffic_init(struct ots_traffic *traffic)
{
    *traffic = (struct ots_traffic){.synced = {.connections = 0}};
    pthread_mutex_init(&traffic->synced.lock, NULL);
    ots_cond_init(&traffic->synced.quiet);
}

void ots_traffic_deinit(struct ots_traffic *traffic)
{
    pthread_cond_destroy(&traffic->synced.quiet);
    pthread_mutex_destroy(&traffic->synced.lock);
}

void ots_traffic_connected(struct ots_traffic *traffic)
{
    pthread_mutex_lock(&traffic->synced.lock);
    traffic->synced.connections++;
    pthread_mutex_unlock(&traffic->synced.lock);
}

unsigned ots_traffic_disconnected(struct ots_traffic *traffic)
{
    pthread_mutex_lock(&traffic->synced.lock);
    unsigned left = --traffic->synced.connections;
    pthread_mutex_unlock(&traffic->synced.lock);
    return left;
}

unsigned ots_traffic_connections(struct ots_traffic *traffic)
{
    pthread_mutex_lock(&traffic->synced.lock);
    unsigned connections = traffic->synced.connections;
    pthread_mutex_unlock(&traffic->synced.lock);
    return connections;
}

void ots_traffic_begin(struct ots_traffic *traffic)
{
    pthread_mutex_lock(&traffic->synced.lock);
    traffic->synced.requests++;
    pthread_mutex_unlock(&traffic->synced.lock);
}

void ots_traffic_finish(struct ots_traffic *traffic)
{
    pthread_mutex_lock(&traffic->synced.lock);
    if (--traffic->synced.requests == 0)
        pthread_cond_broadcast(&traffic->synced.quiet);
    pthread_mutex_unlock(&traffic->synced.lock);
}

void ots_traffic_end(struct ots_traffic *traffic, int64_t wait_ms)
{
    int64_t end_us = ots_clock_monotonic_us(&ots_clock_system) + wait_ms * 1000;
    bool has_time = true;
    pthread_mutex_lock(&traffic->synced.lock);
    traffic->synced.is_ending = true;
    while (traffic->synced.requests && has_time)
        has_time = ots_cond_wait_until(&traffic->synced.quiet, &traffic->synced.lock, end_us);
    pthread_mutex_unlock(&traffic->synced.lock);
}

bool ots_traffic_is_ending(struct ots_traffic *traffic)
{
    pthread_mutex_lock(&traffic->synced.lock);
    bool is_ending = traffic->synced.is_ending;
    pthread_mutex_unlock(&traffic->synced.lock);
    return is_ending;
}
