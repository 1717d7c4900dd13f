/* SPDX-License-Identifier: MIT */
#include "select/excludes.h"

#include <string.h>

#include "util/pattern.h"
#include "util/strv.h"

struct Excludes {
    char *const *globs;
    GlobSet **paths; /* those with "/", with links followed */
    size_t n_paths;
};

int excludes_new(const SelectScope *scope, char *const *globs, Excludes **ret)
{
    cleanup(excludes_freep) Excludes *excludes = calloc(1, sizeof(Excludes));
    if (!excludes)
        return -ENOMEM;

    excludes->globs = globs;
    excludes->paths = calloc(strv_length(globs) + 1, sizeof(GlobSet *));
    if (!excludes->paths)
        return -ENOMEM;
    STRV_FOREACH (glob, globs) {
        if (!strchr(*glob, '/'))
            continue;
        int r = walk_read_glob(scope->root_fd, *glob, scope->flags,
                               &excludes->paths[excludes->n_paths]);
        if (r < 0)
            return r;
        excludes->n_paths++;
    }
    *ret = TAKE_PTR(excludes);
    return 0;
}

Excludes *excludes_free(Excludes *excludes)
{
    if (!excludes)
        return NULL;
    for (size_t i = 0; i < excludes->n_paths; i++)
        globset_free(excludes->paths[i]);
    free(excludes->paths);
    free(excludes);
    return NULL;
}

bool excludes_match(const Excludes *excludes, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    STRV_FOREACH (glob, excludes->globs)
        if (strchr(*glob, '/') ? pattern_match_path(*glob, path) : pattern_match_name(*glob, name))
            return true;
    for (size_t i = 0; i < excludes->n_paths; i++)
        if (globset_matches(excludes->paths[i], path))
            return true;
    return false;
}
