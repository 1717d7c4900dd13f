/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps tells the mappings; the link in /proc/PID/map_files that goes with one leads to
 * its very file: in any container or chroot, after its name was deleted or given to another.
 * Paths are for messages. Nor are the numbers in maps compared with those of stat(2): on btrfs they
 * are not unique, on overlayfs not the same.
 *
 * A mapping may change between being read and being opened, so that only what the descriptor says
 * counts. It is O_PATH, which opens no device. But to follow a link into NFS may ask the server, so
 * the device in maps is looked up among the process' mounts before. What is not found there, such
 * as overlayfs' layers, is judged by its descriptor. */
#include "kernel/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "kernel/entry.h"
#include "kernel/text.h"
#include "kernel/walk.h"
#include "util/array.h"
#include "util/cleanup.h"

#define LINK_MAX (sizeof "/map_files/-" + 3 * sizeof(pid_t) + 2 * 16)

typedef struct Mapping {
    uint64_t begin, end;
    dev_t dev;
    uint64_t ino;
} Mapping;

typedef struct Device {
    dev_t dev;
    FsKind kind;
    char fs[FS_NAME_MAX];
} Device;

/* What was told of, by the numbers in maps. */
typedef struct Told {
    dev_t dev;
    uint64_t ino;
} Told;

typedef struct Scan {
    const MappedScope *scope;
    MappedFiles list;
    dev_t nameless; /* of memfd, /dev/zero and System V's shared memory */
    Entry last;     /* the file looked at before: most are on its mount */
    bool has_last;
    bool told_full, told_permission;
    Device *devices;
    size_t n_devices, device_room;
    Told *told;
    size_t n_told, told_room;
} Scan;

typedef struct Process {
    pid_t pid;
    int fd;
    char exe[PATH_MAX]; /* "": not known */
    bool exe_seen;
} Process;

static void scan_done(Scan *scan)
{
    mapped_files_clear(&scan->list);
    free(scan->devices);
    free(scan->told);
}

void mapped_files_clear(MappedFiles *list)
{
    for (size_t i = 0; i < list->n_files; i++)
        free(list->files[i].path);
    free(list->files);
    *list = (MappedFiles){ 0 };
}

/* Telling */

static void tell(const Scan *scan, const char *path, const char *why)
{
    if (scan->scope->passed_over)
        scan->scope->passed_over(path, why, scan->scope->userdata);
}

/* Of @name in the process' folder. */
static void tell_of(const Scan *scan, const Process *process, const char *name, const char *why)
{
    char path[64 + LINK_MAX];

    snprintf(path, sizeof path, "/proc/%" PRIdMAX "/%s", (intmax_t)process->pid, name);
    tell(scan, path, why);
}

/* What @name could not be asked. A process that ended, or a mapping, is passed by. */
static int judge_error(Scan *scan, const Process *process, const char *name, int error)
{
    char why[128];

    if (error == ENOENT || error == ESRCH)
        return 0;
    if (entry_error_is_ours(error))
        return -error;
    snprintf(why, sizeof why, "cannot be read: %s", strerror(error));
    tell_of(scan, process, name, why);
    return 0;
}

/* Opening a link in map_files. Who may not follow one may not follow any. */
static int judge_link_error(Scan *scan, const Process *process, const char *link, int error)
{
    if (error != EPERM)
        return judge_error(scan, process, link, error);
    if (!scan->told_permission)
        tell_of(scan, process, "map_files",
                "cannot be followed: that needs CAP_CHECKPOINT_RESTORE, so that no mapped files "
                "are found");
    scan->told_permission = true;
    return 0;
}

static MappedKind kind_of(const Process *process, const char *path)
{
    return strcmp(path, process->exe) == 0 ? MAPPED_EXECUTABLE : MAPPED_LIBRARY;
}

static bool is_wanted(const Scan *scan, MappedKind kind)
{
    return scan->scope->kinds & 1u << kind;
}

/* Once for each file, however many processes have it. */
static int tell_file_system(Scan *scan, const Process *process, const Mapping *mapping,
                            const char *path, FsKind fs_kind, const char *fs)
{
    char why[FS_WHY_MAX];

    if (!is_wanted(scan, kind_of(process, path)))
        return 0;
    for (size_t i = 0; i < scan->n_told; i++)
        if (scan->told[i].dev == mapping->dev && scan->told[i].ino == mapping->ino)
            return 0;
    if (scan->n_told == MAPPED_FILES_MAX)
        return 0;
    int r = ARRAY_RESERVE(scan->told, scan->n_told, scan->told_room);
    if (r < 0)
        return r;
    scan->told[scan->n_told++] = (Told){ mapping->dev, mapping->ino };

    fs_format_passed_over(fs_kind, fs, why);
    tell(scan, path, why);
    return 0;
}

