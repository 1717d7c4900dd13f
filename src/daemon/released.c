/* SPDX-License-Identifier: MIT */
/* Whether a mount is another one than before cannot be seen by its number, which the kernel gives
 * away again at once. So that it is gone has to be seen. */

#include "daemon/released.h"

#include <string.h>

#include "kernel/mounts.h"
#include "util/path.h"
#include "util/strv.h"

/* They are compared with every name of a walk; nobody unmounts so many at once. */
#define RELEASED_MAX 64

static void folder_clear(ReleasedFolder *folder)
{
    free(folder->path);
    free(folder->mount);
}

void released_clear(Released *released)
{
    for (size_t i = 0; i < released->n; i++)
        folder_clear(&released->folders[i]);
    free(released->folders);
    *released = (Released){ 0 };
}

static ReleasedFolder *find(const Released *released, const char *path)
{
    for (size_t i = 0; i < released->n; i++)
        if (strcmp(released->folders[i].path, path) == 0)
            return &released->folders[i];
    return NULL;
}

static bool is_normal(const char *path)
{
    size_t length = strlen(path);

    if (path[0] != '/' || (length > 1 && path[length - 1] == '/'))
        return false;
    for (const char *name = path; (name = strchr(name, '/')) && name[1];) {
        size_t n = strcspn(++name, "/");
        if (n == 0 || (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.'))
            return false;
    }
    return true;
}

int released_add(Released *released, char *const *mounts, const char *path)
{
    const char *mount = mounts_above(mounts, path) ?: "/";

    if (!is_normal(path))
        return -EINVAL;
    if (find(released, path))
        return 0;
    if (released->n == RELEASED_MAX)
        return -E2BIG;
    ReleasedFolder *grown = reallocarray(released->folders, released->n + 1,
                                         sizeof(ReleasedFolder));
    if (!grown)
        return -ENOMEM;
    released->folders = grown;
    ReleasedFolder folder = { .path = strdup(path), .mount = strdup(mount) };
    if (!folder.path || !folder.mount) {
        folder_clear(&folder);
        return -ENOMEM;
    }
    grown[released->n++] = folder;
    return 0;
}

static void drop(Released *released, ReleasedFolder *folder)
{
    folder_clear(folder);
    *folder = released->folders[--released->n];
}

int released_undo(Released *released, const char *path)
{
    ReleasedFolder *folder = find(released, path);

    if (!folder)
        return -ENOENT;
    drop(released, folder);
    return 0;
}

bool released_has(const Released *released, const char *path)
{
    for (size_t i = 0; released && i < released->n; i++)
        if (path_is_below(path, released->folders[i].path))
            return true;
    return false;
}

bool released_note_mounts(Released *released, char *const *mounts)
{
    bool changed = false;

    for (size_t i = released->n; i-- > 0;) {
        ReleasedFolder *folder = &released->folders[i];
        if (!strv_has(mounts, folder->mount)) {
            folder->gone = true;
        } else if (folder->gone) {
            drop(released, folder);
            changed = true;
        }
    }
    return changed;
}

int released_paths(const Released *released, char ***ret)
{
    cleanup(strv_freep) char **paths = NULL;

    for (size_t i = 0; i < released->n; i++)
        if (strv_append(&paths, released->folders[i].path) < 0)
            return -ENOMEM;
    *ret = TAKE_PTR(paths);
    return 0;
}
