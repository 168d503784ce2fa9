#include "_sampler_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "_sampler_filter.h"
#include "_sampler_hot.h"
#include "_sampler_origins.h"

#define FIRST_SLOTS 4096     /* powers of two */
#define OLD_EPOCHS (1u << 15)

Samples samples;
Hot hot __attribute__((aligned(64))) = {.objects = {.left = INT64_MAX}, .passed_on_from = SIZE_MAX};

/* ---- random numbers: splitmix64 ---- */

static uint64_t random_state;

double random_unit(void)
{
    uint64_t z = (random_state += GOLDEN);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    return (double)((z >> 11) + 1) * 0x1p-53;
}

double chance(size_t size, double rate)
{
    return -expm1(-(double)size / rate);
}

double rate_at(uint32_t exponent)
{
    return ldexp(samples.base, (int)exponent);
}

double samples_rate(void)
{
    return rate_at(samples.exponent);
}

double sample_chance(const Sample *sample)
{
    return chance(sample->size, rate_at(sample->exponent));
}

/* ---- the filter ---- */

uint8_t filter[FILTER_BYTES] __attribute__((aligned(4096)));

static void filter_add(const void *block, int by)
{
    uint8_t *byte = &filter[filter_index(block) & (FILTER_BYTES - 1)];
    if (*byte != UINT8_MAX) { /* a full byte stays full: it lost count */
        __atomic_store_n(byte, (uint8_t)(*byte + by), __ATOMIC_RELAXED);
    }
}

/* ---- samples ---- */

static size_t home_of(uintptr_t block)
{
    return ((uint64_t)(block >> 4) * GOLDEN) >> 32;
}

/* The slot of a block, or the empty one where it would be. */
static size_t slot_of(uintptr_t block)
{
    size_t at = home_of(block) & samples.mask;
    while (samples.slots[at].block != 0 && samples.slots[at].block != block) {
        at = (at + 1) & samples.mask;
    }
    return at;
}

static bool samples_grow(size_t slots)
{
    Sample *old = samples.slots;
    size_t old_slots = old ? samples.mask + 1 : 0;
    Sample *fresh = calloc(slots, sizeof(*fresh));
    if (fresh == NULL) {
        return false;
    }
    samples.slots = fresh;
    samples.mask = slots - 1;
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].block != 0) {
            fresh[slot_of(old[i].block)] = old[i];
        }
    }
    free(old);
    return true;
}

static void malloc_bytes_add(const Sample *sample, int by)
{
    if (sample->is_of_malloc) {
        samples.malloc_bytes += by * (double)sample->size / sample_chance(sample);
    }
    if (samples.alive == 0) { /* nor is there what rounding has left */
        samples.malloc_bytes = 0;
    }
}

/* Take a sample out, and let those behind it move up: no tombstones, so look-ups stay short for ever. */
Sample samples_remove(size_t at)
{
    Sample removed = samples.slots[at];
    for (size_t next = at;;) {
        next = (next + 1) & samples.mask;
        if (samples.slots[next].block == 0) {
            break;
        }
        size_t home = home_of(samples.slots[next].block);
        if (((next - home) & samples.mask) >= ((next - at) & samples.mask)) {
            samples.slots[at] = samples.slots[next];
            at = next;
        }
    }
    samples.slots[at].block = 0;
    samples.alive--;
    malloc_bytes_add(&removed, -1);
    filter_add((void *)removed.block, -1);
    origin_release(removed.origin);
    return removed;
}

bool samples_put(Sample sample)
{
    if ((samples.alive + 1) * 3 > (samples.mask + 1) * 2 && !samples_grow((samples.mask + 1) * 2)) {
        return false;
    }
    samples.slots[slot_of(sample.block)] = sample;
    samples.alive++;
    malloc_bytes_add(&sample, 1);
    filter_add((void *)sample.block, 1);
    origin_hold(sample.origin);
    return true;
}

static uint32_t doubled(uint32_t exponent)
{
    return exponent < MAX_EXPONENT ? exponent + 1 : exponent;
}

/* The chance of a sample to stay: that it had of being taken at twice its rate, given that it was taken at its own.
 * 1 - q by 1 - q^2, so 1 / (1 + q). */
static double chance_to_stay(const Sample *sample)
{
    return 1 / (1 + exp(-(double)sample->size / rate_at(doubled(sample->exponent))));
}

/* Of the samples of one origin not each is drawn by itself: their chances are added up, from a random start, and one
 * stays whenever the sum passes 1 (systematic sampling, Madow 1949). So the total of a line changes by one sample
 * instead of by the root of their number, and does not look as if it grew. */
#define STARTS 1024u /* origins with the same number modulo this share a sum */

static bool stays(const Sample *sample, double *sums)
{
    double *sum = &sums[sample->origin % STARTS];
    *sum += chance_to_stay(sample);
    if (*sum <= 1) {
        return false;
    }
    *sum -= 1;
    return true;
}

void samples_thin(void)
{
    samples.exponent = doubled(samples.exponent);
    samples.thinned++;
    double sums[STARTS];
    for (size_t at = 0; at < STARTS; at++) {
        sums[at] = random_unit();
    }
    size_t start = 0; /* an empty slot: nothing moves up across it, so that none is tried twice */
    while (samples.slots[start].block != 0) {
        start++;
    }
    for (size_t step = 1; step <= samples.mask; step++) {
        size_t at = (start + step) & samples.mask;
        while (samples.slots[at].block != 0 && !stays(&samples.slots[at], sums)) {
            samples_remove(at);
        }
        if (samples.slots[at].block != 0) {
            malloc_bytes_add(&samples.slots[at], -1);
            samples.slots[at].exponent = doubled(samples.slots[at].exponent) & MAX_EXPONENT;
            malloc_bytes_add(&samples.slots[at], 1);
        }
    }
}

bool samples_begin(double base, uint32_t exponent, size_t limit, uint64_t seed)
{
    if (!samples_grow(FIRST_SLOTS)) {
        return false;
    }
    samples.base = base;
    samples.exponent = exponent;
    samples.limit = limit;
    random_state = seed;
    hot.filter_mask = FILTER_BYTES - 1;
    return true;
}

void samples_end(void)
{
    free(samples.slots);
    memset(&samples, 0, sizeof(samples));
    memset(filter, 0, sizeof(filter));
    hot.filter_mask = 0;
}

bool samples_find(uintptr_t block, size_t *at)
{
    if (samples.slots == NULL || block == 0) {
        return false;
    }
    *at = slot_of(block);
    return samples.slots[*at].block != 0;
}

uint32_t sample_epoch(const Sample *sample)
{
    return samples.epoch - (uint16_t)(samples.epoch - sample->epoch);
}

/* Samples keep 16 bits of their epoch. Before these can come round, what is older than half of them is moved up. */
uint32_t samples_mark(void)
{
    if (++samples.epoch % (OLD_EPOCHS / 2) == 0 && samples.slots != NULL) {
        for (size_t at = 0; at <= samples.mask; at++) {
            Sample *sample = &samples.slots[at];
            if (samples.epoch - sample_epoch(sample) > OLD_EPOCHS) {
                sample->epoch = (uint16_t)(samples.epoch - OLD_EPOCHS);
            }
        }
    }
    return samples.epoch;
}

size_t samples_bytes(void)
{
    return samples.slots != NULL ? (samples.mask + 1) * sizeof(Sample) + FILTER_BYTES : 0;
}
