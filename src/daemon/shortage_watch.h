/* SPDX-License-Identifier: MIT */
#pragma once

/* Watches the host's memory, and has pins go and come back as control/shortage.h decides. */

#include "daemon/hands.h"
#include "daemon/target.h"

typedef struct ShortageWatch ShortageWatch;

/* @look is called when it is time for shortage_watch_look(). */
int shortage_watch_new(Host *host, void (*look)(void *userdata), void *userdata,
                       ShortageWatch **ret);

/* Takes NULL, returns NULL. */
ShortageWatch *shortage_watch_free(ShortageWatch *watch);

DEFINE_CLEANUP(ShortageWatch *, shortage_watch_free)

/* Looks at the host, and acts on the pins of these. What is pinned by hand for a unit goes with its
 * policy's rank, and stays where that keeps its pins; of other units, and of none, it is normal. */
void shortage_watch_look(ShortageWatch *watch, Target *const *targets, size_t n_targets,
                         const Hands *hands);

/* Until pins come back that were let go, if it stays as it is, in microseconds; 0: nobody knows, or
 * none are away. */
uint64_t shortage_watch_again(const ShortageWatch *watch);
