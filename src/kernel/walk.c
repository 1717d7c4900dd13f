/* SPDX-License-Identifier: MIT */
/* Folders on the way to a file may belong to people who would like root to open another one. So no
 * path is ever looked up twice or in one piece: every component is opened by itself, relative to
 * the descriptor of the folder above, as O_PATH and without following links, and then judged by
 * that descriptor. O_PATH opens nothing: no device is touched, no FIFO waited for, no automount set
 * off (save a folder that is named literally). Folders cost a descriptor each while something below
 * them is walked, and their matching names are held in memory, because they are reported in order.
 *
 * statx(AT_STATX_DONT_SYNC) is used throughout, because fstat() on a network file system asks a
 * server, which may never answer. */
#include "kernel/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "kernel/globset.h"
#include "util/cleanup.h"

#define DENTS_BYTES 32768 /* as readdir() takes */

typedef struct Walk {
    const WalkHandler *handler;
    GlobSet *set;
    unsigned depth;
    size_t path_length;
    char path[PATH_MAX];
    char dents[DENTS_BYTES];
} Walk;

typedef struct Name {
    uint32_t offset; /* in the text of Names */
    uint8_t type;    /* DT_… */
} Name;

/* The names of one folder that are worth a look. */
typedef struct Names {
    char *text;
    size_t text_used, text_size;
    Name *items;
    size_t count, capacity;
} Names;

typedef struct Folder {
    int fd; /* O_PATH will do */
    dev_t dev;
    const uint32_t *states;
    size_t n_states;
} Folder;

static int walk_folder(Walk *walk, const Folder *folder);

static void names_done(Names *names)
{
    free(names->text);
    free(names->items);
}

static int names_add(Names *names, const char *name, uint8_t type)
{
    size_t length = strlen(name) + 1;

    if (names->count == WALK_NAMES_MAX)
        return -E2BIG;
    if (names->text_used + length > names->text_size) {
        size_t size = names->text_size ? names->text_size * 2 : 4096;
        char *grown = realloc(names->text, size); /* a name has at most 255 bytes */
        if (!grown)
            return -ENOMEM;
        names->text = grown;
        names->text_size = size;
    }
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 64;
        Name *grown = reallocarray(names->items, capacity, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        names->items = grown;
        names->capacity = capacity;
    }

    memcpy(names->text + names->text_used, name, length);
    names->items[names->count++] = (Name){ (uint32_t)names->text_used, type };
    names->text_used += length;
    return 0;
}

static int compare_names(const void *a, const void *b, void *text)
{
    return strcmp((char *)text + ((const Name *)a)->offset,
                  (char *)text + ((const Name *)b)->offset);
}

static int report(Walk *walk, WalkReason reason, int error)
{
    const WalkHandler *handler = walk->handler;

    if (!handler->passed_over)
        return 0;
    return handler->passed_over(walk->path_length ? walk->path : "/", reason, error,
                                handler->userdata);
}

/* Not the file's fault, and not to be taken for "no such file". */
static bool is_ours(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

static void stat_of_statx(const struct statx *from, struct stat *ret)
{
    *ret = (struct stat){
        .st_dev = makedev(from->stx_dev_major, from->stx_dev_minor),
        .st_ino = from->stx_ino,
        .st_mode = from->stx_mode,
        .st_nlink = from->stx_nlink,
        .st_uid = from->stx_uid,
        .st_gid = from->stx_gid,
        .st_size = (off_t)from->stx_size,
        .st_blocks = (blkcnt_t)from->stx_blocks,
        .st_blksize = (blksize_t)from->stx_blksize,
        .st_atim = { from->stx_atime.tv_sec, from->stx_atime.tv_nsec },
        .st_mtim = { from->stx_mtime.tv_sec, from->stx_mtime.tv_nsec },
        .st_ctim = { from->stx_ctime.tv_sec, from->stx_ctime.tv_nsec },
    };
}

static int stat_fd(int fd, struct stat *ret)
{
    struct statx st;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_BASIC_STATS,
              &st) < 0)
        return -errno;
    stat_of_statx(&st, ret);
    return 0;
}

