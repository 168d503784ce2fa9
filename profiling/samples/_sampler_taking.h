/* Taking samples and letting go of them: what the hooks call when a countdown has run out or the filter has a block. */

#ifndef PROFILING_SAMPLER_TAKING_H
#define PROFILING_SAMPLER_TAKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "_sampler_filter.h"
#include "_sampler_tables.h"

typedef struct {
    int64_t left; /* bytes to the next sample */
    double rate;  /* that the gap was drawn for: the tables' rate may have been doubled since */
} Countdown;

extern Countdown objects; /* with the interpreter held */
extern Countdown arrays;  /* atomic */
extern bool is_on;        /* under tables_lock */

static inline bool runs_out(size_t size)
{
    int64_t left = __atomic_load_n(&objects.left, __ATOMIC_RELAXED) - (int64_t)size;
    __atomic_store_n(&objects.left, left, __ATOMIC_RELAXED);
    return UNLIKELY(left < 0);
}

/* NumPy may call without the interpreter, so from two threads at once. */
static inline bool array_runs_out(size_t size)
{
    return UNLIKELY(__atomic_sub_fetch(&arrays.left, (int64_t)size, __ATOMIC_RELAXED) < 0);
}

void countdown_set(Countdown *countdown, int64_t left);

/* Draw the first gaps, or let no countdown run out any more. Under the lock. */
void countdowns_begin(void);
void countdowns_end(void);

/* The countdown ran out within this block, which its allocator has just given out. */
void sample(Countdown *countdown, void *block, size_t size);

/* Take the block out of the tables, where it is in them, and say what was there. */
Sample forget_in(void *block, uint64_t *era);
void forget(void *block);

/* The block lives on, as its allocator could not resize it. */
void remember(Sample sample, uint64_t era);

#endif
