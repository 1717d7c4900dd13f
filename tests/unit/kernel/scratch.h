/* SPDX-License-Identifier: MIT */
#pragma once

/* A folder for one test, removed behind it. Failures to set up end the test program: there is
 * nothing to be learnt from what follows. */

#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

#define must(expression)                                                         \
    ({                                                                           \
        __typeof__(expression) _value = (expression);                            \
        if (_value < 0) {                                                        \
            fprintf(stderr, "%s:%d: %s: %m\n", __FILE__, __LINE__, #expression); \
            exit(99);                                                            \
        }                                                                        \
        _value;                                                                  \
    })

typedef struct Scratch {
    char path[PATH_MAX];
    int fd;
} Scratch;

static inline Scratch scratch_new(const char *parent)
{
    Scratch scratch;

    snprintf(scratch.path, sizeof scratch.path, "%s/scratch-XXXXXX", parent);
    if (!mkdtemp(scratch.path)) {
        fprintf(stderr, "%s: %m\n", scratch.path);
        exit(99);
    }
    scratch.fd = must(open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return scratch;
}

static inline void scratch_done(Scratch *scratch)
{
    close(scratch->fd);
    /* From folder to folder: a test's paths may be longer than any that the kernel takes. */
    FTS *tree = fts_open((char *[]){ scratch->path, NULL }, FTS_PHYSICAL, NULL);
    for (FTSENT *entry; tree && (entry = fts_read(tree));)
        if (entry->fts_info != FTS_D)
            remove(entry->fts_accpath);
    if (tree)
        fts_close(tree);
}

#define CLEANUP_SCRATCH cleanup(scratch_done)

/* The folders on the way to @path, below the scratch folder. */
static inline void scratch_folders(const Scratch *scratch, const char *path)
{
    char part[PATH_MAX];

    for (const char *p = path; (p = strchr(p, '/')); p++) {
        snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
        if (*part && mkdirat(scratch->fd, part, 0755) < 0 && errno != EEXIST)
            must(-1);
    }
}

/* A file with this text, and the folders above it. */
static inline void scratch_put(const Scratch *scratch, const char *path, const char *text)
{
    scratch_folders(scratch, path);
    int fd = must(openat(scratch->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    must(write(fd, text, strlen(text)));
    close(fd);
}

/* A file of @size bytes, which are not there, and the folders above it. */
static inline void scratch_put_sized(const Scratch *scratch, const char *path, uint64_t size)
{
    scratch_folders(scratch, path);
    int fd = must(openat(scratch->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    must(ftruncate(fd, (off_t)size));
    close(fd);
}

/* The same without holes. */
static inline void scratch_put_dense(const Scratch *scratch, const char *path, uint64_t size)
{
    scratch_put_sized(scratch, path, size);
    int fd = must(openat(scratch->fd, path, O_WRONLY | O_CLOEXEC));
    must(fallocate(fd, 0, 0, (off_t)size));
    close(fd);
}

static inline const char *scratch_get(const Scratch *scratch, const char *path, char *buffer,
                                      size_t size)
{
    int fd = must(openat(scratch->fd, path, O_RDONLY | O_CLOEXEC));
    ssize_t n = must(read(fd, buffer, size - 1));

    close(fd);
    buffer[n] = '\0';
    return buffer;
}

/* "…/NAME" as the outside sees it; the caller's until the next call. */
static inline const char *scratch_path(const Scratch *scratch, const char *name)
{
    static char path[2 * PATH_MAX + 32];

    snprintf(path, sizeof path, "%s/%s", scratch->path, name);
    return path;
}
