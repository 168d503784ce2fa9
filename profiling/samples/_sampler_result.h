/* From samples to figures: what is alive by origin, now or at a job's peak, and that as Python objects. */

#define MAX_WATCHES 16
#define PEAK_STEP 1.05 /* a new high by so much is kept: from 64 KB to 512 MB that is 185 times at most */

/* ---- tables of estimates, under the lock ---- */

typedef struct {
    double bytes, bytes_variance, blocks, blocks_variance;
} Estimate;

typedef struct {
    uint32_t origin, samples;
    Estimate all, fresh; /* fresh: of samples taken since a mark */
} Row;

typedef struct {
    Row *rows;
    uint32_t length;
    double rate;
} Table;

/* Horvitz and Thompson (1952): a sample that is taken with the chance p stands for 1 / p of its like, and adds
 * (1 - p) / p^2 to the variance of the sum. */
static void estimate_add(Estimate *estimate, double size, double p)
{
    double spread = (1 - p) / (p * p);
    estimate->bytes += size / p;
    estimate->bytes_variance += size * size * spread;
    estimate->blocks += 1 / p;
    estimate->blocks_variance += spread;
}

/* What is alive, by origin; of one job, or of all for NULL. False: no memory. */
static bool table_collect(Table *table, PyObject *job, uint32_t since)
{
    *table = (Table){.rate = samples.rate};
    uint32_t *row_of = calloc((size_t)origins.length + 1, sizeof(*row_of)); /* number + 1, 0: none yet */
    Row *rows = malloc(((size_t)origins.alive + 1) * sizeof(*rows));
    if (row_of == NULL || rows == NULL) {
        free(row_of);
        free(rows);
        return false;
    }
    for (size_t at = 0; samples.slots != NULL && at <= samples.mask; at++) {
        const Sample *sample = &samples.slots[at];
        if (sample->block == 0 || (job != NULL && origins.items[sample->origin].job != job)) {
            continue;
        }
        if (row_of[sample->origin] == 0) {
            rows[table->length] = (Row){.origin = sample->origin};
            row_of[sample->origin] = ++table->length;
        }
        Row *row = &rows[row_of[sample->origin] - 1];
        double p = chance(sample->size, samples.rate);
        row->samples++;
        estimate_add(&row->all, (double)sample->size, p);
        if (sample->epoch >= since) {
            estimate_add(&row->fresh, (double)sample->size, p);
        }
    }
    free(row_of);
    table->rows = rows;
    return true;
}

/* ---- watches: what a job held when it held most, under the lock ---- */

typedef struct {
    PyObject *job;  /* owned; NULL: not in use */
    uint32_t since;
    double now, high; /* bytes, of this job's samples since then */
    Table peak;       /* holds its origins */
} Watch;

static Watch watches[MAX_WATCHES];
static int watches_in_use;

static void peak_drop(Watch *watch)
{
    for (uint32_t i = 0; i < watch->peak.length; i++) {
        origin_release(watch->peak.rows[i].origin);
    }
    free(watch->peak.rows);
    watch->peak = (Table){0};
}

static void peak_keep(Watch *watch)
{
    Table peak;
    if (!table_collect(&peak, watch->job, watch->since)) {
        return;
    }
    for (uint32_t i = 0; i < peak.length; i++) {
        origin_hold(peak.rows[i].origin);
    }
    peak_drop(watch);
    watch->peak = peak;
    watch->high = watch->now;
}

static void watches_moved(const Sample *sample, int by)
{
    for (int i = 0; watches_in_use && i < MAX_WATCHES; i++) {
        Watch *watch = &watches[i];
        if (watch->job == NULL || origins.items[sample->origin].job != watch->job || sample->epoch < watch->since) {
            continue;
        }
        watch->now += by * (double)sample->size / chance(sample->size, samples.rate);
        if (by > 0 && watch->now > watch->high * PEAK_STEP + samples.rate) {
            peak_keep(watch);
        }
    }
}

/* The rate has changed, and with it what each sample stands for. */
static void watches_count(void)
{
    for (int i = 0; i < MAX_WATCHES; i++) {
        watches[i].now = 0;
    }
    for (size_t at = 0; watches_in_use && at <= samples.mask; at++) {
        const Sample *sample = &samples.slots[at];
        for (int i = 0; sample->block != 0 && i < MAX_WATCHES; i++) {
            if (watches[i].job != NULL && origins.items[sample->origin].job == watches[i].job
                && sample->epoch >= watches[i].since) {
                watches[i].now += (double)sample->size / chance(sample->size, samples.rate);
            }
        }
    }
}

