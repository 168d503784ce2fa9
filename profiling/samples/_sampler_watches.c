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

static bool is_of_births(const Selection *selection, uint32_t birth)
{
    size_t low = 0, high = selection->births_count;
    while (low < high) {
        size_t half = (low + high) / 2;
        if (selection->births[half] < birth) {
            low = half + 1;
        }
        else {
            high = half;
        }
    }
    return low < selection->births_count && selection->births[low] == birth;
}

static bool is_selected(const Selection *selection, const Sample *sample)
{
    return (selection->job == NULL || origins.items[sample->origin].job == selection->job)
           && (!selection->is_of_birth || is_of_births(selection, sample->birth));
}

static bool is_fresh(const Selection *selection, const Sample *sample)
{
    return selection->births_count != 0 ? is_of_births(selection, sample->birth) : sample_epoch(sample) >= selection->since;
}

bool table_collect(Table *table, const Selection *selection)
{
    *table = (Table){.rate = samples_rate(), .thinned = samples.thinned};
    uint32_t coarsest = samples.exponent, fresh_coarsest = samples.exponent;
    uint32_t *row_of = calloc((size_t)origins.length + 1, sizeof(*row_of)); /* number + 1, 0: none yet */
    Row *rows = malloc(((size_t)origins.alive + 1) * sizeof(*rows));
    if (row_of == NULL || rows == NULL) {
        free(row_of);
        free(rows);
        return false;
    }
    for (size_t at = 0; samples.slots != NULL && at <= samples.mask; at++) {
        const Sample *sample = &samples.slots[at];
        if (sample->block == 0 || !is_selected(selection, sample)) {
            continue;
        }
        if (row_of[sample->origin] == 0) {
            rows[table->length] = (Row){.origin = sample->origin};
            row_of[sample->origin] = ++table->length;
        }
        Row *row = &rows[row_of[sample->origin] - 1];
        double p = sample_chance(sample);
        coarsest = sample->exponent > coarsest ? sample->exponent : coarsest;
        row->samples++;
        estimate_add(&row->all, (double)sample->size, p);
        if (is_fresh(selection, sample)) {
            fresh_coarsest = sample->exponent > fresh_coarsest ? sample->exponent : fresh_coarsest;
            estimate_add(&row->fresh, (double)sample->size, p);
        }
    }
    free(row_of);
    Row *fitting = realloc(rows, ((size_t)table->length + 1) * sizeof(*rows)); /* a peak is kept for a whole run */
    rows = fitting != NULL ? fitting : rows;
    table->rows = rows;
    table->coarsest = rate_at(coarsest);
    table->fresh_coarsest = rate_at(fresh_coarsest);
    return true;
}

/* ---- watches: what was alive of a birth when that was most ---- */

typedef struct {
    bool is_in_use;
    uint32_t birth;
    double now, high; /* bytes */
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
    if (!table_collect(&peak, &(Selection){.is_of_birth = true, .births = &watch->birth, .births_count = 1})) {
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
        if (!watch->is_in_use || sample->birth != watch->birth) {
            continue;
        }
        watch->now += by * (double)sample->size / sample_chance(sample);
        if (by > 0 && watch->now > watch->high * PEAK_STEP + samples_rate()) {
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
            if (watches[i].is_in_use && sample->birth == watches[i].birth) {
                watches[i].now += (double)sample->size / sample_chance(sample);
            }
        }
    }
}


int watch_begin(uint32_t birth)
{
    for (int number = 0; number < MAX_WATCHES; number++) {
        if (!watches[number].is_in_use) {
            watches[number] = (Watch){.is_in_use = true, .birth = birth};
            watches_in_use++;
            return number;
        }
    }
    return -1;
}

void watch_end(int number, Table *peak)
{
    *peak = watches[number].peak;
    watches_in_use -= watches[number].is_in_use;
    watches[number] = (Watch){0};
}

void watches_drop(void)
{
    for (int number = 0; number < MAX_WATCHES; number++) {
        Table peak;
        watch_end(number, &peak);
        table_release(&peak);
        free(peak.rows);
    }
}

size_t watches_bytes(void)
{
    size_t bytes = 0;
    for (int i = 0; i < MAX_WATCHES; i++) {
        bytes += watches[i].peak.length * sizeof(Row);
    }
    return bytes;
}
