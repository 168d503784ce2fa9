#include "_sampler_raw.h"

#include <Python.h>

#include "_sampler_taking.h"

/* tracemalloc keeps its traces in this domain, in blocks of 16 bytes and of 12 a frame, and holds a lock meanwhile. So
 * while it is above us small blocks are passed over, and no frame is looked at for them. */
#define SMALL_BESIDE_OTHERS (16u << 10)

static PyMemAllocatorEx raw_below;
static bool is_reached; /* with the interpreter held */

/* Threads without the interpreter may be in these while they are put in place or taken out: they do without the context,
 * so that it does not matter if one meets it with the functions of others. */
static inline bool is_passed_on(void)
{
    uintptr_t thread = __atomic_load_n(&hot.thread_below, __ATOMIC_RELAXED);
    return UNLIKELY(thread != 0) && thread == this_thread();
}

static void *raw_malloc(void *Py_UNUSED(context), size_t size);

static void __attribute__((noinline, cold)) raw_took(void *block, size_t size)
{
    PyMemAllocatorEx above;
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &above);
    if (size < SMALL_BESIDE_OTHERS && above.malloc != raw_malloc) {
        pass_over(&shared, size);
        return;
    }
    sample(&shared, block, size);
}

static void *raw_malloc(void *Py_UNUSED(context), size_t size)
{
    void *block = raw_below.malloc(raw_below.ctx, size);
    if (is_passed_on()) {
        is_reached = true;
    }
    else if (shared_runs_out(size)) {
        raw_took(block, size);
    }
    return block;
}

/* pymalloc itself resizes its list of arenas, and asks for zeroed nodes of their map, while it serves a small object. That
 * is no job's, and it is nearly all that comes here: so these two are counted and never sampled. */
static void *raw_calloc(void *Py_UNUSED(context), size_t count, size_t size)
{
    void *block = raw_below.calloc(raw_below.ctx, count, size);
    if (block != NULL && !is_passed_on() && shared_runs_out(count * size)) {
        pass_over(&shared, count * size);
    }
    return block;
}

static void *raw_realloc(void *Py_UNUSED(context), void *block, size_t size)
{
    if (is_passed_on()) {
        return raw_below.realloc(raw_below.ctx, block, size);
    }
    Sample before = {.block = 0};
    uint64_t era = 0;
    if (UNLIKELY(filter_has(block))) {
        before = forget_in(block, &era);
    }
    void *moved = raw_below.realloc(raw_below.ctx, block, size);
    if (UNLIKELY(moved == NULL)) {
        remember(before, era);
    }
    else if (shared_runs_out(size)) {
        pass_over(&shared, size);
    }
    return moved;
}

static void raw_free(void *Py_UNUSED(context), void *block)
{
    if (UNLIKELY(filter_has(block))) {
        forget(block);
    }
    raw_below.free(raw_below.ctx, block);
}

bool raw_is_hooked(void)
{
    is_reached = false;
    below_enter();
    PyMem_RawFree(PyMem_RawMalloc(1));
    below_leave();
    return is_reached;
}

void raw_hook(void)
{
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &raw_below);
    PyMemAllocatorEx ours = {raw_below.ctx, raw_malloc, raw_calloc, raw_realloc, raw_free};
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &ours);
}

void raw_lift(void)
{
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &raw_below);
}

bool raw_is_reached_by_objects(size_t size)
{
    is_reached = false;
    PyObject_Free(PyObject_Malloc(size));
    return is_reached;
}
