#include "_sampler_hooks.h"

#include <Python.h>

#include "_sampler_raw.h"
#include "_sampler_taking.h"

static PyMemAllocatorEx below[2]; /* whom we have hooked, by domain: a hook's context */
static const PyMemAllocatorDomain domains[2] = {PYMEM_DOMAIN_OBJ, PYMEM_DOMAIN_MEM};
static bool is_probing, is_reached; /* with the interpreter held */

static void __attribute__((noinline)) took(void *block, size_t size)
{
    if (is_probing) {
        is_reached = true;
    }
    else {
        sample(&hot.objects, block, size);
    }
}

/* What is rare is in functions of its own, here and for free: the hooks then need no frame, and jump to what is below. */
static void *__attribute__((noinline, cold)) malloc_taken(PyMemAllocatorEx *next, size_t size)
{
    void *block = next->malloc(next->ctx, size);
    took(block, size);
    return block;
}

/* Blocks that go on to the RAW domain, whose hooks must know that they are counted here. */

static void *__attribute__((noinline)) malloc_passed_on(PyMemAllocatorEx *next, size_t size)
{
    below_enter();
    void *block = next->malloc(next->ctx, size);
    below_leave();
    if (runs_out(size)) {
        took(block, size);
    }
    return block;
}

static void *hook_malloc(void *context, size_t size)
{
    PyMemAllocatorEx *next = context;
    if (size >= hot.passed_on_from) {
        return malloc_passed_on(next, size);
    }
    if (runs_out(size)) {
        return malloc_taken(next, size);
    }
    return next->malloc(next->ctx, size);
}

static void *hook_calloc(void *context, size_t count, size_t size)
{
    PyMemAllocatorEx *next = context;
    below_enter();
    void *block = next->calloc(next->ctx, count, size);
    below_leave();
    if (block != NULL && runs_out(count * size)) { /* it was given out, so the product fits */
        took(block, count * size);
    }
    return block;
}

static void *hook_realloc(void *context, void *block, size_t size)
{
    PyMemAllocatorEx *next = context;
    Sample before = {.block = 0};
    uint64_t era = 0;
    if (UNLIKELY(filter_has(block))) {
        before = forget_in(block, &era); /* first: once moved, the old address may be given out again */
    }
    below_enter();
    void *moved = next->realloc(next->ctx, block, size);
    below_leave();
    if (UNLIKELY(moved == NULL)) {
        remember(before, era);
    }
    else if (runs_out(size)) {
        took(moved, size);
    }
    return moved;
}

static void __attribute__((noinline, cold)) free_forgotten(PyMemAllocatorEx *next, void *block)
{
    forget(block);
    next->free(next->ctx, block);
}

static void hook_free(void *context, void *block)
{
    PyMemAllocatorEx *next = context;
    if (UNLIKELY(filter_has(block))) {
        free_forgotten(next, block);
        return;
    }
    next->free(next->ctx, block);
}

/* Whether an allocation comes to our hook: it may be below others, and others may have taken it out. */
static bool is_hooked(PyMemAllocatorDomain domain)
{
    int64_t left = hot.objects.left;
    is_probing = true;
    is_reached = false;
    countdown_set(&hot.objects, 0);
    if (domain == PYMEM_DOMAIN_OBJ) {
        PyObject_Free(PyObject_Malloc(1));
    }
    else {
        PyMem_Free(PyMem_Malloc(1));
    }
    countdown_set(&hot.objects, left);
    is_probing = false;
    return is_reached;
}

static void hook(int which)
{
    PyMemAllocatorEx ours = {&below[which], hook_malloc, hook_calloc, hook_realloc, hook_free};
    PyMem_GetAllocator(domains[which], &below[which]);
    PyMem_SetAllocator(domains[which], &ours);
}

/* ---- pymalloc's arenas ---- */

#define LEAST_ARENA_BYTES (256u << 10) /* the interpreter's stacks of frames come from here too, 16 KB each */

static PyObjectArenaAllocator arenas_below;
static int64_t arenas_held;

static void *arena_alloc(void *Py_UNUSED(context), size_t size)
{
    void *arena = arenas_below.alloc(arenas_below.ctx, size);
    if (arena != NULL && size >= LEAST_ARENA_BYTES) {
        __atomic_add_fetch(&arenas_held, (int64_t)size, __ATOMIC_RELAXED);
    }
    return arena;
}

static void arena_free(void *Py_UNUSED(context), void *arena, size_t size)
{
    if (size >= LEAST_ARENA_BYTES) {
        __atomic_sub_fetch(&arenas_held, (int64_t)size, __ATOMIC_RELAXED);
    }
    arenas_below.free(arenas_below.ctx, arena, size);
}

/* Once: nobody else is known to set this allocator, and there is nothing to ask whether ours is still there. */
static void arenas_hook(void)
{
    if (arenas_below.alloc == NULL) {
        PyObject_GetArenaAllocator(&arenas_below);
        PyObjectArenaAllocator ours = {NULL, arena_alloc, arena_free};
        PyObject_SetArenaAllocator(&ours);
    }
}

int64_t arenas_bytes(void)
{
    return __atomic_load_n(&arenas_held, __ATOMIC_RELAXED);
}

/* ---- all hooks ---- */

/* Which blocks of the OBJ domain come to our hooks of the RAW domain too. By default those over 512 bytes, under the
 * debug hooks those over 488; with PYTHONMALLOC=malloc none, as that domain then calls malloc itself. */
static void find_passed_on(void)
{
    hot.passed_on_from = 0; /* so that each is seen */
    size_t largest = 512;
    if (!raw_is_reached_by_objects(largest + 1)) {
        hot.passed_on_from = SIZE_MAX;
        largest_of_pymalloc = 0;
        return;
    }
    while (largest > 0 && raw_is_reached_by_objects(largest)) {
        largest -= 8;
    }
    largest_of_pymalloc = largest;
    hot.passed_on_from = largest + 1;
}

bool hooks_are_in_place(void)
{
    return is_hooked(PYMEM_DOMAIN_OBJ) && is_hooked(PYMEM_DOMAIN_MEM) && raw_is_hooked();
}

void hooks_install(void)
{
    arenas_hook();
    if (!raw_is_hooked()) {
        raw_hook();
    }
    for (int which = 0; which < 2; which++) {
        if (!is_hooked(domains[which])) {
            hook(which);
        }
    }
    find_passed_on();
}

void hooks_lift(void)
{
    for (int which = 0; which < 2; which++) {
        if (is_hooked(domains[which])) {
            PyMem_SetAllocator(domains[which], &below[which]);
        }
    }
    if (raw_is_hooked()) {
        raw_lift();
    }
}
