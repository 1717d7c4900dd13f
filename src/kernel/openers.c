/* SPDX-License-Identifier: MIT */
/* Before a file is evicted, somebody has to say that nobody uses it. Two lists are gathered in one
 * pass: device and inode of each regular file behind /proc/PID/fd, told by statx() through the link
 * without waking a file system that would have to ask a server; and the inode numbers in
 * /proc/PID/maps, where a file stays in use after its descriptor is closed. Both are appended as
 * they come, then sorted once, so that a question is a binary search.
 *
 * A process may end between any two calls, which is normal: ENOENT and ESRCH are passed by. What
 * may not be looked into is counted, since "nobody" cannot be said then. A single descriptor is no
 * reason for that: files of FUSE are not told even to root, and whoever has one would keep all
 * others in memory. It stands for all files of its device, and for its number on any device, since
 * that of its mount is not the one that btrfs and overlayfs tell of their files. hidepid= hides
 * processes without an error; a /proc that does not even show process 1 counts as one unreadable
 * process. */
#include "kernel/openers.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/fs_kind.h"
#include "util/array.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

typedef struct FileId {
    dev_t dev;
    ino_t ino;
} FileId;

typedef struct IdArray {
    FileId *items;
    size_t count;
    size_t capacity;
} IdArray;

struct OpenSet {
    IdArray open;   /* ino is 0: any of that device; dev is 0: of that number, on any device */
    IdArray mapped; /* dev is 0: not comparable */
    unsigned unreadable;
    unsigned processes;
    uint64_t taken_usec;
};

static int append(IdArray *array, FileId id)
{
    /* Mappings of a file, and descriptors of workers, come in runs. */
    if (array->count > 0 && memcmp(&array->items[array->count - 1], &id, sizeof id) == 0)
        return 0;
    if (ARRAY_RESERVE(array->items, array->count, array->capacity) < 0)
        return -ENOMEM;
    array->items[array->count++] = id;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const FileId *x = a, *y = b;

    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return (x->dev > y->dev) - (x->dev < y->dev);
}

static void sort_unique(IdArray *array)
{
    size_t kept = 0;

    if (array->count == 0)
        return;
    qsort(array->items, array->count, sizeof *array->items, compare);
    for (size_t i = 1; i < array->count; i++)
        if (compare(&array->items[kept], &array->items[i]) != 0)
            array->items[++kept] = array->items[i];
    array->count = kept + 1;
}

static bool contains(const IdArray *array, FileId id)
{
    return array->count > 0 && bsearch(&id, array->items, array->count, sizeof id, compare) != NULL;
}

/* 1: the process has ended; 0: go on, or unreadable (told by *unreadable); -errno: give up. */
static int judge_error(int error, bool *unreadable)
{
    if (error == ENOENT || error == ESRCH)
        return 1;
    if (error == ENOMEM || error == EMFILE || error == ENFILE)
        return -error;
    *unreadable = true;
    return 0;
}

/* How many mounts are looked up for a process: what else it hides is told by the number alone. */
#define LOOKUPS_MAX 4

typedef struct Hidden {
    uint64_t mount; /* that was looked up last; 0: none */
    dev_t dev;      /* its device; 0: unknown */
    unsigned lookups;
} Hidden;

static void look_up(Hidden *hidden, int process_fd, uint64_t mount)
{
    if (hidden->mount == mount)
        return;
    hidden->mount = mount;
    if (hidden->lookups++ >= LOOKUPS_MAX || fs_device_of_mount(process_fd, mount, &hidden->dev) < 0)
        hidden->dev = 0;
}

/* Of a descriptor that cannot be followed. */
static int note_hidden(OpenSet *set, int process_fd, const char *name, Hidden *hidden,
                       bool *unreadable)
{
    char path[sizeof "fdinfo/" + NAME_MAX], text[128];
    uint64_t mount, ino = 0;

    snprintf(path, sizeof path, "fdinfo/%s", name);
    CLEANUP_CLOSE int fd = openat(process_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0) {
        int r = judge_error(errno, unreadable);
        return r < 0 ? r : 0;
    }
    text[n] = '\0';
    /* "ino" is from 5.14. */
    if (sscanf(text, "pos: %*s flags: %*s mnt_id: %" SCNu64 " ino: %" SCNu64, &mount, &ino) < 1) {
        *unreadable = true;
        return 0;
    }
    look_up(hidden, process_fd, mount);
    *unreadable |= ino == 0;
    int r = hidden->dev != 0 ? append(&set->open, (FileId){ hidden->dev, 0 }) : 0;
    return r == 0 && ino != 0 ? append(&set->open, (FileId){ 0, ino }) : r;
}

