/* A sampling heap profiler: hooks around CPython's OBJ, MEM and RAW allocators, and around NumPy's data handler.
 *
 * A countdown of bytes with exponential gaps picks the allocations: one of n bytes is taken with the chance
 * 1 - exp(-n / rate), independently of all others, and stands for n divided by that chance (Horvitz and Thompson), so
 * that sums over samples are unbiased. A realloc counts as a free and a new allocation, as it does for tracemalloc.
 *
 * What is under which lock:
 * - CPython calls the OBJ and MEM domains with the interpreter held (PEP 445); their countdown rests on that. Interpreters
 *   with a lock of their own (PEP 684) share the hooks: they are never sampled, but may lose a step of the countdown,
 *   which costs accuracy while they run and nothing else.
 * - NumPy and the RAW domain may allocate and free without the interpreter: their countdown is atomic. Without it no
 *   Python object is touched: such a sample has the default label and no stack. A free never touches one.
 * - pymalloc passes large blocks on to the RAW domain. The hook above notes its thread meanwhile, and the hooks of the
 *   RAW domain let by what that thread asks for.
 * - The tables are under `tables_lock`. While it is held nothing calls Python, and no reference is given back.
 *
 * The stack is read in place, without frame objects: see `walk`. So taking a sample allocates nothing of Python's, and
 * no collection and no code of anybody's runs inside of an allocation.
 *
 * Once in place the hooks stay: another tool may have saved them and will put them back. They are off when the
 * countdown is at its highest, the filter's mask is 0 and the tables are empty.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef Py_GIL_DISABLED
#error "the sampler counts under the GIL, which a free-threaded build does not have"
#endif

#include "_sampler_arrays.h"
#include "_sampler_births.h"
#include "_sampler_capture.h"
#include "_sampler_holders.h"
#include "_sampler_hooks.h"
#include "_sampler_label.h"
#include "_sampler_origins.h"
#include "_sampler_results.h"
#include "_sampler_scope.h"
#include "_sampler_tables.h"
#include "_sampler_taking.h"
#include "_sampler_volumes.h"
#include "_sampler_watches.h"

static void before_fork(void) { pthread_mutex_lock(&tables_lock); }
static void after_fork(void) { pthread_mutex_unlock(&tables_lock); }

static PyObject *is_installed(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(hooks_are_in_place());
}

static PyObject *install(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    hooks_install();
    Py_RETURN_NONE;
}

static PyObject *lift(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    hooks_lift();
    Py_RETURN_NONE;
}

/* Under the lock. */
static bool tables_begin(double base, uint32_t exponent, size_t limit, uint64_t seed)
{
    if (!samples_begin(base, exponent, limit, seed) || !origins_begin()) {
        return false;
    }
    nowhere_renew();
    return true;
}

/* Under the lock: empty the tables. The origins are the caller's, to drop when the lock is off. */
static Origin *tables_end(uint32_t *count)
{
    samples_end();
    return origins_end(count);
}

static PyObject *start(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    double base;
    unsigned int exponent;
    Py_ssize_t limit;
    unsigned long long seed;
    PyObject *label;
    if (!PyArg_ParseTuple(arguments, "dInKO!", &base, &exponent, &limit, &seed, &PyContextVar_Type, &label)) {
        return NULL;
    }
    if (!(base >= 1) || base > 1e12 || exponent > MAX_EXPONENT || limit < 1) {
        return PyErr_Format(PyExc_ValueError, "the rate must be 1 byte or more, and so must the samples");
    }
    uint32_t count = 0;
    Origin *none = NULL;
    pthread_mutex_lock(&tables_lock);
    bool was_on = is_on, begun = !was_on && tables_begin(base, exponent, (size_t)limit, seed);
    if (begun) {
        Py_INCREF(label);
        PyObject *old = job_label; /* the same one but in tests */
        job_label = label;
        label = old;
        is_on = true;
        countdowns_begin();
        govern(0, 0);
    }
    else if (!was_on) {
        none = tables_end(&count);
    }
    pthread_mutex_unlock(&tables_lock);
    origins_drop(none, count);
    if (was_on) {
        return PyErr_Format(PyExc_RuntimeError, "sampling is on already");
    }
    if (!begun) {
        return PyErr_NoMemory();
    }
    Py_XDECREF(label);
    Py_RETURN_NONE;
}

static PyObject *stop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    uint32_t count;
    pthread_mutex_lock(&tables_lock);
    is_on = false;
    countdowns_end();
    watches_drop();
    Origin *all = tables_end(&count);
    pthread_mutex_unlock(&tables_lock);
    origins_drop(all, count);
    Py_RETURN_NONE;
}

