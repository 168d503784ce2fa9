/* Scopes: blocks of code under a label that many blocks share. */

#ifndef PROFILING_SAMPLER_SCOPE_H
#define PROFILING_SAMPLER_SCOPE_H

#include <Python.h>

extern PyTypeObject Scope_Type;

/* The awaitable that `async with` gets from a scope, which is done at once. */
extern PyTypeObject Done_Type;

#endif
