/* SPDX-License-Identifier: MIT */
/* Descriptors and mappings are gathered as they come, one entry for each use of a file by a
 * process, then sorted and folded. The device and inode of a mapping are those of the link in
 * map_files; who may not follow that (it takes CAP_CHECKPOINT_RESTORE) believes the path in maps if
 * the same inode of the same device stands there. */
#include "kernel/proc_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/descriptors.h"
#include "kernel/entry.h"
#include "kernel/mapped.h"
#include "kernel/text.h"
#include "kernel/walk.h"
#include "util/array.h"
#include "util/cleanup.h"

typedef struct Scan {
    int proc_fd;
    ProcFiles list;
} Scan;

void proc_files_clear(ProcFiles *list)
{
    free(list->files);
    pool_clear(&list->paths);
    *list = (ProcFiles){ 0 };
}

static int add(ProcFiles *list, const ProcFile *file)
{
    const ProcFile *last = list->n_files > 0 ? &list->files[list->n_files - 1] : NULL;

    /* The mappings of a file come in runs. */
    if (last && last->pid == file->pid && last->ino == file->ino && last->dev == file->dev &&
        (last->number >= 0) == (file->number >= 0))
        return 0;
    if (ARRAY_RESERVE(list->files, list->n_files, list->room) < 0)
        return -ENOMEM;
    ProcFile copy = *file;
    copy.path = pool_strdup(&list->paths, file->path);
    if (!copy.path)
        return -ENOMEM;
    list->files[list->n_files++] = copy;
    return 0;
}

static int on_descriptor(const Descriptor *descriptor, void *userdata)
{
    Scan *scan = userdata;
    const ProcFile file = {
        .path = descriptor->path,
        .deleted = descriptor->deleted,
        .dev = descriptor->dev,
        .ino = descriptor->ino,
        .size = descriptor->size,
        .pid = descriptor->pid,
        .number = descriptor->number,
    };

    return add(&scan->list, &file);
}

/* What maps says of it. */
typedef struct InMaps {
    unsigned major, minor;
    uint64_t ino;
} InMaps;

/* btrfs and overlayfs, which have no device of their own (its major is 0), tell another one in maps
 * than by stat(2). */
static bool is_in_maps(const InMaps *in_maps, const struct statx *st)
{
    bool nowhere = in_maps->major == 0 && st->stx_dev_major == 0;

    return st->stx_ino == in_maps->ino && (nowhere || (st->stx_dev_major == in_maps->major &&
                                                       st->stx_dev_minor == in_maps->minor));
}

/* False: it is none of a regular file, or nobody knows. */
static bool look_at_mapping(int process_fd, ProcFile *file, const InMaps *in_maps)
{
    char link[sizeof "map_files/-" + 2 * 16];
    struct statx st;

    snprintf(link, sizeof link, "map_files/%" PRIx64 "-%" PRIx64, file->begin, file->end);
    int r = statx(process_fd, link, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
                  STATX_TYPE | STATX_INO | STATX_SIZE, &st);
    if (r < 0 && errno == EPERM) {
        r = statx(AT_FDCWD, file->path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
                  STATX_TYPE | STATX_INO | STATX_SIZE, &st);
        if (r >= 0 && !is_in_maps(in_maps, &st))
            return false;
    }
    if (r < 0 || !S_ISREG(st.stx_mode))
        return false;
    file->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
    file->ino = st.stx_ino;
    file->size = st.stx_size;
    return true;
}

/* "7f00-7f20 r-xp 00001000 fe:00 1234   /path", proc_pid_maps(5). */
static int read_mapping(Scan *scan, int process_fd, pid_t pid, char *line)
{
    ProcFile file = { .pid = pid, .number = -1 };
    InMaps in_maps;

    line[strcspn(line, "\n")] = '\0';
    char *path = strchr(line, '/');
    if (!path || sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*x %x:%x %" SCNu64, &file.begin,
                        &file.end, &in_maps.major, &in_maps.minor, &in_maps.ino) != 5)
        return 0;
    file.deleted = text_cut_deleted(path);
    file.path = path;
    return in_maps.ino > 0 && look_at_mapping(process_fd, &file, &in_maps) ? add(&scan->list, &file)
                                                                           : 0;
}