/* Its job is the caller's, to give back when the lock is off. */
static PyObject *watch_end(Watch *watch)
{
    PyObject *job = watch->job;
    peak_drop(watch);
    *watch = (Watch){0};
    watches_in_use -= job != NULL;
    return job;
}

/* ---- as Python objects, with the lock off ---- */

/* An origin with references of its own, as another thread may stop the sampling meanwhile. */
typedef struct {
    PyObject *job;
    PyCodeObject **codes;
    int *lasti;
    uint32_t frames;
} Place;

/* Under the lock. False: no memory. */
static bool place_copy(Place *place, const Origin *origin)
{
    size_t bytes = origin->frames * (sizeof(*origin->codes) + sizeof(*origin->lasti));
    PyCodeObject **codes = malloc(bytes + 1);
    if (codes == NULL) {
        return false;
    }
    memcpy(codes, origin->codes, bytes); /* the offsets follow in the same piece of memory */
    for (uint32_t i = 0; i < origin->frames; i++) {
        Py_INCREF(codes[i]);
    }
    Py_XINCREF(origin->job);
    *place = (Place){origin->job, codes, (int *)(codes + origin->frames), origin->frames};
    return true;
}

static void places_drop(Place *places, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        for (uint32_t frame = 0; frame < places[i].frames; frame++) {
            Py_DECREF(places[i].codes[frame]);
        }
        Py_XDECREF(places[i].job);
        free(places[i].codes);
    }
    free(places);
}

/* Under the lock. NULL: no memory. */
static Place *places_of(const Table *table)
{
    Place *places = malloc(((size_t)table->length + 1) * sizeof(*places));
    uint32_t length = 0;
    while (places != NULL && length < table->length) {
        if (!place_copy(&places[length], &origins.items[table->rows[length].origin])) {
            /* Nothing is given back under the lock: what was taken leaks, once, where memory has run out. */
            free(places);
            return NULL;
        }
        length++;
    }
    return places;
}

/* Frames that several stacks share, each once. */
typedef struct {
    PyCodeObject *code; /* NULL: empty; borrowed from the places */
    int lasti;
    uint32_t number;
} Frame;

typedef struct {
    Frame *slots;
    size_t mask;
    PyObject *list; /* of (file, function, line) */
} Frames;

static PyObject *frame_words(const Place *place, uint32_t i)
{
    PyCodeObject *code = place->codes[i];
    int line = PyCode_Addr2Line(code, place->lasti[i]);
    return Py_BuildValue("(OOi)", code->co_filename, code->co_qualname, line > 0 ? line : code->co_firstlineno);
}

/* The frame's index in the list; -1 with an error set. */
static int64_t frame_number(Frames *frames, const Place *place, uint32_t i)
{
    size_t at = (((uint64_t)(uintptr_t)place->codes[i] + (uint64_t)place->lasti[i] * 64) * GOLDEN) >> 32;
    for (;; at++) {
        Frame *slot = &frames->slots[at & frames->mask];
        if (slot->code == place->codes[i] && slot->lasti == place->lasti[i]) {
            return slot->number;
        }
        if (slot->code == NULL) {
            PyObject *words = frame_words(place, i);
            if (words == NULL || PyList_Append(frames->list, words) < 0) {
                Py_XDECREF(words);
                return -1;
            }
            Py_DECREF(words);
            *slot = (Frame){place->codes[i], place->lasti[i], (uint32_t)PyList_GET_SIZE(frames->list) - 1};
            return slot->number;
        }
    }
}

/* (job or None, frame numbers as bytes, samples) */
static PyObject *head_of(Frames *frames, const Place *place, const Row *row)
{
    PyObject *stack = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(place->frames * sizeof(uint32_t)));
    for (uint32_t i = 0; stack != NULL && i < place->frames; i++) {
        int64_t number = frame_number(frames, place, i);
        if (number < 0) {
            Py_DECREF(stack);
            return NULL;
        }
        ((uint32_t *)PyBytes_AS_STRING(stack))[i] = (uint32_t)number;
    }
    return stack ? Py_BuildValue("(ONI)", place->job ? place->job : Py_None, stack, row->samples) : NULL;
}

