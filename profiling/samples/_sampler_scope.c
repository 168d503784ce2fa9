#include "_sampler_scope.h"

#include <stdbool.h>

#include "_sampler_arrays.h"
#include "_sampler_capture.h"
#include "_sampler_label.h"

/* In C because each request pays for it; with a class in Python, a block would take three times as long. */

typedef struct {
    PyObject_HEAD
    Label *label;
    PyObject *token; /* of the contextvar, to restore the former label; NULL: nothing to restore */
    bool is_entered;
} Scope;

/* ---- the awaitable of `async with` ---- */

static PyObject *done; /* the only instance */

static PyObject *done_next(PyObject *Py_UNUSED(self)) { return NULL; } /* no value, so the await ends */

static PyAsyncMethods done_async = {.am_await = Py_NewRef};

PyTypeObject Done_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "profiling.samples._sampler.Done",
    .tp_doc = "An awaitable that is done at once.",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_as_async = &done_async,
    .tp_iter = Py_NewRef,
    .tp_iternext = done_next,
};

static PyObject *done_now(void)
{
    if (done == NULL) {
        done = PyObject_New(PyObject, &Done_Type);
    }
    return Py_XNewRef(done);
}

/* ---- scopes ---- */

static PyObject *scope_call(PyObject *type, PyObject *const *arguments, size_t count, PyObject *names)
{
    if (PyVectorcall_NARGS(count) != 1 || names != NULL || !Py_IS_TYPE(arguments[0], &Label_Type)) {
        return PyErr_Format(PyExc_TypeError, "a scope takes a label");
    }
    Scope *scope = PyObject_GC_New(Scope, (PyTypeObject *)type);
    if (scope != NULL) {
        scope->label = (Label *)Py_NewRef(arguments[0]);
        scope->token = NULL;
        scope->is_entered = false;
        PyObject_GC_Track(scope);
    }
    return (PyObject *)scope;
}

static void leave(Scope *scope)
{
    if (scope->is_entered) {
        scope->label->active--;
        scope->is_entered = false;
    }
    PyObject *token = scope->token;
    scope->token = NULL;
    if (token == NULL) {
        return;
    }
    PyObject *kind, *error, *traceback; /* of the block */
    PyErr_Fetch(&kind, &error, &traceback);
    if (!label_reset(token)) {
        PyErr_Clear(); /* the generator is closed in another context, whose label is not ours */
    }
    PyErr_Restore(kind, error, traceback);
    Py_DECREF(token);
}

/* The token knows its context, and that may know a task that is never ended and has the scope on its stack. */
static int scope_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Scope *)self)->token);
    return 0;
}

static int scope_clear(PyObject *self)
{
    leave((Scope *)self);
    return 0;
}

static void scope_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    leave((Scope *)self);
    Py_DECREF(((Scope *)self)->label);
    PyObject_GC_Del(self);
}

/* Whether the context works for a label of this job already: a run keeps what a scope of its own name would take. */
static int is_at_work_for(const Label *label)
{
    PyObject *held;
    if (PyContextVar_Get(job_label, NULL, &held) < 0) {
        return -1;
    }
    int is_same = held != NULL && Py_IS_TYPE(held, &Label_Type) && ((Label *)held)->job == label->job;
    Py_XDECREF(held);
    return is_same;
}

/* False: an error is set. */
static bool put_label(Scope *scope)
{
    int is_there = is_at_work_for(scope->label);
    if (is_there != 0) {
        return is_there > 0;
    }
    scope->token = PyContextVar_Set(job_label, (PyObject *)scope->label);
    return scope->token != NULL && arrays_come_here();
}

static bool enter(Scope *scope)
{
    if (scope->is_entered) {
        PyErr_SetString(PyExc_RuntimeError, "this scope is under way: call scope() anew for each block");
        return false;
    }
    if (job_label != NULL && !put_label(scope)) { /* the variable exists once sampling has begun */
        leave(scope);
        return false;
    }
    scope->is_entered = true;
    scope->label->calls++;
    scope->label->active++;
    return true;
}

/* Without the token, as that would refer to the context, and the context to the scope. */
static PyObject *scope_stay(PyObject *self, PyObject *Py_UNUSED(none))
{
    if (!enter((Scope *)self)) {
        return NULL;
    }
    Py_CLEAR(((Scope *)self)->token);
    Py_RETURN_NONE;
}

static PyObject *scope_enter(PyObject *self, PyObject *Py_UNUSED(none))
{
    return enter((Scope *)self) ? Py_NewRef(self) : NULL;
}

static PyObject *scope_exit(PyObject *self, PyObject *const *Py_UNUSED(error), Py_ssize_t Py_UNUSED(count))
{
    leave((Scope *)self);
    Py_RETURN_NONE;
}

static PyObject *scope_enter_async(PyObject *self, PyObject *Py_UNUSED(none))
{
    return enter((Scope *)self) ? done_now() : NULL;
}

static PyObject *scope_exit_async(PyObject *self, PyObject *const *Py_UNUSED(error), Py_ssize_t Py_UNUSED(count))
{
    leave((Scope *)self);
    return done_now();
}

static PyMethodDef methods[] = {
    {"__enter__", scope_enter, METH_NOARGS, "Put the label on this context."},
    {"__exit__", (PyCFunction)(void (*)(void))scope_exit, METH_FASTCALL, "Put back the label that was there."},
    {"__aenter__", scope_enter_async, METH_NOARGS, "Put the label on this context."},
    {"__aexit__", (PyCFunction)(void (*)(void))scope_exit_async, METH_FASTCALL, "Put back the label that was there."},
    {"stay", scope_stay, METH_NOARGS, "Put the label on this context for good; the call ends once the scope is freed."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Scope_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "profiling.samples._sampler.Scope",
    .tp_doc = "Scope(label): a context manager, `with` or `async with`, under which work is attributed to the label.",
    .tp_basicsize = sizeof(Scope),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_vectorcall = scope_call,
    .tp_dealloc = scope_dealloc,
    .tp_traverse = scope_traverse,
    .tp_clear = scope_clear,
    .tp_methods = methods,
};
