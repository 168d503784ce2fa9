/* Memory that was allocated, freed since or not, by origin. */

#ifndef PROFILING_SAMPLER_VOLUMES_H
#define PROFILING_SAMPLER_VOLUMES_H

#include <Python.h>

/* A table like that of `snapshot`, of what was allocated since the last call, and the bytes of purged origins. */
PyObject *volumes(PyObject *module, PyObject *none);

#endif
