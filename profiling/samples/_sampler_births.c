#include "_sampler_births.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "_sampler_holders.h"
#include "_sampler_origins.h"
#include "_sampler_results.h"
#include "_sampler_tables.h"
#include "_sampler_watches.h"

#define LARGE 4 /* times the rate: such blocks are missed with a chance of 2 in 100 */
#define FIRST_ROWS 256u
#define NO_ROW UINT32_MAX
#define WEIGHTS 256u

typedef struct {
    double bytes, variance, blocks, large;
    uint32_t place; /* row of the table */
    uint32_t birth, samples;
    uint32_t next;  /* of the same bucket */
} Birth;

/* What a sample of this size and rate stands for. Most samples are of a few sizes, and `expm1` was half of the time. */
typedef struct {
    uint64_t key; /* 0: empty, as no block is */
    double bytes, variance, blocks, large;
} Weight;

typedef struct {
    Birth *rows;
    uint32_t length, capacity;
    uint32_t *buckets; /* as many as the capacity, a power of two */
    Table table;       /* a row for each origin; their estimates are empty */
    uint32_t *place_of; /* by origin; number + 1, 0: none yet */
    Weight weights[WEIGHTS];
} Births;

static uint32_t *bucket_of(const Births *births, uint32_t place, uint32_t birth)
{
    uint64_t hash = (((uint64_t)place << 32) | birth) * GOLDEN;
    return &births->buckets[(hash >> 32) & (births->capacity - 1)];
}

static bool births_grow(Births *births)
{
    uint32_t capacity = births->capacity != 0 ? births->capacity * 2 : FIRST_ROWS;
    Birth *rows = realloc(births->rows, capacity * sizeof(*rows));
    if (rows == NULL) {
        return false;
    }
    births->rows = rows;
    uint32_t *buckets = realloc(births->buckets, capacity * sizeof(*buckets));
    if (buckets == NULL) {
        return false;
    }
    births->buckets = buckets;
    births->capacity = capacity;
    for (uint32_t i = 0; i < capacity; i++) {
        buckets[i] = NO_ROW;
    }
    for (uint32_t i = 0; i < births->length; i++) {
        uint32_t *bucket = bucket_of(births, rows[i].place, rows[i].birth);
        rows[i].next = *bucket;
        *bucket = i;
    }
    return true;
}

/* NULL: no memory. */
static Birth *birth_of(Births *births, uint32_t place, uint32_t birth)
{
    for (uint32_t i = births->length ? *bucket_of(births, place, birth) : NO_ROW; i != NO_ROW; i = births->rows[i].next) {
        if (births->rows[i].place == place && births->rows[i].birth == birth) {
            return &births->rows[i];
        }
    }
    if (births->length == births->capacity && !births_grow(births)) {
        return NULL;
    }
    uint32_t *bucket = bucket_of(births, place, birth);
    births->rows[births->length] = (Birth){.place = place, .birth = birth, .next = *bucket};
    *bucket = births->length;
    return &births->rows[births->length++];
}

static const Weight *weight_of(Births *births, const Sample *sample)
{
    uint64_t key = ((uint64_t)sample->size << 8) | ((uint64_t)sample->exponent << 1) | 1;
    Weight *weight = &births->weights[(key * GOLDEN) >> 32 & (WEIGHTS - 1)];
    if (weight->key != key) {
        double p = sample_chance(sample), size = (double)sample->size;
        bool is_large = size >= LARGE * rate_at(sample->exponent);
        *weight = (Weight){key, size / p, size * size * (1 - p) / (p * p), 1 / p, is_large ? size / p : 0};
    }
    return weight;
}

static bool births_add(Births *births, const Sample *sample)
{
    uint32_t *place = &births->place_of[sample->origin];
    if (*place == 0) {
        births->table.rows[births->table.length] = (Row){.origin = sample->origin};
        *place = ++births->table.length;
    }
    Birth *row = birth_of(births, *place - 1, sample->birth);
    if (row == NULL) {
        return false;
    }
    const Weight *weight = weight_of(births, sample);
    births->table.rows[row->place].samples++;
    row->samples++;
    row->bytes += weight->bytes;
    row->variance += weight->variance;
    row->blocks += weight->blocks;
    row->large += weight->large;
    return true;
}