/* Network and FUSE file systems, which may hang or lie, and the kernel's own, which have no page
 * cache. Magic numbers that <linux/magic.h> lacks are spelt out. */
static bool on_foreign_file_system(int fd)
{
    static const uint32_t foreign[] = {
        NFS_SUPER_MAGIC,
        SMB_SUPER_MAGIC,
        SMB2_SUPER_MAGIC,
        CIFS_SUPER_MAGIC,
        V9FS_MAGIC,
        CODA_SUPER_MAGIC,
        CEPH_SUPER_MAGIC,
        AFS_SUPER_MAGIC,
        AFS_FS_MAGIC,
        NCP_SUPER_MAGIC,
        AUTOFS_SUPER_MAGIC,
        0x65735546 /* FUSE */,
        0x0bd00bd0 /* Lustre */,
        0x47504653 /* GPFS */,
        PROC_SUPER_MAGIC,
        SYSFS_MAGIC,
        CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC,
        DEBUGFS_MAGIC,
        TRACEFS_MAGIC,
        SECURITYFS_MAGIC,
        SELINUX_MAGIC,
        DEVPTS_SUPER_MAGIC,
        BPF_FS_MAGIC,
        EFIVARFS_MAGIC,
        PSTOREFS_MAGIC,
        BINFMTFS_MAGIC,
        0x62656570 /* configfs */,
    };
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return true;
    for (size_t i = 0; i < ELEMENTS(foreign); i++)
        if ((uint32_t)fs.f_type == foreign[i])
            return true;
    return false;
}

/* What is there instead of a regular file; @wanted: a file was, else a folder. */
static WalkReason reason_of_mode(mode_t mode, bool file_wanted)
{
    if (S_ISLNK(mode))
        return WALK_SYMLINK;
    if (!file_wanted)
        return WALK_NOT_DIRECTORY;
    if (S_ISDIR(mode))
        return WALK_DIRECTORY;
    if (S_ISFIFO(mode))
        return WALK_FIFO;
    return S_ISSOCK(mode) ? WALK_SOCKET : WALK_DEVICE;
}

/* A folder named literally may be an automount, which O_DIRECTORY sets off. */
static int open_component(int dir_fd, const char *name, bool automount)
{
    const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

    if (automount) {
        int fd = openat(dir_fd, name, flags | O_DIRECTORY);
        if (fd >= 0 || errno != ENOTDIR)
            return fd;
    }
    return openat(dir_fd, name, flags);
}

static int enter_folder(Walk *walk, int fd, dev_t dev, const GlobStep *step)
{
    if (walk->depth == WALK_DEPTH_MAX)
        return report(walk, WALK_TOO_DEEP, 0);

    /* The step's states last until the next step only. */
    CLEANUP_FREE uint32_t *states = reallocarray(NULL, step->n_states, sizeof *states);
    if (!states)
        return -ENOMEM;
    memcpy(states, step->states, step->n_states * sizeof *states);

    walk->depth++;
    int r = walk_folder(walk, &(Folder){ fd, dev, states, step->n_states });
    walk->depth--;
    return r;
}

/* What the opened component is, and what follows from it. */
static int judge_entry(Walk *walk, const Folder *folder, int fd, const GlobStep *step)
{
    struct stat st;

    int r = stat_fd(fd, &st);
    if (r < 0)
        return is_ours(-r) ? r : report(walk, WALK_UNREADABLE, -r);
    if (st.st_dev != folder->dev && !step->named && on_foreign_file_system(fd))
        return step->matched || S_ISDIR(st.st_mode) ? report(walk, WALK_FILE_SYSTEM, 0) : 0;

    if (S_ISREG(st.st_mode) && step->file)
        return walk->handler->file(walk->path, fd, &st, walk->handler->userdata);
    if (S_ISDIR(st.st_mode) && step->n_states > 0)
        return enter_folder(walk, fd, st.st_dev, step);

    /* A file on the way to `*`/x is not worth a word; one on the way to literal/x is. */
    if (step->file || step->named || (step->matched && S_ISLNK(st.st_mode)))
        return report(walk, reason_of_mode(st.st_mode, step->file), 0);
    return 0;
}

