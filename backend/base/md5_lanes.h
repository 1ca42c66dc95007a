/*
 * MD5 of several texts side by side: one after the other MD5 cannot use more than a sliver of the
 * CPU, because each of its steps waits for the one before.
 */
#ifndef OTS_BASE_MD5_LANES_H
#define OTS_BASE_MD5_LANES_H

#include "backend/base/digest.h"

/* Fewer texts than this are hashed faster one by one, by ots_md5. */
size_t ots_md5_lanes_worth(void);

/* digests[i] becomes the MD5 of texts[i]; texts of like lengths gain most. */
void ots_md5_lanes(const struct ots_slice *texts, size_t count, uint8_t (*digests)[OTS_MD5_BYTES]);

/* The instructions that it may be done by, the best last; tests try them all. */
enum ots_md5_way { OTS_MD5_PORTABLE, OTS_MD5_AVX2, OTS_MD5_AVX512, OTS_MD5_WAYS };

/* Whether this CPU has them. */
bool ots_md5_has_way(enum ots_md5_way way);
void ots_md5_lanes_by(enum ots_md5_way way, const struct ots_slice *texts, size_t count,
                      uint8_t (*digests)[OTS_MD5_BYTES]);

#endif
