/* Hooks of the OBJ and MEM domains, and all hooks together. All of it with the interpreter held. */

#ifndef PROFILING_SAMPLER_HOOKS_H
#define PROFILING_SAMPLER_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether allocations come to the hooks: they may be below others, and others may have taken them out. */
bool hooks_are_in_place(void);
void hooks_install(void);

/* Bytes of the arenas that pymalloc has taken since the hooks are in place, less those of the arenas it has given back:
 * below 0 if it gave back earlier ones. */
int64_t arenas_bytes(void);

/* In a forked child that wants to see the allocators below; samples are off from here on. */
void hooks_lift(void);

#endif
