/* Sets and lists of addresses. They start with all fields 0, and are not under the lock. */

#ifndef PROFILING_SAMPLER_ADDRESSES_H
#define PROFILING_SAMPLER_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Distinct addresses, by open addressing. */
typedef struct {
    uintptr_t *slots; /* NULL: none yet; in a slot 0: empty */
    size_t mask, count;
} Addresses;

/* 1: it is new; 0: it was there; -1: no memory. */
int addresses_add(Addresses *set, const void *address);
bool addresses_have(const Addresses *set, const void *address);
void addresses_release(Addresses *set);

typedef struct {
    uintptr_t *items;
    size_t length, capacity;
} Blocks;

/* False: no memory. */
bool blocks_add(Blocks *blocks, const void *block);
void blocks_release(Blocks *blocks);

#endif
