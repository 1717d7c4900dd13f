/* SPDX-License-Identifier: MIT */
/* pidfd_getfd(2) gives a descriptor of the same open file description, in which the kernel keeps
 * the read-ahead: opening /proc/PID/fd/N would make another one, and advise nobody. The copy is
 * closed at once, because with it a file stays open (and locked by flock(2)) that the process
 * closes meanwhile.
 *
 * Which files match is first a matter of names: the link in /proc/PID/fd tells the one that the
 * file has in the mount namespace of the process. It counts only if a walk of ours, which follows
 * no link and enters no file system that it is kept out of, finds the same file there. Workers have
 * the same files open, so that descriptors are sorted by file, and each is looked for once. */
#include "kernel/advise.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kernel/descriptors.h"
#include "kernel/entry.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/pattern.h"
#include "util/pool.h"

typedef struct Candidate {
    pid_t pid;
    int number;
    dev_t dev;
    ino_t ino;
    uint64_t mount;   /* 0: whichever */
    const char *path; /* in the pool */
    const AdvisePattern *pattern;
} Candidate;

typedef struct Advising {
    const AdviseScope *scope;
    GlobSet **globs; /* one for each pattern */
    Candidate *candidates;
    size_t n_candidates, room;
    Pool paths;
    pid_t failed; /* the process counted last */
    AdviseOutcome outcome;
} Advising;

static void advising_done(Advising *a)
{
    for (size_t i = 0; a->globs && i < a->scope->n_patterns; i++)
        globset_free(a->globs[i]);
    free(a->globs);
    free(a->candidates);
    pool_clear(&a->paths);
}

static bool is_cancelled(const Advising *a)
{
    return a->scope->cancelled && atomic_load(a->scope->cancelled);
}

static int read_globs(Advising *a)
{
    const AdviseScope *scope = a->scope;
    int r = 0;

    a->globs = calloc(scope->n_patterns + 1, sizeof *a->globs);
    if (!a->globs)
        return -ENOMEM;
    for (size_t i = 0; i < scope->n_patterns && r >= 0; i++)
        r = walk_read_glob(scope->root_fd, scope->patterns[i].path, scope->flags, &a->globs[i]);
    return r;
}

static void note_unreachable(Advising *a, pid_t pid, int error)
{
    if (a->failed == pid)
        return;
    a->failed = pid;
    a->outcome.unreachable++;
    a->outcome.error = error;
}

/* Which descriptors match, by name */

static const AdvisePattern *find_pattern(const Advising *a, const char *path, bool deleted)
{
    for (size_t i = 0; i < a->scope->n_patterns; i++)
        if ((!deleted || a->scope->patterns[i].by_name) && globset_matches(a->globs[i], path))
            return &a->scope->patterns[i];
    return NULL;
}

static bool is_wanted(const char *path, bool deleted, void *userdata)
{
    return find_pattern(userdata, path, deleted);
}

static int on_descriptor(const Descriptor *descriptor, void *userdata)
{
    Advising *a = userdata;

    if (ARRAY_RESERVE(a->candidates, a->n_candidates, a->room) < 0)
        return -ENOMEM;
    const char *path = pool_strdup(&a->paths, descriptor->path);
    if (!path)
        return -ENOMEM;
    a->candidates[a->n_candidates++] = (Candidate){
        .pid = descriptor->pid,
        .number = descriptor->number,
        .dev = descriptor->dev,
        .ino = descriptor->ino,
        .mount = descriptor->mount,
        .path = path,
        .pattern = find_pattern(a, path, descriptor->deleted),
    };
    return 0;
}

