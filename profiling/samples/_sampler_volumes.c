#include "_sampler_volumes.h"

#include <stdlib.h>

#include "_sampler_origins.h"
#include "_sampler_results.h"
#include "_sampler_watches.h"

/* Under the lock: make a row for each origin that has allocated, and reset its volume. False: no memory. */
static bool volumes_collect(Table *table)
{
    *table = (Table){.rate = samples_rate(), .thinned = samples.thinned};
    table->coarsest = table->fresh_coarsest = table->rate;
    table->rows = malloc(((size_t)origins.length + 1) * sizeof(*table->rows));
    for (uint32_t number = 0; table->rows != NULL && number < origins.length; number++) {
        Origin *origin = &origins.items[number];
        if (origin->used && origin->allocated.blocks > 0) {
            Estimate all = {.bytes = origin->allocated.bytes, .blocks = origin->allocated.blocks};
            table->rows[table->length++] = (Row){.origin = number, .samples = origin->samples, .all = all};
            origin->allocated = (Volume){0, 0};
        }
    }
    return table->rows != NULL;
}

PyObject *volumes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    Table table;
    pthread_mutex_lock(&tables_lock);
    Place *places = volumes_collect(&table) ? places_of(&table) : NULL;
    double purged = origins.purged.bytes;
    origins.purged = (Volume){0, 0};
    pthread_mutex_unlock(&tables_lock);
    PyObject *result = result_of(&table, places);
    return result != NULL ? Py_BuildValue("(Nd)", result, purged) : NULL;
}
