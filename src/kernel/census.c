/* SPDX-License-Identifier: MIT */
/* Opening, counting and closing a file is all system calls, so two threads halve the time. Work is
 * a stack of folders to be opened and of pieces of an opened one's names; the newest is taken
 * first, so that few folders are open at once: each worker's and those above. What is found goes
 * where its name stands, and is told when all is done: in order, and by one thread.
 *
 * A name that the folder calls a regular file is opened at once, instead of first as O_PATH as
 * walk.c does: openat2() follows no link and leaves no mount. Who exchanges it meanwhile can make
 * us open a FIFO, which does not wait (O_NONBLOCK), or a device that he could name in this folder,
 * which only root can make. All else, and whatever openat2() refuses, goes the careful way. */
#include "kernel/census.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "kernel/entry.h"
#include "kernel/folder_names.h"
#include "util/array.h"
#include "util/cleanup.h"

#define WORKERS_MAX 2   /* the caller is one; with more nothing was measured */
#define PIECE_NAMES 256 /* some 0.5 ms of work: little to wait for, and little to hand over */

typedef struct Folder Folder;

typedef enum FoundKind {
    FOUND_NOTHING,
    FOUND_FILE,
    FOUND_FOLDER,
    FOUND_TROUBLE,
} FoundKind;

/* What a name turned out to be. */
typedef struct Found {
    FoundKind kind;
    union {
        CensusFile file;
        Folder *folder;
        struct {
            WalkReason reason;
            char *why;
        } trouble;
    };
} Found;

struct Folder {
    Folder *parent;
    Found *self; /* where it stands in the parent */
    const char *name;
    Entry entry;
    int fd;            /* -1: not open yet, or no more */
    atomic_uint holds; /* who still needs @fd: pieces, and folders to be opened from it */
    unsigned depth;
    size_t path_length;
    FolderNames names;
    Found *found; /* one for each name */
};

typedef struct Task {
    Folder *folder;
    size_t first, end; /* of its names; both 0: to be opened */
} Task;

typedef struct Census {
    const CensusHandler *handler;
    pthread_mutex_t lock; /* of the next five */
    pthread_cond_t changed;
    Task *tasks;
    size_t n_tasks, room;
    unsigned n_busy;
    int error;
    atomic_size_t n_files;
    char path[PATH_MAX]; /* of what is told */
} Census;

/* Folders */

static Folder *folder_new(Folder *parent, Found *self, const char *name)
{
    Folder *folder = calloc(1, sizeof *folder);
    if (!folder)
        return NULL;

    folder->fd = -1;
    folder->parent = parent;
    folder->self = self;
    folder->name = name;
    if (parent) {
        folder->depth = parent->depth + 1;
        folder->path_length = parent->path_length + 1 + strlen(name);
        atomic_fetch_add(&parent->holds, 1);
    }
    return folder;
}

static void folder_release(Folder *folder)
{
    if (atomic_fetch_sub(&folder->holds, 1) == 1)
        folder->fd = safe_close(folder->fd);
}

static void folder_free(Folder *folder)
{
    for (size_t i = 0; i < folder->names.n_names && folder->found; i++)
        if (folder->found[i].kind == FOUND_FOLDER)
            folder_free(folder->found[i].folder);
        else if (folder->found[i].kind == FOUND_TROUBLE)
            free(folder->found[i].trouble.why);
    safe_close(folder->fd);
    folder_names_clear(&folder->names);
    free(folder->found);
    free(folder);
}

DEFINE_CLEANUP(Folder *, folder_free)

/* Work */

static int push(Census *census, Folder *folder, size_t first, size_t end)
{
    pthread_mutex_lock(&census->lock);
    int r = ARRAY_RESERVE(census->tasks, census->n_tasks, census->room);
    if (r >= 0) {
        census->tasks[census->n_tasks++] = (Task){ folder, first, end };
        pthread_cond_signal(&census->changed);
    }
    pthread_mutex_unlock(&census->lock);
    return r;
}

