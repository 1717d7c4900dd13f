/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps has a line for each mapping, with the device and the inode of its file. On btrfs
 * and overlayfs that device is not the one that stat(2) tells, and on btrfs inodes are not unique
 * over it: there the link in map_files has the last word, if it leads to a local file system.
 *
 * Whether a mapping is locked only smaps tells, for which the kernel walks the page tables. So it
 * is read of those processes only that map one of the files and hold locks at all (VmLck). */
#include "kernel/mappers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "kernel/entry.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

typedef struct Key {
    dev_t dev;
    ino_t ino;
    size_t file;
    bool loose; /* its device is another in maps */
} Key;

typedef struct Scan {
    Key *keys; /* by inode */
    size_t n_keys;
    const atomic_bool *cancelled;
    Mappers found;
} Scan;

static void scan_done(Scan *scan)
{
    free(scan->keys);
    mappers_clear(&scan->found);
}

void mappers_clear(Mappers *mappers)
{
    free(mappers->items);
    *mappers = (Mappers){ 0 };
}

static int compare_keys(const void *a, const void *b)
{
    const Key *x = a, *y = b;

    return (x->ino > y->ino) - (x->ino < y->ino);
}

static int compare_mappers(const void *a, const void *b)
{
    const Mapper *x = a, *y = b;

    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static int add(Mappers *found, const Mapper *mapper)
{
    if (found->n == MAPPERS_MAX) {
        found->full = true;
        return 0;
    }
    if (ARRAY_RESERVE(found->items, found->n, found->room) < 0)
        return -ENOMEM;
    found->items[found->n++] = *mapper;
    return 0;
}

/* Whether the mapping is really of @key's file, where the numbers in maps do not say. */
static bool is_same_file(int process_fd, const Mapper *mapping, dev_t dev, const Key *key)
{
    char fs[FS_NAME_MAX], link[64];
    struct statx st;

    if (dev == key->dev)
        return true;
    if (!key->loose)
        return false;
    if (fs_name_of_device(process_fd, dev, fs) >= 0 && fs_kind_of_name(fs) != FS_LOCAL)
        return false;
    snprintf(link, sizeof link, "map_files/%" PRIx64 "-%" PRIx64, mapping->begin, mapping->end);
    return statx(process_fd, link, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &st) == 0 &&
           st.stx_ino == key->ino && makedev(st.stx_dev_major, st.stx_dev_minor) == key->dev;
}

/* "7f00-7f20 r-xp 00001000 fe:00 1234   /path", proc_pid_maps(5). */
static bool parse_mapping(const char *line, Mapper *ret, dev_t *ret_dev, uint64_t *ret_ino)
{
    unsigned major_number, minor_number;
    char shared;

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*3c%c %" SCNx64 " %x:%x %" SCNu64, &ret->begin,
               &ret->end, &shared, &ret->offset, &major_number, &minor_number, ret_ino) != 7)
        return false;
    ret->private = shared != 's';
    *ret_dev = makedev(major_number, minor_number);
    return *ret_ino != 0;
}

/* The keys with that inode: where the first is, and behind the last. */
static const Key *find_keys(const Scan *scan, uint64_t ino, const Key **ret_end)
{
    Key wanted = { .ino = ino };
    const Key *key = bsearch(&wanted, scan->keys, scan->n_keys, sizeof wanted, compare_keys);
    const Key *end = key;

    if (!key)
        return NULL;
    while (key > scan->keys && key[-1].ino == ino)
        key--;
    while (end < scan->keys + scan->n_keys && end->ino == ino)
        end++;
    *ret_end = end;
    return key;
}

/* A line of maps or smaps. *ret_first: index of the first mapper that it added. */
static int look_at_line(Scan *scan, int process_fd, pid_t pid, const char *line, size_t *ret_first)
{
    Mapper mapper = { .pid = pid };
    const Key *key, *end = NULL;
    uint64_t ino;
    dev_t dev;

    *ret_first = scan->found.n;
    if (!parse_mapping(line, &mapper, &dev, &ino))
        return 0;
    for (key = find_keys(scan, ino, &end); key && key < end; key++) {
        if (!is_same_file(process_fd, &mapper, dev, key))
            continue;
        mapper.file = key->file;
        int r = add(&scan->found, &mapper);
        if (r < 0)
            return r;
    }
    return 0;
}

/* 0: the process is gone, or unreadable, which is counted. */
static int judge_error(Scan *scan, int error)
{
    if (entry_error_is_ours(error))
        return -error;
    if (error != ENOENT && error != ESRCH)
        scan->found.unreadable++;
    return 0;
}