static bool frames_begin(Frames *frames, const Place *places, uint32_t length)
{
    size_t all = 8, slots = 16;
    for (uint32_t i = 0; i < length; i++) {
        all += places[i].frames;
    }
    while (slots < all * 2) {
        slots *= 2;
    }
    *frames = (Frames){calloc(slots, sizeof(*frames->slots)), slots - 1, PyList_New(0)};
    if (frames->slots == NULL) {
        PyErr_NoMemory();
    }
    return frames->slots != NULL && frames->list != NULL;
}

/* (rate, heads, frames, figures: eight doubles a row), and gives back what it was given. */
static PyObject *result_of(Table *table, Place *places)
{
    Frames frames = {0};
    PyObject *heads = NULL, *figures = NULL, *result = NULL;
    if (places == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    heads = PyList_New(table->length);
    figures = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(table->length * 2 * sizeof(Estimate)));
    if (heads == NULL || figures == NULL || !frames_begin(&frames, places, table->length)) {
        goto done;
    }
    for (uint32_t i = 0; i < table->length; i++) {
        PyObject *head = head_of(&frames, &places[i], &table->rows[i]);
        if (head == NULL) {
            goto done;
        }
        PyList_SET_ITEM(heads, i, head);
        memcpy(PyBytes_AS_STRING(figures) + i * 2 * sizeof(Estimate), &table->rows[i].all, 2 * sizeof(Estimate));
    }
    result = Py_BuildValue("(dOOO)", table->rate, heads, frames.list, figures);
done:
    Py_XDECREF(heads);
    Py_XDECREF(figures);
    Py_XDECREF(frames.list);
    free(frames.slots);
    if (places != NULL) {
        places_drop(places, table->length);
    }
    free(table->rows);
    return result;
}

static PyObject *snapshot(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *job;
    unsigned int since;
    if (!PyArg_ParseTuple(arguments, "OI", &job, &since)) {
        return NULL;
    }
    Table table;
    pthread_mutex_lock(&tables_lock);
    Place *places = table_collect(&table, job == Py_None ? NULL : job, since) ? places_of(&table) : NULL;
    pthread_mutex_unlock(&tables_lock);
    return result_of(&table, places);
}

static PyObject *watch(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *job;
    unsigned int since;
    if (!PyArg_ParseTuple(arguments, "UI", &job, &since)) {
        return NULL;
    }
    int found = -1;
    pthread_mutex_lock(&tables_lock);
    for (int i = MAX_WATCHES - 1; is_on && i >= 0; i--) {
        found = watches[i].job == NULL ? i : found;
    }
    if (found >= 0) {
        watches[found] = (Watch){.job = Py_NewRef(job), .since = since};
        watches_in_use++;
    }
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
    Watch *watch = &watches[number];
    pthread_mutex_lock(&tables_lock);
    Table peak = watch->peak;
    Place *places = places_of(&peak);
    for (uint32_t i = 0; i < peak.length; i++) {
        origin_release(peak.rows[i].origin);
    }
    watch->peak = (Table){0};
    PyObject *job = watch_end(watch);
    pthread_mutex_unlock(&tables_lock);
    Py_XDECREF(job);
    return result_of(&peak, places);
}

/* rate_bytes, alive, taken, lost, thinned, origins, table_bytes */
static PyObject *statistics(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    pthread_mutex_lock(&tables_lock);
    double rate = samples.rate;
    size_t alive = samples.alive, slots = samples.slots != NULL ? samples.mask + 1 : 0;
    uint64_t taken = samples.taken, lost = samples.lost;
    uint32_t thinned = samples.thinned, kept = origins.length - origins.vacancies;
    size_t bytes = slots * sizeof(Sample) + (slots ? FILTER_BYTES : 0) + pool.bytes
                   + origins.capacity * (sizeof(Origin) + 3 * sizeof(uint32_t));
    for (int i = 0; i < MAX_WATCHES; i++) {
        bytes += watches[i].peak.length * sizeof(Row);
    }
    pthread_mutex_unlock(&tables_lock);
    return Py_BuildValue("(dnKKIIn)", rate, (Py_ssize_t)alive, (unsigned long long)taken, (unsigned long long)lost,
                         thinned, kept, (Py_ssize_t)bytes);
}
