/* Origins: the job and the stack that samples share. All of it is under `tables_lock`. */

#ifndef PROFILING_SAMPLER_ORIGINS_H
#define PROFILING_SAMPLER_ORIGINS_H

#include <Python.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "_sampler_stacks.h"

#define NO_ORIGIN 0u         /* taken where no thread state tells the stack and the job */

/* Over all tables. While it is held nothing calls Python, no reference is given back, and memory comes from the C
 * library alone: the interpreter's allocators are what is being watched. */
extern pthread_mutex_t tables_lock;

/* Estimates of what was allocated, whether it was freed since or not. */
typedef struct {
    double bytes, blocks;
} Volume;

typedef struct {
    PyObject *job;                    /* owned, or NULL */
    Chunk *stack;                     /* of which it has a reference, or NULL: without a frame */
    Volume allocated;                 /* since the last reading */
    uint32_t samples;                 /* alive, and pins of a peak; 0: may be purged */
    bool used;
    bool is_kept;                     /* without a sample too: holds itself */
} Origin;

typedef struct {
    Origin *items;
    uint32_t *index;                  /* open addressing; number + 1 of an origin, 0: empty */
    uint32_t *vacant;                 /* numbers to use again */
    uint32_t length, capacity, vacancies, alive, dead;
    bool is_full;                     /* a stack had no room since the last purge */
    Volume purged;                    /* allocated by origins that are gone, since the last reading */
} Origins;

extern Origins origins;
extern uint64_t origins_era;          /* numbers of origins are good within one: since the last purge, or stop */

/* The number of the stack's origin, a new one with references of its own if there is none. All origins and their stacks
 * are within a bound of bytes: beyond it, a new stack counts for its job alone. NO_ORIGIN: no room for this either. */
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