static int find_candidates(Advising *a)
{
    const AdviseScope *scope = a->scope;
    const DescriptorHandler handler = {
        .wanted = is_wanted,
        .found = on_descriptor,
        .userdata = a,
        .network = scope->flags & WALK_NETWORK,
    };

    for (size_t i = 0; i < scope->n_pids; i++) {
        if (is_cancelled(a))
            return -ECANCELED;
        int r = descriptors_of(scope->proc_fd, scope->pids[i], &handler);
        if (r < 0 && entry_error_is_ours(-r))
            return r;
        if (r < 0 && r != -ESRCH)
            note_unreachable(a, scope->pids[i], r);
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const Candidate *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* Whether it is that file here, too */

typedef struct Looking {
    const Candidate *candidate;
    bool found;
} Looking;

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Looking *looking = userdata;

    looking->found = st->st_dev == looking->candidate->dev && st->st_ino == looking->candidate->ino;
    return 1;
}

/* 1, 0; -ENOMEM, -EMFILE, -ENFILE. */
static int is_meant(const Advising *a, const Candidate *candidate)
{
    Looking looking = { .candidate = candidate };
    WalkHandler handler = { .file = on_file, .userdata = &looking, .unopened = true };
    char pattern[2 * PATH_MAX];

    if (candidate->pattern->by_name)
        return 1;
    pattern_quote(candidate->path, pattern);
    int r = walk_glob(a->scope->root_fd, pattern, a->scope->flags | WALK_NO_LINKS, &handler);
    return r < 0 && entry_error_is_ours(-r) ? r : looking.found;
}

/* Advising */

/* The number may be another file's by now. This asks no server. */
static bool is_still(int fd, const Candidate *candidate)
{
    struct statx st;

    return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) >= 0 &&
           makedev(st.stx_dev_major, st.stx_dev_minor) == candidate->dev &&
           st.stx_ino == candidate->ino;
}

/* Of /proc we know the process by its number, which is another's only if this one has ended
 * meanwhile and that has the same file open under the same number. */
static int take(const Candidate *candidate)
{
    CLEANUP_CLOSE int pidfd = (int)syscall(__NR_pidfd_open, candidate->pid, 0U);
    int fd = pidfd < 0 ? -1 : (int)syscall(__NR_pidfd_getfd, pidfd, candidate->number, 0U);

    return fd < 0 ? -errno : fd;
}

static void *close_it(void *userdata)
{
    close((int)(intptr_t)userdata);
    return NULL;
}

/* A descriptor that became another file's at the last moment, which may be one of FUSE: its close
 * waits for the server, maybe for ever. That is left to a thread of its own. */
static void close_apart(int fd)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, close_it, (void *)(intptr_t)fd) == 0)
        pthread_detach(thread);
    else
        close(fd);
}

static int advise(Advising *a, const Candidate *candidate)
{
    static const int advices[] = {
        [ACCESS_NORMAL] = POSIX_FADV_NORMAL,
        [ACCESS_SEQUENTIAL] = POSIX_FADV_SEQUENTIAL,
        [ACCESS_RANDOM] = POSIX_FADV_RANDOM,
    };
    const AdvisePattern *pattern = candidate->pattern;

    /* What is taken must be closed, and on other mounts that may wait for a server. */
    if (candidate->mount > 0 &&
        !descriptor_is_on(a->scope->proc_fd, candidate->pid, candidate->number, candidate->mount))
        return 0;
    CLEANUP_CLOSE int fd = take(candidate);
    if (fd < 0 && entry_error_is_ours(-fd))
        return fd;
    if (fd < 0 && fd != -ESRCH && fd != -EBADF) /* ended, or closed */
        note_unreachable(a, candidate->pid, fd);
    if (fd < 0)
        return 0;
    if (!is_still(fd, candidate)) {
        close_apart(TAKE_FD(fd));
        return 0;
    }
    if (posix_fadvise(fd, 0, 0, advices[pattern->access]) == 0 && !pattern->by_name)
        a->outcome.descriptors++;
    return 0;
}

static int advise_candidates(Advising *a)
{
    int meant = 0;

    if (a->n_candidates > 0)
        qsort(a->candidates, a->n_candidates, sizeof *a->candidates, compare);
    for (size_t i = 0; i < a->n_candidates; i++) {
        const Candidate *candidate = &a->candidates[i];

        if (is_cancelled(a))
            return -ECANCELED;
        if (i == 0 || compare(candidate, candidate - 1) != 0)
            meant = is_meant(a, candidate);
        int r = meant > 0 ? advise(a, candidate) : meant;
        if (r < 0)
            return r;
    }
    return 0;
}

int advise_descriptors(const AdviseScope *scope, AdviseOutcome *ret)
{
    cleanup(advising_done) Advising a = { .scope = scope };

    int r = read_globs(&a);
    if (r >= 0)
        r = find_candidates(&a);
    if (r >= 0)
        r = advise_candidates(&a);
    if (r < 0)
        return r;
    *ret = a.outcome;
    return 0;
}
