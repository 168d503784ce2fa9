#include "_sampler_taking.h"

#include <math.h>
#include <time.h>

#include "_sampler_capture.h"
#include "_sampler_label.h"
#include "_sampler_origins.h"
#include "_sampler_watches.h"

#define OFF INT64_MAX
#define LONGEST_GAP ((double)(1ll << 60))

Countdown shared = {.left = OFF};
bool is_on;
size_t largest_of_pymalloc = 512;
static bool purge_is_pending; /* under tables_lock */
static uint32_t nowhere;      /* under tables_lock: of the default label, without a frame */

/* ---- origins that nothing refers to any more ---- */

int purge(void *Py_UNUSED(argument))
{
    uint32_t count;
    pthread_mutex_lock(&tables_lock);
    Origin *purged = origins_purge(&count);
    purge_is_pending = false;
    pthread_mutex_unlock(&tables_lock);
    origins_drop(purged, count);
    return 0;
}

/* Under the lock: whether the caller has to ask for a purge when the lock is off. */
static bool should_purge(void)
{
    if (purge_is_pending || !origins_are_stale()) {
        return false;
    }
    return purge_is_pending = true;
}

static void ask_for_purge(void)
{
    if (Py_AddPendingCall(purge, NULL) != 0) { /* its queue is full: the next sample asks again */
        pthread_mutex_lock(&tables_lock);
        purge_is_pending = false;
        pthread_mutex_unlock(&tables_lock);
    }
}

/* ---- taking and forgetting samples ---- */

void countdown_set(Countdown *countdown, int64_t left)
{
    __atomic_store_n(&countdown->left, left, __ATOMIC_RELAXED);
}

static void countdown_draw(Countdown *countdown)
{
    double rate = samples_rate();
    double gap = -log(random_unit()) * rate;
    countdown->rate = rate;
    countdown_set(countdown, (int64_t)fmin(gap, LONGEST_GAP));
}

void countdowns_begin(void)
{
    countdown_draw(&hot.objects);
    countdown_draw(&shared);
}

void countdowns_end(void)
{
    countdown_set(&hot.objects, OFF);
    countdown_set(&shared, OFF);
}

void nowhere_renew(void)
{
    Stack stack = {.job = default_label != NULL ? default_label->job : NULL};
    nowhere = origin_of(&stack);
    if (!origins.items[nowhere].is_kept) {
        origins.items[nowhere].is_kept = true;
        origin_hold(nowhere); /* for as long as the tables last: default labels are few */
    }
}

/* Under the lock: whether the countdown that ran out makes this block a sample, and the next gap. */
static bool is_taken(Countdown *countdown, size_t size)
{
    if (!is_on) {
        countdown_set(countdown, OFF);
        return false;
    }
    /* Another thread came first, and drew a gap from which this block was not taken off. */
    if (countdown == &shared && __atomic_load_n(&shared.left, __ATOMIC_RELAXED) >= 0
        && __atomic_sub_fetch(&shared.left, (int64_t)size, __ATOMIC_RELAXED) >= 0) {
        return false;
    }
    double drawn_for = countdown->rate, rate = samples_rate();
    countdown_draw(countdown);
    return drawn_for >= rate || random_unit() * chance(size, drawn_for) <= chance(size, rate);
}

/* Exponential gaps have no memory, so that those under way may be drawn anew. */
void rate_set(uint32_t exponent)
{
    samples.exponent = exponent;
    countdowns_begin();
}

/* ---- what samples cost ---- */

#define TIMED_EVERY 16         /* samples: looking at the clock takes 50 ns */
#define LONGEST_SECONDS 10e-6  /* of a sample; what is longer was interrupted */
#define FORGET_SECONDS 0.2e-6  /* to let go of it, when its block is freed */
#define LET_GO_SECONDS 0.1e-6  /* of what is no sample, as its label is sampled more coarsely */
#define BURST_SECONDS 20e-3    /* that samples may take before anybody looks at what they take */

static struct {
    double share;
    uint32_t coarsest;
    double cpu;      /* of the process, when we last looked */
    uint64_t taken;  /* likewise */
    double seconds;  /* of the samples that were timed */
    uint64_t timed, all;
    uint64_t let_go, all_let_go; /* as their label is sampled more coarsely; since we last looked, and in all */
} cost; /* under tables_lock */

static double clock_seconds(clockid_t clock)
{
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? (double)time.tv_sec + (double)time.tv_nsec * 1e-9 : 0;
}

static void cost_look(void)
{
    cost.cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    cost.taken = cost.all;
    cost.let_go = 0;
}

void govern(double share, uint32_t coarsest)
{
    cost.share = share;
    cost.coarsest = coarsest;
    cost_look();
}

uint64_t samples_let_go(void)
{
    return cost.all_let_go;
}

double sample_seconds(void)
{
    return cost.timed != 0 ? cost.seconds / (double)cost.timed + FORGET_SECONDS : 0;
}

/* Gaps drawn before are for a finer rate than the one in force: see `is_taken`. */
static void cost_bound(void)
{
    double spent = (double)(cost.all - cost.taken) * sample_seconds() + (double)cost.let_go * LET_GO_SECONDS;
    if (cost.share <= 0 || spent < BURST_SECONDS) {
        return;
    }
    double cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cost.cpu;
    for (double over = spent / (cost.share * fmax(cpu, spent)); over > 1 && samples.exponent < cost.coarsest; over /= 2) {
        samples.exponent++;
    }
    cost_look();
}

