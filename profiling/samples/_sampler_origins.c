#include "_sampler_origins.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ORIGINS 256u
#define DEAD_ALLOWED 1024u   /* origins without a sample that are kept, as the next sample may well revive one */
#define MAX_BYTES (1u << 20)  /* of the origins and their stacks */
#define ONLY_JOBS 16         /* one in so many origins is left to jobs whose stacks have no room */

pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;
Origins origins;
uint64_t origins_era;

static uint64_t hash_of(PyObject *job, const Chunk *stack)
{
    uint64_t hash = ((uint64_t)(uintptr_t)job * GOLDEN) ^ (uint64_t)(uintptr_t)stack;
    return (hash ^ (hash >> 32)) * GOLDEN;
}

static size_t index_mask(void)
{
    return (size_t)origins.capacity * 2 - 1;
}

/* Where the origin is in the index, or the empty place where it would be. */
static uint32_t *index_find(PyObject *job, const Chunk *stack)
{
    for (size_t at = hash_of(job, stack) >> 32;; at++) {
        uint32_t *entry = &origins.index[at & index_mask()];
        if (*entry == 0 || (origins.items[*entry - 1].job == job && origins.items[*entry - 1].stack == stack)) {
            return entry;
        }
    }
}

static void index_rebuild(void)
{
    memset(origins.index, 0, (index_mask() + 1) * sizeof(*origins.index));
    for (uint32_t number = 0; number < origins.length; number++) {
        if (origins.items[number].used) {
            *index_find(origins.items[number].job, origins.items[number].stack) = number + 1;
        }
    }
}

static size_t bytes_of(uint32_t capacity)
{
    return capacity * (sizeof(Origin) + 3 * sizeof(uint32_t));
}

/* What is left of the bound. */
static size_t bytes_left(void)
{
    size_t bytes = origins_bytes();
    return bytes < MAX_BYTES ? MAX_BYTES - bytes : 0;
}

/* False: no memory, or beyond the bound. */
static bool origins_grow(void)
{
    uint32_t capacity = origins.capacity ? origins.capacity * 2 : FIRST_ORIGINS;
    if (bytes_of(capacity) - bytes_of(origins.capacity) > bytes_left()) {
        return false;
    }
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

/* Whether there is room for one more origin and its stack. */
static bool has_room(void)
{
    uint32_t used = origins.length - origins.vacancies;
    bool has_origin = used < origins.capacity - origins.capacity / ONLY_JOBS || origins_grow();
    return has_origin && stacks_have_room(bytes_left());
}

/* NO_ORIGIN: no room. */
static uint32_t origin_new(PyObject *job, Chunk *stack)
{
    if (origins.vacancies == 0 && origins.length == origins.capacity) {
        return NO_ORIGIN;
    }
    uint32_t number = origins.vacancies ? origins.vacant[--origins.vacancies] : origins.length++;
    Py_XINCREF(job);
    if (stack != NULL) {
        stack->references++;
    }
    *index_find(job, stack) = number + 1;
    origins.items[number] = (Origin){.job = job, .stack = stack, .used = true};
    origins.dead++; /* until its first sample */
    return number;
}

uint32_t origin_of(const Stack *stack)
{
    Chunk *chunk = NULL;
    if (stack->frames > 0) {
        bool may_add = has_room();
        chunk = stack_find(stack, may_add);
        origins.is_full = origins.is_full || !may_add;
        if (!may_add && chunk != NULL && *index_find(stack->job, chunk) == 0) {
            chunk = NULL; /* another job's stack */
        }
    }
    uint32_t entry = *index_find(stack->job, chunk);
    return entry != 0 ? entry - 1 : origin_new(stack->job, chunk);
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
            origins.purged.bytes += origin->allocated.bytes;
            origins.purged.blocks += origin->allocated.blocks;
            origin->used = false;
            origins.vacant[origins.vacancies++] = number;
            purged[*count] = *origin;
            purged[(*count)++].stack = stack_release(origin->stack);
        }
    }
    origins.dead = 0;
    origins.is_full = false;
    origins_era++;
    index_rebuild();
    return purged;
}

void origins_drop(Origin *purged, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        chunks_drop(purged[i].stack);
        Py_XDECREF(purged[i].job);
    }
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
            all[used] = all[number];
            all[used++].stack = stack_release(all[number].stack);
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
    return origins.dead > DEAD_ALLOWED + origins.alive || (origins.is_full && origins.dead > origins.alive / 4);
}

size_t origins_bytes(void)
{
    return stacks_bytes() + bytes_of(origins.capacity);
}
