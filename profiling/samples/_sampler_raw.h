/* Hooks of the RAW domain, which is called with the interpreter held or without. */

#ifndef PROFILING_SAMPLER_RAW_H
#define PROFILING_SAMPLER_RAW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "_sampler_hot.h"

/* Any number that the thread alone has; not by a call where the compiler knows the way. */
static inline uintptr_t this_thread(void)
{
#if defined(__has_builtin) && defined(__linux__)
#if __has_builtin(__builtin_thread_pointer)
    return (uintptr_t)__builtin_thread_pointer();
#endif
#endif
    return (uintptr_t)pthread_self();
}

/* Around the allocators below our hooks of the OBJ and MEM domains, where pymalloc passes large blocks on to the RAW
 * domain: these are counted already. */
static inline void below_enter(void)
{
    __atomic_store_n(&hot.thread_below, this_thread(), __ATOMIC_RELAXED);
}

static inline void below_leave(void)
{
    __atomic_store_n(&hot.thread_below, 0, __ATOMIC_RELAXED);
}

/* All of these with the interpreter held. */
bool raw_is_hooked(void);
void raw_hook(void);
void raw_lift(void);

/* Whether a block of the OBJ domain is passed on to the RAW domain. */
bool raw_is_reached_by_objects(size_t size);

#endif
