/* Live samples by origin and birth, as Python objects. */

#ifndef PROFILING_SAMPLER_BIRTHS_H
#define PROFILING_SAMPLER_BIRTHS_H

#include <Python.h>

/* births(is_of_job, job or None, oldest birth, holders or None); see `SampledBirths` for what it answers. With holders,
 * a list, only what these hold. */
PyObject *births(PyObject *module, PyObject *arguments);

#endif
