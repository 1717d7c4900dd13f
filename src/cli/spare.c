/* SPDX-License-Identifier: MIT */
#include "cli/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/paths.h"
#include "cli/text.h"
#include "kernel/settled.h"
#include "util/array.h"
#include "util/units.h"

#define RANGES_AT_ONCE 64

void spared_clear(Spared *spared)
{
    for (size_t i = 0; i < spared->n_files; i++)
        free(spared->files[i].ranges);
    free(spared->files);
    *spared = (Spared){ 0 };
}

/* Noting */

static int add_ranges(SparedFile *file, const ResidentRange *ranges, size_t n)
{
    ResidentRange *grown = reallocarray(file->ranges, file->n_ranges + n, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    memcpy(grown + file->n_ranges, ranges, n * sizeof *ranges);
    file->ranges = grown;
    file->n_ranges += n;
    return 0;
}

static int read_ranges(SparedFile *file, int fd, uint64_t size)
{
    ResidentRange ranges[RANGES_AT_ONCE];
    uint64_t at = 0;
    size_t n;
    int r = 0;

    while (at < size && r >= 0) {
        r = residency_ranges(fd, at, size, ranges, ELEMENTS(ranges), &n, &at);
        if (r >= 0 && n > 0)
            r = add_ranges(file, ranges, n);
    }
    return r;
}

static int on_file(const char *path, int *fd, const struct stat *st, void *userdata)
{
    SparedFile file = { .dev = st->st_dev, .ino = st->st_ino };
    Spared *spared = userdata;

    int r = read_ranges(&file, *fd, (uint64_t)st->st_size);
    if (r < 0 && r != -ENOMEM) {
        file.error = r;
        r = 0;
    }
    bool stays = file.n_ranges > 0 || file.error < 0;
    if (r >= 0 && stays)
        r = ARRAY_RESERVE(spared->files, spared->n_files, spared->room);
    if (r < 0 || !stays) {
        free(file.ranges);
        return r;
    }
    spared->files[spared->n_files++] = file;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const SparedFile *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return (x->ino > y->ino) - (x->ino < y->ino);
}

int spared_note(Spared *ret, char *const paths[])
{
    NamedPaths walk = { .silent = true, .file = on_file, .userdata = ret };

    *ret = (Spared){ 0 };
    int r = named_paths_walk(&walk, paths);
    if (r >= 0 && ret->n_files > 0)
        qsort(ret->files, ret->n_files, sizeof *ret->files, compare);
    return r;
}

const SparedFile *spared_find(const Spared *spared, const struct stat *st)
{
    const SparedFile key = { .dev = st->st_dev, .ino = st->st_ino };

    return spared->n_files > 0 ? bsearch(&key, spared->files, spared->n_files, sizeof key, compare)
                               : NULL;
}

/* The command */

static void ignore(int signal, struct sigaction *ret_before)
{
    struct sigaction action = { .sa_handler = SIG_IGN };

    sigaction(signal, &action, ret_before);
}

static ExitCode wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILED;
    return (ExitCode)(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

ExitCode run_command(char *const command[])
{
    struct sigaction interrupt, quit;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    pid_t pid;

    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGQUIT);
    if (posix_spawnattr_init(&attributes) != 0)
        return EXIT_FAILED;
    (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    ignore(SIGINT, &interrupt);
    ignore(SIGQUIT, &quit);
    int error = posix_spawnp(&pid, command[0], NULL, &attributes, command, environ);
    posix_spawnattr_destroy(&attributes);
    ExitCode code = error ? (ExitCode)(error == ENOENT ? 127 : 126) : wait_for(pid);
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    if (error) {
        CLEANUP_FREE char *shown = escape_text(command[0], locale_is_unicode());
        complain("%s: %s", shown ? shown : "out of memory", strerror(error));
    }
    return code;
}
