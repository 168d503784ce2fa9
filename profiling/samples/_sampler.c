/* A sampling heap profiler: hooks around CPython's OBJ and MEM allocators, and around NumPy's data handler.
 *
 * A countdown of bytes with exponential gaps picks the allocations: one of n bytes is taken with the chance
 * 1 - exp(-n / rate), independently of all others, and stands for n divided by that chance (Horvitz and Thompson), so
 * that sums over samples are unbiased. A realloc counts as a free and a new allocation, as it does for tracemalloc.
 *
 * What is under which lock:
 * - CPython calls the OBJ and MEM domains with the interpreter held (PEP 445); their countdown rests on that. Interpreters
 *   with a lock of their own (PEP 684) share the hooks: they are never sampled, but may lose a step of the countdown,
 *   which costs accuracy while they run and nothing else.
 * - NumPy may allocate and free without the interpreter: its countdown is atomic, and a free touches no Python object.
 * - The tables are under `tables_lock`. While it is held nothing calls Python, and no reference is given back.
 *
 * The stack is read through frame objects up to 3.12, the only public way. Making them allocates: the countdown stands
 * still meanwhile, and so does the collector, which on 3.11 could otherwise run anybody's code inside of an allocation.
 * From 3.13 on a frame object made inside of an allocation may leak; see `walk`.
 *
 * Once in place the hooks stay: another tool may have saved them and will put them back. They are off when the
 * countdown is at its highest, the filter's mask is 0 and the tables are empty.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef Py_GIL_DISABLED
#error "the sampler counts under the GIL, which a free-threaded build does not have"
#endif

#include "_sampler_tables.h"

#define OFF INT64_MAX
#define LONGEST_GAP ((double)(1ll << 60))
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

typedef struct {
    int64_t left; /* bytes to the next sample */
    double rate;  /* that the gap was drawn for: the tables' rate may have been doubled since */
} Countdown;

static Countdown objects = {.left = OFF}; /* with the interpreter held */
static Countdown arrays = {.left = OFF};  /* atomic */
static bool is_on;                        /* under tables_lock */
static bool purge_is_pending;             /* under tables_lock */
static PyObject *job_label;               /* the contextvar; owned once set, never given back */
static Stack captured;                    /* with the interpreter held */

/* ---- the stack and the job of the running thread ---- */

#if PY_VERSION_HEX >= 0x030C0000
#define SAVE_ERROR PyObject *error = PyErr_GetRaisedException()
#define RESTORE_ERROR PyErr_SetRaisedException(error)
#else
#define SAVE_ERROR PyObject *type, *value, *traceback; PyErr_Fetch(&type, &value, &traceback)
#define RESTORE_ERROR PyErr_Restore(type, value, traceback)
#endif

#if PY_VERSION_HEX < 0x030D0000
#define PyThreadState_GetUnchecked _PyThreadState_UncheckedGet /* their names before they were documented */
#define Py_IsFinalizing _Py_IsFinalizing
#endif

/* This thread's state where it holds the main interpreter, else NULL. Before 3.12 the first of the two is of whatever
 * thread holds the interpreter, so it takes both. NULL too at the interpreter's end: an exit handler may have started
 * the sampling again, after ours had stopped it, and types and contexts are taken down from here on. */
static PyThreadState *held_state(void)
{
    PyThreadState *state = PyThreadState_GetUnchecked();
    if (state == NULL || state != PyGILState_GetThisThreadState()
        || PyThreadState_GetInterpreter(state) != PyInterpreterState_Main() || Py_IsFinalizing()) {
        return NULL;
    }
    return state;
}

/* Both ways give borrowed references: the frames hold the code, the context the label, and no code runs before they
 * are stored. */
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

#if PY_VERSION_HEX < 0x030D0000
#define walk walk_objects
#else
/* Up to 3.12 the interpreter, when it has allocated a frame object, looks whether the allocation made one for the same
 * frame (GH-97002). Since 3.13 it does not, and puts its own in place of ours: that one leaks. With a
 * sample every 512 bytes one exception in four cost a frame object for ever. So the frames are read in place, by the
 * unstable API. Only the link to the caller is in no header that is meant for us: it is the second word of a frame in
 * 3.13 and 3.14, which `walks_agree` holds against frame objects when the extension is loaded. */
typedef struct _PyInterpreterFrame InFrame;

