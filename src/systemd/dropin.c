/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/units.h"

#define KEY    "MemoryHigh"
#define DROPIN "50-" KEY ".conf"
#define BLANKS " \t\r"

/* Unit files are small. */
#define FILE_MAX (256 * KIB)

/* Transient units have theirs beside themselves (unit_drop_in_dir() in systemd's src/core/unit.c).
 */
static const char *const folders[] = { "/run/systemd/system.control", "/run/systemd/transient" };

static void path_of(const char *folder, const char *unit, char path[static PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s.d/" DROPIN, folder, unit);
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

/* The rest is systemd's: which section it is in depends on the unit's type. */
static void rewrite_at(const char *folder, const char *unit, const char *text, const char *line,
                       uint64_t bytes)
{
    const char *at = strstr(text, line);
    char path[PATH_MAX], value[32] = "infinity";
    CLEANUP_FREE char *changed = NULL;

    snprintf(path, sizeof(path), "%s/%s.d", folder, unit);
    CLEANUP_CLOSE int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (bytes != LIMIT_NONE)
        snprintf(value, sizeof(value), "%" PRIu64, bytes);
    int n = asprintf(&changed, "%.*s\n" KEY "=%s\n%s", (int)(at - text), text, value,
                     at + strlen(line));
    if (n < 0)
        changed = NULL;
    else if (dir_fd < 0 || replace_file_at(dir_fd, DROPIN, changed, (size_t)n, 0644) < 0 ||
             fchmodat(dir_fd, DROPIN, 0644, 0) < 0) /* whatever the umask is */
        log_debug("%s: " DROPIN " could not be rewritten, ignoring", unit);
}

void unit_high_dropin_undo(const char *unit, uint64_t bytes, const uint64_t *before)
{
    char path[PATH_MAX], text[4096], line[64];

    snprintf(line, sizeof(line), "\n" KEY "=%" PRIu64 "\n", bytes);
    for (size_t i = 0; i < ELEMENTS(folders); i++) {
        path_of(folders[i], unit, path);
        if (read_file_at(AT_FDCWD, path, text, sizeof(text)) <= 0 || !strstr(text, line))
            continue;
        if (before)
            rewrite_at(folders[i], unit, text, line, *before);
        else
            remove_at(path);
    }
}

/* What files say */

static bool is_runtime_dropin(const char *path)
{
    const char *name = strrchr(path, '/');

    for (size_t i = 0; i < ELEMENTS(folders); i++)
        if (strncmp(path, folders[i], strlen(folders[i])) == 0 && name &&
            strcmp(name + 1, DROPIN) == 0)
            return true;
    return false;
}

/* "MemoryHigh = 2G": the value, ended, in @line itself; NULL where it is another line. */
static char *value_of(char *line)
{
    char *p = line + strspn(line, BLANKS);

    if (strncmp(p, KEY, strlen(KEY)) != 0)
        return NULL;
    p += strlen(KEY);
    p += strspn(p, BLANKS);
    if (*p++ != '=')
        return NULL;
    p += strspn(p, BLANKS);
    for (size_t n = strlen(p); n > 0 && strchr(BLANKS, p[n - 1]); n--)
        p[n - 1] = '\0';
    return p;
}

static void read_assignments(const char *path, uint64_t ram, uint64_t *high)
{
    CLEANUP_FREE char *text = NULL;
    char *rest, *line;
    size_t size;

    if (read_file_alloc(AT_FDCWD, path, FILE_MAX, &text, &size) < 0)
        return;
    for (rest = text; (line = strsep(&rest, "\n"));) {
        const char *value = value_of(line);
        if (!value)
            continue;
        if (!*value || strcmp(value, "infinity") == 0)
            *high = LIMIT_NONE;
        else
            (void)parse_size(value, ram, high, NULL); /* as it was */
    }
}

uint64_t unit_files_memory_high(const UnitDetails *details, uint64_t ram, bool theirs)
{
    uint64_t high = LIMIT_NONE;

    if (details->fragment && *details->fragment)
        read_assignments(details->fragment, ram, &high);
    STRV_FOREACH (path, details->drop_ins) {
        if (!is_runtime_dropin(*path))
            read_assignments(*path, ram, &high);
        else if (theirs)
            high = LIMIT_NONE;
    }
    return high;
}
