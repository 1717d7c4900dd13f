/* SPDX-License-Identifier: MIT */
/* Folders on the way to a file may belong to people who would like root to open another one. So no
 * path is ever looked up twice or in one piece: every component is opened by itself, relative to
 * the descriptor of the folder above, as O_PATH and without following links, and then judged by
 * that descriptor. O_PATH opens nothing: no device is touched, no FIFO waited for, no automount set
 * off (save a folder that is named literally). Folders cost a descriptor each while something below
 * them is walked, and their matching names are held in memory, because they are reported in order.
 *
 * The links that are followed are taken out of the glob before the walk begins (kernel/links.h):
 * the walk itself follows none, so that whoever puts one in its way meanwhile gains nothing. */
#include "kernel/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "kernel/entry.h"
#include "kernel/links.h"
#include "util/array.h"
#include "util/cleanup.h"

#define DENTS_BYTES 32768 /* as readdir() takes */

typedef struct Walk {
    const WalkHandler *handler;
    GlobSet *set;
    WalkFlags flags;
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
    const Entry *entry;
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
        /* What a glob names literally may be longer than any name. */
        size_t size = names->text_size * 2 + length + 4096;
        char *grown = realloc(names->text, size);
        if (!grown)
            return -ENOMEM;
        names->text = grown;
        names->text_size = size;
    }
    if (ARRAY_RESERVE(names->items, names->count, names->capacity) < 0)
        return -ENOMEM;

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

static int tell(Walk *walk, WalkReason reason, const char *why)
{
    const WalkHandler *handler = walk->handler;

    if (!handler->passed_over)
        return 0;
    return handler->passed_over(walk->path_length ? walk->path : "/", reason, why,
                                handler->userdata);
}

static int report(Walk *walk, WalkReason reason)
{
    static const char *const texts[_WALK_REASON_MAX] = {
        [WALK_MISSING] = "does not exist",
        [WALK_SYMLINK] = "is a symbolic link, which is not followed",
        [WALK_DIRECTORY] = "is a directory",
        [WALK_NOT_DIRECTORY] = "is not a directory",
        [WALK_FIFO] = "is a FIFO",
        [WALK_SOCKET] = "is a socket",
        [WALK_DEVICE] = "is a device",
        [WALK_TOO_DEEP] = "is too deep",
        [WALK_TOO_MANY] = "has too many files",
    };

    return tell(walk, reason, texts[reason]);
}

static int report_error(Walk *walk, int error)
{
    char why[128];

    if (entry_error_is_ours(error))
        return -error;
    snprintf(why, sizeof why, "cannot be read: %s", strerror(error));
    return tell(walk, WALK_UNREADABLE, why);
}

/* A link that is named literally, and that links_resolve() left where it was. */
static int report_link(Walk *walk, const Entry *folder, const Entry *link)
{
    if (walk->flags & WALK_NO_LINKS)
        return report(walk, WALK_SYMLINK);
    if (!folder->roots)
        return tell(walk, WALK_SYMLINK,
                    "is a symbolic link, which is not followed, since others than root can put "
                    "one there");
    if (!link_is_trusted(folder, link))
        return tell(walk, WALK_SYMLINK,
                    "is a symbolic link, which is not followed, since it is not root's");
    return tell(walk, WALK_SYMLINK, "is one symbolic link too many on this path");
}

/* @literal: the path up to here is, so that the kernel's own are meant. */
static bool is_kept_out(const Walk *walk, const Entry *entry, bool literal)
{
    switch (entry->kind) {
    case FS_LOCAL:
        return false;
    case FS_NETWORK:
    case FS_FUSE:
        return !(walk->flags & WALK_NETWORK);
    case FS_KERNEL:
        return !literal;
    }
    return true;
}

