/* SPDX-License-Identifier: MIT */
#pragma once

/* Background units that give way: one decision about all of them, and when to look again. */

#include "daemon/target.h"

typedef struct Yielding Yielding;

/* @look is called when it is time for yielding_look(). */
int yielding_new(Host *host, void (*look)(void *userdata), void *userdata, Yielding **ret);

/* Takes NULL, returns NULL. */
Yielding *yielding_free(Yielding *yielding);

DEFINE_CLEANUP(Yielding *, yielding_free)

/* All of @targets were just looked at: decides about those under `yield`, and has it done. */
void yielding_act(Yielding *yielding, Target *const *targets, size_t n_targets, uint64_t now_usec);

/* Looks at critical units, and, only where one of them suffers, at those that yield; and acts. */
void yielding_look(Yielding *yielding, Target *const *targets, size_t n_targets);

/* What the other laws have to know of the host, as of the last act. */
LimitContext yielding_context(const Yielding *yielding);
