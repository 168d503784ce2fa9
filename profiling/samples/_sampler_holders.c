/* From an object to what it holds, and to the blocks that this is in.
 *
 * An address in the table of samples may be anything. So nothing here goes from a block to an object: objects are reached
 * as the collector reaches them, by `tp_traverse`, and their blocks are looked up. With the interpreter held, and without
 * an allocation of Python's, none of them can go meanwhile.
 */

#include "_sampler_holders.h"

#include <stdlib.h>

#include "_sampler_addresses.h"
#include "_sampler_arrays.h"
#include "_sampler_filter.h"

#define MAX_HELD 20000u       /* objects that are looked at; 6 ms, as most of them are in no cache */
#define MAX_ITEMS 250000u     /* of the holders, that are noted; they are counted all the same */
#define MAX_DEPTH 12          /* references from an item */
#define LEAP 2654435761u      /* a prime: items are taken in leaps, so that some of them are like all */
#define MAX_REFERENCES 16     /* to an object: what is referred to more often is shared, and no one's own */
#define COLLECTOR_BYTES (2 * sizeof(uintptr_t)) /* before an object that the collector tracks */
#define PREHEADER_BYTES (2 * sizeof(PyObject *))

#if PY_VERSION_HEX >= 0x030C0000
#define HAS_PREHEADER Py_TPFLAGS_PREHEADER
#else
#define HAS_PREHEADER Py_TPFLAGS_MANAGED_DICT
#endif

/* An object that is to be looked at, and how many references it is away from the holders' items. */
typedef struct {
    PyObject *object;
    unsigned depth;
} Step;

typedef struct {
    Addresses seen;
    Blocks *blocks;
    Blocks items;   /* what the holders refer to; not looked at yet */
    size_t all_items;
    Step *stack;
    size_t height, capacity;
    unsigned depth; /* of what is met now */
    bool is_out_of_memory;
} Walk;

/* ---- the blocks of one object ---- */

static void note(Walk *walk, const void *block)
{
    if (block != NULL && filter_has(block) && !blocks_add(walk->blocks, block)) {
        walk->is_out_of_memory = true;
    }
}

/* The array of a dict's or an object's values, whose first byte follows the size of what is before it. */
static void note_values(Walk *walk, const void *values)
{
#if PY_VERSION_HEX < 0x030D0000
    if (values != NULL) {
        note(walk, (const char *)values - ((const uint8_t *)values)[-1]);
    }
#else
    (void)walk, (void)values; /* in the object itself */
#endif
}

static void note_attributes(Walk *walk, PyObject *object)
{
#if PY_VERSION_HEX < 0x030C0000
    note_values(walk, ((void **)object)[-4]);
#elif PY_VERSION_HEX < 0x030D0000
    uintptr_t values = ((uintptr_t *)object)[-3];
    note_values(walk, (values & 1) != 0 ? (void *)(values + 1) : NULL);
#else
    (void)walk, (void)object; /* in the object itself */
#endif
}

static void note_blocks(Walk *walk, PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    size_t before = PyType_HasFeature(type, Py_TPFLAGS_HAVE_GC) ? COLLECTOR_BYTES : 0;
    before += PyType_HasFeature(type, HAS_PREHEADER) ? PREHEADER_BYTES : 0;
    note(walk, (char *)object - before);
    if (PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT)) {
        note_attributes(walk, object);
    }
    if (PyDict_Check(object)) {
        PyDictObject *dict = (PyDictObject *)object;
        if (dict->ma_values == NULL) { /* else the keys are shared by all objects of a class */
            note(walk, dict->ma_keys);
        }
        note_values(walk, dict->ma_values);
    }
    else if (PyList_Check(object)) {
        note(walk, ((PyListObject *)object)->ob_item);
    }
    else if (PyAnySet_Check(object)) {
        PySetObject *set = (PySetObject *)object;
        note(walk, set->table != set->smalltable ? set->table : NULL);
    }
    else if (PyByteArray_Check(object)) {
        note(walk, ((PyByteArrayObject *)object)->ob_bytes);
    }
}

/* ---- the walk ---- */

static int meet(PyObject *object, void *argument);

/* An array of NumPy's is none of the collector's. */
static void look_into_array(Walk *walk, PyObject *object)
{
    ArrayParts parts = array_parts(object);
    note(walk, parts.lengths);
    if (parts.items != NULL) {
        int added = addresses_add(&walk->seen, parts.items);
        note(walk, added > 0 ? parts.items : NULL);
        walk->is_out_of_memory |= added < 0;
    }
    if (parts.base != NULL) {
        meet(parts.base, walk);
    }
}

/* What is of the program, not of its data, leads everywhere. And to ask a module corrupts CPython 3.12.0 to 3.12.5
 * (python/cpython#122695). */
static bool is_closed(PyObject *object)
{
    return PyType_Check(object) || PyModule_Check(object) || PyFunction_Check(object) || PyCFunction_Check(object)
           || PyCode_Check(object) || PyFrame_Check(object);
}

static int meet_item(PyObject *object, void *argument)
{
    Walk *walk = argument;
    if (walk->all_items++ < MAX_ITEMS) {
        walk->is_out_of_memory |= !blocks_add(&walk->items, object);
    }
    return 0;
}

static int meet(PyObject *object, void *argument)
{
    Walk *walk = argument;
    if (walk->is_out_of_memory || Py_REFCNT(object) > MAX_REFERENCES || is_closed(object)) {
        return 0;
    }
    int added = addresses_add(&walk->seen, object);
    if (added > 0 && walk->height == walk->capacity) {
        size_t capacity = walk->capacity != 0 ? walk->capacity * 2 : 64;
        Step *stack = realloc(walk->stack, capacity * sizeof(*stack));
        if (stack == NULL) {
            added = -1;
        }
        else {
            walk->stack = stack;
            walk->capacity = capacity;
        }
    }
    if (added > 0) {
        walk->stack[walk->height++] = (Step){object, walk->depth};
    }
    walk->is_out_of_memory |= added < 0;
    return 0;
}

