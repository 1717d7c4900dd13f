/* SPDX-License-Identifier: MIT */
/* A cgroup.procs tells thread group leaders, unsorted and sometimes twice; below a threaded cgroup
 * it answers EOPNOTSUPP, and the group above that is not threaded tells all of them. */
#include "kernel/procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "kernel/cgroup.h"
#include "kernel/entry.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/parse.h"

/* Services nest a few; each level costs a descriptor. */
#define DEPTH_MAX 64

void pids_clear(Pids *pids)
{
    free(pids->pids);
    *pids = (Pids){ 0 };
}

static int add(Pids *pids, pid_t pid)
{
    if (ARRAY_RESERVE(pids->pids, pids->n_pids, pids->room) < 0)
        return -ENOMEM;
    pids->pids[pids->n_pids++] = pid;
    return 0;
}

/* What fails for one group alone is passed by. */
static int judge_error(int error)
{
    return entry_error_is_ours(error) ? -error : 0;
}

static int read_procs(Pids *pids, int group_fd)
{
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;
    uint64_t pid;
    int r = 0;

    CLEANUP_CLOSE int fd = openat(group_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return judge_error(errno);
    CLEANUP_FCLOSE FILE *file = fdopen(fd, "re");
    if (!file)
        return -errno;
    TAKE_FD(fd);

    while (r >= 0 && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (parse_u64(line, &pid) >= 0 && pid > 0 && pid <= INT_MAX)
            r = add(pids, (pid_t)pid);
    }
    return r;
}

static int read_group(Pids *pids, int group_fd, unsigned depth)
{
    int r = read_procs(pids, group_fd);
    if (r < 0 || depth == DEPTH_MAX)
        return r;

    CLEANUP_CLOSE int fd = openat(group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return judge_error(errno);
    TAKE_FD(fd);

    for (struct dirent *entry; r >= 0 && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
            continue;
        CLEANUP_CLOSE int below = openat(dirfd(dir), entry->d_name,
                                         O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = below < 0 ? judge_error(errno) : read_group(pids, below, depth + 1);
    }
    return r;
}

static int compare(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

    return (x > y) - (x < y);
}

static void sort_unique(Pids *pids)
{
    size_t n = 0;

    if (pids->n_pids == 0)
        return;
    qsort(pids->pids, pids->n_pids, sizeof(pid_t), compare);
    for (size_t i = 0; i < pids->n_pids; i++)
        if (i == 0 || pids->pids[i] != pids->pids[n - 1])
            pids->pids[n++] = pids->pids[i];
    pids->n_pids = n;
}

bool pids_has(const Pids *pids, uint64_t pid)
{
    pid_t key = (pid_t)pid;

    return pid <= INT_MAX && pids->n_pids > 0 &&
           bsearch(&key, pids->pids, pids->n_pids, sizeof(pid_t), compare) != NULL;
}

int pids_append(Pids *pids, const Pids *more)
{
    int r = 0;

    for (size_t i = 0; i < more->n_pids && r >= 0; i++)
        r = add(pids, more->pids[i]);
    sort_unique(pids);
    return r;
}

int cgroup_pids(int root_fd, const char *path, Pids *ret)
{
    cleanup(pids_clear) Pids pids = { 0 };

    if (!cgroup_path_is_valid(path))
        return -EINVAL;
    path += strspn(path, "/");
    CLEANUP_CLOSE int fd = openat(root_fd, *path ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;

    int r = read_group(&pids, fd, 0);
    if (r < 0)
        return r;
    sort_unique(&pids);
    *ret = TAKE(pids, (Pids){ 0 });
    return 0;
}

int process_cgroup(int proc_fd, pid_t pid, char **ret)
{
    char name[sizeof "/cgroup" + 3 * sizeof pid], text[PATH_MAX + 1024];

    snprintf(name, sizeof name, "%jd/cgroup", (intmax_t)pid);
    if (read_file_at(proc_fd, name, text, sizeof text) < 0)
        return -ESRCH;
    /* "0::/PATH", among those of the first version, if there are any */
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
        if (strncmp(line, "0::/", 4) == 0) {
            char *copy = strdup(line + 3);
            if (!copy)
                return -ENOMEM;
            *ret = copy;
            return 0;
        }
    return -ESRCH;
}