static int read_lines(Scan *scan, int process_fd, pid_t pid, const char *name)
{
    CLEANUP_FREE char *line = NULL;
    size_t size = 0, first = scan->found.n;
    uint64_t rss = 0;
    int r = 0;

    CLEANUP_CLOSE int fd = openat(process_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return judge_error(scan, errno);
    CLEANUP_FCLOSE FILE *file = fdopen(fd, "re");
    if (!file)
        return -errno;
    TAKE_FD(fd);

    while (r >= 0 && (errno = 0, getline(&line, &size, file)) > 0) {
        if (line[0] >= 'A' &&
            line[0] <= 'Z') { /* a field of smaps: a line of maps begins with hex */
            if (strncmp(line, "Rss:", 4) == 0)
                rss = strtoull(line + 4, NULL, 10) * KIB;
            else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " lo"))
                for (size_t i = first; i < scan->found.n; i++)
                    scan->found.items[i].locked = rss;
        } else {
            r = look_at_line(scan, process_fd, pid, line, &first);
        }
    }
    if (r >= 0 && ferror(file))
        return judge_error(scan, errno > 0 ? errno : EIO);
    return r;
}

static bool holds_locks(int process_fd)
{
    char text[4096];
    const char *field;

    if (read_file_at(process_fd, "status", text, sizeof text) < 0)
        return false;
    field = strstr(text, "\nVmLck:");
    return field && strtoull(field + strlen("\nVmLck:"), NULL, 10) > 0;
}

static int look_into(Scan *scan, int proc_fd, const char *name, pid_t pid)
{
    size_t before = scan->found.n;

    CLEANUP_CLOSE int fd = openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return judge_error(scan, errno);
    int r = read_lines(scan, fd, pid, "maps");
    if (r < 0 || scan->found.n == before || !holds_locks(fd))
        return r;
    scan->found.n = before;
    return read_lines(scan, fd, pid, "smaps");
}

static int make_keys(Scan *scan, const int *fds, size_t n_fds)
{
    struct stat st;
    struct statfs fs;

    scan->keys = calloc(n_fds + 1, sizeof(Key));
    if (!scan->keys)
        return -ENOMEM;
    for (size_t i = 0; i < n_fds; i++) {
        if (fstat(fds[i], &st) < 0 || fstatfs(fds[i], &fs) < 0)
            return -errno;
        unsigned long type = (unsigned long)fs.f_type;
        scan->keys[i] = (Key){
            .dev = st.st_dev,
            .ino = st.st_ino,
            .file = i,
            .loose = type == BTRFS_SUPER_MAGIC || type == OVERLAYFS_SUPER_MAGIC,
        };
    }
    scan->n_keys = n_fds;
    qsort(scan->keys, n_fds, sizeof(Key), compare_keys);
    return 0;
}

int mappers_find(int proc_fd, const int *fds, size_t n_fds, const atomic_bool *cancelled,
                 Mappers *ret)
{
    cleanup(scan_done) Scan scan = { .cancelled = cancelled };

    int r = make_keys(&scan, fds, n_fds);
    if (r < 0)
        return r;
    CLEANUP_CLOSE int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return -errno;
    TAKE_FD(fd);

    for (struct dirent *entry; r >= 0 && (errno = 0, entry = readdir(dir));) {
        uint64_t pid;

        if (parse_u64(entry->d_name, &pid) < 0)
            continue;
        if (cancelled && atomic_load(cancelled))
            return -ECANCELED;
        r = look_into(&scan, proc_fd, entry->d_name, (pid_t)pid);
    }
    if (r < 0)
        return r;

    if (scan.found.n > 0)
        qsort(scan.found.items, scan.found.n, sizeof(Mapper), compare_mappers);
    *ret = TAKE(scan.found, (Mappers){ 0 });
    return 0;
}

int mapper_is_there(int proc_fd, const Mapper *mapper, int fd)
{
    cleanup(scan_done) Scan scan = { 0 };
    char name[16];

    int r = make_keys(&scan, &fd, 1);
    if (r < 0)
        return r;
    snprintf(name, sizeof name, "%d", mapper->pid);
    CLEANUP_CLOSE int process_fd = openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (process_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    r = read_lines(&scan, process_fd, mapper->pid, "maps");
    if (r < 0 || scan.found.unreadable > 0)
        return r < 0 ? r : -EPERM;
    for (size_t i = 0; i < scan.found.n; i++) {
        const Mapper *now = &scan.found.items[i];

        if (now->begin == mapper->begin && now->end == mapper->end &&
            now->offset == mapper->offset && now->private == mapper->private)
            return 1;
    }
    return 0;
}
