/* SPDX-License-Identifier: MIT */
#include "kernel/cgroup_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/entry.h"
#include "util/array.h"
#include "util/cleanup.h"

#define DEPTH_MAX 128 /* each costs a descriptor */

void cgroup_names_clear(CgroupNames *list)
{
    for (size_t i = 0; i < list->n_names; i++)
        free(list->names[i].path);
    free(list->names);
    *list = (CgroupNames){ 0 };
}

/* Takes @path over. */
static int add(CgroupNames *list, uint64_t ino, char *path)
{
    if (!path || ARRAY_RESERVE(list->names, list->n_names, list->room) < 0) {
        free(path);
        return -ENOMEM;
    }
    list->names[list->n_names++] = (CgroupName){ ino, path };
    return 0;
}

static int judge(int error)
{
    return entry_error_is_ours(error) ? -error : 0;
}

/* Adds the cgroup @fd, whose path is @path ("" of the root), and those below. Takes @fd over. */
static int read_group(CgroupNames *list, int fd, const char *path, unsigned depth)
{
    cleanup(closedirp) DIR *dir = fdopendir(fd);
    struct stat st;
    int r = 0;

    if (!dir) {
        safe_close(fd);
        return judge(errno);
    }
    if (fstat(fd, &st) < 0)
        return judge(errno);
    r = add(list, st.st_ino, strdup(*path ? path : "/"));
    for (struct dirent *entry; r >= 0 && depth < DEPTH_MAX && (entry = readdir(dir));) {
        CLEANUP_FREE char *below = NULL;

        if (entry->d_name[0] == '.' || entry->d_type != DT_DIR)
            continue;
        if (asprintf(&below, "%s/%s", path, entry->d_name) < 0) {
            below = NULL;
            return -ENOMEM;
        }
        int below_fd = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = below_fd < 0 ? judge(errno) : read_group(list, below_fd, below, depth + 1);
    }
    return r;
}

static int compare(const void *a, const void *b)
{
    const CgroupName *x = a, *y = b;

    return (x->ino > y->ino) - (x->ino < y->ino);
}

int cgroup_names_read(int root_fd, CgroupNames *ret)
{
    cleanup(cgroup_names_clear) CgroupNames list = { 0 };

    int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = read_group(&list, fd, "", 0);
    if (r < 0)
        return r;
    if (list.n_names > 0)
        qsort(list.names, list.n_names, sizeof *list.names, compare);
    *ret = TAKE(list, (CgroupNames){ 0 });
    return 0;
}

const char *cgroup_names_find(const CgroupNames *list, uint64_t ino)
{
    const CgroupName key = { .ino = ino };
    const CgroupName *found = list->n_names > 0
                                  ? bsearch(&key, list->names, list->n_names, sizeof key, compare)
                                  : NULL;

    return found ? found->path : NULL;
}
