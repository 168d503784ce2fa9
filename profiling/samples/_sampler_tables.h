/* The tables of the sampler: blocks that are sampled and alive, the origins they share, and the filter before them.
 *
 * Everything here is guarded by `tables_lock`, except the filter's look-up. Nothing here calls into Python, and all
 * memory comes from the C library: the interpreter's allocators are what is being watched.
 */

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_FRAMES 64        /* innermost frames kept; outer ones are cut */
#define FIRST_SLOTS 4096     /* of the table of samples; powers of two */
#define FILTER_BYTES (1u << 20)
#define GOLDEN 0x9E3779B97F4A7C15ull
#define NO_ORIGIN 0u         /* taken where no thread state tells the stack and the job */
#define DEAD_ALLOWED 1024u   /* origins without a sample that are kept, as the next sample may well revive one */

static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- random numbers: splitmix64 ---- */

static uint64_t random_state;

static double random_unit(void) /* in (0, 1] */
{
    uint64_t z = (random_state += GOLDEN);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    return (double)((z >> 11) + 1) * 0x1p-53;
}

/* The chance that a block is taken: that at least one point of a Poisson process, one in `rate` bytes, falls in it. */
static double chance(size_t size, double rate)
{
    return -expm1(-(double)size / rate);
}

/* ---- the filter: how many sampled blocks hash to a byte ---- */

/* A byte for 64 of the heap, in its order, and from the start again after 64 MB: neighbours in the heap share a cache
 * line and a page here. Every free reads this, and hashing was 6 of 100 of the run time in cache misses. What falls on
 * the same byte by chance costs a look into the table.
 * While sampling is off the mask is 0: each free then reads the one byte 0, which no sample ever raises. */
static uint8_t filter[FILTER_BYTES] __attribute__((aligned(4096)));
static size_t filter_mask;

static inline size_t filter_index(const void *block)
{
    return (uintptr_t)block >> 6;
}

/* Whether the block may be sampled. Read without the lock: whoever frees a block has it from its allocator. */
static inline bool filter_has(const void *block)
{
    return __atomic_load_n(&filter[filter_index(block) & filter_mask], __ATOMIC_RELAXED) != 0;
}

static void filter_add(const void *block, int by)
{
    uint8_t *byte = &filter[filter_index(block) & (FILTER_BYTES - 1)];
    if (*byte != UINT8_MAX) { /* a full byte stays full: it lost count */
        __atomic_store_n(byte, (uint8_t)(*byte + by), __ATOMIC_RELAXED);
    }
}

/* ---- the pool of stacks: pages of our own ---- */

/* From malloc they would lie between the program's blocks for as long as the sampling lasts, and keep pages from the
 * kernel that are else free: 2 MB of a small service. The pages are given back with the last stack, at a stop. */
#define STEP_FRAMES 8
#define PIECE_BYTES (64u << 10)

static struct {
    void *vacant[MAX_FRAMES / STEP_FRAMES + 1]; /* by size, each the address of the next one */
    char *next;
    size_t left;                                /* of the piece */
    void *pieces;                               /* the last one; each begins with the address of the one before */
    size_t bytes;                               /* of all pieces */
    uint32_t taken;
} pool;

static uint32_t pool_steps(uint32_t frames)
{
    return frames == 0 ? 1 : (frames + STEP_FRAMES - 1) / STEP_FRAMES;
}

/* Room for that many code objects and offsets. NULL: no memory. */
static void *pool_take(uint32_t frames)
{
    uint32_t steps = pool_steps(frames);
    void *block = pool.vacant[steps];
    if (block != NULL) {
        pool.vacant[steps] = *(void **)block;
        pool.taken++;
        return block;
    }
    size_t bytes = steps * STEP_FRAMES * (sizeof(PyCodeObject *) + sizeof(int));
    if (pool.left < bytes) {
        void *piece = mmap(NULL, PIECE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) {
            return NULL;
        }
        *(void **)piece = pool.pieces;
        pool.pieces = piece;
        pool.next = (char *)piece + sizeof(void *);
        pool.left = PIECE_BYTES - sizeof(void *);
        pool.bytes += PIECE_BYTES;
    }
    block = pool.next;
    pool.next += bytes;
    pool.left -= bytes;
    pool.taken++;
    return block;
}

static void pool_release(void)
{
    for (void *piece = pool.pieces, *before; piece != NULL; piece = before) {
        before = *(void **)piece;
        munmap(piece, PIECE_BYTES);
    }
    memset(&pool, 0, sizeof(pool));
}

static void pool_give(void *block, uint32_t frames)
{
    uint32_t steps = pool_steps(frames);
    *(void **)block = pool.vacant[steps];
    pool.vacant[steps] = block;
    if (--pool.taken == 0) {
        pool_release();
    }
}

/* ---- origins: job and stack, each kept once ---- */

