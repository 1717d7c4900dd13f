/* SPDX-License-Identifier: MIT */
#pragma once

/* Watches the host's memory, and has pins go and come back as control/shortage.h decides. */

#include "daemon/target.h"

typedef struct ShortageWatch ShortageWatch;

/* @look is called when it is time for shortage_watch_look(). */
int shortage_watch_new(Host *host, void (*look)(void *userdata), void *userdata,
                       ShortageWatch **ret);

/* Takes NULL, returns NULL. */
ShortageWatch *shortage_watch_free(ShortageWatch *watch);

DEFINE_CLEANUP(ShortageWatch *, shortage_watch_free)

/* Looks at the host, and acts on the pins of these. */
void shortage_watch_look(ShortageWatch *watch, Target *const *targets, size_t n_targets);

/* Until pins come back that were let go, if it stays as it is, in microseconds; 0: nobody knows, or
 * none are away. */
uint64_t shortage_watch_again(const ShortageWatch *watch);
