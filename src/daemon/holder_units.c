/* SPDX-License-Identifier: MIT */
#include "daemon/holder_units.h"

#include <pagewarden/names.h>
#include <string.h>

#include "util/strv.h"

void holder_units_clear(HolderUnits *known)
{
    strv_free(known->running);
    *known = (HolderUnits){ 0 };
}

/* One that is being stopped has its pins until it is gone. */
static bool is_running_holder(const UnitEntry *unit)
{
    return strncmp(unit->name, PAGEWARDEN_HOLD_UNIT_PREFIX, strlen(PAGEWARDEN_HOLD_UNIT_PREFIX)) ==
               0 &&
           strcmp(unit->active_state, "inactive") != 0 && strcmp(unit->active_state, "failed") != 0;
}

void holder_units_note(HolderUnits *known, const UnitEntry *units, size_t n_units,
                       uint64_t asked_usec)
{
    holder_units_clear(known);
    for (size_t i = 0; i < n_units; i++)
        if (is_running_holder(&units[i]) && strv_append(&known->running, units[i].name) < 0)
            return;
    known->asked_usec = asked_usec;
}

bool holder_units_are_ours(const HolderUnits *known, uint64_t since_usec,
                           bool (*is_ours)(const char *name, void *userdata), void *userdata)
{
    if (known->asked_usec < since_usec)
        return false;
    STRV_FOREACH (name, known->running)
        if (!is_ours(*name, userdata))
            return false;
    return true;
}
