#include "_sampler_results.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "_sampler_origins.h"

/* Under the lock. False: no memory. */
static bool place_copy(Place *place, const Origin *origin)
{
    uint32_t frames = 0;
    for (const Chunk *chunk = origin->stack; chunk != NULL; chunk = chunk->outer) {
        frames += chunk->frames;
    }
    PyCodeObject **codes = malloc(frames * (sizeof(*codes) + sizeof(int)) + 1);
    if (codes == NULL) {
        return false;
    }
    *place = (Place){origin->job, codes, (int *)(codes + frames), frames};
    Py_XINCREF(origin->job);
    uint32_t at = 0;
    for (const Chunk *chunk = origin->stack; chunk != NULL; chunk = chunk->outer) {
        for (uint32_t i = 0; i < chunk->frames; i++, at++) {
            place->codes[at] = (PyCodeObject *)Py_NewRef(chunk->codes[i]);
            place->lasti[at] = chunk->lasti[i];
        }
    }
    return true;
}

void places_drop(Place *places, uint32_t length)
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

Place *places_of(const Table *table)
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

bool words_of(const Table *table, const Place *places, PyObject **heads, PyObject **frames)
{
    Frames known = {0};
    bool is_done = false;
    *heads = PyList_New(table->length);
    if (*heads != NULL && frames_begin(&known, places, table->length)) {
        uint32_t i = 0;
        for (PyObject *head; i < table->length && (head = head_of(&known, &places[i], &table->rows[i])) != NULL; i++) {
            PyList_SET_ITEM(*heads, i, head);
        }
        is_done = i == table->length;
    }
    free(known.slots);
    *frames = known.list;
    return is_done;
}

PyObject *result_of(Table *table, Place *places)
{
    PyObject *heads = NULL, *frames = NULL, *figures = NULL, *result = NULL;
    if (places == NULL) {
        PyErr_NoMemory();
    }
    else if (words_of(table, places, &heads, &frames)) {
        figures = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(table->length * 2 * sizeof(Estimate)));
    }
    if (figures != NULL) {
        for (uint32_t i = 0; i < table->length; i++) {
            memcpy(PyBytes_AS_STRING(figures) + i * 2 * sizeof(Estimate), &table->rows[i].all, 2 * sizeof(Estimate));
        }
        result = Py_BuildValue("(dddIOOO)", table->rate, table->coarsest, table->fresh_coarsest, table->thinned, heads,
                               frames, figures);
    }
    Py_XDECREF(heads);
    Py_XDECREF(frames);
    Py_XDECREF(figures);
    if (places != NULL) {
        places_drop(places, table->length);
    }
    free(table->rows);
    return result;
}
