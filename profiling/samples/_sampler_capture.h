/* The stack and the label of the running thread. */

#ifndef PROFILING_SAMPLER_CAPTURE_H
#define PROFILING_SAMPLER_CAPTURE_H

#include <Python.h>
#include <stdbool.h>

#include "_sampler_label.h"
#include "_sampler_origins.h"

extern PyObject *job_label; /* the contextvar; owned once set, never given back */

/* This thread's state where it holds the main interpreter, else NULL. Before 3.12 the first of the two is of whatever
 * thread holds the interpreter, so it takes both. NULL too at the interpreter's end: an exit handler may have started
 * the sampling again, after ours had stopped it, and types and contexts are taken down from here on. */
PyThreadState *held_state(void);

/* The label of the running thread's context, or the default one; borrowed: the context holds it. NULL: none. With the
 * interpreter held. */
Label *label_in_force(PyThreadState *state);

/* Restore the label from before the token. False: an error is set. Needs the GIL. */
bool label_reset(PyObject *token);

/* With the interpreter held. The references are borrowed: the frames hold the code, the context the label, and no code
 * runs before they are stored. Nothing is allocated. */
const Stack *capture(PyThreadState *state, Label *label);

/* Whether the frames are read right: whether this Python lays them out as we know it. */
bool walks_agree(PyThreadState *state);

#endif