static int scan_descriptors(OpenSet *set, int process_fd, bool *unreadable)
{
    CLEANUP_CLOSE int fd = openat(process_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return judge_error(errno, unreadable);
    int dir_fd = TAKE_FD(fd);
    Hidden hidden = { 0 };

    for (struct dirent *entry; (errno = 0, entry = readdir(dir));) {
        struct statx st;

        if (entry->d_name[0] == '.')
            continue;
        if (statx(dir_fd, entry->d_name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
                  STATX_TYPE | STATX_INO, &st) < 0) {
            bool is_hidden = false;
            int r = judge_error(errno, &is_hidden);
            if (is_hidden)
                r = note_hidden(set, process_fd, entry->d_name, &hidden, unreadable);
            if (r < 0)
                return r;
            continue;
        }
        if (!S_ISREG(st.stx_mode))
            continue;
        int r = append(&set->open,
                       (FileId){ makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino });
        if (r < 0)
            return r;
    }
    return errno ? judge_error(errno, unreadable) : 0;
}

/* Where in "7f00-7f20 r--p 00000000 fe:00 1234   /path\n" the reading stands: the field of index 4
 * is the inode. A buffer's end may cut a line anywhere. */
#define INODE_FIELD 4
typedef struct MapsState {
    unsigned field;
    uint64_t inode;
} MapsState;

static int parse_maps(OpenSet *set, const char *p, const char *end, MapsState *state)
{
    int r = 0;

    for (; p < end && r >= 0; p++) {
        if (state->field > INODE_FIELD) {
            p = memchr(p, '\n', (size_t)(end - p));
            if (!p)
                return 0;
            *state = (MapsState){ 0 };
        } else if (*p == ' ' || *p == '\n') {
            if (state->field == INODE_FIELD && state->inode != 0)
                r = append(&set->mapped, (FileId){ 0, state->inode });
            if (*p == '\n')
                *state = (MapsState){ 0 };
            else
                state->field++;
        } else if (state->field == INODE_FIELD) {
            state->inode = state->inode * 10 + (uint64_t)(*p - '0');
        }
    }
    return r;
}

static int scan_maps(OpenSet *set, int process_fd, bool *unreadable)
{
    char buffer[16 * 1024];
    MapsState state = { 0 };

    CLEANUP_CLOSE int fd = openat(process_fd, "maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return judge_error(errno, unreadable);

    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return judge_error(errno, unreadable);
        if (n == 0)
            return 0;
        int r = parse_maps(set, buffer, buffer + n, &state);
        if (r < 0)
            return r;
    }
}

static int scan_process(OpenSet *set, int proc_fd, const char *name)
{
    bool unreadable = false;

    CLEANUP_CLOSE int fd = openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? judge_error(errno, &unreadable) : 0;
    if (fd >= 0) {
        r = scan_descriptors(set, fd, &unreadable);
        if (r == 0)
            r = scan_maps(set, fd, &unreadable);
    }
    if (r < 0)
        return r;

    set->processes++;
    set->unreadable += unreadable;
    return 0;
}

int open_set_scan_others(int proc_fd, pid_t exclude_pid, const Pids *excluded, OpenSet **ret)
{
    bool init_seen = false;

    cleanup(open_set_freep) OpenSet *set = calloc(1, sizeof *set);
    CLEANUP_CLOSE int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!set || fd < 0)
        return set ? -errno : -ENOMEM;
    cleanup(closedirp) DIR *dir = fdopendir(fd);
    if (!dir)
        return -errno;
    TAKE_FD(fd);
    set->taken_usec = now_usec();

    for (struct dirent *entry; (errno = 0, entry = readdir(dir));) {
        uint64_t pid;

        if (parse_u64(entry->d_name, &pid) < 0)
            continue;
        init_seen |= pid == 1;
        if (pid == (uint64_t)exclude_pid || pids_has(excluded, pid))
            continue;
        int r = scan_process(set, proc_fd, entry->d_name);
        if (r < 0)
            return r;
    }
    if (errno)
        return -errno;

    set->unreadable += !init_seen;
    sort_unique(&set->open);
    sort_unique(&set->mapped);
    *ret = TAKE_PTR(set);
    return 0;
}

int open_set_scan(int proc_fd, pid_t exclude_pid, OpenSet **ret)
{
    static const Pids none;

    return open_set_scan_others(proc_fd, exclude_pid, &none, ret);
}

OpenSet *open_set_free(OpenSet *set)
{
    if (!set)
        return NULL;
    free(set->open.items);
    free(set->mapped.items);
    free(set);
    return NULL;
}

bool open_set_has(const OpenSet *set, dev_t dev, ino_t ino)
{
    return open_set_is_open(set, dev, ino) || contains(&set->mapped, (FileId){ 0, ino });
}

bool open_set_is_open(const OpenSet *set, dev_t dev, ino_t ino)
{
    return contains(&set->open, (FileId){ dev, ino }) || contains(&set->open, (FileId){ dev, 0 }) ||
           contains(&set->open, (FileId){ 0, ino });
}

unsigned open_set_unreadable(const OpenSet *set)
{
    return set->unreadable;
}

uint64_t open_set_taken_usec(const OpenSet *set)
{
    return set->taken_usec;
}

unsigned open_set_processes(const OpenSet *set)
{
    return set->processes;
}

size_t open_set_files(const OpenSet *set)
{
    return set->open.count + set->mapped.count;
}
