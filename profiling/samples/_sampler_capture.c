#include "_sampler_capture.h"

#include <stdint.h>
#include <string.h>

#include "_sampler_label.h"

PyObject *job_label;
static Stack captured; /* with the interpreter held */

#if PY_VERSION_HEX >= 0x030C0000
#define SAVE_ERROR PyObject *error = PyErr_GetRaisedException()
#define RESTORE_ERROR PyErr_SetRaisedException(error)
#else
#define SAVE_ERROR PyObject *type, *value, *traceback; PyErr_Fetch(&type, &value, &traceback)
#define RESTORE_ERROR PyErr_Restore(type, value, traceback)
#endif

#if PY_VERSION_HEX < 0x030D0000
#define PyThreadState_GetUnchecked _PyThreadState_UncheckedGet /* their names before they were documented */
#define Py_IsFinalizing _Py_IsFinalizing
#endif

PyThreadState *held_state(void)
{
    PyThreadState *state = PyThreadState_GetUnchecked();
    if (state == NULL || state != PyGILState_GetThisThreadState()
        || PyThreadState_GetInterpreter(state) != PyInterpreterState_Main() || Py_IsFinalizing()) {
        return NULL;
    }
    return state;
}

static void walk_objects(PyThreadState *state, Stack *stack)
{
    PyFrameObject *frame = PyThreadState_GetFrame(state);
    uint32_t count = 0;
    while (frame != NULL && count < MAX_FRAMES) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        stack->codes[count] = code;
        stack->lasti[count++] = PyFrame_GetLasti(frame);
        Py_DECREF(code);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    stack->frames = count;
}

#if PY_VERSION_HEX < 0x030D0000
#define walk walk_objects
#else
/* Up to 3.12 the interpreter, when it has allocated a frame object, looks whether the allocation made one for the same
 * frame (GH-97002). Since 3.13 it does not, and puts its own in place of ours: that one leaks. With a
 * sample every 512 bytes one exception in four cost a frame object for ever. So the frames are read in place, by the
 * unstable API. Only the link to the caller is in no header that is meant for us: it is the second word of a frame in
 * 3.13 and 3.14, which `walks_agree` holds against frame objects when the extension is loaded. */
typedef struct _PyInterpreterFrame InFrame;

static void walk(PyThreadState *state, Stack *stack)
{
    uint32_t count = 0;
    for (InFrame *frame = state->current_frame; frame != NULL && count < MAX_FRAMES; frame = ((InFrame **)frame)[1]) {
        PyObject *code = PyUnstable_InterpreterFrame_GetCode(frame);
        Py_DECREF(code);
        if (!PyCode_Check(code)) { /* where C called Python */
            continue;
        }
        int lasti = PyUnstable_InterpreterFrame_GetLasti(frame);
        if (lasti < ((PyCodeObject *)code)->_co_firsttraceable * (int)sizeof(uint16_t)) { /* its call is not complete */
            continue;
        }
        stack->codes[count] = (PyCodeObject *)code;
        stack->lasti[count++] = lasti;
    }
    stack->frames = count;
}
#endif

bool walks_agree(PyThreadState *state)
{
    static Stack known, walked;
    walk_objects(state, &known);
    walk(state, &walked);
    return known.frames == walked.frames
           && memcmp(known.codes, walked.codes, known.frames * sizeof(*known.codes)) == 0
           && memcmp(known.lasti, walked.lasti, known.frames * sizeof(*known.lasti)) == 0;
}

Label *label_in_force(void)
{
    PyObject *held = NULL;
    Label *label = default_label;
    if (PyContextVar_Get(job_label, NULL, &held) == 0 && held != NULL) {
        label = Py_IS_TYPE(held, &Label_Type) ? (Label *)held : label;
        Py_DECREF(held);
    }
    return label != NULL && label->heir != NULL ? label->heir : label;
}

static void capture_label(Label *label)
{
    captured.job = label != NULL ? label->job : NULL;
    captured.birth = label != NULL ? label->birth : 0;
}

const Stack *capture(PyThreadState *state, Label *label)
{
    SAVE_ERROR;
    int was_collecting = PyGC_Disable();
    walk(state, &captured);
    capture_label(label);
    if (was_collecting) {
        PyGC_Enable();
    }
    RESTORE_ERROR; /* and drops what a frame without memory may have raised */
    return &captured;
}
