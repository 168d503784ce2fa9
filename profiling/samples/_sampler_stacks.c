#include "_sampler_stacks.h"

#include <string.h>
#include <sys/mman.h>

#include "_sampler_origins.h"

/* ---- the pool: pages of our own ---- */

/* From malloc they would lie between the program's blocks for as long as the sampling lasts, and keep pages from the
 * kernel that are else free: 2 MB of a small service. The pages are given back with the last stack, at a stop. */
#define PIECE_BYTES (64u << 10)

static struct {
    Chunk *vacant;
    uint32_t vacancies;
    Chunk *next;
    size_t left;     /* chunks of the piece */
    void *pieces;    /* the last one; each begins with the address of the one before */
    size_t bytes;    /* of all pieces */
    uint32_t taken;
} pool;

static bool pool_extend(void)
{
    void *piece = mmap(NULL, PIECE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) {
        return false;
    }
    *(void **)piece = pool.pieces;
    pool.pieces = piece;
    pool.next = (Chunk *)piece + 1;
    pool.left = PIECE_BYTES / sizeof(Chunk) - 1;
    pool.bytes += PIECE_BYTES;
    return true;
}

/* NULL: no memory. */
static Chunk *pool_take(void)
{
    Chunk *chunk = pool.vacant;
    if (chunk != NULL) {
        pool.vacant = chunk->next;
        pool.vacancies--;
    }
    else if (pool.left > 0 || pool_extend()) {
        chunk = pool.next++;
        pool.left--;
    }
    pool.taken += chunk != NULL;
    return chunk;
}

static void pool_release(void)
{
    for (void *piece = pool.pieces, *before; piece != NULL; piece = before) {
        before = *(void **)piece;
        munmap(piece, PIECE_BYTES);
    }
    memset(&pool, 0, sizeof(pool));
}

static void pool_give(Chunk *chunk)
{
    chunk->next = pool.vacant;
    pool.vacant = chunk;
    pool.vacancies++;
    if (--pool.taken == 0) {
        pool_release();
    }
}

bool stacks_have_room(size_t bytes)
{
    return pool.vacancies + pool.left >= MAX_FRAMES / CHUNK_FRAMES || bytes >= PIECE_BYTES;
}

/* ---- chunks by their frames and by their callers ---- */

#define BUCKETS 4096u

static Chunk *buckets[BUCKETS];

size_t stacks_bytes(void)
{
    return pool.bytes != 0 ? pool.bytes + sizeof(buckets) : 0;
}

static uint64_t chunk_hash(const Chunk *outer, PyCodeObject *const *codes, const int *lasti, uint32_t frames)
{
    uint64_t hash = (uint64_t)(uintptr_t)outer * GOLDEN;
    for (uint32_t i = 0; i < frames; i++) {
        hash = (hash ^ (uint64_t)(uintptr_t)codes[i]) * GOLDEN;
        hash = ((hash << 29) | (hash >> 35)) + (uint64_t)lasti[i];
    }
    return (hash ^ (hash >> 32)) * GOLDEN;
}

static Chunk **bucket_of(uint64_t hash)
{
    return &buckets[(hash >> 32) % BUCKETS];
}

/* Takes references, as the frames that hold the code objects will be gone by the time of a snapshot. NULL: no memory. */
static Chunk *chunk_new(Chunk *outer, uint64_t hash, PyCodeObject *const *codes, const int *lasti, uint32_t frames)
{
    Chunk *chunk = pool_take();
    if (chunk == NULL) {
        return NULL;
    }
    *chunk = (Chunk){.outer = outer, .next = *bucket_of(hash), .hash = hash, .frames = frames};
    memcpy(chunk->codes, codes, frames * sizeof(*codes));
    memcpy(chunk->lasti, lasti, frames * sizeof(*lasti));
    for (uint32_t i = 0; i < frames; i++) {
        Py_INCREF(codes[i]);
    }
    if (outer != NULL) {
        outer->references++;
    }
    *bucket_of(hash) = chunk;
    return chunk;
}

static Chunk *chunk_find(Chunk *outer, PyCodeObject *const *codes, const int *lasti, uint32_t frames, bool has_room)
{
    uint64_t hash = chunk_hash(outer, codes, lasti, frames);
    for (Chunk *chunk = *bucket_of(hash); chunk != NULL; chunk = chunk->next) {
        if (chunk->hash == hash && chunk->outer == outer && chunk->frames == frames
            && memcmp(chunk->codes, codes, frames * sizeof(*codes)) == 0
            && memcmp(chunk->lasti, lasti, frames * sizeof(*lasti)) == 0) {
            return chunk;
        }
    }
    return has_room ? chunk_new(outer, hash, codes, lasti, frames) : NULL;
}

/* From the outermost frame on, so that stacks share what they have in common. Chunks that are made before the memory runs
 * out stay without a reference, until the next stack finds them. */
Chunk *stack_find(const Stack *stack, bool has_room)
{
    Chunk *chunk = NULL;
    for (uint32_t end = stack->frames, begin; end > 0; end = begin) {
        begin = end > CHUNK_FRAMES ? end - CHUNK_FRAMES : 0;
        chunk = chunk_find(chunk, stack->codes + begin, stack->lasti + begin, end - begin, has_room);
        if (chunk == NULL) {
            return NULL;
        }
    }
    return chunk;
}

static void bucket_remove(const Chunk *chunk)
{
    Chunk **link = bucket_of(chunk->hash);
    while (*link != chunk) {
        link = &(*link)->next;
    }
    *link = chunk->next;
}

Chunk *stack_release(Chunk *chunk)
{
    Chunk *first = chunk, *last = NULL;
    while (chunk != NULL && --chunk->references == 0) {
        bucket_remove(chunk);
        last = chunk;
        chunk = chunk->outer;
    }
    if (last == NULL) {
        return NULL;
    }
    last->outer = NULL;
    return first;
}

void chunks_drop(Chunk *chunks)
{
    if (chunks == NULL) {
        return;
    }
    for (Chunk *chunk = chunks; chunk != NULL; chunk = chunk->outer) {
        for (uint32_t i = 0; i < chunk->frames; i++) {
            Py_DECREF(chunk->codes[i]);
        }
    }
    pthread_mutex_lock(&tables_lock);
    for (Chunk *chunk = chunks, *outer; chunk != NULL; chunk = outer) {
        outer = chunk->outer;
        pool_give(chunk);
    }
    pthread_mutex_unlock(&tables_lock);
}