static PyObject *on(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(is_on);
}

/* Samples taken from here on have a higher epoch than all before. */
static PyObject *mark(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    pthread_mutex_lock(&tables_lock);
    uint32_t epoch = samples_mark();
    pthread_mutex_unlock(&tables_lock);
    return PyLong_FromUnsignedLong(epoch);
}

static PyObject *set_default_label(PyObject *Py_UNUSED(module), PyObject *label)
{
    if (label != Py_None && !Py_IS_TYPE(label, &Label_Type)) {
        return PyErr_Format(PyExc_TypeError, "the default is a Label or None");
    }
    pthread_mutex_lock(&tables_lock);
    Label *old = default_label;
    default_label = label == Py_None ? NULL : (Label *)Py_NewRef(label);
    if (is_on) {
        nowhere_renew();
    }
    pthread_mutex_unlock(&tables_lock);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

static PyObject *set_rate(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    unsigned int exponent;
    if (!PyArg_ParseTuple(arguments, "I", &exponent)) {
        return NULL;
    }
    if (exponent > MAX_EXPONENT) {
        return PyErr_Format(PyExc_ValueError, "the exponent of the rate is at most %u", MAX_EXPONENT);
    }
    pthread_mutex_lock(&tables_lock);
    if (is_on) {
        rate_set(exponent);
    }
    pthread_mutex_unlock(&tables_lock);
    return PyBool_FromLong(is_on);
}

static PyObject *set_share(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    double share;
    unsigned int coarsest;
    if (!PyArg_ParseTuple(arguments, "dI", &share, &coarsest)) {
        return NULL;
    }
    pthread_mutex_lock(&tables_lock);
    govern(share, coarsest <= MAX_EXPONENT ? coarsest : MAX_EXPONENT);
    pthread_mutex_unlock(&tables_lock);
    Py_RETURN_NONE;
}

static PyObject *thin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    pthread_mutex_lock(&tables_lock);
    if (is_on) {
        samples_thin();
        watches_count();
    }
    pthread_mutex_unlock(&tables_lock);
    Py_RETURN_NONE;
}

static PyObject *snapshot(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *job;
    unsigned int since;
    Py_buffer births;
    if (!PyArg_ParseTuple(arguments, "OIy*", &job, &since, &births)) {
        return NULL;
    }
    Selection selection = {
        .job = job == Py_None ? NULL : job,
        .births = births.buf,
        .births_count = (size_t)births.len / sizeof(uint32_t),
        .since = since,
    };
    Table table;
    pthread_mutex_lock(&tables_lock);
    Place *places = table_collect(&table, &selection) ? places_of(&table) : NULL;
    pthread_mutex_unlock(&tables_lock);
    PyBuffer_Release(&births);
    return result_of(&table, places);
}

static PyObject *watch(PyObject *Py_UNUSED(module), PyObject *argument)
{
    unsigned long birth = PyLong_AsUnsignedLong(argument);
    if (PyErr_Occurred()) {
        return NULL;
    }
    pthread_mutex_lock(&tables_lock);
    int found = is_on ? watch_begin((uint32_t)birth) : -1;
    pthread_mutex_unlock(&tables_lock);
    return PyLong_FromLong(found);
}

static PyObject *take_peak(PyObject *Py_UNUSED(module), PyObject *argument)
{
    long number = PyLong_AsLong(argument);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (number < 0 || number >= MAX_WATCHES) {
        return PyErr_Format(PyExc_ValueError, "there is no watch %ld", number);
    }
    Table peak;
    pthread_mutex_lock(&tables_lock);
    watch_end((int)number, &peak);
    Place *places = places_of(&peak);
    table_release(&peak);
    pthread_mutex_unlock(&tables_lock);
    return result_of(&peak, places);
}

/* In the order of `SamplerStatistics`. */
static PyObject *statistics(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    pthread_mutex_lock(&tables_lock);
    double rate = samples.slots != NULL ? samples_rate() : 0, seconds = sample_seconds();
    double malloc_bytes = samples.malloc_bytes;
    uint64_t let_go = samples_let_go();
    size_t alive = samples.alive;
    uint64_t taken = samples.taken, lost = samples.lost;
    uint32_t thinned = samples.thinned, kept = origins.length - origins.vacancies;
    size_t bytes = samples_bytes() + origins_bytes() + watches_bytes();
    pthread_mutex_unlock(&tables_lock);
    return Py_BuildValue("(dnKKIInddLK)", rate, (Py_ssize_t)alive, (unsigned long long)taken, (unsigned long long)lost,
                         thinned, kept, (Py_ssize_t)bytes, seconds, malloc_bytes, (long long)arenas_bytes(),
                         (unsigned long long)let_go);
}

