/* The table of the blocks that are sampled and alive. All of it is under `tables_lock`. */

#ifndef PROFILING_SAMPLER_TABLES_H
#define PROFILING_SAMPLER_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uintptr_t block;                  /* 0: empty */
    size_t size;
    uint32_t origin;
    uint32_t epoch;                   /* the mark it was taken after */
} Sample;

typedef struct {
    Sample *slots;                    /* open addressing by the block's address; NULL while sampling is off */
    size_t mask;
    size_t alive, limit;
    double rate;                      /* bytes; one for all samples, so that no sample has to keep its own */
    uint32_t epoch;
    uint64_t taken, lost;             /* since the start; lost: no memory to keep it */
    uint32_t thinned;
} Samples;

extern Samples samples;

double random_unit(void); /* in (0, 1] */

/* The chance that a block is taken: that at least one point of a Poisson process, one in `rate` bytes, falls in it. */
double chance(size_t size, double rate);

/* False: no memory. */
bool samples_begin(double rate, size_t limit, uint64_t seed);
void samples_end(void);

/* Where the block's sample is. False: nowhere. */
bool samples_find(uintptr_t block, size_t *at);

/* Keep the sample of a block that has none. False: no memory. */
bool samples_put(Sample sample);

Sample samples_remove(size_t at);

/* Halve the sampling: what is left is as if the new rate had held from the start. */
void samples_thin(void);

size_t samples_bytes(void);

#endif
