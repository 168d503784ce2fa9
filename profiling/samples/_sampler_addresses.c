#include "_sampler_addresses.h"

#include <stdlib.h>

#include "_sampler_origins.h"

#define FIRST_ADDRESSES 1024u /* a power of two */

static uintptr_t *address_slot(const Addresses *set, uintptr_t address)
{
    size_t at = ((uint64_t)(address >> 4) * GOLDEN) >> 32;
    while (set->slots[at & set->mask] != 0 && set->slots[at & set->mask] != address) {
        at++;
    }
    return &set->slots[at & set->mask];
}

static bool addresses_grow(Addresses *set)
{
    size_t slots = set->slots != NULL ? (set->mask + 1) * 2 : FIRST_ADDRESSES;
    Addresses fresh = {calloc(slots, sizeof(*fresh.slots)), slots - 1, set->count};
    if (fresh.slots == NULL) {
        return false;
    }
    for (size_t at = 0; set->slots != NULL && at <= set->mask; at++) {
        if (set->slots[at] != 0) {
            *address_slot(&fresh, set->slots[at]) = set->slots[at];
        }
    }
    free(set->slots);
    *set = fresh;
    return true;
}

int addresses_add(Addresses *set, const void *address)
{
    if ((set->slots == NULL || set->count * 2 > set->mask) && !addresses_grow(set)) {
        return -1;
    }
    uintptr_t *slot = address_slot(set, (uintptr_t)address);
    if (*slot != 0) {
        return 0;
    }
    *slot = (uintptr_t)address;
    set->count++;
    return 1;
}

bool addresses_have(const Addresses *set, const void *address)
{
    return set->slots != NULL && *address_slot(set, (uintptr_t)address) != 0;
}

void addresses_release(Addresses *set)
{
    free(set->slots);
    *set = (Addresses){NULL, 0, 0};
}

bool blocks_add(Blocks *blocks, const void *block)
{
    if (blocks->length == blocks->capacity) {
        size_t capacity = blocks->capacity != 0 ? blocks->capacity * 2 : 64;
        uintptr_t *items = realloc(blocks->items, capacity * sizeof(*items));
        if (items == NULL) {
            return false;
        }
        blocks->items = items;
        blocks->capacity = capacity;
    }
    blocks->items[blocks->length++] = (uintptr_t)block;
    return true;
}

void blocks_release(Blocks *blocks)
{
    free(blocks->items);
    *blocks = (Blocks){NULL, 0, 0};
}
