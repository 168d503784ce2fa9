#include "_sampler_watches.h"

#include <stdlib.h>

#include "_sampler_origins.h"

#define PEAK_STEP 1.05 /* a new high by so much is kept: from 64 KB to 512 MB that is 185 times at most */

/* ---- tables of estimates ---- */

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

bool table_collect(Table *table, PyObject *job, uint32_t since)
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

/* ---- watches: what a job held when it held most ---- */

typedef struct {
    PyObject *job;  /* owned; NULL: not in use */
    uint32_t since;
    double now, high; /* bytes, of this job's samples since then */
    Table peak;       /* holds its origins */
} Watch;

static Watch watches[MAX_WATCHES];
static int watches_in_use;

void table_release(const Table *table)
{
    for (uint32_t i = 0; i < table->length; i++) {
        origin_release(table->rows[i].origin);
    }
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
    table_release(&watch->peak);
    free(watch->peak.rows);
    watch->peak = peak;
    watch->high = watch->now;
}

void watches_moved(const Sample *sample, int by)
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

void watches_count(void)
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


int watch_begin(PyObject *job, uint32_t since)
{
    for (int number = 0; number < MAX_WATCHES; number++) {
        if (watches[number].job == NULL) {
            watches[number] = (Watch){.job = Py_NewRef(job), .since = since};
            watches_in_use++;
            return number;
        }
    }
    return -1;
}

PyObject *watch_end(int number, Table *peak)
{
    PyObject *job = watches[number].job;
    *peak = watches[number].peak;
    watches[number] = (Watch){0};
    watches_in_use -= job != NULL;
    return job;
}

PyObject *watch_drop(int number)
{
    Table peak;
    PyObject *job = watch_end(number, &peak);
    table_release(&peak);
    free(peak.rows);
    return job;
}

size_t watches_bytes(void)
{
    size_t bytes = 0;
    for (int i = 0; i < MAX_WATCHES; i++) {
        bytes += watches[i].peak.length * sizeof(Row);
    }
    return bytes;
}
