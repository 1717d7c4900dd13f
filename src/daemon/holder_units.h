/* SPDX-License-Identifier: MIT */
#pragma once

/* Which holders run, as systemd listed them: what those that we are connected to have is known,
 * what others have is not. */

#include <stdbool.h>

#include "systemd/units.h"

typedef struct HolderUnits {
    char **running;      /* their units; NULL: none */
    uint64_t asked_usec; /* when systemd was asked; 0: not yet, or the answer is lost */
} HolderUnits;

void holder_units_clear(HolderUnits *known);

/* What systemd lists; it was asked at @asked_usec. */
void holder_units_note(HolderUnits *known, const UnitEntry *units, size_t n_units,
                       uint64_t asked_usec);

/* Whether systemd was asked at @since_usec or later, and @is_ours says so of each that runs. */
bool holder_units_are_ours(const HolderUnits *known, uint64_t since_usec,
                           bool (*is_ours)(const char *name, void *userdata), void *userdata);
