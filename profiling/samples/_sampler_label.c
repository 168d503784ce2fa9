#include "_sampler_label.h"

#include <stddef.h>

Label *default_label;

PyObject *next_birth(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static uint32_t last; /* with the interpreter held */
    if (++last == 0) {    /* is for samples without a label */
        last = 1;
    }
    return PyLong_FromUnsignedLong(last);
}

/* -1 with an error set. */
static int number_from(PyObject *number, uint32_t *member)
{
    if (number == NULL) {
        PyErr_SetString(PyExc_AttributeError, "a label always has its numbers");
        return -1;
    }
    unsigned long value = PyLong_AsUnsignedLong(number);
    if (PyErr_Occurred()) {
        return -1;
    }
    if (value > UINT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "a label's numbers have 32 bits");
        return -1;
    }
    *member = (uint32_t)value;
    return 0;
}

static PyObject *label_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"job", "birth", NULL};
    PyObject *job, *number;
    uint32_t birth;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO!", names, &job, &PyLong_Type, &number)) {
        return NULL;
    }
    if (job != Py_None && !PyUnicode_Check(job)) {
        const char *type_name = Py_TYPE(job)->tp_name;
        return PyErr_Format(PyExc_TypeError, "a label's job is a str or None, not %.100s", type_name);
    }
    if (number_from(number, &birth) < 0) {
        return NULL;
    }
    PyObject *exact = job == Py_None ? NULL : PyUnicode_FromObject(job); /* a subclass cannot be interned */
    if (job != Py_None && exact == NULL) {
        return NULL;
    }
    if (exact != NULL) {
        PyUnicode_InternInPlace(&exact);
    }
    Label *label = (Label *)type->tp_alloc(type, 0);
    if (label == NULL) {
        Py_XDECREF(exact);
        return NULL;
    }
    label->job = exact;
    label->birth = birth;
    return (PyObject *)label;
}

static void label_dealloc(PyObject *self)
{
    if (((Label *)self)->weak != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_XDECREF(((Label *)self)->heir);
    Py_XDECREF(((Label *)self)->job);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *label_repr(PyObject *self)
{
    Label *label = (Label *)self;
    return PyUnicode_FromFormat("Label(%R, %u)", label->job ? label->job : Py_None, label->birth);
}

static PyObject *get_job(PyObject *self, void *Py_UNUSED(closure))
{
    PyObject *job = ((Label *)self)->job;
    return Py_NewRef(job ? job : Py_None);
}

static PyObject *get_birth(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(((Label *)self)->birth);
}

static int set_birth(PyObject *self, PyObject *number, void *Py_UNUSED(closure))
{
    return number_from(number, &((Label *)self)->birth);
}

#define DOUBLES_EVERY 256 /* samples: so few are soon taken, and tell the work of a short program well */

void label_took(Label *label, double bytes)
{
    label->taken++;
    label->allocated += bytes;
    if (label->own_doublings > 0 && label->taken % DOUBLES_EVERY == 0) {
        label->own_doublings--;
        label->doublings++;
    }
}

static PyObject *get_taken(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(((Label *)self)->taken);
}

static PyObject *get_calls(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(((Label *)self)->calls);
}

static PyObject *get_allocated(PyObject *self, void *Py_UNUSED(closure))
{
    return PyFloat_FromDouble(((Label *)self)->allocated);
}

static PyObject *get_active(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(((Label *)self)->active);
}

static PyObject *get_doublings(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(((Label *)self)->doublings);
}

static int set_doublings(PyObject *self, PyObject *number, void *Py_UNUSED(closure))
{
    ((Label *)self)->own_doublings = 0;
    return number_from(number, &((Label *)self)->doublings);
}

static PyObject *get_own_doublings(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(((Label *)self)->own_doublings);
}

static int set_own_doublings(PyObject *self, PyObject *number, void *Py_UNUSED(closure))
{
    return number_from(number, &((Label *)self)->own_doublings);
}

static PyObject *bequeath(PyObject *self, PyObject *heir)
{
    if (!Py_IS_TYPE(heir, &Label_Type) || ((Label *)heir)->heir != NULL || heir == self) {
        PyErr_SetString(PyExc_TypeError, "an heir is another label, and one without an heir");
        return NULL;
    }
    Label *before = ((Label *)self)->heir;
    ((Label *)self)->heir = (Label *)Py_NewRef(heir);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"bequeath", bequeath, METH_O, "Let another label stand in for this one, in contexts that outlive its run."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"job", get_job, NULL, "The job that work is attributed to, or None.", NULL},
    {"birth", get_birth, set_birth, "The number of the run or window that blocks are born in from now on.", NULL},
    {"taken", get_taken, NULL, "How many samples were taken under it.", NULL},
    {"calls", get_calls, NULL, "How many blocks were entered under it, as a scope.", NULL},
    {"allocated_bytes", get_allocated, NULL, "Estimate of the bytes allocated under it, freed or not.", NULL},
    {"active", get_active, NULL, "How many of these blocks are under way.", NULL},
    {"doublings", get_doublings, set_doublings, "How many times its rate is twice that of the others.", NULL},
    {"own_doublings", get_own_doublings, set_own_doublings, "How many of these it may still make by itself.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject Label_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "profiling.samples._sampler.Label",
    .tp_doc = "Label(job, birth): what the work of a context is attributed to.",
    .tp_basicsize = sizeof(Label),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = label_new,
    .tp_dealloc = label_dealloc,
    .tp_repr = label_repr,
    .tp_methods = methods,
    .tp_getset = attributes,
    .tp_weaklistoffset = offsetof(Label, weak),
};
