/*
 * Eight lanes, each a text on its way, of which one block at a time is hashed in step with those of
 * the others. A lane has its text's whole blocks before it, then what is left of the text and the
 * padding, one or two blocks in `tail`; then the digest is ready and the next text takes the lane.
 * An idle lane hashes zeros for nobody.
 *
 * The same code is compiled for what every machine has and for wider instructions, which are taken
 * when the CPU has them.
 */
#include "backend/base/md5_lanes.h"

#include <assert.h>
#include <endian.h>

enum { LANES = 8, BLOCK_BYTES = 64, WORDS = 16 };

struct lane {
    const uint8_t *at;
    size_t blocks; /* at `at` */
    bool is_busy;
    bool is_in_tail;
    size_t text; /* the index of the text */
    size_t tail_blocks;
    uint8_t tail[2 * BLOCK_BYTES];
};

struct lanes {
    uint32_t state[4][LANES];
    struct lane lane[LANES];
};

static const uint8_t zeros[BLOCK_BYTES];

/* floor(2^32 * abs(sin(i + 1))) */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

/* --- blocks ----------------------------------------------------------------------------------- */

typedef uint32_t words __attribute__((vector_size(4 * LANES)));

#define F(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
#define G(b, c, d) ((c) ^ ((d) & ((b) ^ (c))))
#define H(b, c, d) ((b) ^ (c) ^ (d))
#define I(b, c, d) ((c) ^ ((b) | ~(d)))

#define STEP(f, a, b, c, d, i, word, shift)                                                        \
    do {                                                                                           \
        a += f(b, c, d) + block[(word) % WORDS] + sines[i];                                        \
        a = ((a << (shift)) | (a >> (32 - (shift)))) + b;                                          \
    } while (0)

/* A round's 16 steps: step i takes word `factor * i + offset`. */
#define ROUND(f, first, factor, offset, s0, s1, s2, s3)                                            \
    for (unsigned i = (first); i < (first) + 16; i += 4) {                                         \
        STEP(f, a, b, c, d, i, (factor)*i + (offset), s0);                                         \
        STEP(f, d, a, b, c, i + 1, (factor) * (i + 1) + (offset), s1);                             \
        STEP(f, c, d, a, b, i + 2, (factor) * (i + 2) + (offset), s2);                             \
        STEP(f, b, c, d, a, i + 3, (factor) * (i + 3) + (offset), s3);                             \
    }

static inline __attribute__((always_inline)) void hash_block(uint32_t state[4][LANES],
                                                             const words block[WORDS])
{
    words start[4];
    memcpy(start, state, sizeof(start));
    words a = start[0];
    words b = start[1];
    words c = start[2];
    words d = start[3];
    ROUND(F, 0U, 1, 0, 7, 12, 17, 22)
    ROUND(G, 16U, 5, 1, 5, 9, 14, 20)
    ROUND(H, 32U, 3, 5, 4, 11, 16, 23)
    ROUND(I, 48U, 7, 0, 6, 10, 15, 21)
    start[0] += a;
    start[1] += b;
    start[2] += c;
    start[3] += d;
    memcpy(state, start, sizeof(start));
}

/* `count` blocks of each lane; steps[lane] lie between one and the next. */
static inline __attribute__((always_inline)) void hash_blocks(uint32_t state[4][LANES],
                                                              const uint8_t *const at[LANES],
                                                              const size_t steps[LANES],
                                                              size_t count)
{
    for (size_t block = 0; block < count; block++) {
        uint32_t transposed[WORDS][LANES];
        words vectors[WORDS];
        for (size_t lane = 0; lane < LANES; lane++) {
            uint32_t own[WORDS];
            memcpy(own, at[lane] + block * steps[lane], sizeof(own));
            for (size_t word = 0; word < WORDS; word++)
                transposed[word][lane] = le32toh(own[word]);
        }
        memcpy(vectors, transposed, sizeof(vectors));
        hash_block(state, vectors);
    }
}

typedef void hash_function(uint32_t state[4][LANES], const uint8_t *const at[LANES],
                           const size_t steps[LANES], size_t count);

