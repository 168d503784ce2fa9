/* What each allocation and each free touches, on one line of the cache. */

#ifndef PROFILING_SAMPLER_HOT_H
#define PROFILING_SAMPLER_HOT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t left; /* bytes to the next sample */
    double rate;  /* that the gap was drawn for: a coarser one may be in force since */
} Countdown;

typedef struct {
    Countdown objects;      /* of the OBJ and MEM domains, with the interpreter held */
    size_t filter_mask;     /* 0 while sampling is off */
    size_t passed_on_from;  /* the smallest block of these domains that goes on to the RAW domain; SIZE_MAX: none */
    uintptr_t thread_below; /* the thread that is in the allocators below these domains' hooks; 0: none */
} Hot;

extern Hot hot __attribute__((aligned(64)));

#endif
