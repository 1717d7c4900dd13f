/* SPDX-License-Identifier: MIT */
#include "cli/unmatched.h"

#include <string.h>

#include "kernel/walk.h"
#include "policy/text.h"

/* What the walk of one glob found. */
typedef struct Search {
    const char *glob;
    bool unknown;   /* a file may be where the walk does not look */
    char *obstacle; /* the first that was passed over, and why; NULL: none */
} Search;

#define FOUND 1

static size_t depth(const char *path, size_t length)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++)
        n += path[i] == '/';
    return n;
}

/* Whether @path keeps the glob from matching: what is anywhere below a "**" need not have been
 * meant. */
static bool is_meant(const char *glob, const char *path)
{
    return !strstr(glob, "**") || depth(path, strlen(path)) <= depth(glob, strcspn(glob, "*?[{"));
}

/* What keeps @path from being matched, behind a message about its glob; unlike QUOTE(), whole. */
static int keep_obstacle(Search *search, const char *path, const char *why)
{
    CLEANUP_FREE char *shown = text_printable(path);

    if (strcmp(path, search->glob) == 0) {
        if (asprintf(&search->obstacle, " (%s)", why) >= 0)
            return 0;
        search->obstacle = NULL;
        return -ENOMEM;
    }
    if (!shown || asprintf(&search->obstacle, " (\"%s\" %s)", shown, why) < 0) {
        search->obstacle = NULL;
        return -ENOMEM;
    }
    return 0;
}

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    return FOUND;
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    Search *search = userdata;

    switch (reason) {
    case WALK_UNREADABLE:
    case WALK_FILE_SYSTEM:
    case WALK_TOO_DEEP:
    case WALK_TOO_MANY:
        search->unknown = true;
        break;
    case WALK_SYMLINK:
    case WALK_DIRECTORY:
    case WALK_NOT_DIRECTORY:
    case WALK_FIFO:
    case WALK_SOCKET:
    case WALK_DEVICE:
        return search->obstacle || !is_meant(search->glob, path) ? 0
                                                                 : keep_obstacle(search, path, why);
    case WALK_MISSING:
    case _WALK_REASON_MAX:
        break;
    }
    return 0;
}

static int note_glob(ConfigEntry *entry, const char *glob, PolicyPlace place, int root_fd)
{
    Search search = { .glob = glob };
    const WalkHandler handler = { on_file, on_passed_over, &search };

    int r = walk_glob(root_fd, glob, 0, &handler);
    CLEANUP_FREE char *obstacle = search.obstacle;
    CLEANUP_FREE char *shown = text_printable(glob);
    if (!shown)
        return -ENOMEM;
    if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
        return r;
    if (r != 0 || search.unknown)
        return 0;
    return diagnostics_add(&entry->diagnostics, SEVERITY_NOTE, place, "\"%s\" matches no file%s",
                           shown, obstacle ?: "");
}

int note_unmatched(ConfigEntry *entry, const Policy *policy, int root_fd)
{
    int r = 0;

    for (size_t i = 0; i < policy->n_pins && r >= 0; i++)
        if (policy->pins[i].path)
            r = note_glob(entry, policy->pins[i].path, policy->pins[i].place, root_fd);
    for (size_t i = 0; i < policy->n_evicts && r >= 0; i++)
        if (policy->evicts[i].path)
            r = note_glob(entry, policy->evicts[i].path, policy->evicts[i].place, root_fd);
    return r;
}
