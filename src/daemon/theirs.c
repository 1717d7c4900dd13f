/* SPDX-License-Identifier: MIT */
#include "daemon/theirs.h"

#include <errno.h>

#include "util/strv.h"

void theirs_clear(Theirs *theirs)
{
    theirs->units = strv_free(theirs->units);
}

int theirs_add(Theirs *theirs, const char *unit)
{
    if (theirs_has(theirs, unit))
        return 0;
    return strv_length(theirs->units) < THEIRS_MAX ? strv_append(&theirs->units, unit) : -E2BIG;
}

bool theirs_has(const Theirs *theirs, const char *unit)
{
    return strv_has(theirs->units, unit);
}
