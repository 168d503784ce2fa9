/* Origins: the job and the stack that samples share, each kept once. All of it is under `tables_lock`. */

#ifndef PROFILING_SAMPLER_ORIGINS_H
#define PROFILING_SAMPLER_ORIGINS_H

#include <Python.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_FRAMES 64        /* innermost frames kept; outer ones are cut */
#define GOLDEN 0x9E3779B97F4A7C15ull
#define NO_ORIGIN 0u         /* taken where no thread state tells the stack and the job */

/* Over all tables. While it is held nothing calls Python, no reference is given back, and memory comes from the C
 * library alone: the interpreter's allocators are what is being watched. */
extern pthread_mutex_t tables_lock;

typedef struct {
    PyObject *job;                    /* interned, or NULL */
    uint32_t birth;                   /* of the sample; no part of its origin */
    uint32_t frames;                  /* innermost first */
    PyCodeObject *codes[MAX_FRAMES];
    int lasti[MAX_FRAMES];
} Stack;

/* Estimates of what was allocated, whether it was freed since or not. */
typedef struct {
    double bytes, blocks;
} Volume;

typedef struct {
    uint64_t hash;
    PyObject *job;                    /* owned, or NULL */
    PyCodeObject **codes;             /* owned; the instruction offsets follow in the same piece of memory */
    int *lasti;
    Volume allocated;                 /* since the last reading */
    uint32_t frames;
    uint32_t samples;                 /* alive, and pins of a peak; 0: may be purged */
    bool used;
    bool is_kept;                     /* without a sample too: holds itself */
} Origin;

typedef struct {
    Origin *items;
    uint32_t *index;                  /* open addressing; number + 1 of an origin, 0: empty */
    uint32_t *vacant;                 /* numbers to use again */
    uint32_t length, capacity, vacancies, alive, dead;
    Volume purged;                    /* allocated by origins that are gone, since the last reading */
} Origins;

extern Origins origins;
extern uint64_t origins_era;          /* numbers of origins are good within one: since the last purge, or stop */

/* The number of the stack's origin, a new one with references of its own where there is none. NO_ORIGIN: no memory. */
uint32_t origin_of(const Stack *stack);
void origin_hold(uint32_t number);
void origin_release(uint32_t number);

/* Room for a first origin, and NO_ORIGIN in it. False: no memory. */
bool origins_begin(void);

/* Take all origins out. They are the caller's, to drop when the lock is off. */
Origin *origins_end(uint32_t *count);

/* Whether those that no sample has are so many that a purge is due. */
bool origins_are_stale(void);

/* Take the origins that no sample has out of the tables. The caller gives back their references when the lock is off:
 * a code object may end with them, and a weak reference's callback is code of anybody's. NULL: none, or no memory. */
Origin *origins_purge(uint32_t *count);

/* With the interpreter held and the lock off. */
void origins_drop(Origin *purged, uint32_t count);

size_t origins_bytes(void);

#endif
