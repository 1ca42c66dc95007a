#include "backend/server/traffic.h"

#include <time.h>

void ots_traffic_init(struct ots_traffic *traffic)
{
    pthread_condattr_t attributes;
    *traffic = (struct ots_traffic){.synced = {.connections = 0}};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&traffic->synced.lock, NULL);
    pthread_cond_init(&traffic->synced.quiet, &attributes);
    pthread_condattr_destroy(&attributes);
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
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += wait_ms / 1000;
    end.tv_nsec += wait_ms % 1000 * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    pthread_mutex_lock(&traffic->synced.lock);
    traffic->synced.is_ending = true;
    int result = 0;
    while (traffic->synced.requests && result == 0)
        result = pthread_cond_timedwait(&traffic->synced.quiet, &traffic->synced.lock, &end);
    pthread_mutex_unlock(&traffic->synced.lock);
}

bool ots_traffic_is_ending(struct ots_traffic *traffic)
{
    pthread_mutex_lock(&traffic->synced.lock);
    bool is_ending = traffic->synced.is_ending;
    pthread_mutex_unlock(&traffic->synced.lock);
    return is_ending;
}
