/* SPDX-License-Identifier: MIT */
#include "cli/paths.h"

#include <fcntl.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "kernel/walk.h"
#include "util/cleanup.h"
#include "util/strv.h"

void named_paths_complain(NamedPaths *walk, const char *path, const char *text, int error)
{
    CLEANUP_FREE char *shown = escape_text(path, walk->unicode);

    progress_clear(&walk->progress);
    complain("%s: %s%s%s", shown ? shown : "out of memory", text, error && *text ? ": " : "",
             error ? strerror(error) : "");
}

static void fail(NamedPaths *walk, const char *path, const char *text, int error)
{
    if (!walk->silent)
        named_paths_complain(walk, path, text, error);
    walk->failed = true;
}

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    NamedPaths *walk = userdata;

    progress_step(&walk->progress);
    CLEANUP_CLOSE int fd = walk_reopen(path_fd, O_RDONLY);
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
        return fd;
    if (fd >= 0)
        return walk->file(path, &fd, st, walk->userdata);
    fail(walk, path, "cannot be read", -fd);
    return 0;
}

static int on_opened(const char *path, int *fd, const struct stat *st, void *userdata)
{
    NamedPaths *walk = userdata;

    progress_step(&walk->progress);
    return walk->file(path, fd, st, walk->userdata);
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    NamedPaths *walk = userdata;
    bool named = strcmp(path, walk->named) == 0;

    switch (reason) {
    case WALK_SYMLINK:
    case WALK_FIFO:
    case WALK_SOCKET:
    case WALK_DEVICE:
        if (!named)
            return 0;
        break;
    case WALK_FILE_SYSTEM: /* worth a word, and as it should be */
        if (!walk->silent)
            named_paths_complain(walk, path, why, 0);
        return 0;
    case WALK_MISSING:
    case WALK_DIRECTORY:
    case WALK_NOT_DIRECTORY:
    case WALK_UNREADABLE:
    case WALK_TOO_DEEP:
    case WALK_TOO_MANY:
    case _WALK_REASON_MAX:
        break;
    }
    fail(walk, path, why, 0);
    return 0;
}

static int on_counted(const char *path, const CensusFile *file, void *userdata)
{
    NamedPaths *walk = userdata;

    return walk->counted(path, file, walk->userdata);
}

static void on_progress(size_t n_files, void *userdata)
{
    NamedPaths *walk = userdata;

    progress_set(&walk->progress, walk->n_counted + n_files);
}

static bool is_folder(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static int walk_path(NamedPaths *walk, const char *path)
{
    const WalkHandler handler = {
        .file = on_file,
        .passed_over = on_passed_over,
        .userdata = walk,
        .opened = on_opened,
    };
    const CensusHandler census = { on_counted, on_passed_over, on_progress, walk };

    walk->named = path;
    CLEANUP_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        fail(walk, path, "", errno);
        return 0;
    }
    if (walk->files_only && is_folder(fd)) {
        fail(walk, path, "is a folder (--recursive takes all files in it)", 0);
        return 0;
    }

    walk->n_counted = walk->progress.n_files;
    int r = walk->counted ? census_tree(fd, path, &census) : walk_tree(fd, path, 0, &handler);
    if (r == 0)
        return 0;
    if (r < 0 && r != -ENOMEM && r != -ECANCELED)
        fail(walk, path, "", -r);
    walk->failed = true;
    return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -ECANCELED ? r : 0;
}

int named_paths_walk(NamedPaths *walk, char *const paths[])
{
    int r = 0;

    STRV_FOREACH (path, paths)
        if ((r = walk_path(walk, *path)) != 0)
            break;
    progress_clear(&walk->progress);
    return r;
}