typedef struct {
    PyObject *job;                    /* a str, or NULL */
    uint32_t frames;                  /* innermost first */
    PyCodeObject *codes[MAX_FRAMES];
    int lasti[MAX_FRAMES];
} Stack;

typedef struct {
    uint64_t hash;
    PyObject *job;                    /* owned, or NULL */
    PyCodeObject **codes;             /* owned; the instruction offsets follow in the same piece of memory */
    int *lasti;
    uint32_t frames;
    uint32_t samples;                 /* alive, and pins of a peak; 0: may be purged */
    bool used;
} Origin;

static struct {
    Origin *items;
    uint32_t *index;                  /* open addressing; number + 1 of an origin, 0: empty */
    uint32_t *vacant;                 /* numbers to use again */
    uint32_t length, capacity, vacancies, alive, dead;
} origins;

static uint64_t origins_era;          /* numbers of origins are good within one: since the last purge, or stop */

static uint64_t stack_hash(const Stack *stack)
{
    uint64_t hash = (uint64_t)(uintptr_t)stack->job * GOLDEN;
    for (uint32_t i = 0; i < stack->frames; i++) {
        hash = (hash ^ (uint64_t)(uintptr_t)stack->codes[i]) * GOLDEN;
        hash = ((hash << 29) | (hash >> 35)) + (uint64_t)stack->lasti[i];
    }
    return (hash ^ (hash >> 32)) * GOLDEN;
}

static size_t index_mask(void)
{
    return (size_t)origins.capacity * 2 - 1;
}

static bool is_of(const Origin *origin, uint64_t hash, const Stack *stack)
{
    return origin->hash == hash && origin->job == stack->job && origin->frames == stack->frames
           && memcmp(origin->codes, stack->codes, stack->frames * sizeof(*stack->codes)) == 0
           && memcmp(origin->lasti, stack->lasti, stack->frames * sizeof(*stack->lasti)) == 0;
}

static void index_put(uint32_t number)
{
    size_t at = origins.items[number].hash >> 32;
    while (origins.index[at & index_mask()] != 0) {
        at++;
    }
    origins.index[at & index_mask()] = number + 1;
}

static void index_rebuild(void)
{
    memset(origins.index, 0, (index_mask() + 1) * sizeof(*origins.index));
    for (uint32_t number = 0; number < origins.length; number++) {
        if (origins.items[number].used) {
            index_put(number);
        }
    }
}

static bool origins_grow(void)
{
    uint32_t capacity = origins.capacity ? origins.capacity * 2 : 256;
    Origin *items = realloc(origins.items, capacity * sizeof(*items));
    if (items == NULL) {
        return false;
    }
    origins.items = items;
    uint32_t *vacant = realloc(origins.vacant, capacity * sizeof(*vacant));
    if (vacant == NULL) {
        return false;
    }
    origins.vacant = vacant;
    uint32_t *index = malloc((size_t)capacity * 2 * sizeof(*index));
    if (index == NULL) {
        return false;
    }
    free(origins.index);
    origins.index = index;
    origins.capacity = capacity;
    index_rebuild();
    return true;
}

/* A new origin; takes references, as the frames that hold the code objects will be gone by the time of a snapshot.
 * Answers NO_ORIGIN where there is no memory. */
static uint32_t origin_new(const Stack *stack, uint64_t hash)
{
    if (origins.vacancies == 0 && origins.length == origins.capacity && !origins_grow()) {
        return NO_ORIGIN;
    }
    PyCodeObject **codes = pool_take(stack->frames);
    if (codes == NULL) {
        return NO_ORIGIN;
    }
    int *lasti = (int *)(codes + stack->frames);
    memcpy(codes, stack->codes, stack->frames * sizeof(*codes));
    memcpy(lasti, stack->lasti, stack->frames * sizeof(*lasti));
    for (uint32_t i = 0; i < stack->frames; i++) {
        Py_INCREF(codes[i]);
    }
    Py_XINCREF(stack->job);
    uint32_t number = origins.vacancies ? origins.vacant[--origins.vacancies] : origins.length++;
    origins.items[number] = (Origin){
        .hash = hash, .job = stack->job, .codes = codes, .lasti = lasti, .frames = stack->frames, .used = true};
    origins.dead++; /* until its first sample */
    index_put(number);
    return number;
}

static uint32_t origin_of(const Stack *stack)
{
    uint64_t hash = stack_hash(stack);
    for (size_t at = hash >> 32;; at++) {
        uint32_t entry = origins.index[at & index_mask()];
        if (entry == 0) {
            return origin_new(stack, hash);
        }
        if (is_of(&origins.items[entry - 1], hash, stack)) {
            return entry - 1;
        }
    }
}

static void origin_hold(uint32_t number)
{
    if (origins.items[number].samples++ == 0) {
        origins.dead--;
        origins.alive++;
    }
}

static void origin_release(uint32_t number)
{
    if (--origins.items[number].samples == 0) {
        origins.dead++;
        origins.alive--;
    }
}