static int set_trouble(Found *found, WalkReason reason, const char *why)
{
    char *copy = strdup(why);
    if (!copy)
        return -ENOMEM;

    *found = (Found){ .kind = FOUND_TROUBLE, .trouble = { reason, copy } };
    return 0;
}

/* What one thing could not be asked. */
static int set_error(Found *found, int error)
{
    char why[128];

    if (entry_error_is_ours(-error))
        return error;
    if (error == -ENOENT) /* vanished meanwhile */
        return 0;
    snprintf(why, sizeof why, "cannot be read: %s", strerror(-error));
    return set_trouble(found, WALK_UNREADABLE, why);
}

static int set_file(Census *census, Found *found, int fd, const struct stat *st)
{
    CensusFile *file = &found->file;

    found->kind = FOUND_FILE;
    *file = (CensusFile){ .dev = st->st_dev, .ino = st->st_ino, .size = (uint64_t)st->st_size };
    file->error = residency_of(fd, file->size, &file->residency);
    atomic_fetch_add_explicit(&census->n_files, 1, memory_order_relaxed);
    return 0;
}

/* False: whatever this is, it is for the careful way. */
static bool count_at_once(Census *census, const Folder *folder, const char *name, Found *found)
{
    struct stat st;

    CLEANUP_CLOSE int fd = entry_open_file(folder->fd, name);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    set_file(census, found, fd, &st);
    return true;
}

static bool is_kept_out(const Folder *folder, const Entry *entry)
{
    return !entry_same_mount(entry, &folder->entry) && entry->kind != FS_LOCAL;
}

/* An O_PATH descriptor of what @folder has under @name, and what that is. 1: it is passed over, and
 * @found says why. Negative: not its fault. */