static void traverse(Walk *walk, PyObject *object, visitproc visit)
{
    if (PyObject_IS_GC(object) && Py_TYPE(object)->tp_traverse != NULL) {
        Py_TYPE(object)->tp_traverse(object, visit, walk);
    }
    else {
        look_into_array(walk, object);
    }
}

static bool is_done(const Walk *walk)
{
    return walk->is_out_of_memory || walk->seen.count >= MAX_HELD;
}

static void look_into_item(Walk *walk, PyObject *item)
{
    walk->depth = 0;
    meet(item, walk);
    while (walk->height > 0 && !is_done(walk)) {
        Step step = walk->stack[--walk->height];
        note_blocks(walk, step.object);
        walk->depth = step.depth + 1;
        if (walk->depth <= MAX_DEPTH) {
            traverse(walk, step.object, meet);
        }
    }
}

static void look_at_holders(Walk *walk, PyObject *holders)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(holders); i++) {
        PyObject *holder = PyList_GET_ITEM(holders, i);
        int added = addresses_add(&walk->seen, holder);
        if (added > 0) {
            note_blocks(walk, holder);
            traverse(walk, holder, meet_item);
        }
        walk->is_out_of_memory |= added < 0;
    }
}

bool blocks_held(PyObject *holders, Blocks *blocks, double *share)
{
    *blocks = (Blocks){NULL, 0, 0};
    Walk walk = {.blocks = blocks};
    look_at_holders(&walk, holders);
    size_t items = walk.items.length, at = 0, done = 0;
    for (; done < items && !is_done(&walk); done++) {
        at = (at + LEAP) % items;
        look_into_item(&walk, (PyObject *)walk.items.items[at]);
    }
    *share = items != 0 ? (double)done / (double)walk.all_items : 1;
    blocks_release(&walk.items);
    free(walk.stack);
    addresses_release(&walk.seen);
    return !walk.is_out_of_memory;
}

/* ---- objects by their type ---- */

/* The objects of a list for which this is true, as a list. NULL: an error is set. */
static PyObject *chosen(PyObject *objects, int (*is_chosen)(Addresses *, PyTypeObject *), Addresses *types)
{
    if (!PyList_Check(objects)) {
        return PyErr_Format(PyExc_TypeError, "the objects must be a list");
    }
    PyObject *result = PyList_New(0);
    for (Py_ssize_t i = 0; result != NULL && i < PyList_GET_SIZE(objects); i++) {
        PyObject *object = PyList_GET_ITEM(objects, i);
        int answer = is_chosen(types, Py_TYPE(object));
        if (answer < 0) {
            PyErr_NoMemory();
        }
        if (answer < 0 || (answer > 0 && PyList_Append(result, object) < 0)) {
            Py_CLEAR(result);
        }
    }
    return result;
}

static int is_first(Addresses *types, PyTypeObject *type)
{
    return addresses_add(types, type);
}

static int is_among(Addresses *types, PyTypeObject *type)
{
    return addresses_have(types, type);
}

PyObject *one_of_each_type(PyObject *Py_UNUSED(module), PyObject *objects)
{
    Addresses types = {NULL, 0, 0};
    PyObject *result = chosen(objects, is_first, &types);
    addresses_release(&types);
    return result;
}

PyObject *of_types(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *objects, *wanted;
    if (!PyArg_ParseTuple(arguments, "OO!", &objects, &PyTuple_Type, &wanted)) {
        return NULL;
    }
    Addresses types = {NULL, 0, 0};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(wanted); i++) {
        if (addresses_add(&types, PyTuple_GET_ITEM(wanted, i)) < 0) {
            addresses_release(&types);
            return PyErr_NoMemory();
        }
    }
    PyObject *result = chosen(objects, is_among, &types);
    addresses_release(&types);
    return result;
}

/* ---- the objects that the collector tracks ---- */

static double size_of_tuple(PyObject *tuple)
{
    /* As `sys.getsizeof` tells: with the two words before it that are the collector's. */
    return (double)(2 * sizeof(void *)) + (double)PyTuple_Type.tp_basicsize
           + (double)PyTuple_Type.tp_itemsize * (double)PyTuple_GET_SIZE(tuple);
}

/* Nothing in here lets another thread run: a tuple that it is making must have no second reference when it goes on. */
PyObject *tracked_objects(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *objects = gc != NULL ? PyObject_CallMethod(gc, "get_objects", NULL) : NULL;
    Py_XDECREF(gc);
    if (objects == NULL) {
        return NULL;
    }
    Py_ssize_t all = PyList_GET_SIZE(objects), kept = 0;
    double tuples_bytes = 0;
    for (Py_ssize_t i = 0; i < all; i++) {
        PyObject *object = PyList_GET_ITEM(objects, i);
        if (PyTuple_CheckExact(object)) {
            tuples_bytes += size_of_tuple(object);
        } else {
            PyList_SET_ITEM(objects, i, PyList_GET_ITEM(objects, kept));
            PyList_SET_ITEM(objects, kept++, object);
        }
    }
    if (PyList_SetSlice(objects, kept, all, NULL) < 0) {
        Py_DECREF(objects);
        return NULL;
    }
    return Py_BuildValue("Nnd", objects, all - kept, tuples_bytes);
}
