/* The SIGTERM that Python would not notice: a handler in front of Python's own, which tells other threads of the signal.
 *
 * Python runs a handler in the main thread, between two instructions. A signal that comes just before a long call of C
 * begins waits for the end of this call. A program without a handler would have ended at once.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#define INSISTS_AFTER_S 1 /* one that follows within this time belongs to the first: process and group are told alike */

/* Read and written by the handler, in any thread. */
static volatile pid_t owner;         /* the process that has caught the signal; a child between fork and exec is none */
static volatile bool has_come;
static volatile time_t came_at_s;

static time_t now_s(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 ? now.tv_sec : 0;
}

/* Only what is safe in a handler. */
static void end_by_default(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t unblocked;
    sigaction(SIGTERM, &plain, NULL);
    sigemptyset(&unblocked);
    sigaddset(&unblocked, SIGTERM);
    kill(getpid(), SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &unblocked, NULL);
}

static void on_signal(int number)
{
    int error = errno;
    if (getpid() != owner || (has_come && now_s() > came_at_s + INSISTS_AFTER_S)) {
        end_by_default();
    }
    else if (!has_come) {
        came_at_s = now_s();
        has_come = true;
        PyErr_SetInterruptEx(number); /* Python's handler runs in the main thread if that can, and is the first to know */
    }
    errno = error;
}

/* Nothing here lets another thread run Python between the question and the answer. */
static bool is_pythons(PyObject *handler)
{
    PyObject *module = PyImport_ImportModule("_signal");
    PyObject *current = module != NULL ? PyObject_CallMethod(module, "getsignal", "i", SIGTERM) : NULL;
    Py_XDECREF(module);
    bool is_same = current == handler;
    Py_XDECREF(current);
    PyErr_Clear();
    return is_same;
}

static PyObject *catch(PyObject *Py_UNUSED(module), PyObject *handler)
{
    struct sigaction action;
    if (!is_pythons(handler)) {
        Py_RETURN_FALSE;
    }
    if (sigaction(SIGTERM, NULL, &action) != 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    if (owner != getpid()) {
        has_come = false;
        owner = getpid();
    }
    if (action.sa_handler != on_signal) {
        has_come = false;
        action.sa_handler = on_signal; /* with the flags that Python has chosen */
        if (sigaction(SIGTERM, &action, NULL) != 0) {
            return PyErr_SetFromErrno(PyExc_OSError);
        }
    }
    return PyBool_FromLong(has_come);
}

static PyObject *end(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    end_by_default();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"catch", catch, METH_O,
     "catch(handler) -> whether a SIGTERM has come: notice it from here on, if this is Python's handler of it."},
    {"end", end, METH_NOARGS, "End the process by SIGTERM, from any thread."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "profiling.launch._sigterm",
    .m_doc = "A SIGTERM that is noticed while the main thread is in a long call.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__sigterm(void)
{
    return PyModule_Create(&definition);
}