/* Looking at a file */

static bool is_kept_out(const Scan *scan, FsKind kind)
{
    return kind == FS_KERNEL || (kind != FS_LOCAL && !scan->scope->network);
}

/* What @process' mounts say of a device; FS_LOCAL where they do not know it. Asked once for all:
 * a device's number is the same in every namespace. */
static int find_device(Scan *scan, const Process *process, dev_t dev, const Device **ret)
{
    for (size_t i = 0; i < scan->n_devices; i++)
        if (scan->devices[i].dev == dev) {
            *ret = &scan->devices[i];
            return 0;
        }

    int r = ARRAY_RESERVE(scan->devices, scan->n_devices, scan->device_room);
    if (r < 0)
        return r;
    Device *device = &scan->devices[scan->n_devices];
    *device = (Device){ .dev = dev };
    r = fs_name_of_device(process->fd, dev, device->fs);
    if (r < 0 && entry_error_is_ours(-r))
        return r;
    if (r >= 0)
        device->kind = fs_kind_of_name(device->fs);
    scan->n_devices++;
    *ret = device;
    return 0;
}

static MappedFile *find_file(const Scan *scan, const struct stat *st)
{
    for (size_t i = 0; i < scan->list.n_files; i++) {
        MappedFile *file = &scan->list.files[i];
        if (file->st.st_ino == st->st_ino && file->st.st_dev == st->st_dev)
            return file;
    }
    return NULL;
}

static int add_file(Scan *scan, const Process *process, const Mapping *mapping, MappedKind kind,
                    const char *path, const struct stat *st)
{
    MappedFiles *list = &scan->list;

    if (list->n_files == MAPPED_FILES_MAX) {
        if (!scan->told_full)
            tell(scan, path, "is one mapped file too many, and so may others be");
        scan->told_full = true;
        return 0;
    }
    int r = ARRAY_RESERVE(list->files, list->n_files, list->room);
    if (r < 0)
        return r;
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    bool deleted = text_cut_deleted(copy);
    list->files[list->n_files++] = (MappedFile){
        .path = copy,
        .deleted = deleted,
        .kind = kind,
        .st = *st,
        .place = { process->pid, mapping->begin, mapping->end },
    };
    return 0;
}

/* Ends the text with a NUL. 0 or -errno. */
static int read_link(int dir_fd, const char *name, char ret[PATH_MAX])
{
    ssize_t n = readlinkat(dir_fd, name, ret, PATH_MAX);
    if (n < 0 || n == PATH_MAX)
        return n < 0 ? -errno : -ENAMETOOLONG;
    ret[n] = '\0';
    return 0;
}

/* What is open as @fd, by the link @link. */
static int judge_file(Scan *scan, Process *process, const Mapping *mapping, const char *link,
                      int fd)
{
    char path[PATH_MAX];
    Entry entry;

    int r = entry_stat(fd, scan->has_last ? &scan->last : NULL, &entry);
    if (r < 0)
        return judge_error(scan, process, link, -r);
    scan->last = entry;
    scan->has_last = true;
    if (!S_ISREG(entry.st.st_mode) && !is_kept_out(scan, entry.kind))
        return 0;

    MappedFile *file = find_file(scan, &entry.st);
    if (file && process->exe_seen)
        return 0;
    r = read_link(process->fd, link, path);
    if (r < 0)
        return judge_error(scan, process, link, -r);
    if (is_kept_out(scan, entry.kind))
        return tell_file_system(scan, process, mapping, path, entry.kind, entry.fs);

    MappedKind kind = kind_of(process, path);
    process->exe_seen |= kind == MAPPED_EXECUTABLE;
    if (!file)
        return add_file(scan, process, mapping, kind, path, &entry.st);
    if (kind == MAPPED_EXECUTABLE)
        file->kind = kind;
    return 0;
}

static int look_at(Scan *scan, Process *process, const Mapping *mapping)
{
    const Device *device;
    char link[LINK_MAX], path[PATH_MAX];

    if (mapping->dev == scan->nameless)
        return 0;
    snprintf(link, sizeof link, "map_files/%" PRIx64 "-%" PRIx64, mapping->begin, mapping->end);
    int r = find_device(scan, process, mapping->dev, &device);
    if (r < 0)
        return r;
    if (is_kept_out(scan, device->kind)) {
        r = read_link(process->fd, link, path);
        if (r < 0)
            return judge_error(scan, process, link, -r);
        return tell_file_system(scan, process, mapping, path, device->kind, device->fs);
    }

    CLEANUP_CLOSE int fd = openat(process->fd, link, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return judge_link_error(scan, process, link, errno);
    return judge_file(scan, process, mapping, link, fd);
}

/* Processes */

/* "7f00-7f20 r-xp 00001000 fe:00 1234   /path", proc_pid_maps(5): a file's that may be executed. */
static bool parse_mapping(const char *line, Mapping *ret)
{
    unsigned major_number, minor_number;

    const char *permissions = strchr(line, ' ');
    if (!permissions || strlen(permissions) < strlen(" r-xp ") || permissions[3] != 'x')
        return false;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*x %x:%x %" SCNu64, &ret->begin, &ret->end,
               &major_number, &minor_number, &ret->ino) != 5)
        return false;
    ret->dev = makedev(major_number, minor_number);
    return ret->ino != 0;
}