static void hash_portable(uint32_t state[4][LANES], const uint8_t *const at[LANES],
                          const size_t steps[LANES], size_t count)
{
    hash_blocks(state, at, steps, count);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void hash_avx2(uint32_t state[4][LANES],
                                                      const uint8_t *const at[LANES],
                                                      const size_t steps[LANES], size_t count)
{
    hash_blocks(state, at, steps, count);
}

__attribute__((target("avx512vl"))) static void hash_avx512(uint32_t state[4][LANES],
                                                            const uint8_t *const at[LANES],
                                                            const size_t steps[LANES], size_t count)
{
    hash_blocks(state, at, steps, count);
}
#endif

bool ots_md5_has_way(enum ots_md5_way way)
{
#ifdef __x86_64__
    if (way == OTS_MD5_AVX512)
        return __builtin_cpu_supports("avx512vl");
    if (way == OTS_MD5_AVX2)
        return __builtin_cpu_supports("avx2");
#endif
    return way == OTS_MD5_PORTABLE;
}

static hash_function *function_of(enum ots_md5_way way)
{
#ifdef __x86_64__
    if (way == OTS_MD5_AVX512)
        return hash_avx512;
    if (way == OTS_MD5_AVX2)
        return hash_avx2;
#endif
    (void)way;
    return hash_portable;
}

/* --- lanes ------------------------------------------------------------------------------------ */

static void load(struct lanes *lanes, size_t index, const struct ots_slice *texts, size_t text)
{
    static const uint32_t start[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    struct lane *lane = &lanes->lane[index];
    struct ots_slice bytes = texts[text];
    size_t rest = bytes.size % BLOCK_BYTES;
    uint64_t bits = htole64((uint64_t)bytes.size * 8);
    *lane = (struct lane){.at = bytes.data, .blocks = bytes.size / BLOCK_BYTES, .text = text};
    lane->is_busy = true;
    lane->tail_blocks = rest + 1 + sizeof(bits) <= BLOCK_BYTES ? 1 : 2;
    if (rest)
        memcpy(lane->tail, bytes.data + bytes.size - rest, rest);
    lane->tail[rest] = 0x80;
    memcpy(lane->tail + lane->tail_blocks * BLOCK_BYTES - sizeof(bits), &bits, sizeof(bits));
    for (size_t i = 0; i < 4; i++)
        lanes->state[i][index] = start[i];
}

static void unload(const struct lanes *lanes, size_t index, uint8_t digest[OTS_MD5_BYTES])
{
    for (size_t i = 0; i < 4; i++) {
        uint32_t word = htole32(lanes->state[i][index]);
        memcpy(digest + 4 * i, &word, sizeof(word));
    }
}

/* The number of blocks that every busy lane has before it; 0 when none is busy. */
static size_t common_blocks(const struct lanes *lanes)
{
    size_t common = 0;
    for (size_t i = 0; i < LANES; i++)
        if (lanes->lane[i].is_busy && (!common || lanes->lane[i].blocks < common))
            common = lanes->lane[i].blocks;
    return common;
}

static void hash_common(struct lanes *lanes, hash_function *hash, size_t count)
{
    const uint8_t *at[LANES];
    size_t steps[LANES];
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &lanes->lane[i];
        at[i] = lane->is_busy ? lane->at : zeros;
        steps[i] = lane->is_busy ? BLOCK_BYTES : 0;
        if (!lane->is_busy)
            continue;
        lane->at += count * BLOCK_BYTES;
        lane->blocks -= count;
    }
    hash(lanes->state, at, steps, count);
}

/* Let each lane that is through with its blocks go on: to its tail, or to the next text. */
static void turn(struct lanes *lanes, const struct ots_slice *texts, size_t count, size_t *next,
                 uint8_t (*digests)[OTS_MD5_BYTES])
{
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &lanes->lane[i];
        if (lane->is_busy && lane->is_in_tail && !lane->blocks) {
            unload(lanes, i, digests[lane->text]);
            lane->is_busy = false;
        }
        if (!lane->is_busy && *next < count)
            load(lanes, i, texts, (*next)++);
        if (lane->is_busy && !lane->is_in_tail && !lane->blocks) {
            lane->at = lane->tail;
            lane->blocks = lane->tail_blocks;
            lane->is_in_tail = true;
        }
    }
}

void ots_md5_lanes_by(enum ots_md5_way way, const struct ots_slice *texts, size_t count,
                      uint8_t (*digests)[OTS_MD5_BYTES])
{
    hash_function *hash = function_of(way);
    struct lanes lanes = {0};
    size_t next = 0;
    size_t blocks;
    turn(&lanes, texts, count, &next, digests);
    while ((blocks = common_blocks(&lanes)) != 0) {
        hash_common(&lanes, hash, blocks);
        turn(&lanes, texts, count, &next, digests);
    }
    assert(next == count);
}

static enum ots_md5_way best_way(void)
{
    enum ots_md5_way way = OTS_MD5_WAYS - 1;
    while (!ots_md5_has_way(way))
        way--;
    return way;
}

/* As bench_wire measured them against OpenSSL. */
size_t ots_md5_lanes_worth(void)
{
    static const size_t WORTH[OTS_MD5_WAYS] = {
        [OTS_MD5_PORTABLE] = 6, [OTS_MD5_AVX2] = 5, [OTS_MD5_AVX512] = 3};
    return WORTH[best_way()];
}

void ots_md5_lanes(const struct ots_slice *texts, size_t count, uint8_t (*digests)[OTS_MD5_BYTES])
{
    ots_md5_lanes_by(best_way(), texts, count, digests);
}