static int open_entry(Walk *walk, const Folder *folder, const char *name, const GlobStep *step)
{
    CLEANUP_CLOSE int fd = open_component(folder->fd, name, step->named && step->n_states > 0);
    if (fd >= 0)
        return judge_entry(walk, folder, fd, step);

    if (is_ours(errno))
        return -errno;
    if (errno != ENOENT)
        return report(walk, WALK_UNREADABLE, errno);
    return step->named ? report(walk, WALK_MISSING, ENOENT) : 0;
}

static int walk_entry(Walk *walk, const Folder *folder, const char *name, uint8_t type)
{
    size_t before = walk->path_length, length = strlen(name);
    GlobStep step;

    globset_step(walk->set, folder->states, folder->n_states, name, &step);
    /* What cannot be of use is not even opened; the type is a hint only. */
    if (!step.file && !step.named && step.n_states == 0)
        return 0;
    if (type == DT_REG && !step.file && !step.named)
        return 0;

    if (before + 1 + length >= sizeof walk->path)
        return report(walk, WALK_TOO_DEEP, ENAMETOOLONG);
    walk->path[before] = '/';
    memcpy(walk->path + before + 1, name, length + 1);
    walk->path_length = before + 1 + length;

    int r = open_entry(walk, folder, name, &step);

    walk->path_length = before;
    walk->path[before] = '\0';
    return r;
}

/* Adds the names of a folder that some wildcard takes. Positive where the folder cannot be listed:
 * an errno. */
static int list_folder(Walk *walk, const Folder *folder, Names *names)
{
    CLEANUP_CLOSE int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return is_ours(errno) ? -errno : errno;

    for (;;) {
        ssize_t n = getdents64(fd, walk->dents, sizeof walk->dents);
        if (n < 0)
            return errno == ENOENT ? 0 : errno; /* ENOENT: removed meanwhile */
        if (n == 0)
            return 0;
        for (ssize_t i = 0; i < n;) {
            const struct dirent64 *entry = (const void *)(walk->dents + i);
            const char *name = entry->d_name;

            i += entry->d_reclen;
            if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                continue;
            bool may_be_folder = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
            if (!globset_takes(walk->set, folder->states, folder->n_states, name, may_be_folder))
                continue;
            int r = names_add(names, name, entry->d_type);
            if (r < 0)
                return r;
        }
    }
}

/* The literal names, which are opened unseen (a folder may be searchable and not readable), and,
 * where there is a wildcard, what the folder lists. */
static int gather_names(Walk *walk, const Folder *folder, Names *names)
{
    bool list = false;
    int r = 0;

    for (size_t i = 0; i < folder->n_states && r >= 0; i++) {
        const char *literal = globset_literal(walk->set, folder->states[i]);
        if (literal)
            r = names_add(names, literal, DT_UNKNOWN);
        else
            list = true;
    }
    if (r >= 0 && list)
        r = list_folder(walk, folder, names);
    if (r > 0)
        r = report(walk, WALK_UNREADABLE, r);
    if (r == -E2BIG) {
        names->count = 0;
        r = report(walk, WALK_TOO_MANY, 0);
    }
    return r;
}