/* Take the origins that no sample has out of the tables. The caller gives back their references when the lock is off:
 * a code object may end with them, and a weak reference's callback is code of anybody's. NULL: none, or no memory. */
static Origin *origins_purge(uint32_t *count)
{
    *count = 0;
    Origin *purged = origins.dead ? malloc(origins.dead * sizeof(*purged)) : NULL;
    if (purged == NULL) {
        return NULL;
    }
    for (uint32_t number = 0; number < origins.length; number++) {
        Origin *origin = &origins.items[number];
        if (origin->used && origin->samples == 0) {
            purged[(*count)++] = *origin;
            origin->used = false;
            origins.vacant[origins.vacancies++] = number;
        }
    }
    origins.dead = 0;
    origins_era++;
    index_rebuild();
    return purged;
}

/* With the interpreter held and the lock off. */
static void origins_drop(Origin *purged, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t frame = 0; frame < purged[i].frames; frame++) {
            Py_DECREF(purged[i].codes[frame]);
        }
        Py_XDECREF(purged[i].job);
    }
    pthread_mutex_lock(&tables_lock);
    for (uint32_t i = 0; i < count; i++) {
        pool_give(purged[i].codes, purged[i].frames);
    }
    pthread_mutex_unlock(&tables_lock);
    free(purged);
}

/* ---- samples: open addressing by the block's address ---- */

typedef struct {
    uintptr_t block;                  /* 0: empty */
    size_t size;
    uint32_t origin;
    uint32_t epoch;                   /* the mark it was taken after */
} Sample;

static struct {
    Sample *slots;
    size_t mask;
    size_t alive, limit;
    double rate;                      /* bytes; one for all samples, so that no sample has to keep its own */
    uint32_t epoch;
    uint64_t taken, lost;             /* since the start; lost: no memory to keep it */
    uint32_t thinned;
} samples;

static void watches_moved(const Sample *sample, int by);
static void watches_count(void);

static size_t home_of(uintptr_t block)
{
    return ((uint64_t)(block >> 4) * GOLDEN) >> 32;
}

/* The slot of a block, or the empty one where it would be. */
static size_t slot_of(uintptr_t block)
{
    size_t at = home_of(block) & samples.mask;
    while (samples.slots[at].block != 0 && samples.slots[at].block != block) {
        at = (at + 1) & samples.mask;
    }
    return at;
}

static bool samples_grow(size_t slots)
{
    Sample *old = samples.slots;
    size_t old_slots = old ? samples.mask + 1 : 0;
    Sample *fresh = calloc(slots, sizeof(*fresh));
    if (fresh == NULL) {
        return false;
    }
    samples.slots = fresh;
    samples.mask = slots - 1;
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].block != 0) {
            fresh[slot_of(old[i].block)] = old[i];
        }
    }
    free(old);
    return true;
}

/* Take a sample out, and let those behind it move up: no tombstones, so look-ups stay short for ever. */
static Sample samples_remove(size_t at)
{
    Sample removed = samples.slots[at];
    for (size_t next = at;;) {
        next = (next + 1) & samples.mask;
        if (samples.slots[next].block == 0) {
            break;
        }
        size_t home = home_of(samples.slots[next].block);
        if (((next - home) & samples.mask) >= ((next - at) & samples.mask)) {
            samples.slots[at] = samples.slots[next];
            at = next;
        }
    }
    samples.slots[at].block = 0;
    samples.alive--;
    filter_add((void *)removed.block, -1);
    watches_moved(&removed, -1);
    origin_release(removed.origin);
    return removed;
}

static bool samples_put(Sample sample)
{
    if ((samples.alive + 1) * 3 > (samples.mask + 1) * 2 && !samples_grow((samples.mask + 1) * 2)) {
        return false;
    }
    size_t at = slot_of(sample.block);
    if (samples.slots[at].block != 0) { /* freed while another tool had taken our hooks out: the old one is void */
        samples_remove(at);
        at = slot_of(sample.block);
    }
    samples.slots[at] = sample;
    samples.alive++;
    filter_add((void *)sample.block, 1);
    origin_hold(sample.origin);
    watches_moved(&sample, 1);
    return true;
}

/* Halve the sampling: each sample stays with the chance it had of being taken at the new rate, given that it was taken
 * at the old one. (1 - q^2 and 1 - q, so 1 / (1 + q).) What is left is as if the new rate had held from the start. */
static void samples_thin(void)
{
    double rate = samples.rate *= 2;
    samples.thinned++;
    size_t start = 0; /* an empty slot: nothing moves up across it, so that none is tried twice */
    while (samples.slots[start].block != 0) {
        start++;
    }
    for (size_t step = 1; step <= samples.mask; step++) {
        size_t at = (start + step) & samples.mask;
        while (samples.slots[at].block != 0
               && random_unit() * (1 + exp(-(double)samples.slots[at].size / rate)) > 1) {
            samples_remove(at);
        }
    }
    watches_count();
}
