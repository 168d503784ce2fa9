#include "_sampler_scope.h"

#include <stdbool.h>

#include "_sampler_arrays.h"
#include "_sampler_capture.h"
#include "_sampler_label.h"

/* In C because a request pays for it: by a class in Python the block would take three times as long. */

typedef struct {
    PyObject_HEAD
    Label *label;
    PyObject *token; /* of the contextvar, to put back what was there; NULL: none to put back */
    bool is_entered;
} Scope;

/* ---- what `async with` awaits ---- */

static PyObject *done; /* the only one */

static PyObject *done_next(PyObject *Py_UNUSED(self)) { return NULL; } /* no value, so it is over */

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
    Scope *scope = PyObject_New(Scope, (PyTypeObject *)type);
    if (scope != NULL) {
        scope->label = (Label *)Py_NewRef(arguments[0]);
        scope->token = NULL;
        scope->is_entered = false;
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
    if (PyContextVar_Reset(job_label, token) < 0) {
        PyErr_Clear(); /* a generator that is closed in another context, whose label is not ours */
    }
    PyErr_Restore(kind, error, traceback);
    Py_DECREF(token);
}

static void scope_dealloc(PyObject *self)
{
    leave((Scope *)self);
    Py_XDECREF(((Scope *)self)->label);
    Py_TYPE(self)->tp_free(self);
}

static bool enter(Scope *scope)
{
    if (scope->is_entered) {
        PyErr_SetString(PyExc_RuntimeError, "this scope is under way: call scope() anew for each block");
        return false;
    }
    if (job_label != NULL) { /* sampling has begun once */
        scope->token = PyContextVar_Set(job_label, (PyObject *)scope->label);
        if (scope->token == NULL || !arrays_come_here()) {
            return false;
        }
    }
    scope->is_entered = true;
    scope->label->calls++;
    scope->label->active++;
    return true;
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
    {NULL, NULL, 0, NULL},
};

PyTypeObject Scope_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "profiling.samples._sampler.Scope",
    .tp_doc = "Scope(label): a context manager, `with` or `async with`, under which work is attributed to the label.",
    .tp_basicsize = sizeof(Scope),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_vectorcall = scope_call,
    .tp_dealloc = scope_dealloc,
    .tp_methods = methods,
};
