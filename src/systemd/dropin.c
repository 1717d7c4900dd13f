/* SPDX-License-Identifier: MIT */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "systemd/units.h"

/* Transient units have theirs beside themselves (unit_drop_in_dir() in systemd's src/core/unit.c).
 */
static const char *const folders[] = { "/run/systemd/system.control", "/run/systemd/transient" };

static void path_of(const char *folder, const char *unit, char path[static PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s.d/50-MemoryHigh.conf", folder, unit);
}

bool unit_high_dropin_exists(const char *unit)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(folders); i++) {
        path_of(folders[i], unit, path);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

void unit_high_dropin_remove(const char *unit)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(folders); i++) {
        path_of(folders[i], unit, path);
        if (unlink(path) == 0)
            (void)rmdir(dirname(path)); /* systemd leaves no empty folder either */
    }
}
