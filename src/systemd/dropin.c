/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "systemd/units.h"
#include "util/io.h"

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

static void remove_at(char path[static PATH_MAX])
{
    if (unlink(path) == 0)
        (void)rmdir(dirname(path)); /* systemd leaves no empty folder either */
}

void unit_high_dropin_remove(const char *unit)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(folders); i++) {
        path_of(folders[i], unit, path);
        remove_at(path);
    }
}

void unit_high_dropin_remove_if(const char *unit, uint64_t bytes)
{
    char path[PATH_MAX], text[4096], line[64];

    snprintf(line, sizeof(line), "\nMemoryHigh=%" PRIu64 "\n", bytes);
    for (size_t i = 0; i < ELEMENTS(folders); i++) {
        path_of(folders[i], unit, path);
        if (read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0 && strstr(text, line))
            remove_at(path);
    }
}
