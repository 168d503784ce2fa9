/* Stacks: each kept once, in chunks of frames, and those of the outer frames shared. All of it is under `tables_lock`. */

#ifndef PROFILING_SAMPLER_STACKS_H
#define PROFILING_SAMPLER_STACKS_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_FRAMES 64        /* innermost frames kept; outer ones are cut */
#define CHUNK_FRAMES 8
#define GOLDEN 0x9E3779B97F4A7C15ull

typedef struct {
    PyObject *job;                    /* interned, or NULL */
    uint32_t birth;                   /* of the sample; no part of its origin */
    uint32_t frames;                  /* innermost first */
    PyCodeObject *codes[MAX_FRAMES];
    int lasti[MAX_FRAMES];
} Stack;

typedef struct Chunk {
    struct Chunk *outer;              /* the callers of its frames; NULL: there are none */
    struct Chunk *next;               /* of the same bucket, or the next vacant one */
    uint64_t hash;
    uint32_t references;              /* of origins, and of chunks that are called from here */
    uint32_t frames;                  /* innermost first */
    PyCodeObject *codes[CHUNK_FRAMES]; /* owned */
    int lasti[CHUNK_FRAMES];
} Chunk;

/* Whether there is room for any stack, within so many bytes. */
bool stacks_have_room(size_t bytes);

/* The innermost chunk of the stack, which has to have a frame; not there, it is made if there is room. NULL: no room. */
Chunk *stack_find(const Stack *stack, bool has_room);

/* Give back a reference, and answer the chunks that nobody refers to any more, innermost first, or NULL. */
Chunk *stack_release(Chunk *chunk);

/* With the interpreter held and the lock off: give back the references of such chunks. The lock is taken. */
void chunks_drop(Chunk *chunks);

size_t stacks_bytes(void);

#endif