static bool is_cancelled(const Scan *scan)
{
    return scan->scope->cancelled && atomic_load(scan->scope->cancelled);
}

static int read_maps(Scan *scan, Process *process, FILE *maps)
{
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;
    unsigned n = 0;
    Mapping mapping;

    while (errno = 0, getline(&line, &size, maps) > 0) {
        if (!parse_mapping(line, &mapping))
            continue;
        if (n++ == MAPPED_MAPPINGS_MAX) {
            tell_of(scan, process, "maps", "has too many mappings, of which the last are left out");
            return 0;
        }
        if (is_cancelled(scan))
            return -ECANCELED;
        int r = look_at(scan, process, &mapping);
        if (r < 0)
            return r;
    }
    return ferror(maps) ? judge_error(scan, process, "maps", errno > 0 ? errno : EIO) : 0;
}

static int look_into(Scan *scan, pid_t pid)
{
    char name[3 * sizeof pid + 1];
    Process process = { .pid = pid };

    if (is_cancelled(scan))
        return -ECANCELED;
    snprintf(name, sizeof name, "%" PRIdMAX, (intmax_t)pid);
    CLEANUP_CLOSE int process_fd = openat(scan->scope->proc_fd, name,
                                          O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (process_fd < 0)
        return judge_error(scan, &process, "", errno);
    process.fd = process_fd;
    CLEANUP_CLOSE int fd = openat(process_fd, "maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return judge_error(scan, &process, "maps", errno);
    CLEANUP_FCLOSE FILE *maps = fdopen(fd, "re");
    if (!maps)
        return -errno;
    TAKE_FD(fd);

    int r = read_link(process_fd, "exe", process.exe);
    if (r < 0) {
        process.exe[0] = '\0';
        r = judge_error(scan, &process, "exe", -r);
    }
    return r < 0 ? r : read_maps(scan, &process, maps);
}

static int compare(const void *a, const void *b)
{
    const MappedFile *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int r = strcmp(x->path, y->path);
    if (r == 0)
        r = (x->st.st_dev > y->st.st_dev) - (x->st.st_dev < y->st.st_dev);
    return r != 0 ? r : (x->st.st_ino > y->st.st_ino) - (x->st.st_ino < y->st.st_ino);
}

/* All that shmem makes without a name is on one mount of the kernel's own. */
static int find_nameless(dev_t *ret)
{
    struct stat st;

    CLEANUP_CLOSE int fd = memfd_create("", MFD_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    *ret = st.st_dev;
    return 0;
}

/* Only now: what is a library to one process may be what another executes. */
static void leave_what_is_wanted(Scan *scan)
{
    MappedFiles *list = &scan->list;
    size_t n = 0;

    for (size_t i = 0; i < list->n_files; i++)
        if (is_wanted(scan, list->files[i].kind))
            list->files[n++] = list->files[i];
        else
            free(list->files[i].path);
    list->n_files = n;
}

int mapped_files(const MappedScope *scope, MappedFiles *ret)
{
    cleanup(scan_done) Scan scan = { .scope = scope };

    int r = find_nameless(&scan.nameless);
    for (size_t i = 0; i < scope->n_pids && r >= 0; i++)
        r = look_into(&scan, scope->pids[i]);
    if (r < 0)
        return r;
    leave_what_is_wanted(&scan);
    if (scan.list.n_files > 0)
        qsort(scan.list.files, scan.list.n_files, sizeof(MappedFile), compare);
    *ret = TAKE(scan.list, (MappedFiles){ 0 });
    return 0;
}

int mapped_open(int proc_fd, const MappedPlace *place, dev_t dev, ino_t ino)
{
    char link[LINK_MAX];
    Entry entry;

    snprintf(link, sizeof link, "%" PRIdMAX "/map_files/%" PRIx64 "-%" PRIx64, (intmax_t)place->pid,
             place->begin, place->end);
    CLEANUP_CLOSE int fd = openat(proc_fd, link, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ESRCH ? -ENOENT : -errno;
    int r = entry_stat(fd, NULL, &entry);
    if (r < 0)
        return r;
    if (entry.st.st_dev != dev || entry.st.st_ino != ino)
        return -ESTALE;
    return walk_reopen(fd, O_RDONLY);
}