static int read_maps(Scan *scan, pid_t pid)
{
    char name[3 * sizeof pid + 1];
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;
    int r = 0;

    snprintf(name, sizeof name, "%jd", (intmax_t)pid);
    CLEANUP_CLOSE int process_fd = openat(scan->proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int fd = process_fd < 0 ? -1 : openat(process_fd, "maps", O_RDONLY | O_CLOEXEC);
    CLEANUP_FCLOSE FILE *maps = fd >= 0 ? fdopen(fd, "re") : NULL;
    if (!maps)
        return errno == ENOENT ? -ESRCH : -errno;
    TAKE_FD(fd);
    while (r >= 0 && getline(&line, &size, maps) > 0)
        r = read_mapping(scan, process_fd, pid, line);
    return r;
}

static int compare(const void *a, const void *b)
{
    const ProcFile *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    if ((x->number >= 0) != (y->number >= 0)) /* descriptors are opened more easily */
        return x->number >= 0 ? -1 : 1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static void fold(ProcFiles *list)
{
    pid_t last = 0;
    bool was_open = false;
    size_t n = 0;

    if (list->n_files > 0)
        qsort(list->files, list->n_files, sizeof *list->files, compare);
    for (size_t i = 0; i < list->n_files; i++) {
        ProcFile use = list->files[i];
        bool is_open = use.number >= 0;

        if (n == 0 || list->files[n - 1].ino != use.ino || list->files[n - 1].dev != use.dev) {
            list->files[n++] = use;
            last = 0;
        }
        if (last != use.pid || was_open != is_open) {
            list->files[n - 1].open += is_open;
            list->files[n - 1].mapped += !is_open;
        }
        last = use.pid;
        was_open = is_open;
    }
    list->n_files = n;
}

int proc_files_scan(int proc_fd, const pid_t *pids, size_t n_pids, ProcFiles *ret)
{
    Scan scan = { .proc_fd = proc_fd };
    const DescriptorHandler handler = {
        .found = on_descriptor,
        .userdata = &scan,
        .network = true,
    };

    for (size_t i = 0; i < n_pids; i++) {
        int r = descriptors_of(proc_fd, pids[i], &handler);
        if (r >= 0)
            r = read_maps(&scan, pids[i]);
        if (r < 0 && entry_error_is_ours(-r)) {
            proc_files_clear(&scan.list);
            return r;
        }
        scan.list.unreadable += r < 0 && r != -ESRCH;
    }
    fold(&scan.list);
    *ret = scan.list;
    return 0;
}

static int compare_id(const void *a, const void *b)
{
    const ProcFile *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return (x->ino > y->ino) - (x->ino < y->ino);
}

const ProcFile *proc_files_find(const ProcFiles *list, dev_t dev, ino_t ino)
{
    const ProcFile key = { .dev = dev, .ino = ino };

    return list->n_files > 0 ? bsearch(&key, list->files, list->n_files, sizeof key, compare_id)
                             : NULL;
}

int proc_file_open(int proc_fd, const ProcFile *file)
{
    const MappedPlace place = { file->pid, file->begin, file->end };
    char link[sizeof "/fd/" + 3 * sizeof(pid_t) + 3 * sizeof(int)];
    Entry entry;

    if (file->number < 0)
        return mapped_open(proc_fd, &place, file->dev, file->ino);
    snprintf(link, sizeof link, "%jd/fd/%d", (intmax_t)file->pid, file->number);
    CLEANUP_CLOSE int fd = openat(proc_fd, link, O_PATH | O_CLOEXEC);
    int r = fd < 0 ? -errno : entry_stat(fd, NULL, &entry);
    if (r < 0)
        return r;
    if (entry.st.st_dev != file->dev || entry.st.st_ino != file->ino)
        return -ESTALE;
    return walk_reopen(fd, O_RDONLY);
}
