/* Hooks around NumPy's data handler. */

#ifndef PROFILING_SAMPLER_ARRAYS_H
#define PROFILING_SAMPLER_ARRAYS_H

#include <Python.h>
#include <stdbool.h>

/* Whether arrays made in this context come to us. Not so where a program has set a handler of its own, which stays. */
PyObject *sample_arrays(PyObject *module, PyObject *capsule);

/* Sample arrays that are made in this context, if NumPy is known from `sample_arrays`. False: an error is set. */
bool arrays_come_here(void);

/* What an array refers to, each of which may be NULL. */
typedef struct {
    const void *items;   /* a block that a view may share with others */
    const void *lengths; /* a block of its own */
    PyObject *base;      /* whose items a view has */
} ArrayParts;

/* All NULL for an object that is no array. */
ArrayParts array_parts(PyObject *object);

#endif
