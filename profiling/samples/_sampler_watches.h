/* Estimates of what is alive by origin, now and at a job's peak. All of it is under `tables_lock`. */

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
    Estimate all, fresh; /* fresh: of samples taken since a mark */
} Row;

typedef struct {
    Row *rows;
    uint32_t length;
    double rate;
} Table;

/* What is alive, by origin; of one job, or of all for NULL. False: no memory. */
bool table_collect(Table *table, PyObject *job, uint32_t since);

/* Keep what is alive at the job's peak from here on, and a reference to the job. -1: too many watches. */
int watch_begin(PyObject *job, uint32_t since);

/* End a watch and say what was alive at its peak; the table holds its origins until `table_release`. Its job is the
 * caller's, to give back when the lock is off. */
PyObject *watch_end(int number, Table *peak);
void table_release(const Table *table);

/* End a watch and keep nothing of it. Its job is the caller's too. */
PyObject *watch_drop(int number);

/* A sample came (1) or went (-1). */
void watches_moved(const Sample *sample, int by);

/* The rate has changed, and with it what each sample stands for. */
void watches_count(void);

size_t watches_bytes(void);

#endif
