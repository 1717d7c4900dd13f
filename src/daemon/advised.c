/* SPDX-License-Identifier: MIT */
/* One line a path, fields apart by a tab: unit, cgroup, path, which is the last because it may have
 * anything in it but control characters. The kernel tells nobody what advice an open file has, so
 * that what is taken back is by name, and becomes normal. The file is on tmpfs: no open file
 * outlives a boot. */

#include "daemon/advised.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/advise.h"
#include "kernel/procs.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/log.h"

#define ADVISED_MAX (16 * 1024 * 1024) /* bytes; some thousand units with long paths */

static void entry_clear(AdvisedEntry *entry)
{
    free(entry->unit);
    free(entry->cgroup);
    free(entry->path);
}

static int add(Advised *advised, const char *unit, const char *cgroup, const char *path)
{
    AdvisedEntry *grown = reallocarray(advised->entries, advised->n_entries + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    advised->entries = grown;

    AdvisedEntry entry = { strdup(unit), strdup(cgroup), strdup(path) };
    if (!entry.unit || !entry.cgroup || !entry.path) {
        entry_clear(&entry);
        return -ENOMEM;
    }
    grown[advised->n_entries++] = entry;
    return 0;
}

static int parse_line(Advised *advised, char *line)
{
    char *rest = line;
    const char *unit = strsep(&rest, "\t"), *cgroup = strsep(&rest, "\t");

    return rest && *unit && *cgroup == '/' && *rest == '/' ? add(advised, unit, cgroup, rest) : 0;
}

int advised_open(Advised *advised, int dir_fd)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;

    *advised = (Advised){ .dir_fd = dir_fd };
    int r = read_file_alloc(dir_fd, ADVISED_NAME, ADVISED_MAX, &text, &size);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    for (char *rest = text, *line; r >= 0 && (line = strsep(&rest, "\n"));)
        r = parse_line(advised, line);
    if (r < 0)
        advised_close(advised);
    return r;
}

bool advised_has(const Advised *advised, const char *unit)
{
    for (size_t i = 0; i < advised->n_entries; i++)
        if (strcmp(advised->entries[i].unit, unit) == 0)
            return true;
    return false;
}

void advised_close(Advised *advised)
{
    for (size_t i = 0; i < advised->n_entries; i++)
        entry_clear(&advised->entries[i]);
    free(advised->entries);
    *advised = (Advised){ .dir_fd = -1 };
}

/* One of @unit's among the first @n. */
static bool is_of(const Advised *advised, size_t i, const char *unit, size_t n)
{
    return i < n && strcmp(advised->entries[i].unit, unit) == 0;
}

/* All but @unit's among the first @n. */
static int save(const Advised *advised, const char *unit, size_t n)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < advised->n_entries; i++) {
        const AdvisedEntry *e = &advised->entries[i];
        if (!is_of(advised, i, unit, n))
            fprintf(out, "%s\t%s\t%s\n", e->unit, e->cgroup, e->path);
    }
    if (fclose(out) != 0)
        return -ENOMEM;
    if (size > ADVISED_MAX) /* or nobody could read it again */
        return -EFBIG;
    return replace_file_at(advised->dir_fd, ADVISED_NAME, text, size, 0600);
}

/* Whether these, in this order, are what is noted of the unit. */
static bool is_noted(const Advised *advised, const char *unit, const char *cgroup,
                     const char *const *paths, size_t n_paths)
{
    size_t n = 0;

    for (size_t i = 0; i < advised->n_entries; i++) {
        const AdvisedEntry *e = &advised->entries[i];

        if (strcmp(e->unit, unit) != 0)
            continue;
        if (n == n_paths || strcmp(e->cgroup, cgroup) != 0 || strcmp(e->path, paths[n]) != 0)
            return false;
        n++;
    }
    return n == n_paths;
}

static void forget(Advised *advised, const char *unit, size_t n_before)
{
    size_t n = 0;

    for (size_t i = 0; i < advised->n_entries; i++)
        if (is_of(advised, i, unit, n_before))
            entry_clear(&advised->entries[i]);
        else
            advised->entries[n++] = advised->entries[i];
    advised->n_entries = n;
}

int advised_note(Advised *advised, const char *unit, const char *cgroup, const char *const *paths,
                 size_t n_paths)
{
    size_t before = advised->n_entries;
    int r = 0;

    if (is_noted(advised, unit, cgroup, paths, n_paths))
        return 0;
    for (size_t i = 0; i < n_paths && r >= 0; i++)
        r = add(advised, unit, cgroup, paths[i]);
    if (r >= 0)
        r = save(advised, unit, before);
    if (r < 0) {
        while (advised->n_entries > before)
            entry_clear(&advised->entries[--advised->n_entries]);
        return r;
    }
    forget(advised, unit, before);
    return 0;
}

/* Of one cgroup; one that is gone has no open files. */
static int undo(const AdvisedEntry *entry, int root_fd, int proc_fd, int cgroup_fd, WalkFlags flags)
{
    const AdvisePattern pattern = { entry->path, ACCESS_NORMAL, .by_name = true };
    cleanup(pids_clear) Pids pids = { 0 };
    AdviseOutcome outcome;

    int r = cgroup_pids(cgroup_fd, entry->cgroup, &pids);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    const AdviseScope scope = {
        .root_fd = root_fd,
        .proc_fd = proc_fd,
        .flags = flags,
        .patterns = &pattern,
        .n_patterns = 1,
        .pids = pids.pids,
        .n_pids = pids.n_pids,
    };
    return advise_descriptors(&scope, &outcome);
}

int advised_undo(Advised *advised, int root_fd, int proc_fd, int cgroup_fd, WalkFlags flags)
{
    if (advised->n_entries == 0)
        return 0;
    for (size_t i = 0; i < advised->n_entries; i++) {
        const AdvisedEntry *e = &advised->entries[i];

        int r = undo(e, root_fd, proc_fd, cgroup_fd, flags);
        if (r < 0)
            log_warning("%s: the read-ahead of %s could not be made normal again: %s", e->unit,
                        e->path, strerror(-r));
        entry_clear(&advised->entries[i]);
    }
    advised->n_entries = 0;
    return save(advised, NULL, 0);
}