static int look_at(const Folder *folder, const char *name, Found *found, Entry *entry, int *ret_fd)
{
    char why[FS_WHY_MAX];

    CLEANUP_CLOSE int fd = entry_open(folder->fd, name, false);
    int r = fd < 0 ? fd : entry_stat(fd, &folder->entry, entry);
    if (r >= 0 && is_kept_out(folder, entry)) {
        fs_format_passed_over(entry->kind, entry->fs, why);
        r = set_trouble(found, WALK_FILE_SYSTEM, why);
        return r < 0 ? r : 1;
    }
    if (r >= 0 && (entry->st.st_mode & S_IFMT) == 0)
        r = -EACCES;
    if (r < 0) {
        r = set_error(found, r);
        return r < 0 ? r : 1;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int add_folder(Census *census, Folder *parent, const char *name, Found *found)
{
    if (parent->depth + 1 == WALK_DEPTH_MAX)
        return set_trouble(found, WALK_TOO_DEEP, "is too deep");
    Folder *folder = folder_new(parent, found, name);
    if (!folder)
        return -ENOMEM;
    *found = (Found){ .kind = FOUND_FOLDER, .folder = folder };
    return push(census, folder, 0, 0);
}

static int count_carefully(Census *census, Folder *folder, const char *name, Found *found)
{
    CLEANUP_CLOSE int path_fd = -1, fd = -1;
    Entry entry;

    int r = look_at(folder, name, found, &entry, &path_fd);
    if (r != 0)
        return r < 0 ? r : 0;
    if (S_ISDIR(entry.st.st_mode))
        return add_folder(census, folder, name, found);
    if (!S_ISREG(entry.st.st_mode))
        return 0;
    fd = walk_reopen(path_fd, O_RDONLY);
    return fd < 0 ? set_error(found, fd) : set_file(census, found, fd, &entry.st);
}

static int count_name(Census *census, Folder *folder, size_t i)
{
    const FolderName *name = &folder->names.names[i];
    Found *found = &folder->found[i];

    if (folder->path_length + 1 + strlen(name->name) >= PATH_MAX)
        return set_trouble(found, WALK_TOO_DEEP, "is too deep");
    switch (name->type) {
    case DT_REG:
        if (count_at_once(census, folder, name->name, found))
            return 0;
        return count_carefully(census, folder, name->name, found);
    case DT_UNKNOWN:
        return count_carefully(census, folder, name->name, found);
    case DT_DIR:
        return add_folder(census, folder, name->name, found);
    default:
        return 0;
    }
}

static int list_folder(Census *census, Folder *folder)
{
    int r = folder_names_read(folder->fd, WALK_NAMES_MAX, &folder->names);
    if (r < 0)
        return r;
    folder->found = calloc(folder->names.n_names + 1, sizeof(Found));
    if (!folder->found)
        return -ENOMEM;
    for (size_t first = 0, end; first < folder->names.n_names && r >= 0; first = end) {
        end = first + PIECE_NAMES;
        if (end > folder->names.n_names)
            end = folder->names.n_names;
        atomic_fetch_add(&folder->holds, 1);
        r = push(census, folder, first, end);
    }
    return r;
}

static int enter(Census *census, Folder *folder, int path_fd)
{
    folder->fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        return -errno;
    atomic_fetch_add(&folder->holds, 1);
    int r = list_folder(census, folder);
    folder_release(folder);
    return r;
}

static int open_folder(Census *census, Folder *folder)
{
    CLEANUP_CLOSE int path_fd = -1;
    Folder *parent = folder->parent;
    Found found = { 0 };

    int r = look_at(parent, folder->name, &found, &folder->entry, &path_fd);
    if (r == 0 && S_ISDIR(folder->entry.st.st_mode))
        r = enter(census, folder, path_fd);
    folder_release(parent);
    if (r == -E2BIG)
        r = set_trouble(&found, WALK_TOO_MANY, "has too many files");
    else if (r < 0)
        r = set_error(&found, r);
    if (found.kind == FOUND_TROUBLE) {
        *folder->self = found;
        folder_free(folder);
    }
    return r;
}

static int count_piece(Census *census, const Task *task)
{
    int r = 0;

    for (size_t i = task->first; i < task->end && r >= 0; i++)
        r = count_name(census, task->folder, i);
    folder_release(task->folder);
    return r;
}

/* True: *ret is to be done, and finish() called then. False: all is done, or something failed. */
static bool take(Census *census, Task *ret)
{
    pthread_mutex_lock(&census->lock);
    while (census->n_tasks == 0 && census->n_busy > 0 && census->error == 0)
        pthread_cond_wait(&census->changed, &census->lock);
    bool any = census->n_tasks > 0 && census->error == 0;
    if (any) {
        *ret = census->tasks[--census->n_tasks];
        census->n_busy++;
    }
    pthread_mutex_unlock(&census->lock);
    return any;
}

static void finish(Census *census, int r)
{
    pthread_mutex_lock(&census->lock);
    census->n_busy--;
    if (r < 0)
        census->error = r;
    if (r < 0 || (census->n_busy == 0 && census->n_tasks == 0))
        pthread_cond_broadcast(&census->changed);
    pthread_mutex_unlock(&census->lock);
}

static void work(Census *census, bool caller)
{
    const CensusHandler *handler = census->handler;
    Task task;

    while (take(census, &task)) {
        finish(census,
               task.end > 0 ? count_piece(census, &task) : open_folder(census, task.folder));
        if (caller && handler->progress)
            handler->progress(atomic_load(&census->n_files), handler->userdata);
    }
}

static void *run_worker(void *census)
{
    work(census, false);
    return NULL;
}

/* As many as this process may run on. */
static unsigned count_workers(void)
{
    cpu_set_t cpus;

    if (sched_getaffinity(0, sizeof cpus, &cpus) < 0)
        return 1;
    return CPU_COUNT(&cpus) < WORKERS_MAX ? (unsigned)CPU_COUNT(&cpus) : WORKERS_MAX;
}

static void work_together(Census *census)
{
    pthread_t threads[WORKERS_MAX];
    unsigned n = 0, wanted = count_workers();

    /* One that cannot be started is missed, and that is all. */
    while (n + 1 < wanted && pthread_create(&threads[n], NULL, run_worker, census) == 0)
        n++;
    work(census, true);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

/* Telling */

static int tell_folder(Census *census, const Folder *folder);

static int tell(Census *census, const Folder *folder, size_t i)
{
    const CensusHandler *handler = census->handler;
    const Found *found = &folder->found[i];
    const char *name = folder->names.names[i].name;

    if (found->kind == FOUND_NOTHING)
        return 0;
    census->path[folder->path_length] = '/';
    strcpy(census->path + folder->path_length + 1, name);
    switch (found->kind) {
    case FOUND_FILE:
        return handler->file(census->path, &found->file, handler->userdata);
    case FOUND_FOLDER:
        return tell_folder(census, found->folder);
    case FOUND_TROUBLE:
        return handler->passed_over(census->path, found->trouble.reason, found->trouble.why,
                                    handler->userdata);
    case FOUND_NOTHING:
        break;
    }
    return 0;
}

static int tell_folder(Census *census, const Folder *folder)
{
    int r = 0;

    for (size_t i = 0; i < folder->names.n_names && r == 0; i++)
        r = tell(census, folder, i);
    return r;
}

static int tell_root_error(const CensusHandler *handler, const char *path, int error)
{
    Found found = { 0 };

    int r = error == -E2BIG ? set_trouble(&found, WALK_TOO_MANY, "has too many files")
                            : set_error(&found, error);
    if (r < 0 || found.kind != FOUND_TROUBLE)
        return r;
    r = handler->passed_over(path, found.trouble.reason, found.trouble.why, handler->userdata);
    free(found.trouble.why);
    return r;
}

static int count_root(int fd, const Entry *entry, const char *path, const CensusHandler *handler)
{
    cleanup(folder_freep) Folder *root = folder_new(NULL, NULL, NULL);
    Census census = { .handler = handler };

    if (!root)
        return -ENOMEM;
    root->entry = *entry;
    root->path_length = strlen(path);
    while (root->path_length > 0 && path[root->path_length - 1] == '/')
        root->path_length--;
    memcpy(census.path, path, root->path_length);

    pthread_mutex_init(&census.lock, NULL);
    pthread_cond_init(&census.changed, NULL);
    int r = enter(&census, root, fd);
    if (r >= 0)
        work_together(&census);
    pthread_cond_destroy(&census.changed);
    pthread_mutex_destroy(&census.lock);
    free(census.tasks);
    if (r < 0)
        return tell_root_error(handler, path, r);
    return census.error < 0 ? census.error : tell_folder(&census, root);
}

/* One file by itself, for which no thread is worth starting. */
static int count_file(int path_fd, const struct stat *st, const char *path,
                      const CensusHandler *handler)
{
    Census census = { .handler = handler };
    Found found = { 0 };

    CLEANUP_CLOSE int fd = walk_reopen(path_fd, O_RDONLY);
    if (fd < 0)
        return tell_root_error(handler, path, fd);
    set_file(&census, &found, fd, st);
    if (handler->progress)
        handler->progress(1, handler->userdata);
    return handler->file(path, &found.file, handler->userdata);
}

int census_tree(int fd, const char *path, const CensusHandler *handler)
{
    const WalkHandler other = { NULL, handler->passed_over, handler->userdata };
    Entry entry;

    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    int r = entry_stat_named(fd, &entry);
    if (r < 0)
        return r;
    if (S_ISREG(entry.st.st_mode))
        return count_file(fd, &entry.st, path, handler);
    if (S_ISDIR(entry.st.st_mode))
        return count_root(fd, &entry, path, handler);
    return walk_tree(fd, path, 0, &other); /* which says what it is instead */
}
