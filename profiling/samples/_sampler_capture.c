#include "_sampler_capture.h"

#include <stdint.h>
#include <string.h>

#include "_sampler_label.h"

PyObject *job_label;
static Stack captured; /* with the interpreter held */
static PyThreadState *resets; /* likewise: the thread that resets its label */

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

/* The frames are read in place. A frame object made here would be no sample, and yet may stay: a traceback that comes by
 * later takes it, and an error that is kept keeps it. Since 3.13 the interpreter moreover puts its own in place of one
 * that was made inside of its own allocation (GH-97002), and ours leaks. Nothing here allocates or raises.
 *
 * The unstable API tells all but the link to the caller, which is in no header that is meant for us: the second word of a
 * frame from 3.12 to 3.14. On 3.11 there is no such API. `walks_agree` holds what is read here against frame objects. */
typedef struct _PyInterpreterFrame InFrame;

#if PY_VERSION_HEX >= 0x030C0000
static InFrame *caller(InFrame *frame) { return ((InFrame **)frame)[1]; }

static PyObject *code_of(InFrame *frame)
{
    PyObject *code = PyUnstable_InterpreterFrame_GetCode(frame);
    Py_DECREF(code);
    return code;
}

static int lasti_of(InFrame *frame) { return PyUnstable_InterpreterFrame_GetLasti(frame); }
#else
struct _PyInterpreterFrame { /* as far as we read it */
    PyObject *function, *globals, *builtins, *locals, *code, *frame_object;
    InFrame *caller;
    _Py_CODEUNIT *last;
};

static InFrame *caller(InFrame *frame) { return frame->caller; }
static PyObject *code_of(InFrame *frame) { return frame->code; }

static int lasti_of(InFrame *frame)
{
    return (int)((char *)frame->last - ((PyCodeObject *)frame->code)->co_code_adaptive);
}
#endif

static InFrame *current(PyThreadState *state)
{
#if PY_VERSION_HEX >= 0x030D0000
    return state->current_frame;
#else
    return state->cframe->current_frame;
#endif
}

static void walk(PyThreadState *state, Stack *stack)
{
    uint32_t count = 0;
    for (InFrame *frame = current(state); frame != NULL && count < MAX_FRAMES; frame = caller(frame)) {
        PyObject *code = code_of(frame);
        if (!PyCode_Check(code)) { /* where C called Python */
            continue;
        }
        int lasti = lasti_of(frame);
        if (lasti < ((PyCodeObject *)code)->_co_firsttraceable * (int)sizeof(uint16_t)) { /* its call is not complete */
            continue;
        }
        stack->codes[count] = (PyCodeObject *)code;
        stack->lasti[count++] = lasti;
    }
    stack->frames = count;
}

/* The same through frame objects. */
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

bool walks_agree(PyThreadState *state)
{
    static Stack known, walked;
    walk_objects(state, &known);
    walk(state, &walked);
    return known.frames == walked.frames
           && memcmp(known.codes, walked.codes, known.frames * sizeof(*known.codes)) == 0
           && memcmp(known.lasti, walked.lasti, known.frames * sizeof(*known.lasti)) == 0;
}

/* To look a variable up fills a cache, and to take its value away empties the cache first and then allocates. A sample in
 * between would fill it again, with the value that goes. */
bool label_reset(PyObject *token)
{
    PyThreadState *outer = resets;
    resets = PyThreadState_Get();
    bool is_reset = PyContextVar_Reset(job_label, token) == 0;
    resets = outer;
    return is_reset;
}

Label *label_in_force(PyThreadState *state)
{
    PyObject *held = NULL;
    Label *label = default_label;
    if (state != resets && PyContextVar_Get(job_label, NULL, &held) == 0 && held != NULL) {
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
    walk(state, &captured);
    capture_label(label);
    return &captured;
}
