/*
 * The files of a journal's directory: their names, and reading them.
 */
#ifndef OTS_STATE_JOURNAL_SEGMENTS_H
#define OTS_STATE_JOURNAL_SEGMENTS_H

#include <dirent.h>

#include "backend/base/arena.h"
#include "backend/base/status.h"

enum { OTS_SEGMENT_NAME_BYTES = 32 };

/* In front of the names of files that are kept for people. */
#define OTS_SEGMENT_DAMAGED "damaged-"

/* An array of segments' numbers, ascending. */
struct ots_segment_numbers {
    uint64_t *items;
    size_t count;
    uint64_t highest; /* also of damaged ones, which are no items */
};

void ots_segment_name(char name[OTS_SEGMENT_NAME_BYTES], uint64_t number);

/* The directory `name` (with '/' in it or not) as a stream; NULL: see errno. */
DIR *ots_segments_open(int dir_fd, const char *name);

/* Add the numbers of all segments in the directory; `items` is to be freed. */
enum ots_status ots_segments_list(int dir_fd, struct ots_segment_numbers *numbers,
                                  struct ots_error *err) OTS_MUST_CHECK;

/* Read a whole file, or its first `size_max` bytes, into memory of `arena`. */
enum ots_status ots_segment_read(int dir_fd, const char *name, size_t size_max,
                                 struct ots_arena *arena, struct ots_slice *bytes,
                                 struct ots_error *err) OTS_MUST_CHECK;

#endif
