/* SPDX-License-Identifier: MIT */
/* What is found is only appended. Further names of a file, hard links or those that another rule
 * told, are found by sorting when all is there: that takes less memory than a table beside it. */
#include "select/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

void selected_files_clear(SelectedFiles *list)
{
    for (size_t i = 0; i < list->n_files; i++)
        free(list->files[i].path);
    free(list->files);
    *list = (SelectedFiles){ 0 };
}

int selected_files_add(SelectedFiles *list, const char *path, const struct stat *st,
                       uint64_t wanted, size_t rule)
{
    if (list->n_files == list->room) {
        size_t room = list->room * 2 + 16;
        SelectedFile *grown = reallocarray(list->files, room, sizeof(SelectedFile));
        if (!grown)
            return -ENOMEM;
        list->files = grown;
        list->room = room;
    }

    char *copy = path ? strdup(path) : NULL;
    if (path && !copy)
        return -ENOMEM;
    list->files[list->n_files] = (SelectedFile){
        .path = copy,
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .wanted = wanted,
        .rule = rule,
        .found = list->n_files,
    };
    list->n_files++;
    return 0;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_found(const void *a, const void *b)
{
    return compare(((const SelectedFile *)a)->found, ((const SelectedFile *)b)->found);
}

/* By file, and what is too large behind what is not. */
static int compare_identity(const void *a, const void *b)
{
    const SelectedFile *x = a, *y = b;

    int r = compare(x->dev, y->dev);
    if (r == 0)
        r = compare(x->ino, y->ino);
    if (r == 0)
        r = !x->path - !y->path;
    return r != 0 ? r : compare_found(a, b);
}

static bool is_same_file(const SelectedFile *a, const SelectedFile *b)
{
    return a->dev == b->dev && a->ino == b->ino;
}

void selected_files_finish(SelectedFiles *list)
{
    size_t n = 0;

    if (list->n_files == 0)
        return;
    qsort(list->files, list->n_files, sizeof(SelectedFile), compare_identity);
    for (size_t i = 0; i < list->n_files; i++) {
        SelectedFile file = list->files[i];
        if (i > 0 && is_same_file(&list->files[i - 1], &file))
            free(file.path);
        else if (!file.path)
            list->n_too_large++;
        else
            list->files[n++] = file;
    }
    list->n_files = n;
    qsort(list->files, n, sizeof(SelectedFile), compare_found);
}

/* Opening */

typedef struct Opening {
    const SelectedFile *file;
    int fd; /* or why there is none */
} Opening;

static int on_open(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Opening *opening = userdata;

    opening->fd = st->st_dev == opening->file->dev && st->st_ino == opening->file->ino
                      ? walk_reopen(path_fd, O_RDONLY)
                      : -ESTALE;
    return 1;
}

/* A path as a glob that matches it alone, to be freed. */
static char *quote(const char *path)
{
    char *quoted = malloc(2 * strlen(path) + 1), *to = quoted;
    if (!quoted)
        return NULL;

    for (; *path; path++) {
        if (strchr("*?[]{}\\,", *path))
            *to++ = '\\';
        *to++ = *path;
    }
    *to = '\0';
    return quoted;
}

int selected_file_open(const SelectScope *scope, const SelectedFile *file)
{
    if (file->place.pid > 0)
        return scope->processes
                   ? mapped_open(scope->processes->proc_fd, &file->place, file->dev, file->ino)
                   : -ENOENT;

    Opening opening = { .file = file, .fd = -ENOENT };
    WalkHandler handler = { .file = on_open, .userdata = &opening };
    CLEANUP_FREE char *pattern = quote(file->path);
    if (!pattern)
        return -ENOMEM;

    int r = walk_glob(scope->root_fd, pattern, scope->flags | WALK_NO_LINKS, &handler);
    return r < 0 ? r : opening.fd;
}
