/* SPDX-License-Identifier: MIT */
/* /proc/PID/fdinfo/N tells position, flags and the number of the mount without touching the file.
 * Following /proc/PID/fd/N may ask the server of a network file system, so the mount is looked up
 * first, in the mountinfo of the process: its mount namespace may be another one. What is not in
 * there has no mount: pipes, sockets, memfd, and files of a mount that was detached.
 *
 * Numbers of mounts are given away anew, so they are believed for one look only. */
#include "kernel/positions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/entry.h"
#include "kernel/fs_kind.h"
#include "kernel/walk.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/units.h"

typedef struct PositionMount {
    uint64_t id;
    bool wanted;
} PositionMount;

typedef struct PositionMounts {
    PositionMount *items;
    size_t n, room;
} PositionMounts;

typedef struct Look {
    int proc_fd;
    uint64_t size_min;
    bool network;
    PositionMounts mounts;
    Positions list;
    /* Of the process that is being looked at: */
    pid_t pid;
    int process_fd, fd_fd;
} Look;

void positions_clear(Positions *descriptors)
{
    free(descriptors->items);
    *descriptors = (Positions){ 0 };
}

static bool is_wanted(const Look *look, const char *name)
{
    FsKind kind = fs_kind_of_name(name);

    if (strcmp(name, "tmpfs") == 0 || strcmp(name, "ramfs") == 0 || strcmp(name, "devtmpfs") == 0)
        return false;
    return kind == FS_LOCAL || (look->network && kind != FS_KERNEL);
}

/* Pipes, sockets and the like are in no list, all of which would have to be read. */
static bool has_path(const Look *look, const char *name)
{
    char first;

    return readlinkat(look->fd_fd, name, &first, 1) == 1 && first == '/';
}

/* 1 or 0; -ENOMEM. */
static int is_mount_wanted(Look *look, uint64_t id, const char *name_of_one)
{
    PositionMounts *mounts = &look->mounts;
    char name[FS_NAME_MAX];

    for (size_t i = 0; i < mounts->n; i++)
        if (mounts->items[i].id == id)
            return mounts->items[i].wanted;
    if (ARRAY_RESERVE(mounts->items, mounts->n, mounts->room) < 0)
        return -ENOMEM;
    bool wanted = has_path(look, name_of_one) &&
                  fs_name_of_mount(look->process_fd, id, name) >= 0 && is_wanted(look, name);
    mounts->items[mounts->n++] = (PositionMount){ id, wanted };
    return wanted;
}

static int add(Positions *list, const Position *descriptor)
{
    if (ARRAY_RESERVE(list->items, list->n, list->room) < 0)
        return -ENOMEM;
    list->items[list->n++] = *descriptor;
    return 0;
}

/* "pos:\t4096\nflags:\t0100000\nmnt_id:\t29\n…", proc_pid_fdinfo(5). */
static int look_at_descriptor(Look *look, const char *name)
{
    char path[sizeof "fdinfo/" + NAME_MAX], text[128];
    uint64_t position, mount;
    unsigned flags;
    struct statx st;

    snprintf(path, sizeof path, "fdinfo/%s", name);
    CLEANUP_CLOSE int fd = openat(look->process_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        return entry_error_is_ours(errno) ? -errno : 0;
    text[n] = '\0'; /* the rest is of locks, inotify or epoll */
    if (sscanf(text, "pos: %" SCNu64 " flags: %o mnt_id: %" SCNu64, &position, &flags, &mount) != 3)
        return 0;
    if (flags & (O_PATH | O_DIRECT))
        return 0;
    int r = is_mount_wanted(look, mount, name);
    if (r <= 0 || statx(look->fd_fd, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
                        STATX_TYPE | STATX_INO | STATX_SIZE, &st) < 0)
        return r < 0 ? r : 0;
    if (!S_ISREG(st.stx_mode) || st.stx_size < look->size_min)
        return 0;

    Position descriptor = {
        .dev = makedev(st.stx_dev_major, st.stx_dev_minor),
        .ino = st.stx_ino,
        .pid = look->pid,
        .number = atoi(name),
        .position = position,
        .size = st.stx_size,
        .writes = (flags & O_ACCMODE) != O_RDONLY,
    };
    return add(&look->list, &descriptor);
}

static int look_at_process(Look *look, pid_t pid)
{
    char name[3 * sizeof pid];
    int r = 0;

    snprintf(name, sizeof name, "%jd", (intmax_t)pid);
    CLEANUP_CLOSE int process = openat(look->proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int fd = process >= 0 ? openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                                        : -1;
    cleanup(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return entry_error_is_ours(errno) ? -errno : 0;
    look->fd_fd = TAKE_FD(fd);
    look->process_fd = process;
    look->pid = pid;

    for (struct dirent *entry; r >= 0 && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && look->list.n < POSITIONS_MAX)
            r = look_at_descriptor(look, entry->d_name);
    return r;
}

static int compare(const void *a, const void *b)
{
    const Position *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

int positions_of(int proc_fd, const Pids *pids, uint64_t size_min, bool network, Positions *ret)
{
    Look look = { .proc_fd = proc_fd, .size_min = size_min, .network = network };
    int r = 0;

    for (size_t i = 0; i < pids->n_pids && r >= 0; i++)
        r = look_at_process(&look, pids->pids[i]);
    free(look.mounts.items);
    if (r < 0) {
        positions_clear(&look.list);
        return r;
    }
    if (look.list.n > 0)
        qsort(look.list.items, look.list.n, sizeof(Position), compare);
    *ret = look.list;
    return 0;
}

int position_reopen(int proc_fd, const Position *descriptor)
{
    char path[sizeof "/fd/" + 2 * 3 * sizeof(int)];
    struct stat st;

    snprintf(path, sizeof path, "%jd/fd/%d", (intmax_t)descriptor->pid, descriptor->number);
    CLEANUP_CLOSE int path_fd = openat(proc_fd, path, O_PATH | O_CLOEXEC);
    if (path_fd < 0 || fstat(path_fd, &st) < 0)
        return -errno;
    if (st.st_dev != descriptor->dev || st.st_ino != descriptor->ino)
        return -ESTALE;
    return walk_reopen(path_fd, O_RDONLY);
}
