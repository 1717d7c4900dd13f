/* SPDX-License-Identifier: MIT */
/* What is found is only appended. Further names of a file, hard links or those that another rule
 * told, are found by sorting when all is there: that takes less memory than a table beside it. */
#include "select/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/extents.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/pattern.h"
#include "util/units.h"

void selected_files_clear(SelectedFiles *list)
{
    free(list->files);
    pool_clear(&list->paths);
    *list = (SelectedFiles){ 0 };
}

/* That of the folder that takes @length bytes of @path; NULL: out of memory. A walk comes back to
 * the folders above, so these are looked through. */
static const SelectedPlace *place_for(SelectedFiles *list, const char *path, size_t length,
                                      const MappedPlace *mapped)
{
    const SelectedPlace *above = mapped ? NULL : list->last;

    while (above && strncmp(above->folder, path, strlen(above->folder)) != 0)
        above = above->above;
    if (above && strlen(above->folder) == length)
        return list->last = above;
    SelectedPlace *place = pool_alloc(&list->paths, sizeof(SelectedPlace) + length + 1);
    if (!place)
        return NULL;

    *place = (SelectedPlace){ .above = above, .mapped = mapped ? *mapped : (MappedPlace){ 0 } };
    memcpy(place->folder, path, length);
    place->folder[length] = '\0';
    if (!mapped)
        list->last = place;
    return place;
}

/* Room for one more, the place and name of which are those of @path. NULL: out of memory. */
static SelectedFile *append(SelectedFiles *list, const char *path, const MappedPlace *mapped)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    size_t length = slash ? (size_t)(slash + 1 - path) : 0;

    if (list->n_files >= INT32_MAX || ARRAY_RESERVE(list->files, list->n_files, list->room) < 0)
        return NULL;
    SelectedFile *file = &list->files[list->n_files];
    *file = (SelectedFile){
        .place = path ? place_for(list, path, length, mapped) : NULL,
        .name = path ? pool_strdup(&list->paths, path + length) : NULL,
    };
    if (path && !(file->place && file->name))
        return NULL;
    list->n_files++;
    return file;
}

int selected_files_add(SelectedFiles *list, const char *path, const MappedPlace *mapped,
                       const struct stat *st, size_t rule)
{
    uint32_t found = (uint32_t)list->n_files;
    SelectedFile *file = append(list, path, mapped);

    if (!file)
        return -ENOMEM;
    *file = (SelectedFile){
        .place = file->place,
        .name = file->name,
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .ctime = (uint64_t)st->st_ctim.tv_sec * NSEC_PER_SEC + (uint64_t)st->st_ctim.tv_nsec,
        .mtime = (uint64_t)st->st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)st->st_mtim.tv_nsec,
        .rule = (uint32_t)rule,
        .found = found & INT32_MAX,
        .may_have_holes = extents_may_have_holes(st),
    };
    return 0;
}

int selected_files_add_copy(SelectedFiles *list, const SelectedFile *file)
{
    char path[SELECTED_PATH_MAX];
    const MappedPlace *mapped = file->place->mapped.pid > 0 ? &file->place->mapped : NULL;
    SelectedFile *added = append(list, selected_path(file, path), mapped);

    if (!added)
        return -ENOMEM;
    SelectedFile copy = *file;
    copy.place = added->place;
    copy.name = added->name;
    *added = copy;
    return 0;
}

void selected_files_trim(SelectedFiles *list, size_t n)
{
    SelectedFile *trimmed = reallocarray(list->files, n + 1, sizeof(SelectedFile));

    list->n_files = n;
    if (!trimmed)
        return;
    list->files = trimmed;
    list->room = n + 1;
}

