/* Estimates of what is alive by origin, now and at the peak of a birth. All of it is under `tables_lock`. */

#ifndef PROFILING_SAMPLER_WATCHES_H
#define PROFILING_SAMPLER_WATCHES_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "_sampler_tables.h"

#define MAX_WATCHES 16

typedef struct {
    double bytes, bytes_variance, blocks, blocks_variance;
} Estimate;

typedef struct {
    uint32_t origin, samples;
    Estimate all, fresh;
} Row;

typedef struct {
    Row *rows;
    uint32_t length;
    double rate;      /* in force */
    double coarsest, fresh_coarsest; /* at which a block of all, or of the fresh, may have gone unseen */
    uint32_t thinned; /* so far */
} Table;

/* Which samples make a table, and which of them are fresh. */
typedef struct {
    PyObject *job;          /* NULL: any */
    bool is_of_birth;       /* those of the births alone */
    const uint32_t *births; /* sorted: fresh are those of these births or, where there are none, those of `since` on */
    size_t births_count;
    uint32_t since;         /* an epoch */
} Selection;

/* What is alive, by origin. False: no memory. */
bool table_collect(Table *table, const Selection *selection);

/* Keep what is alive of this birth when that is most, from here on. -1: too many watches. */
int watch_begin(uint32_t birth);

/* End a watch and say what was alive at its peak; the table holds its origins until `table_release`. */
void watch_end(int number, Table *peak);
void table_release(const Table *table);

/* End all watches and keep nothing of them. */
void watches_drop(void);

/* A sample came (1) or went (-1). */
void watches_moved(const Sample *sample, int by);

/* Samples were thinned, so that each stands for more. */
void watches_count(void);

size_t watches_bytes(void);

#endif
