/* The filter before the tables: how many sampled blocks hash to a byte. Its look-up is in each free, so it is inline. */

#ifndef PROFILING_SAMPLER_FILTER_H
#define PROFILING_SAMPLER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "_sampler_hot.h"

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define FILTER_BYTES (1u << 20)

/* A byte for 64 of the heap, in its order, and from the start again after 64 MB: neighbours in the heap share a cache
 * line and a page here. Every free reads this, and hashing was 6 of 100 of the run time in cache misses. What falls on
 * the same byte by chance costs a look into the table.
 * While sampling is off the mask is 0: each free then reads the one byte 0, which no sample ever raises. */
extern uint8_t filter[FILTER_BYTES];

static inline size_t filter_index(const void *block)
{
    return (uintptr_t)block >> 6;
}

/* Whether the block may be sampled. Read without the lock: whoever frees a block has it from its allocator. */
static inline bool filter_has(const void *block)
{
    return __atomic_load_n(&filter[filter_index(block) & hot.filter_mask], __ATOMIC_RELAXED) != 0;
}

#endif
