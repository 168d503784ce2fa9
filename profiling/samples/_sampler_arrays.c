/* NumPy's arrays: a data handler by NEP 49 around the one that was in place.
 *
 * NumPy is met through its table of functions alone, so that building and loading the sampler need no NumPy. The handler
 * is set in a context, as NumPy keeps it; arrays remember theirs, so whoever frees one comes here, in any context.
 */

#include "_sampler_arrays.h"

#include "_sampler_taking.h"

#define HANDLER_NAME "mem_handler" /* of the capsule, by NEP 49 */
#define ARRAY_TYPE 2               /* PyArray_Type in NumPy's table */
#define SET_HANDLER 304            /* PyDataMem_SetHandler in NumPy's table, since 1.22; the table only ever grows */
#define GET_HANDLER 305

typedef struct {
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *, size_t);
} ArrayAllocator;

typedef struct {
    char name[127];
    uint8_t version;
    ArrayAllocator allocator;
} ArrayHandler;

typedef struct {
    PyObject_HEAD
    void *items;
    int dimensions;
    void *lengths, *strides;
    PyObject *base;
} Array; /* how all arrays begin, in NumPy 1 and 2 */

static PyTypeObject *array_type;       /* set once */
static ArrayAllocator arrays_below;    /* set once */
static PyObject *array_handler_below;  /* its capsule; owned once set, never given back */
static PyObject *array_handler;        /* ours; likewise */
static PyObject *(*get_handler)(void);
static PyObject *(*set_handler)(PyObject *);

static void *array_malloc(void *Py_UNUSED(context), size_t size)
{
    void *block = arrays_below.malloc(arrays_below.context, size);
    if (shared_runs_out(size)) {
        sample(&shared, block, size);
    }
    return block;
}

static void *array_calloc(void *Py_UNUSED(context), size_t count, size_t size)
{
    void *block = arrays_below.calloc(arrays_below.context, count, size);
    if (block != NULL && shared_runs_out(count * size)) {
        sample(&shared, block, count * size);
    }
    return block;
}

static void *array_realloc(void *Py_UNUSED(context), void *block, size_t size)
{
    Sample before = {.block = 0};
    uint64_t era = 0;
    if (UNLIKELY(filter_has(block))) {
        before = forget_in(block, &era);
    }
    void *moved = arrays_below.realloc(arrays_below.context, block, size);
    if (UNLIKELY(moved == NULL)) {
        remember(before, era);
    }
    else if (shared_runs_out(size)) {
        sample(&shared, moved, size);
    }
    return moved;
}

static void array_free(void *Py_UNUSED(context), void *block, size_t size)
{
    if (UNLIKELY(filter_has(block))) {
        forget(block);
    }
    arrays_below.free(arrays_below.context, block, size);
}

static ArrayHandler our_handler = {
    .name = "profiling_sampler",
    .version = 1,
    .allocator = {NULL, array_malloc, array_calloc, array_realloc, array_free},
};

ArrayParts array_parts(PyObject *object)
{
    if (array_type == NULL || !PyObject_TypeCheck(object, array_type)) {
        return (ArrayParts){NULL, NULL, NULL};
    }
    Array *array = (Array *)object;
    return (ArrayParts){array->items, array->lengths, array->base};
}

/* Put our handler over the current one, if that is the one we know. -1: an error is set. */
static int arrays_take(PyObject *current)
{
    if (current == array_handler) {
        return true;
    }
    if (current != array_handler_below) {
        return false;
    }
    PyObject *old = set_handler(array_handler);
    Py_XDECREF(old);
    return old != NULL ? true : -1;
}

bool arrays_come_here(void)
{
    if (array_handler == NULL) {
        return true;
    }
    PyObject *current = get_handler();
    int taken = current != NULL ? arrays_take(current) : -1;
    Py_XDECREF(current);
    return taken >= 0;
}

PyObject *sample_arrays(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    void **table = PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule));
    if (table == NULL) {
        return NULL;
    }
    get_handler = (PyObject *(*)(void))table[GET_HANDLER];
    set_handler = (PyObject *(*)(PyObject *))table[SET_HANDLER];
    PyObject *current = get_handler();
    ArrayHandler *handler = current != NULL ? PyCapsule_GetPointer(current, HANDLER_NAME) : NULL;
    if (handler == NULL) {
        Py_XDECREF(current);
        return NULL;
    }
    if (array_handler == NULL) {
        array_handler = PyCapsule_New(&our_handler, HANDLER_NAME, NULL);
        if (array_handler == NULL) {
            Py_DECREF(current);
            return NULL;
        }
        array_type = table[ARRAY_TYPE];
        arrays_below = handler->allocator;
        array_handler_below = Py_NewRef(current);
    }
    int taken = arrays_take(current);
    Py_DECREF(current);
    return taken < 0 ? NULL : PyBool_FromLong(taken);
}
