/* Tables of estimates as Python objects: made with the lock off, from origins copied while it was held. */

#ifndef PROFILING_SAMPLER_RESULTS_H
#define PROFILING_SAMPLER_RESULTS_H

#include <Python.h>
#include <stdbool.h>
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
void places_drop(Place *places, uint32_t length);

/* A head for each row, of job, frame numbers as bytes, and samples; and the frames. False: an error is set. */
bool words_of(const Table *table, const Place *places, PyObject **heads, PyObject **frames);

/* (the three rates, thinned, heads, frames, figures: eight doubles a row), and gives back what it was given. */
PyObject *result_of(Table *table, Place *places);

#endif