static void walk(PyThreadState *state, Stack *stack)
{
    uint32_t count = 0;
    for (InFrame *frame = state->current_frame; frame != NULL && count < MAX_FRAMES; frame = ((InFrame **)frame)[1]) {
        PyObject *code = PyUnstable_InterpreterFrame_GetCode(frame);
        Py_DECREF(code);
        if (!PyCode_Check(code)) { /* where C called Python */
            continue;
        }
        int lasti = PyUnstable_InterpreterFrame_GetLasti(frame);
        if (lasti < ((PyCodeObject *)code)->_co_firsttraceable * (int)sizeof(uint16_t)) { /* its call is not complete */
            continue;
        }
        stack->codes[count] = (PyCodeObject *)code;
        stack->lasti[count++] = lasti;
    }
    stack->frames = count;
}
#endif

static bool walks_agree(PyThreadState *state)
{
    static Stack known, walked;
    walk_objects(state, &known);
    walk(state, &walked);
    return known.frames == walked.frames
           && memcmp(known.codes, walked.codes, known.frames * sizeof(*known.codes)) == 0
           && memcmp(known.lasti, walked.lasti, known.frames * sizeof(*known.lasti)) == 0;
}

static void capture_job(void)
{
    PyObject *label = NULL;
    captured.job = NULL;
    if (PyContextVar_Get(job_label, NULL, &label) == 0 && label != NULL) {
        captured.job = PyUnicode_Check(label) ? label : NULL;
        Py_DECREF(label);
    }
}

static void capture(PyThreadState *state)
{
    SAVE_ERROR;
    int was_collecting = PyGC_Disable();
    walk(state, &captured);
    capture_job();
    if (was_collecting) {
        PyGC_Enable();
    }
    RESTORE_ERROR; /* and drops what a frame without memory may have raised */
}

/* ---- origins that nothing refers to any more ---- */

static int purge(void *Py_UNUSED(argument))
{
    uint32_t count;
    pthread_mutex_lock(&tables_lock);
    Origin *purged = origins_purge(&count);
    purge_is_pending = false;
    pthread_mutex_unlock(&tables_lock);
    origins_drop(purged, count);
    return 0;
}

/* Under the lock: whether the caller has to ask for a purge when the lock is off. */
static bool should_purge(void)
{
    if (purge_is_pending || origins.dead <= DEAD_ALLOWED + origins.alive) {
        return false;
    }
    return purge_is_pending = true;
}

static void ask_for_purge(void)
{
    if (Py_AddPendingCall(purge, NULL) != 0) { /* its queue is full: the next sample asks again */
        pthread_mutex_lock(&tables_lock);
        purge_is_pending = false;
        pthread_mutex_unlock(&tables_lock);
    }
}

/* ---- taking and forgetting samples ---- */

static void countdown_set(Countdown *countdown, int64_t left)
{
    __atomic_store_n(&countdown->left, left, __ATOMIC_RELAXED);
}

static void countdown_draw(Countdown *countdown)
{
    double gap = -log(random_unit()) * samples.rate;
    countdown->rate = samples.rate;
    countdown_set(countdown, (int64_t)fmin(gap, LONGEST_GAP));
}

/* Under the lock: whether the countdown that ran out makes this block a sample, and the next gap. */
static bool is_taken(Countdown *countdown, size_t size)
{
    if (!is_on) {
        countdown_set(countdown, OFF);
        return false;
    }
    /* Another thread came first, and drew a gap from which this block was not taken off. */
    if (countdown == &arrays && __atomic_load_n(&arrays.left, __ATOMIC_RELAXED) >= 0
        && __atomic_sub_fetch(&arrays.left, (int64_t)size, __ATOMIC_RELAXED) >= 0) {
        return false;
    }
    double drawn_for = countdown->rate;
    countdown_draw(countdown);
    return drawn_for == samples.rate || random_unit() * chance(size, drawn_for) <= chance(size, samples.rate);
}

static void keep(void *block, size_t size, const Stack *stack)
{
    /* The pending call may be long in coming, while the main thread is in a long call of C. */
    bool is_crowded = origins.dead > samples.limit;
    uint32_t origin = stack != NULL && !is_crowded ? origin_of(stack) : NO_ORIGIN;
    Sample sample = {.block = (uintptr_t)block, .size = size, .origin = origin, .epoch = samples.epoch};
    samples.taken++;
    if (!samples_put(sample)) {
        samples.lost++;
    }
    while (samples.alive > samples.limit) {
        samples_thin();
    }
}