static PyObject *let_go(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    purge(NULL);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"let_go", let_go, METH_NOARGS, "Let go of the stacks that no sample has any more, and of their code."},
    {"install", install, METH_NOARGS, "Put the hooks in place where they are not."},
    {"lift", lift, METH_NOARGS, "Take the hooks out: in a forked child only, where nobody else has saved them."},
    {"is_installed", is_installed, METH_NOARGS, "Whether allocations come to the hooks."},
    {"start", start, METH_VARARGS, "start(base_bytes, exponent, max_samples, seed, job_label)"},
    {"stop", stop, METH_NOARGS, "Forget all samples, and switch the hooks off."},
    {"is_on", on, METH_NOARGS, "Whether samples are taken."},
    {"set_rate", set_rate, METH_VARARGS, "set_rate(exponent) -> whether sampling is on: base times two to that power."},
    {"set_share", set_share, METH_VARARGS, "set_share(share, exponent): coarser up to that, beyond the share of CPU time."},
    {"thin", thin, METH_NOARGS, "Double the rate, and let go the samples that it would not have taken."},
    {"mark", mark, METH_NOARGS, "A number for `snapshot`, to tell the samples taken from here on."},
    {"snapshot", snapshot, METH_VARARGS,
     "snapshot(job or None, since, births) -> the rates, thinned, heads, frames, and eight doubles a row as bytes; the fresh "
     "are of those births, sorted and 32 bits each, or, where there are none, since that mark."},
    {"births", births, METH_VARARGS, "births(is_of_job, job or None, oldest birth, holders or None), see `SampledBirths`."},
    {"tracked_objects", tracked_objects, METH_NOARGS, "What gc.get_objects() lists but tuples; their number, and bytes."},
    {"one_of_each_type", one_of_each_type, METH_O, "one_of_each_type(objects) -> the first of each, of a list."},
    {"of_types", of_types, METH_VARARGS, "of_types(objects, types) -> those of exactly these types, of a list."},
    {"statistics", statistics, METH_NOARGS, "Counts and sizes, in the order of `SamplerStatistics`."},
    {"volumes", volumes, METH_NOARGS,
     "What was allocated since the last call: as of `snapshot`, and the bytes of stacks that were let go of."},
    {"watch", watch, METH_O, "watch(birth) -> number, or -1: keep what is alive of it when that is most."},
    {"next_birth", next_birth, METH_NOARGS, "A number that no label of this process has had."},
    {"set_default_label", set_default_label, METH_O, "The label for work whose context has none, or None."},
    {"take_peak", take_peak, METH_O, "As `snapshot`, of the moment of the peak; ends the watch of that number."},
    {"sample_arrays", sample_arrays, METH_O, "sample_arrays(numpy._ARRAY_API): in this context from here on."},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module)
{
    static bool is_executed;
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "the sampler works in the main interpreter only");
        return -1;
    }
    if (!walks_agree(PyThreadState_Get())) {
        PyErr_SetString(PyExc_ImportError, "the sampler does not know how this Python lays out its frames");
        return -1;
    }
    if (PyModule_AddType(module, &Label_Type) < 0 || PyModule_AddType(module, &Scope_Type) < 0 || PyType_Ready(&Done_Type) < 0) {
        return -1;
    }
    if (!is_executed && pthread_atfork(before_fork, after_fork, after_fork) != 0) {
        PyErr_SetString(PyExc_ImportError, "no memory to register the sampler's handlers of fork");
        return -1;
    }
    is_executed = true;
    /* The interpreter's own end must find the hooks at rest: they would look for frames that are gone. */
    PyObject *atexit = PyImport_ImportModule("atexit");
    PyObject *stop_function = PyObject_GetAttrString(module, "stop");
    PyObject *answer = NULL;
    if (atexit != NULL && stop_function != NULL) {
        answer = PyObject_CallMethod(atexit, "register", "O", stop_function);
    }
    Py_XDECREF(atexit);
    Py_XDECREF(stop_function);
    Py_XDECREF(answer);
    return answer != NULL ? 0 : -1;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "profiling.samples._sampler",
    .m_doc = "Samples of what Python and NumPy allocate, by job and stack.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__sampler(void)
{
    return PyModuleDef_Init(&definition);
}
