/* Taking samples and letting go of them: what the hooks call when a countdown has run out or the filter has a block. */

#ifndef PROFILING_SAMPLER_TAKING_H
#define PROFILING_SAMPLER_TAKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "_sampler_filter.h"
#include "_sampler_hot.h"
#include "_sampler_tables.h"

extern Countdown shared;  /* atomic: of NumPy and of the RAW domain, whose streams are one to a Poisson process */
extern bool is_on;        /* under tables_lock */

static inline bool runs_out(size_t size)
{
    int64_t left = __atomic_load_n(&hot.objects.left, __ATOMIC_RELAXED) - (int64_t)size;
    __atomic_store_n(&hot.objects.left, left, __ATOMIC_RELAXED);
    return UNLIKELY(left < 0);
}

/* NumPy and the RAW domain may be called without the interpreter, so from two threads at once. */
static inline bool shared_runs_out(size_t size)
{
    return UNLIKELY(__atomic_sub_fetch(&shared.left, (int64_t)size, __ATOMIC_RELAXED) < 0);
}

/* The largest block of the OBJ and MEM domains that pymalloc serves itself; larger ones are of malloc. 0: all are. */
extern size_t largest_of_pymalloc;

void countdown_set(Countdown *countdown, int64_t left);

/* Draw gaps for the rate in force, or let no countdown run out any more. Under the lock. */
void countdowns_begin(void);
void countdowns_end(void);

/* Take samples at another power of two of the base rate from here on. Under the lock, and with the interpreter held. */
void rate_set(uint32_t exponent);

/* Go to a coarser rate, this at most, when samples have taken more than the share of the process's CPU time: a rate
 * that was right for one job may be far too fine in the next, in the middle of a long run. A share of 0: never. */
void govern(double share, uint32_t coarsest);

/* What a sample takes, in seconds, as measured since the start; 0: not yet. */
double sample_seconds(void);

/* How many were no samples in the end, as their label is sampled more coarsely. Under the lock. */
uint64_t samples_let_go(void);

/* Find the origin of what is taken without the interpreter, which is of the default label. Under the lock, and with the
 * interpreter held, whenever that label or the tables are new. */
void nowhere_renew(void);

/* Let go of the stacks that no sample has any more, and of the code objects in them. With the interpreter held. */
int purge(void *argument);

/* The countdown ran out within this block, which its allocator has just given out. */
void sample(Countdown *countdown, void *block, size_t size);

/* Likewise, but it is not to be a sample, and the interpreter is not touched. */
void pass_over(Countdown *countdown, size_t size);

/* Take the block out of the tables, where it is in them, and say what was there. */
Sample forget_in(void *block, uint64_t *era);
void forget(void *block);

/* The block lives on, as its allocator could not resize it. */
void remember(Sample sample, uint64_t era);

#endif
