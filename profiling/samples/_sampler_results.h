/* Tables of estimates as Python objects: made with the lock off, from origins copied while it was held. */

#ifndef PROFILING_SAMPLER_RESULTS_H
#define PROFILING_SAMPLER_RESULTS_H

#include <Python.h>
#include <stdint.h>

#include "_sampler_watches.h"

/* An origin with references of its own, as another thread may stop the sampling meanwhile. */
typedef struct {
    PyObject *job;
    PyCodeObject **codes;
    int *lasti;
    uint32_t frames;
} Place;

/* The origins of the table's rows. Under the lock. NULL: no memory. */
Place *places_of(const Table *table);

/* (the three rates, thinned, heads, frames, figures: eight doubles a row), and gives back what it was given. */
PyObject *result_of(Table *table, Place *places);

#endif
