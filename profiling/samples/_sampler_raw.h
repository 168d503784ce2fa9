/* Hooks of the RAW domain, which is called with the interpreter held or without. */

#ifndef PROFILING_SAMPLER_RAW_H
#define PROFILING_SAMPLER_RAW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* The thread that is in the allocators below our hooks of the OBJ and MEM domains, where pymalloc passes large blocks
 * on to the RAW domain: these are counted already. 0: none. Written with the interpreter held. */
extern uintptr_t thread_below;

static inline void below_enter(void)
{
    __atomic_store_n(&thread_below, (uintptr_t)pthread_self(), __ATOMIC_RELAXED);
}

static inline void below_leave(void)
{
    __atomic_store_n(&thread_below, 0, __ATOMIC_RELAXED);
}

/* All of these with the interpreter held. */
bool raw_is_hooked(void);
void raw_hook(void);
void raw_lift(void);

/* Whether a block of the OBJ domain is passed on to the RAW domain. */
bool raw_is_reached_by_objects(size_t size);

#endif