/* Which samples are asked for. */
typedef struct {
    bool is_of_job;
    PyObject *job;  /* NULL: outside jobs */
    uint32_t oldest; /* birth */
    const Blocks *only; /* NULL: all */
} Wanted;

static bool births_add_wanted(Births *births, const Sample *sample, const Wanted *wanted)
{
    if (sample->block == 0 || sample->birth < wanted->oldest
        || (wanted->is_of_job && origins.items[sample->origin].job != wanted->job)) {
        return true;
    }
    return births_add(births, sample);
}

/* Under the lock. False: no memory. */
static bool births_collect(Births *births, const Wanted *wanted)
{
    *births = (Births){.table = {.rate = samples_rate(), .thinned = samples.thinned}};
    births->place_of = calloc((size_t)origins.length + 1, sizeof(*births->place_of));
    births->table.rows = malloc(((size_t)origins.alive + 1) * sizeof(*births->table.rows));
    bool is_done = births->place_of != NULL && births->table.rows != NULL;
    if (wanted->only == NULL) {
        for (size_t at = 0; is_done && samples.slots != NULL && at <= samples.mask; at++) {
            is_done = births_add_wanted(births, &samples.slots[at], wanted);
        }
        return is_done;
    }
    for (size_t i = 0, at; is_done && i < wanted->only->length; i++) {
        if (samples_find(wanted->only->items[i], &at)) {
            is_done = births_add_wanted(births, &samples.slots[at], wanted);
        }
    }
    return is_done;
}

/* Three numbers and four figures a row. False: an error is set. */
static bool births_pack(const Births *births, PyObject **numbers, PyObject **figures)
{
    *numbers = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(births->length * 3 * sizeof(uint32_t)));
    *figures = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(births->length * 4 * sizeof(float)));
    if (*numbers == NULL || *figures == NULL) {
        return false;
    }
    uint32_t *number = (uint32_t *)PyBytes_AS_STRING(*numbers);
    float *figure = (float *)PyBytes_AS_STRING(*figures);
    for (const Birth *row = births->rows; row < births->rows + births->length; row++) {
        *number++ = row->place;
        *number++ = row->birth;
        *number++ = row->samples;
        *figure++ = (float)row->bytes;
        *figure++ = (float)row->variance;
        *figure++ = (float)row->blocks;
        *figure++ = (float)row->large;
    }
    return true;
}

/* With the lock off; gives back what it was given. */
static PyObject *births_result(Births *births, Place *places, double share)
{
    PyObject *heads = NULL, *frames = NULL, *numbers = NULL, *figures = NULL, *result = NULL;
    if (places == NULL) {
        PyErr_NoMemory();
    }
    else if (words_of(&births->table, places, &heads, &frames) && births_pack(births, &numbers, &figures)) {
        result = Py_BuildValue("(dIOOOOd)", births->table.rate, births->table.thinned, heads, frames, numbers, figures,
                               share);
    }
    Py_XDECREF(heads);
    Py_XDECREF(frames);
    Py_XDECREF(numbers);
    Py_XDECREF(figures);
    if (places != NULL) {
        places_drop(places, births->table.length);
    }
    free(births->table.rows);
    free(births->rows);
    return result;
}

PyObject *births(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int is_of_job;
    PyObject *job, *holders;
    unsigned int oldest;
    if (!PyArg_ParseTuple(arguments, "pOIO", &is_of_job, &job, &oldest, &holders)) {
        return NULL;
    }
    if (holders != Py_None && !PyList_Check(holders)) {
        return PyErr_Format(PyExc_TypeError, "the holders are a list or None");
    }
    Blocks held = {NULL, 0, 0};
    double share = 1;
    if (holders != Py_None && !blocks_held(holders, &held, &share)) {
        blocks_release(&held);
        return PyErr_NoMemory();
    }
    Wanted wanted = {is_of_job, job == Py_None ? NULL : job, oldest, holders == Py_None ? NULL : &held};
    Births found;
    pthread_mutex_lock(&tables_lock);
    bool is_found = births_collect(&found, &wanted);
    Place *places = is_found ? places_of(&found.table) : NULL;
    pthread_mutex_unlock(&tables_lock);
    blocks_release(&held);
    free(found.buckets);
    free(found.place_of);
    return births_result(&found, places, share);
}