static int walk_folder(Walk *walk, const Folder *folder)
{
    cleanup(names_done) Names names = { 0 };

    int r = gather_names(walk, folder, &names);
    if (r != 0 || names.count == 0)
        return r;

    qsort_r(names.items, names.count, sizeof *names.items, compare_names, names.text);
    for (size_t i = 0; i < names.count && r == 0; i++) {
        const char *name = names.text + names.items[i].offset;

        if (i > 0 && strcmp(name, names.text + names.items[i - 1].offset) == 0)
            continue;
        r = walk_entry(walk, folder, name, names.items[i].type);
    }
    return r;
}

static int walk_from(Walk *walk, int fd)
{
    struct stat st;
    GlobStep step;

    int r = stat_fd(fd, &st);
    if (r < 0)
        return r;
    globset_start(walk->set, &step);
    if (step.n_states == 0) /* "/" */
        return report(walk, WALK_DIRECTORY, 0);
    return enter_folder(walk, fd, st.st_dev, &step);
}

int walk_glob(int root_fd, const char *pattern, const WalkHandler *handler)
{
    cleanup(globset_freep) GlobSet *set = NULL;
    CLEANUP_FREE Walk *walk = malloc(sizeof *walk);
    if (!walk)
        return -ENOMEM;

    int r = globset_new(pattern, &set);
    if (r < 0)
        return r;
    walk->handler = handler;
    walk->set = set;
    walk->depth = 0;
    walk->path_length = 0;
    walk->path[0] = '\0';
    return walk_from(walk, root_fd);
}

int walk_tree(int fd, const char *path, const WalkHandler *handler)
{
    cleanup(globset_freep) GlobSet *set = NULL;
    CLEANUP_FREE Walk *walk = malloc(sizeof *walk);
    struct stat st;

    if (!walk)
        return -ENOMEM;
    int r = stat_fd(fd, &st);
    if (r < 0)
        return r;
    if (S_ISREG(st.st_mode))
        return handler->file(path, fd, &st, handler->userdata);
    if (!S_ISDIR(st.st_mode))
        return handler->passed_over ? handler->passed_over(path, reason_of_mode(st.st_mode, true),
                                                           0, handler->userdata)
                                    : 0;

    r = globset_new_everything(&set);
    if (r < 0)
        return r;
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/')
        length--;
    if (length >= sizeof walk->path)
        return -ENAMETOOLONG;
    memcpy(walk->path, path, length);
    walk->path[length] = '\0';
    walk->path_length = length;
    walk->handler = handler;
    walk->set = set;
    walk->depth = 0;
    return walk_from(walk, fd);
}

int walk_reopen(int path_fd, int flags)
{
    char link[sizeof "/proc/self/fd/" + 11];
    struct stat before, after;

    if (fstat(path_fd, &before) < 0)
        return -errno;
    if (!S_ISREG(before.st_mode))
        return -EINVAL;

    snprintf(link, sizeof link, "/proc/self/fd/%d", path_fd);
    CLEANUP_CLOSE int fd = open(link, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &after) < 0)
        return -errno;
    if (before.st_dev != after.st_dev || before.st_ino != after.st_ino || !S_ISREG(after.st_mode))
        return -ESTALE;
    return TAKE_FD(fd);
}

const char *walk_reason_to_string(WalkReason reason)
{
    static const char *const texts[_WALK_REASON_MAX] = {
        [WALK_MISSING] = "does not exist",
        [WALK_SYMLINK] = "is a symbolic link, which is not followed",
        [WALK_DIRECTORY] = "is a directory",
        [WALK_NOT_DIRECTORY] = "is not a directory",
        [WALK_FIFO] = "is a FIFO",
        [WALK_SOCKET] = "is a socket",
        [WALK_DEVICE] = "is a device",
        [WALK_UNREADABLE] = "cannot be read",
        [WALK_FILE_SYSTEM] = "is on a network, FUSE or kernel file system",
        [WALK_TOO_DEEP] = "is too deep",
        [WALK_TOO_MANY] = "has too many files",
    };

    return reason < _WALK_REASON_MAX ? texts[reason] : "is not a regular file";
}
