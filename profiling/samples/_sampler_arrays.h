/* Hooks around NumPy's data handler. */

#ifndef PROFILING_SAMPLER_ARRAYS_H
#define PROFILING_SAMPLER_ARRAYS_H

#include <Python.h>

/* Whether arrays made in this context come to us. Not so where a program has set a handler of its own, which stays. */
PyObject *sample_arrays(PyObject *module, PyObject *capsule);

#endif