/* The countdown ran out within this block, which its allocator has just given out. */
static void __attribute__((noinline)) sample(Countdown *countdown, void *block, size_t size)
{
    PyThreadState *state = held_state();
    int64_t left = objects.left;
    if (state != NULL) {
        countdown_set(&objects, OFF); /* the frames that the capture makes are ours */
        capture(state);
        countdown_set(&objects, left);
    }
    pthread_mutex_lock(&tables_lock);
    bool is_foreign = countdown == &objects && state == NULL; /* of another interpreter */
    if (is_taken(countdown, size) && !is_foreign && block != NULL) {
        keep(block, size, state != NULL ? &captured : NULL);
    }
    bool purges = should_purge();
    pthread_mutex_unlock(&tables_lock);
    if (purges) {
        ask_for_purge();
    }
}

/* Take the block out of the tables, where it is in them, and say what was there. */
static Sample __attribute__((noinline)) forget_in(void *block, uint64_t *era)
{
    Sample sample = {.block = 0};
    pthread_mutex_lock(&tables_lock);
    if (samples.slots != NULL && block != NULL) {
        size_t at = slot_of((uintptr_t)block);
        if (samples.slots[at].block != 0) {
            sample = samples_remove(at);
        }
    }
    *era = origins_era;
    pthread_mutex_unlock(&tables_lock);
    return sample;
}

static void forget(void *block)
{
    uint64_t era;
    forget_in(block, &era);
}

/* The block lives on, as its allocator could not resize it. NumPy may resize without the interpreter: if others have
 * purged or stopped meanwhile, the number of its origin may be another's by now, or nobody's. */
static void remember(Sample sample, uint64_t era)
{
    pthread_mutex_lock(&tables_lock);
    if (is_on && sample.block != 0 && (era != origins_era || !samples_put(sample))) {
        samples.lost++;
    }
    pthread_mutex_unlock(&tables_lock);
}

/* ---- hooks of the OBJ and MEM domains ---- */

static PyMemAllocatorEx below[2]; /* whom we have hooked, by domain: a hook's context */
static const PyMemAllocatorDomain domains[2] = {PYMEM_DOMAIN_OBJ, PYMEM_DOMAIN_MEM};
static bool is_probing, is_reached; /* with the interpreter held */

static inline bool runs_out(size_t size)
{
    int64_t left = __atomic_load_n(&objects.left, __ATOMIC_RELAXED) - (int64_t)size;
    __atomic_store_n(&objects.left, left, __ATOMIC_RELAXED);
    return UNLIKELY(left < 0);
}

static void __attribute__((noinline)) took(void *block, size_t size)
{
    if (is_probing) {
        is_reached = true;
    }
    else {
        sample(&objects, block, size);
    }
}

/* What is rare is in functions of its own, here and for free: the hooks then need no frame, and jump to what is below. */
static void *__attribute__((noinline, cold)) malloc_taken(PyMemAllocatorEx *next, size_t size)
{
    void *block = next->malloc(next->ctx, size);
    took(block, size);
    return block;
}

static void *hook_malloc(void *context, size_t size)
{
    PyMemAllocatorEx *next = context;
    if (runs_out(size)) {
        return malloc_taken(next, size);
    }
    return next->malloc(next->ctx, size);
}

static void *hook_calloc(void *context, size_t count, size_t size)
{
    PyMemAllocatorEx *next = context;
    void *block = next->calloc(next->ctx, count, size);
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
    void *moved = next->realloc(next->ctx, block, size);
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
    int64_t left = objects.left;
    is_probing = true;
    is_reached = false;
    countdown_set(&objects, 0);
    if (domain == PYMEM_DOMAIN_OBJ) {
        PyObject_Free(PyObject_Malloc(1));
    }
    else {
        PyMem_Free(PyMem_Malloc(1));
    }
    countdown_set(&objects, left);
    is_probing = false;
    return is_reached;
}

static void hook(int which)
{
    PyMemAllocatorEx ours = {&below[which], hook_malloc, hook_calloc, hook_realloc, hook_free};
    PyMem_GetAllocator(domains[which], &below[which]);
    PyMem_SetAllocator(domains[which], &ours);
}

/* ---- functions of the module ---- */

#include "_sampler_numpy.h"
#include "_sampler_result.h"

static void before_fork(void) { pthread_mutex_lock(&tables_lock); }
static void after_fork(void) { pthread_mutex_unlock(&tables_lock); }

static PyObject *is_installed(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(is_hooked(PYMEM_DOMAIN_OBJ) && is_hooked(PYMEM_DOMAIN_MEM));
}

static PyObject *install(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    for (int which = 0; which < 2; which++) {
        if (!is_hooked(domains[which])) {
            hook(which);
        }
    }
    Py_RETURN_NONE;
}

