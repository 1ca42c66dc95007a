/*
 * The texts that scans have read and nobody has opened yet: one store for a mount, which any scan
 * fills and every open takes from.
 *
 * Who brings texts is a feed, known by its number; 0 is none, and brings nothing. What it brought
 * is forgotten when it has ended and nobody took any of it for a while. A text is of use only to
 * who knows what it should add up to, so nothing here has to learn of changes. Threads: safe; a
 * lock in here is taken last.
 */
#ifndef OTS_VIEW_TEXTS_H
#define OTS_VIEW_TEXTS_H

#include "fs/view/text_page.h"

/* In memory, of all texts; of those that a measuring scan brings, the rest goes to disk. */
enum {
    OTS_TEXTS_MEMORY_BYTES = 32 * 1024 * 1024,
    OTS_TEXTS_MEASURED_MEMORY_BYTES = 4 * 1024 * 1024,
    /*
     * Of what tells where they are, which bounds how many there are: some 350,000 that a walk wants
     * next, when the scan is in another order, and a third of that of a measuring scan.
     */
    OTS_TEXTS_OVERHEAD_BYTES = 48 * 1024 * 1024,
};

struct ots_texts_options {
    uint64_t file_bytes_max; /* 0: no file, and nothing is kept that a measuring scan brings */
    const char *directory;   /* of the file; NULL: as fs/view/spool.h; borrowed */
    int64_t idle_us;         /* 0: half a minute */
};

struct ots_texts;

/* NULL without memory, or when no thread can be started. */
struct ots_texts *ots_texts_new(const struct ots_texts_options *options);
/* Accepts NULL. */
void ots_texts_free(struct ots_texts *texts);

/* The number of a timeline's text, of an extract whose node has that inode number. */
uint64_t ots_text_id(uint64_t extract_ino, struct ots_slice measurement_name,
                     struct ots_slice timeline_name);

/*
 * A scan that measures brings all that it reads, or nothing: when that has no room, all that it
 * brought is forgotten. A walk's brings what the walk wants next, and the oldest texts go for that.
 */
enum ots_texts_kind { OTS_TEXTS_MEASURED, OTS_TEXTS_OF_WALK };

/* 0 without memory, or when nothing of that kind is kept. */
uint64_t ots_texts_begin(struct ots_texts *texts, enum ots_texts_kind kind);

/* False: nothing is kept of this feed, and nothing will be. */
bool ots_texts_add(struct ots_texts *texts, uint64_t feed, const struct ots_text_page *page);

/* Of its texts that nobody took yet, and of what tells where they are. */
uint64_t ots_texts_bytes(struct ots_texts *texts, uint64_t feed);

/* Nothing more comes. */
void ots_texts_end(struct ots_texts *texts, uint64_t feed);

/* Forget all that it brought; nothing more comes. */
void ots_texts_drop(struct ots_texts *texts, uint64_t feed);

/* How many rows of the text are there. */
uint64_t ots_texts_rows(struct ots_texts *texts, uint64_t id);

/* Whether the text that adds up to `known` is there; `is_at_hand`: in memory, and not long. */
bool ots_texts_has(struct ots_texts *texts, uint64_t id, const struct ots_extent *known,
                   bool is_at_hand);

/* Hand it over; false when it is not there. `text` is empty before. */
bool ots_texts_take(struct ots_texts *texts, uint64_t id, const struct ots_extent *known,
                    struct ots_whole_text *text);

#endif
