#include "_sampler_origins.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DEAD_ALLOWED 1024u   /* origins without a sample that are kept, as the next sample may well revive one */

pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;

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

/* ---- origins ---- */

Origins origins;
uint64_t origins_era;

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

uint32_t origin_of(const Stack *stack)
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

void origin_hold(uint32_t number)
{
    if (origins.items[number].samples++ == 0) {
        origins.dead--;
        origins.alive++;
    }
}

void origin_release(uint32_t number)
{
    if (--origins.items[number].samples == 0) {
        origins.dead++;
        origins.alive--;
    }
}

Origin *origins_purge(uint32_t *count)
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
            origins.purged.bytes += origin->allocated.bytes;
            origins.purged.blocks += origin->allocated.blocks;
            origin->used = false;
            origins.vacant[origins.vacancies++] = number;
        }
    }
    origins.dead = 0;
    origins_era++;
    index_rebuild();
    return purged;
}

void origins_drop(Origin *purged, uint32_t count)
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

bool origins_begin(void)
{
    static const Stack nowhere;
    if (!origins_grow() || origin_of(&nowhere) != NO_ORIGIN || !origins.items[NO_ORIGIN].used) {
        return false;
    }
    origin_hold(NO_ORIGIN); /* for good */
    return true;
}

Origin *origins_end(uint32_t *count)
{
    Origin *all = origins.items;
    uint32_t used = 0;
    for (uint32_t number = 0; number < origins.length; number++) {
        if (all[number].used) {
            all[used++] = all[number];
        }
    }
    *count = used;
    free(origins.index);
    free(origins.vacant);
    memset(&origins, 0, sizeof(origins));
    origins_era++;
    return all;
}

bool origins_are_stale(void)
{
    return origins.dead > DEAD_ALLOWED + origins.alive;
}

size_t origins_bytes(void)
{
    return pool.bytes + origins.capacity * (sizeof(Origin) + 3 * sizeof(uint32_t));
}