/* For a forked child that wants to see the allocators below; samples are off from here on. */
static PyObject *lift(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    for (int which = 0; which < 2; which++) {
        if (is_hooked(domains[which])) {
            PyMem_SetAllocator(domains[which], &below[which]);
        }
    }
    Py_RETURN_NONE;
}

/* Under the lock. */
static bool tables_begin(double rate, size_t limit, uint64_t seed)
{
    if (!samples_grow(FIRST_SLOTS) || !origins_grow()) {
        return false;
    }
    samples.rate = rate;
    samples.limit = limit;
    random_state = seed;
    static const Stack nowhere;
    if (origin_of(&nowhere) != NO_ORIGIN || !origins.items[NO_ORIGIN].used) {
        return false;
    }
    origin_hold(NO_ORIGIN); /* for good */
    return true;
}

/* Under the lock: empty the tables. The origins are the caller's, to drop when the lock is off. */
static Origin *tables_end(uint32_t *count)
{
    Origin *all = origins.items;
    uint32_t used = 0;
    for (uint32_t number = 0; number < origins.length; number++) {
        if (all[number].used) {
            all[used++] = all[number];
        }
    }
    *count = used;
    free(origins.index);
    free(origins.vacant);
    free(samples.slots);
    memset(&origins, 0, sizeof(origins));
    origins_era++;
    memset(&samples, 0, sizeof(samples));
    memset(filter, 0, sizeof(filter));
    return all;
}

static PyObject *start(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    double rate;
    Py_ssize_t limit;
    unsigned long long seed;
    PyObject *label;
    if (!PyArg_ParseTuple(arguments, "dnKO!", &rate, &limit, &seed, &PyContextVar_Type, &label)) {
        return NULL;
    }
    if (!(rate >= 1) || rate > 1e12 || limit < 1) {
        return PyErr_Format(PyExc_ValueError, "the rate must be 1 byte or more, and so must the samples");
    }
    uint32_t count = 0;
    Origin *none = NULL;
    pthread_mutex_lock(&tables_lock);
    bool was_on = is_on, begun = !was_on && tables_begin(rate, (size_t)limit, seed);
    if (begun) {
        Py_INCREF(label);
        PyObject *old = job_label; /* the same one but in tests */
        job_label = label;
        label = old;
        is_on = true;
        filter_mask = FILTER_BYTES - 1;
        countdown_draw(&objects);
        countdown_draw(&arrays);
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
    countdown_set(&objects, OFF);
    countdown_set(&arrays, OFF);
    filter_mask = 0;
    PyObject *watched[MAX_WATCHES];
    for (int i = 0; i < MAX_WATCHES; i++) {
        watched[i] = watch_end(&watches[i]);
    }
    Origin *all = tables_end(&count);
    pthread_mutex_unlock(&tables_lock);
    for (int i = 0; i < MAX_WATCHES; i++) {
        Py_XDECREF(watched[i]);
    }
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
    uint32_t epoch = ++samples.epoch;
    pthread_mutex_unlock(&tables_lock);
    return PyLong_FromUnsignedLong(epoch);
}

static PyObject *thin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    pthread_mutex_lock(&tables_lock);
    if (is_on) {
        samples_thin();
    }
    pthread_mutex_unlock(&tables_lock);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"install", install, METH_NOARGS, "Put the hooks in place where they are not."},
    {"lift", lift, METH_NOARGS, "Take the hooks out: in a forked child only, where nobody else has saved them."},
    {"is_installed", is_installed, METH_NOARGS, "Whether allocations come to the hooks."},
    {"start", start, METH_VARARGS, "start(rate_bytes, max_samples, seed, job_label)"},
    {"stop", stop, METH_NOARGS, "Forget all samples, and switch the hooks off."},
    {"is_on", on, METH_NOARGS, "Whether samples are taken."},
    {"thin", thin, METH_NOARGS, "Double the rate, and let go the samples that it would not have taken."},
    {"mark", mark, METH_NOARGS, "A number for `snapshot`, to tell the samples taken from here on."},
    {"snapshot", snapshot, METH_VARARGS,
     "snapshot(job or None, since) -> rate, heads, frames, and eight doubles a row as bytes; fresh: since that mark"},
    {"statistics", statistics, METH_NOARGS, "Counts and sizes, in the order of `SamplerStatistics`."},
    {"watch", watch, METH_VARARGS, "watch(job, since) -> number, or -1: keep what is alive at the job's peak."},
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
    .m_name = "profiling._sampler",
    .m_doc = "Samples of what Python and NumPy allocate, by job and stack.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__sampler(void)
{
    return PyModuleDef_Init(&definition);
}
