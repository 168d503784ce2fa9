/* The table of the blocks that are sampled and alive. All of it is under `tables_lock`. */

#ifndef PROFILING_SAMPLER_TABLES_H
#define PROFILING_SAMPLER_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uintptr_t block;                  /* 0: empty */
    uint64_t size : 40;               /* bytes, up to 1 TB */
    uint64_t epoch : 16;              /* the low bits of the mark it was taken after; see `samples_mark` */
    uint64_t exponent : 7;            /* it was taken at the base rate times two to this power */
    uint64_t is_of_malloc : 1;        /* the C library's malloc served the block, not pymalloc */
    uint32_t origin;
    uint32_t birth;                   /* of the label that it was taken under; 0: there was none */
} Sample;

#define MAX_SIZE ((1ull << 40) - 1)

typedef struct {
    Sample *slots;                    /* open addressing by the block's address; NULL while sampling is off */
    size_t mask;
    size_t alive, limit;
    double base;                      /* bytes: the finest rate */
    uint32_t exponent;                /* of the rate in force */
    double malloc_bytes;              /* estimate of what is alive from the C library's malloc */
    uint32_t epoch;                   /* the last mark */
    uint64_t taken, lost;             /* since the start; lost: no memory to keep it */
    uint32_t thinned;
} Samples;

#define MAX_EXPONENT 63u

extern Samples samples;

double random_unit(void); /* in (0, 1] */

/* The chance that a block is taken: that at least one point of a Poisson process, one in `rate` bytes, falls in it. */
double chance(size_t size, double rate);

/* False: no memory. */
bool samples_begin(double base, uint32_t exponent, size_t limit, uint64_t seed);
void samples_end(void);

/* Where the block's sample is. False: nowhere. */
bool samples_find(uintptr_t block, size_t *at);

/* Keep the sample of a block that has none. False: no memory. */
bool samples_put(Sample sample);

Sample samples_remove(size_t at);

/* The rate in force, and the chance that this sample had at its own. */
double rate_at(uint32_t exponent);
double samples_rate(void);
double sample_chance(const Sample *sample);

/* Halve the sampling: what is left of each sample is as if twice its rate had held from the start. */
void samples_thin(void);

/* A new epoch: samples taken from here on have a higher one than all before. A mark is good for 32 768 later ones. */
uint32_t samples_mark(void);
uint32_t sample_epoch(const Sample *sample);

size_t samples_bytes(void);

#endif