static void cost_add(double began)
{
    if (began != 0) {
        double seconds = clock_seconds(CLOCK_MONOTONIC) - began;
        cost.seconds += fmin(fmax(seconds, 0), LONGEST_SECONDS);
        cost.timed++;
    }
    cost.all++;
    cost_bound();
}

static Sample removed_at(size_t at)
{
    Sample removed = samples_remove(at);
    watches_moved(&removed, -1);
    return removed;
}

static bool put(Sample sample)
{
    size_t at;
    if (samples_find(sample.block, &at)) { /* freed while another tool had taken our hooks out: the old one is void */
        removed_at(at);
    }
    if (!samples_put(sample)) {
        return false;
    }
    watches_moved(&sample, 1);
    return true;
}

static void keep(void *block, size_t size, const Stack *stack, bool is_of_malloc, uint32_t exponent)
{
    uint32_t origin = stack == NULL ? nowhere : origin_of(stack);
    uint32_t default_birth = default_label != NULL ? default_label->birth : 0;
    Sample sample = {
        .block = (uintptr_t)block,
        .size = size < MAX_SIZE ? size : MAX_SIZE,
        .epoch = (uint16_t)samples.epoch,
        .exponent = exponent & MAX_EXPONENT,
        .is_of_malloc = is_of_malloc,
        .origin = origin,
        .birth = stack != NULL ? stack->birth : default_birth,
    };
    double p = sample_chance(&sample);
    origins.items[origin].allocated.bytes += (double)sample.size / p;
    origins.items[origin].allocated.blocks += 1 / p;
    samples.taken++;
    if (!put(sample)) {
        samples.lost++;
    }
    while (samples.alive > samples.limit) {
        samples_thin();
        watches_count();
    }
}

#define ALWAYS_FINE (512u << 10) /* bytes: so large a block costs more to fill than its sample, and tells of what swells */

/* A label may be sampled more coarsely than the rate in force, by so many doublings: what is over is let go here, before
 * the stack is read, which is what a sample costs. Under the lock. */
static bool is_of_label(size_t size, uint32_t doublings)
{
    if (doublings == 0) {
        return true;
    }
    double rate = samples_rate();
    return random_unit() * chance(size, rate) <= chance(size, ldexp(rate, (int)doublings));
}

/* What is known of a sample before its stack is read. */
typedef struct {
    bool is_taken;
    uint32_t exponent;
    double began; /* by the clock; 0: this one is not timed */
} Choice;

static Choice choose(Countdown *countdown, size_t size, uint32_t doublings)
{
    pthread_mutex_lock(&tables_lock);
    doublings = doublings < MAX_EXPONENT - samples.exponent ? doublings : MAX_EXPONENT - samples.exponent;
    Choice choice = {.exponent = samples.exponent + doublings};
    choice.is_taken = is_taken(countdown, size) && is_of_label(size, doublings);
    if (choice.is_taken) {
        choice.began = cost.all % TIMED_EVERY == 0 ? clock_seconds(CLOCK_MONOTONIC) : 0;
    }
    else {
        cost.let_go++;
        cost.all_let_go++;
        cost_bound();
    }
    pthread_mutex_unlock(&tables_lock);
    return choice;
}

void sample(Countdown *countdown, void *block, size_t size)
{
    PyThreadState *state = held_state();
    Label *label = state != NULL ? label_in_force(state) : NULL;
    Choice choice = choose(countdown, size, label != NULL && size < ALWAYS_FINE ? label->doublings : 0);
    bool is_foreign = countdown == &hot.objects && state == NULL; /* of another interpreter */
    if (!choice.is_taken || is_foreign || block == NULL) {
        return;
    }
    const Stack *stack = NULL;
    if (state != NULL) {
        stack = capture(state, label);
        if (label != NULL) {
            label_took(label, (double)size / chance(size, rate_at(choice.exponent)));
        }
    }
    pthread_mutex_lock(&tables_lock);
    if (is_on) {
        keep(block, size, stack, countdown != &hot.objects || size > largest_of_pymalloc, choice.exponent);
    }
    cost_add(choice.began);
    bool purges = should_purge();
    pthread_mutex_unlock(&tables_lock);
    if (purges) {
        ask_for_purge();
    }
}

void pass_over(Countdown *countdown, size_t size)
{
    pthread_mutex_lock(&tables_lock);
    is_taken(countdown, size);
    pthread_mutex_unlock(&tables_lock);
}

Sample forget_in(void *block, uint64_t *era)
{
    Sample sample = {.block = 0};
    pthread_mutex_lock(&tables_lock);
    size_t at;
    if (samples_find((uintptr_t)block, &at)) {
        sample = removed_at(at);
    }
    *era = origins_era;
    pthread_mutex_unlock(&tables_lock);
    return sample;
}

void forget(void *block)
{
    uint64_t era;
    forget_in(block, &era);
}

/* Others may resize without the interpreter: if others have purged or stopped meanwhile, the number of the sample's
 * origin may be another's by now, or nobody's. */
void remember(Sample sample, uint64_t era)
{
    pthread_mutex_lock(&tables_lock);
    if (is_on && sample.block != 0 && (era != origins_era || !put(sample))) {
        samples.lost++;
    }
    pthread_mutex_unlock(&tables_lock);
}