const char *selected_path(const SelectedFile *file, char buffer[static SELECTED_PATH_MAX])
{
    snprintf(buffer, SELECTED_PATH_MAX, "%s%s", file->place->folder, file->name);
    return buffer;
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
        r = !x->name - !y->name;
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
            continue;
        if (!file.name)
            list->n_too_large++;
        else
            list->files[n++] = file;
    }
    list->n_files = n;
    qsort(list->files, n, sizeof(SelectedFile), compare_found);
}

/* Opening */

typedef struct Opening {
    const SelectedFile *files;
    size_t n, n_paths;
    int *fds;    /* or why there is none */
    size_t next; /* where to look first: mostly they come in the order of their names */
    size_t told;
    int fds_fd; /* of walk_open_fds() */
} Opening;

static bool is_mapped(const SelectedFile *file)
{
    return file->place->mapped.pid > 0;
}

static bool is_at(const SelectedFile *file, const char *path)
{
    size_t length = strlen(file->place->folder);

    return strncmp(file->place->folder, path, length) == 0 &&
           strcmp(file->name, path + length) == 0;
}

static int on_open(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Opening *opening = userdata;

    for (size_t tried = 0; tried < opening->n; tried++) {
        size_t i = (opening->next + tried) % opening->n;
        const SelectedFile *file = &opening->files[i];
        if (is_mapped(file) || !is_at(file, path))
            continue;
        opening->fds[i] = st->st_dev == file->dev && st->st_ino == file->ino
                              ? walk_reopen_in(opening->fds_fd, path_fd, O_RDONLY)
                              : -ESTALE;
        opening->next = i + 1;
        opening->told++;
        break;
    }
    return opening->told == opening->n_paths;
}

/* One glob for all, to be freed: their folders are walked once. */
static char *pattern_of(const Opening *opening)
{
    size_t length = 4;
    char between = '{';

    for (size_t i = 0; i < opening->n; i++) {
        const SelectedFile *file = &opening->files[i];
        length += 2 * (strlen(file->place->folder) + strlen(file->name)) + 1;
    }
    char *pattern = malloc(length), *to = pattern;
    if (!pattern)
        return NULL;

    for (size_t i = 0; i < opening->n; i++) {
        if (is_mapped(&opening->files[i]))
            continue;
        if (opening->n_paths > 1)
            *to++ = between;
        between = ',';
        to = pattern_quote(opening->files[i].place->folder, to);
        to = pattern_quote(opening->files[i].name, to);
    }
    if (opening->n_paths > 1)
        *to++ = '}';
    *to = '\0';
    return pattern;
}

static void open_paths(const SelectScope *scope, Opening *opening)
{
    WalkHandler handler = { .file = on_open, .userdata = opening };
    CLEANUP_FREE char *pattern = pattern_of(opening);
    CLEANUP_CLOSE int fds_fd = walk_open_fds();

    opening->fds_fd = fds_fd;
    int r = fds_fd < 0 ? fds_fd
            : pattern  ? walk_glob(scope->root_fd, pattern, scope->flags | WALK_NO_LINKS, &handler)
                       : -ENOMEM;
    for (size_t i = 0; i < opening->n && r < 0; i++)
        if (opening->fds[i] == -ENOENT && !is_mapped(&opening->files[i]))
            opening->fds[i] = r;
}

void selected_files_open(const SelectScope *scope, const SelectedFile *files, size_t n, int *fds)
{
    Opening opening = { .files = files, .n = n, .fds = fds };
    const SelectProcesses *processes = scope->processes;

    for (size_t i = 0; i < n; i++) {
        const SelectedFile *file = &files[i];
        fds[i] = -ENOENT;
        if (!is_mapped(file))
            opening.n_paths++;
        else if (processes)
            fds[i] = mapped_open(processes->proc_fd, &file->place->mapped, file->dev, file->ino);
    }
    if (opening.n_paths > 0)
        open_paths(scope, &opening);
}

int selected_file_open(const SelectScope *scope, const SelectedFile *file)
{
    int fd;

    selected_files_open(scope, file, 1, &fd);
    return fd;
}
