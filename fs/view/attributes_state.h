/*
 * What the files that make up attributes.h share: attributes.c, attribute_query.c and
 * attribute_sender.c.
 */
#ifndef OTS_VIEW_ATTRIBUTES_STATE_H
#define OTS_VIEW_ATTRIBUTES_STATE_H

#include "fs/view/attributes.h"

/* A timeline's attributes as the service told them. */
struct ots_known_attributes {
    struct ots_slice timeline; /* file name */
    const struct ots_tag *items;
    size_t count;
};

/* What the service told of the timelines of one measurement. */
struct ots_known_measurement {
    struct ots_slice name; /* of its directory; memory of its own */
    struct ots_knowledge knowledge;
    struct ots_arena name_arena;
    struct ots_arena arena;
    const struct ots_known_attributes *timelines; /* by name; only those that have attributes */
    size_t count;
    bool is_partial; /* there are more than are kept */
};

enum { OTS_OLD_VERSIONS_MAX = 8 };

/*
 * What this mount made of a timeline's attributes. While it is dirty the service has not
 * acknowledged it.
 */
struct ots_own_attributes {
    struct ots_own_attributes *next;
    struct ots_node *timeline; /* the table's own */
    /* Names of the two nodes: a view has others for the same timeline. */
    struct ots_slice measurement;
    struct ots_slice name;
    struct ots_attribute_set set;
    /* Hashes of what was there before each of the last changes: metadata is found with a delay, so
     * the service may go on showing these. */
    uint64_t old_versions[OTS_OLD_VERSIONS_MAX];
    size_t change_count;
    bool is_dirty;
    uint64_t number;           /* of the last change */
    uint64_t dirty_since;      /* number of the first change that is not acknowledged */
    uint64_t in_flight_number; /* of the change that is being sent */
    int64_t changed_us;        /* since when it is dirty, monotonic */
    int64_t acknowledged_us;
};

/* All but `table` is guarded by the view's lock. */
struct ots_attributes {
    struct ots_table *table;
    void *known;                          /* search tree of struct ots_known_measurement by name */
    size_t known_bytes;                   /* of their arenas */
    void *own_tree;                       /* search tree of struct ots_own_attributes by names */
    struct ots_own_attributes *own_first; /* the same, in the order of their first changes */
    struct ots_own_attributes **own_end;
    size_t own_count;
    size_t dirty_count;
    uint64_t number;          /* of the last change of all */
    uint64_t failure_number;  /* times that changes could not be sent */
    struct ots_error failure; /* the last time */
    size_t waiter_count;
    int64_t retry_us; /* not before, unless somebody waits */
    pthread_t sender;
    pthread_cond_t wake; /* the sender */
    bool has_sender;
    bool is_ending;
};

/* The measurement's record, made when it is not there; NULL without memory. */
struct ots_known_measurement *ots_attributes_known_locked(struct ots_attributes *attributes,
                                                          struct ots_slice measurement);

/* Of a timeline's attributes. */
uint64_t ots_attributes_hash(const struct ots_tag *items, size_t count);

/* Make a change of this mount forgotten; `link` points to it. */
void ots_attributes_drop_own_locked(struct ots_attributes *attributes,
                                    struct ots_own_attributes **link);

/*
 * Bring what is known of a measurement up to date. `key` is that of one of its timelines.
 */
enum ots_status ots_attributes_refresh(struct ots_attributes *attributes,
                                       struct ots_known_measurement *known,
                                       const struct ots_series_key *key,
                                       struct ots_interrupt *interrupt,
                                       struct ots_error *err) OTS_MUST_CHECK;

/* Ask for the attributes of one timeline. */
enum ots_status ots_attributes_ask(struct ots_attributes *attributes,
                                   const struct ots_series_key *key,
                                   struct ots_interrupt *interrupt, struct ots_attribute_set *set,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* NULL when the timeline has no attributes, or is not among those that are kept. */
const struct ots_known_attributes *ots_known_find(const struct ots_known_measurement *known,
                                                  struct ots_slice timeline);

/*
 * Whether the change is to be sent. One of a timeline without rows is not: attributes alone would
 * make a record of a timeline that nothing shows.
 */
bool ots_attributes_can_go_locked(const struct ots_own_attributes *own);

/* Start the thread that sends changes, once. Errors: OTS_IO. */
enum ots_status
ots_attributes_start_sender_locked(struct ots_attributes *attributes) OTS_MUST_CHECK;
void ots_attributes_stop_sender(struct ots_attributes *attributes);

#endif
