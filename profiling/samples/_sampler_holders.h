/* What an object holds: the blocks of all objects that can be reached from it. */

#ifndef PROFILING_SAMPLER_HOLDERS_H
#define PROFILING_SAMPLER_HOLDERS_H

#include <Python.h>
#include <stdbool.h>

#include "_sampler_addresses.h"

/* The blocks that may be sampled, each once, of what the objects of a list hold; where that is much, of a share of their
 * items. No Python runs. False: no memory. Either way the blocks are to be given back by `blocks_release`. */
bool blocks_held(PyObject *holders, Blocks *blocks, double *share);

/* tracked_objects() -> what gc.get_objects() lists but tuples; the number of tuples, and their bytes. */
PyObject *tracked_objects(PyObject *module, PyObject *ignored);

/* one_of_each_type(objects), of_types(objects, types): lists. */
PyObject *one_of_each_type(PyObject *module, PyObject *objects);
PyObject *of_types(PyObject *module, PyObject *arguments);

#endif
