/* SPDX-License-Identifier: MIT */
/* What a drop-in says is the same for all: want, and come after, the instance of
 * pagewarden-warm@.service that bears the unit's name. So one that is for too many (all instances
 * of a template, all that begin alike) costs those that are not meant the start of a program that
 * has nothing to do: it asks the policies again.
 *
 * A unit with DefaultDependencies=no may be needed by what the warm start itself comes after, the
 * local file systems; systemd breaks such a circle by not starting something. So these get none. */

#include "snapshot/dropins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pagewarden/names.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "util/io.h"
#include "util/log.h"
#include "util/pattern.h"
#include "util/strv.h"

#define SERVICE   ".service"
#define UNIT_FILE (1024 * 1024) /* bytes of the largest unit file that is looked at */

/* In systemd's order: the first that has a name wins. */
static const char *const unit_folders[] = {
    "/etc/systemd/system",           "/run/systemd/system",     "/run/systemd/generator",
    "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
};

static const char text[] = "# By pagewarden-generator: a policy says restore: true.\n"
                           "[Unit]\n"
                           "Wants=" PAGEWARDEN_WARM_UNIT_PREFIX "%n.service\n"
                           "After=" PAGEWARDEN_WARM_UNIT_PREFIX "%n.service\n";

typedef struct Writer {
    const Config *config;
    const char *root;
    int out_fd;
    char **units; /* names of the services that are installed, some twice */
    int written;
} Writer;

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), n = strlen(end);

    return length >= n && strcmp(name + length - n, end) == 0;
}

/* Installed units */

static int list_units(Writer *writer)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(unit_folders); i++) {
        snprintf(path, sizeof(path), "%s%s", writer->root, unit_folders[i]);
        cleanup(closedirp) DIR *dir = opendir(path);
        for (struct dirent *entry; dir && (entry = readdir(dir));)
            if (ends_with(entry->d_name, SERVICE) && !pagewarden_owns_unit(entry->d_name) &&
                strv_append(&writer->units, entry->d_name) < 0)
                return -ENOMEM;
    }
    return 0;
}

/* Whether the text of a unit file says DefaultDependencies=no, in one of systemd's words for it. */
static bool says_no_dependencies(const char *unit_file)
{
    static const char *const words[] = { "no", "n", "false", "f", "off", "0" };
    bool says = false;

    for (const char *line = unit_file; line; line = strchr(line, '\n')) {
        char value[8] = ""; /* longer than any of them */

        line += strspn(line, " \t\r\n");
        if (sscanf(line, "DefaultDependencies = %7s", value) < 1)
            continue;
        says = false;
        for (size_t i = 0; i < ELEMENTS(words); i++)
            says |= strcasecmp(words[i], value) == 0;
    }
    return says;
}

static bool starts_early(const Writer *writer, const char *unit)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(unit_folders); i++) {
        CLEANUP_FREE char *unit_file = NULL;
        size_t size;
        snprintf(path, sizeof(path), "%s%s/%s", writer->root, unit_folders[i], unit);
        if (read_file_alloc(AT_FDCWD, path, UNIT_FILE, &unit_file, &size) >= 0)
            return says_no_dependencies(unit_file);
    }
    return false;
}

/* Drop-ins */

static int write_dropin(Writer *writer, const char *unit)
{
    char folder[NAME_MAX + 1];

    /* A longer name cannot be an instance of the warm unit, nor have a folder. */
    if (strlen(PAGEWARDEN_WARM_UNIT_PREFIX SERVICE) + strlen(unit) > NAME_MAX)
        return 0;
    snprintf(folder, sizeof(folder), "%s.d", unit);
    if (mkdirat(writer->out_fd, folder, 0755) < 0 && errno != EEXIST)
        return -errno;
    CLEANUP_CLOSE int fd = openat(writer->out_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (faccessat(fd, PAGEWARDEN_WARM_DROPIN, F_OK, 0) == 0)
        return 0;
    int r = replace_file_at(fd, PAGEWARDEN_WARM_DROPIN, text, sizeof(text) - 1, 0644);
    if (r >= 0)
        writer->written++;
    return r;
}

static int write_for_unit(Writer *writer, const char *unit)
{
    if (starts_early(writer, unit)) {
        log_notice("%s: has DefaultDependencies=no, so it gets no warm start", unit);
        return 0;
    }
    return write_dropin(writer, unit);
}

/* Of a template: some instance of it may be governed by @glob. */
static bool may_mean(const char *glob, const char *unit)
{
    char instances[NAME_MAX + 3], any[PATH_MAX];
    const char *at = strchr(unit, '@');

    if (!at || strcmp(at, "@" SERVICE) != 0)
        return pattern_match_name(glob, unit);
    snprintf(instances, sizeof(instances), "/%.*s@*" SERVICE, (int)(at - unit), unit);
    snprintf(any, sizeof(any), "/%s", glob);
    return pattern_overlap(instances, any);
}

/* The folder for all units that begin with what comes before the first wildcard, if that ends where
 * systemd has such folders: "shop-", "shop@". False: there is none. */
static bool prefix_folder(const char *glob, char unit[static NAME_MAX + 1])
{
    size_t length = strcspn(glob, "*?[\\");
    size_t at = strcspn(glob, "@");

    if (at < length)
        length = at + 1;
    if (length == 0 || !glob[length] || (glob[length - 1] != '-' && glob[length - 1] != '@') ||
        (glob[length - 1] == '-' && strcmp(glob + length, "*" SERVICE) != 0) ||
        length + sizeof(SERVICE) > NAME_MAX)
        return false;
    snprintf(unit, NAME_MAX + 1, "%.*s" SERVICE, (int)length, glob);
    return true;
}

static int write_for_glob(Writer *writer, const char *glob)
{
    char prefix[NAME_MAX + 1];
    bool early = false;
    int r = 0;

    if (!pattern_has_wildcard(glob))
        return ends_with(glob, SERVICE) ? write_for_unit(writer, glob) : 0;
    STRV_FOREACH (unit, writer->units) {
        if (r < 0 || !may_mean(glob, *unit))
            continue;
        early |= starts_early(writer, *unit);
        r = write_for_unit(writer, *unit);
    }
    if (r >= 0 && !early && prefix_folder(glob, prefix))
        r = write_dropin(writer, prefix);
    return r;
}

static bool restores(const Policy *policy)
{
    return policy->mode == MODE_ENFORCE && policy->pin_restore && policy->n_pins > 0;
}

int dropins_write(const Config *config, const char *root, const char *out)
{
    const PolicySet *set = &config->policies.set;
    Writer writer = { .config = config, .root = root, .out_fd = -1 };
    bool any = false;
    int r = 0;

    for (size_t i = 0; i < set->n_policies; i++)
        any |= restores(set->policies[i]);
    if (!any)
        return 0;

    CLEANUP_CLOSE int fd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    writer.out_fd = fd;
    r = list_units(&writer);
    for (size_t i = 0; i < set->n_policies && r >= 0; i++)
        if (restores(set->policies[i]))
            STRV_FOREACH (glob, set->policies[i]->units)
                if (r >= 0)
                    r = write_for_glob(&writer, *glob);
    strv_free(writer.units);
    return r < 0 ? r : writer.written;
}
