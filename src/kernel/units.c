/* SPDX-License-Identifier: MIT */
/* The names of cgroups are those of units, but for a "_" in front of one that could be mistaken for
 * a file of the kernel's (cg_escape() in systemd: "_cgroup.service", "__x.service"). */
#include "kernel/units.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* A slice's name has those of all above it, and a "-" each, in at most 255 bytes. */
#define SLICES_MAX 128

void running_units_clear(RunningUnits *list)
{
    for (size_t i = 0; i < list->n_units; i++) {
        free(list->units[i].name);
        free(list->units[i].cgroup);
    }
    free(list->units);
    *list = (RunningUnits){ 0 };
}

static int add(RunningUnits *list, const char *name, const char *cgroup)
{
    if (list->n_units == list->n_allocated) {
        size_t n = list->n_allocated * 2 + 64;
        RunningUnit *grown = reallocarray(list->units, n, sizeof(RunningUnit));
        if (!grown)
            return -ENOMEM;
        list->units = grown;
        list->n_allocated = n;
    }

    RunningUnit unit = { strdup(name), strdup(cgroup) };
    if (!unit.name || !unit.cgroup) {
        free(unit.name);
        free(unit.cgroup);
        return -ENOMEM;
    }
    list->units[list->n_units++] = unit;
    return 0;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);

    return n > m && strcmp(name + n - m, suffix) == 0;
}

/* The types of unit that have a cgroup. */
static bool is_unit(const char *name)
{
    static const char *const suffixes[] = { ".service", ".scope", ".slice",
                                            ".socket",  ".mount", ".swap" };

    for (size_t i = 0; i < ELEMENTS(suffixes); i++)
        if (has_suffix(name, suffixes[i]))
            return true;
    return false;
}

static int read_slice(RunningUnits *list, int slice_fd, const char *path, unsigned depth);

/* Failures that say something of one cgroup alone: it was removed just now, or is kept from us. */
static bool is_its_own(int error)
{
    return error != -ENOMEM && error != -EMFILE && error != -ENFILE;
}

static int read_entry(RunningUnits *list, int slice_fd, const char *slice, const char *entry,
                      unsigned depth)
{
    const char *name = entry[0] == '_' ? entry + 1 : entry;
    CLEANUP_FREE char *path = NULL;

    if (!is_unit(name))
        return 0;
    CLEANUP_CLOSE int fd = openat(slice_fd, entry, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return is_its_own(-errno) ? 0 : -errno;
    if (asprintf(&path, "%s/%s", slice, entry) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    int r = add(list, name, path);
    if (r < 0 || !has_suffix(name, ".slice") || depth == SLICES_MAX)
        return r;
    r = read_slice(list, fd, path, depth + 1);
    return r < 0 && is_its_own(r) ? 0 : r;
}

/* What is in the slice at @path, which is "" for the root. */
static int read_slice(RunningUnits *list, int slice_fd, const char *path, unsigned depth)
{
    CLEANUP_CLOSE int fd = openat(slice_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    cleanup(closedirp) DIR *dir = fdopendir(fd);
    if (!dir)
        return -errno;
    TAKE_FD(fd);

    for (struct dirent *entry; (errno = 0, entry = readdir(dir));) {
        int r = read_entry(list, dirfd(dir), path, entry->d_name, depth);
        if (r < 0)
            return r;
    }
    return -errno;
}

static int compare(const void *a, const void *b)
{
    const RunningUnit *x = a, *y = b;

    return strcmp(x->name, y->name);
}

int running_units_read(int root_fd, RunningUnits *ret)
{
    cleanup(running_units_clear) RunningUnits list = { 0 };

    int r = add(&list, "-.slice", "/");
    if (r >= 0)
        r = read_slice(&list, root_fd, "", 0);
    if (r < 0)
        return r;
    qsort(list.units, list.n_units, sizeof(RunningUnit), compare);
    *ret = TAKE(list, (RunningUnits){ 0 });
    return 0;
}

char *unit_of_cgroup(const char *path)
{
    const char *found = "-.slice";
    size_t length = strlen(found);

    while (*(path += strspn(path, "/"))) {
        char name[NAME_MAX + 1];
        size_t n = strcspn(path, "/");
        const char *begin = *path == '_' ? path + 1 : path;
        size_t size = n - (size_t)(begin - path);

        if (size >= sizeof name)
            break;
        memcpy(name, begin, size);
        name[size] = '\0';
        if (!is_unit(name))
            break;
        found = begin;
        length = size;
        if (!has_suffix(name, ".slice"))
            break;
        path += n;
    }
    return strndup(found, length);
}

const RunningUnit *running_units_find(const RunningUnits *list, const char *name)
{
    const RunningUnit key = { .name = (char *)name };

    return list->n_units == 0
               ? NULL
               : bsearch(&key, list->units, list->n_units, sizeof(RunningUnit), compare);
}

int running_unit_cgroup(int root_fd, const char *unit, char **ret)
{
    cleanup(running_units_clear) RunningUnits list = { 0 };
    const char *cgroup = unit;

    if (unit[0] != '/') {
        int r = running_units_read(root_fd, &list);
        if (r < 0)
            return r;
        const RunningUnit *running = running_units_find(&list, unit);
        if (!running)
            return -ENOENT;
        cgroup = running->cgroup;
    }
    size_t length = strlen(cgroup);
    while (length > 1 && cgroup[length - 1] == '/')
        length--;
    char *copy = strndup(cgroup, length);
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

CgroupKeeper cgroup_keeper(const char *path)
{
    bool in_slices = true, is_named_so = true;

    while (*(path += strspn(path, "/"))) {
        char name[NAME_MAX + 1];
        size_t n = strcspn(path, "/");
        size_t size = n < sizeof name ? n : sizeof name - 1;

        memcpy(name, path, size);
        name[size] = '\0';
        const char *unit = name[0] == '_' ? name + 1 : name;
        is_named_so = is_unit(unit);
        path += n;
        /* Below a service, and below what is no unit, others are at home. */
        if (*path && !has_suffix(unit, ".slice"))
            in_slices = false;
    }
    return !is_named_so ? KEEPER_NOBODY : in_slices ? KEEPER_SYSTEMD : KEEPER_OTHER;
}
