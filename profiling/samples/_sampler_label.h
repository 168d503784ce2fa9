/* Labels: what a context's work is attributed to. The contextvar holds one, and the hooks read it at each sample. */

#ifndef PROFILING_SAMPLER_LABEL_H
#define PROFILING_SAMPLER_LABEL_H

#include <Python.h>
#include <stdint.h>

typedef struct Label {
    PyObject_HEAD
    PyObject *job;      /* an interned str, as the tables compare jobs by identity; NULL: none */
    struct Label *heir; /* that stands in for it once its run has ended; owned, has no heir of its own; NULL: none yet */
    PyObject *weak;     /* references to it */
    uint64_t calls;     /* calls that were begun under it, see `Scope` */
    double allocated;   /* bytes, estimated from its samples */
    uint32_t active;    /* calls that have not ended */
    uint32_t birth;     /* of the blocks that are allocated under it from now on */
    uint32_t taken;     /* samples so far */
    uint32_t doublings; /* of the rate in force: its work is sampled so much more coarsely */
    uint32_t own_doublings; /* that it still makes by itself, until its doublings are set */
} Label;

extern PyTypeObject Label_Type;

/* Count a sample that stands for so many bytes. With the interpreter held. */
void label_took(Label *label, double bytes);

/* For work whose context holds no label; NULL: none. Owned. Set with the interpreter held and under `tables_lock`, so
 * that either is enough to read it. */
extern Label *default_label;

/* A number that no label of this process has had. */
PyObject *next_birth(PyObject *module, PyObject *none);

#endif
