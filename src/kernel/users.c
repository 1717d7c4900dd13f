/* SPDX-License-Identifier: MIT */
/* /proc/PID/fd tells descriptors, by device and inode of what each link leads to. /proc/PID/maps
 * tells mappings, by numbers that on btrfs and overlayfs are not those of stat(2): so the inode
 * alone makes a candidate, and the link in map_files decides. Who may not follow that (it takes
 * CAP_CHECKPOINT_RESTORE) has to believe the numbers. smaps, which costs the kernel a walk of all
 * page tables, is read of those processes only that map a file in question. */
#include "kernel/users.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/entry.h"
#include "kernel/procs.h"
#include "kernel/smaps.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/parse.h"

typedef struct Look {
    int proc_fd;
    const UsedFile *files;
    const size_t *first; /* the first of the files that are the same as this one */
    size_t n_files;
    FileUsers list;
    /* Of the process that is being looked at: */
    pid_t pid;
    int fd;
    FileUser *of; /* one for each file; of the same ones, the first counts */
    bool unreadable;
    int error; /* of ours */
} Look;

void file_users_clear(FileUsers *list)
{
    for (size_t i = 0; i < list->n_users; i++)
        free(list->users[i].cgroup);
    free(list->users);
    *list = (FileUsers){ 0 };
}

/* What ends is passed by, what may not be read is counted. */
static int judge(Look *look, int error)
{
    if (entry_error_is_ours(error))
        return -error;
    look->unreadable |= error != ENOENT && error != ESRCH;
    return 0;
}

static int stat_link(int dir_fd, const char *name, UsedFile *ret)
{
    struct statx st;

    if (statx(dir_fd, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO, &st) < 0)
        return -errno;
    if (!S_ISREG(st.stx_mode))
        return -EINVAL;
    *ret = (UsedFile){ makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino };
    return 0;
}

static FileUser *find(const Look *look, const UsedFile *id)
{
    for (size_t i = 0; i < look->n_files; i++)
        if (look->files[i].ino == id->ino && look->files[i].dev == id->dev)
            return &look->of[i];
    return NULL;
}

static int look_at_descriptors(Look *look)
{
    UsedFile id;

    CLEANUP_CLOSE int fd = openat(look->fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return judge(look, errno);
    TAKE_FD(fd);

    for (struct dirent *entry; (errno = 0, entry = readdir(dir));) {
        if (entry->d_name[0] == '.' || stat_link(dirfd(dir), entry->d_name, &id) < 0)
            continue;
        FileUser *user = find(look, &id);
        if (user)
            user->descriptors++;
    }
    return errno ? judge(look, errno) : 0;
}

static bool may_be_wanted(const Look *look, uint64_t ino)
{
    for (size_t i = 0; i < look->n_files; i++)
        if (look->files[i].ino == ino)
            return true;
    return false;
}

static bool maps_a_candidate(Look *look)
{
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;
    uint64_t ino;

    CLEANUP_CLOSE int fd = openat(look->fd, "maps", O_RDONLY | O_CLOEXEC);
    CLEANUP_FCLOSE FILE *file = fd >= 0 ? fdopen(fd, "re") : NULL;
    if (!file) {
        look->error = judge(look, errno);
        return false;
    }
    TAKE_FD(fd);
    while (getline(&line, &size, file) > 0)
        if (sscanf(line, "%*s %*s %*s %*s %" SCNu64, &ino) == 1 && ino > 0 &&
            may_be_wanted(look, ino))
            return true;
    return false;
}

static void on_mapping(const SmapsMapping *mapping, void *userdata)
{
    Look *look = userdata;
    UsedFile id = { mapping->dev, mapping->ino };
    char link[sizeof "map_files/-" + 2 * 16];

    if (!may_be_wanted(look, mapping->ino))
        return;
    snprintf(link, sizeof link, "map_files/%" PRIx64 "-%" PRIx64, mapping->begin, mapping->end);
    (void)stat_link(look->fd, link, &id);
    FileUser *user = find(look, &id);
    if (!user)
        return;
    user->mapped += mapping->end - mapping->begin;
    user->rss += mapping->rss;
    user->pss += mapping->pss;
    user->locked += mapping->locked ? mapping->rss : 0;
}

static void read_command(const Look *look, char ret[static COMMAND_MAX])
{
    if (read_file_at(look->fd, "comm", ret, COMMAND_MAX) < 0)
        *ret = '\0';
    ret[strcspn(ret, "\n")] = '\0';
}

static int keep(Look *look, size_t i)
{
    FileUsers *list = &look->list;
    FileUser user = look->of[look->first[i]];

    if (user.descriptors == 0 && user.mapped == 0)
        return 0;
    if (ARRAY_RESERVE(list->users, list->n_users, list->room) < 0)
        return -ENOMEM;
    user.file = i;
    user.pid = look->pid;
    read_command(look, user.command);
    if (process_cgroup(look->proc_fd, look->pid, &user.cgroup) == -ENOMEM)
        return -ENOMEM;
    list->users[list->n_users++] = user;
    return 0;
}

static int look_at_process(Look *look, const char *name)
{
    look->unreadable = false;
    look->error = 0;
    memset(look->of, 0, look->n_files * sizeof *look->of);
    CLEANUP_CLOSE int fd = openat(look->proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return judge(look, errno);

    look->fd = fd;
    int r = look_at_descriptors(look);
    if (r >= 0 && maps_a_candidate(look))
        r = smaps_read(look->proc_fd, look->pid, on_mapping, look);
    if (r < 0)
        r = judge(look, -r);
    if (r >= 0)
        r = look->error;
    for (size_t i = 0; i < look->n_files && r >= 0; i++)
        r = keep(look, i);
    look->list.unreadable += look->unreadable;
    return r;
}

static int compare(const void *a, const void *b)
{
    const FileUser *x = a, *y = b;

    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static int look_at_all(Look *look, pid_t exclude_pid)
{
    uint64_t pid;

    CLEANUP_CLOSE int fd = openat(look->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return -errno;
    TAKE_FD(fd);

    for (struct dirent *entry; (errno = 0, entry = readdir(dir));) {
        if (parse_u64(entry->d_name, &pid) < 0 || pid > INT_MAX || (pid_t)pid == exclude_pid)
            continue;
        look->pid = (pid_t)pid;
        int r = look_at_process(look, entry->d_name);
        if (r < 0)
            return r;
    }
    return -errno;
}

int file_users_scan(int proc_fd, pid_t exclude_pid, const UsedFile *files, size_t n_files,
                    FileUsers *ret)
{
    CLEANUP_FREE FileUser *of = calloc(n_files + 1, sizeof *of);
    CLEANUP_FREE size_t *first = calloc(n_files + 1, sizeof *first);
    if (!of || !first)
        return -ENOMEM;

    Look look = {
        .proc_fd = proc_fd, .files = files, .first = first, .n_files = n_files, .of = of
    };
    for (size_t i = 0; i < n_files; i++)
        first[i] = (size_t)(find(&look, &files[i]) - of);
    int r = look_at_all(&look, exclude_pid);
    if (r < 0) {
        file_users_clear(&look.list);
        return r;
    }
    if (look.list.n_users > 0)
        qsort(look.list.users, look.list.n_users, sizeof *look.list.users, compare);
    *ret = look.list;
    return 0;
}