static int report_file_system(Walk *walk, const Entry *entry)
{
    char why[FS_WHY_MAX];

    fs_format_passed_over(entry->kind, entry->fs, why);
    return tell(walk, WALK_FILE_SYSTEM, why);
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

static int enter_folder(Walk *walk, int fd, const Entry *entry, const GlobStep *step)
{
    if (walk->depth == WALK_DEPTH_MAX)
        return report(walk, WALK_TOO_DEEP);

    /* The step's states last until the next step only. */
    CLEANUP_FREE uint32_t *states = reallocarray(NULL, step->n_states, sizeof *states);
    if (!states)
        return -ENOMEM;
    memcpy(states, step->states, step->n_states * sizeof *states);

    walk->depth++;
    int r = walk_folder(walk, &(Folder){ fd, entry, states, step->n_states });
    walk->depth--;
    return r;
}

/* What the opened component is, and what follows from it. */
static int judge_entry(Walk *walk, const Folder *folder, int fd, const GlobStep *step)
{
    Entry entry;

    int r = entry_stat(fd, folder->entry, &entry);
    if (r < 0)
        return report_error(walk, -r);
    mode_t mode = entry.st.st_mode;
    if (!entry_same_mount(&entry, folder->entry) && is_kept_out(walk, &entry, step->named))
        return step->matched || !S_ISREG(mode) ? report_file_system(walk, &entry) : 0;
    if ((mode & S_IFMT) == 0)
        return report_error(walk, EACCES);

    if (S_ISREG(mode) && step->file)
        return walk->handler->file(walk->path, fd, &entry.st, walk->handler->userdata);
    if (S_ISDIR(mode) && step->n_states > 0)
        return enter_folder(walk, fd, &entry, step);

    if (S_ISLNK(mode) && step->named)
        return report_link(walk, folder->entry, &entry);
    /* A file on the way to `*`/x is not worth a word; one on the way to literal/x is. */
    if (step->file || step->named || (step->matched && S_ISLNK(mode)))
        return report(walk, reason_of_mode(mode, step->file));
    return 0;
}

static int open_entry(Walk *walk, const Folder *folder, const char *name, const GlobStep *step)
{
    CLEANUP_CLOSE int fd = entry_open(folder->fd, name, step->named && step->n_states > 0);
    if (fd >= 0)
        return judge_entry(walk, folder, fd, step);

    if (fd != -ENOENT)
        return report_error(walk, -fd);
    return step->named ? report(walk, WALK_MISSING) : 0;
}

/* Whether it was told so: what is only to be told needs no descriptor. What is no regular file by
 * now, and what was mounted over one, is opened and judged as everything else. */
static bool tell_unopened(Walk *walk, const Folder *folder, const char *name, int *ret)
{
    Entry entry;

    if (entry_stat_name(folder->fd, name, folder->entry, &entry) < 0 || !S_ISREG(entry.st.st_mode))
        return false;
    *ret = walk->handler->file(walk->path, -1, &entry.st, walk->handler->userdata);
    return true;
}

/* The same of what is opened at once, and not first as O_PATH. Who exchanges it meanwhile can make
 * us open a FIFO, which does not wait (O_NONBLOCK), or a device that he could name in this folder,
 * which only root can make. */
static bool tell_opened(Walk *walk, const Folder *folder, const char *name, int *ret)
{
    struct stat st;

    CLEANUP_CLOSE int fd = entry_open_file(folder->fd, name);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    *ret = walk->handler->opened(walk->path, &fd, &st, walk->handler->userdata);
    return true;
}

/* Whether it is told without the careful way. */
static bool tell_at_once(Walk *walk, const Folder *folder, const char *name, int *ret)
{
    if (walk->handler->unopened)
        return tell_unopened(walk, folder, name, ret);
    return walk->handler->opened && tell_opened(walk, folder, name, ret);
}

static bool is_avoided(const Walk *walk)
{
    const char *const *avoid = walk->handler->avoid;

    for (; avoid && *avoid; avoid++)
        if (strcmp(*avoid, walk->path) == 0)
            return true;
    return false;
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
        return report(walk, WALK_TOO_DEEP);
    walk->path[before] = '/';
    memcpy(walk->path + before + 1, name, length + 1);
    walk->path_length = before + 1 + length;

    bool listed = type == DT_REG && step.file;
    int r = 0;
    if (!is_avoided(walk) && !(listed && tell_at_once(walk, folder, name, &r)))
        r = open_entry(walk, folder, name, &step);

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
        return entry_error_is_ours(errno) ? -errno : errno;

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
        r = report_error(walk, r);
    if (r == -E2BIG) {
        names->count = 0;
        r = report(walk, WALK_TOO_MANY);
    }
    return r;
}

static bool may_be_file(const Walk *walk, const Folder *folder, const char *name)
{
    GlobStep step;

    globset_step(walk->set, folder->states, folder->n_states, name, &step);
    return step.file;
}

static int tell_folder(Walk *walk, const Folder *folder)
{
    const WalkHandler *handler = walk->handler;
    const Entry *entry = folder->entry;
    WalkFolder told = { .path = walk->path, .path_fd = folder->fd };

    if (!handler->folder)
        return 0;
    CLEANUP_FREE const char **names = reallocarray(NULL, folder->n_states + 1, sizeof(char *));
    if (!names)
        return -ENOMEM;
    told.local = entry->kind == FS_LOCAL;
    told.names = names;
    for (size_t i = 0; i < folder->n_states; i++) {
        const char *name = globset_literal(walk->set, folder->states[i]);
        told.files |= !name || may_be_file(walk, folder, name);
        if (name)
            names[told.n_names++] = name;
        else
            told.names = NULL;
    }
    return handler->folder(&told, handler->userdata);
}

static int walk_folder(Walk *walk, const Folder *folder)
{
    cleanup(names_done) Names names = { 0 };

    int r = tell_folder(walk, folder);
    if (r == 0)
        r = gather_names(walk, folder, &names);
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

static int walk_from(Walk *walk, int fd, const Entry *entry)
{
    GlobStep step;

    globset_start(walk->set, &step);
    if (step.n_states == 0) /* "/" */
        return report(walk, WALK_DIRECTORY);
    return enter_folder(walk, fd, entry, &step);
}

/* To be freed. NULL: out of memory. */
static Walk *walk_new(WalkFlags flags, const WalkHandler *handler)
{
    Walk *walk = malloc(sizeof *walk);
    if (!walk)
        return NULL;

    walk->handler = handler;
    walk->set = NULL;
    walk->flags = flags;
    walk->depth = 0;
    walk->path_length = 0;
    walk->path[0] = '\0';
    return walk;
}

static void walk_freep(Walk **walk)
{
    if (*walk)
        globset_free((*walk)->set);
    free(*walk);
}

typedef struct Links {
    int root_fd;
    bool network;
} Links;

static int resolve_links(const char *path, char **ret, void *userdata)
{
    const Links *links = userdata;

    return links_resolve(links->root_fd, path, links->network, ret);
}

int walk_read_glob(int root_fd, const char *pattern, WalkFlags flags, GlobSet **ret)
{
    Links links = { root_fd, flags & WALK_NETWORK };
    GlobResolver resolver = { resolve_links, &links };

    return globset_new(pattern, flags & WALK_NO_LINKS ? NULL : &resolver, ret);
}

int walk_glob(int root_fd, const char *pattern, WalkFlags flags, const WalkHandler *handler)
{
    cleanup(walk_freep) Walk *walk = walk_new(flags, handler);
    Entry entry;

    if (!walk)
        return -ENOMEM;
    int r = walk_read_glob(root_fd, pattern, flags, &walk->set);
    if (r >= 0)
        r = entry_stat(root_fd, NULL, &entry);
    if (r < 0)
        return r;
    if (is_kept_out(walk, &entry, true))
        return report_file_system(walk, &entry);
    return walk_from(walk, root_fd, &entry);
}

int walk_tree(int fd, const char *path, WalkFlags flags, const WalkHandler *handler)
{
    cleanup(walk_freep) Walk *walk = walk_new(flags, handler);
    Entry entry;

    if (!walk)
        return -ENOMEM;
    size_t length = strlen(path);
    if (length >= sizeof walk->path)
        return -ENAMETOOLONG;
    memcpy(walk->path, path, length + 1);
    walk->path_length = length;

    int r = entry_stat_named(fd, &entry);
    if (r < 0)
        return r;
    if (S_ISREG(entry.st.st_mode))
        return handler->file(path, fd, &entry.st, handler->userdata);
    if ((entry.st.st_mode & S_IFMT) == 0)
        return report_error(walk, EACCES);
    if (!S_ISDIR(entry.st.st_mode))
        return report(walk, reason_of_mode(entry.st.st_mode, true));

    r = globset_new_everything(&walk->set);
    if (r < 0)
        return r;
    while (walk->path_length > 0 && path[walk->path_length - 1] == '/')
        walk->path_length--;
    walk->path[walk->path_length] = '\0';
    return walk_from(walk, fd, &entry);
}

int walk_open_fds(void)
{
    CLEANUP_CLOSE int fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;

    if (fd < 0 || fstatfs(fd, &fs) < 0)
        return -errno;
    return fs.f_type == PROC_SUPER_MAGIC ? TAKE_FD(fd) : -ENODEV; /* its links do not lie */
}

int walk_reopen_in(int fds_fd, int path_fd, int flags)
{
    char name[11];

    snprintf(name, sizeof name, "%d", path_fd);
    int fd = openat(fds_fd, name, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
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
