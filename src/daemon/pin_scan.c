/* SPDX-License-Identifier: MIT */
/* Three passes: walk the globs and note every file once, by device and inode; spread the budget
 * (pure, control/pin_plan.h); open what is missing. The third pass opens by path again, so it
 * compares device and inode: a file that was exchanged in between is the next scan's. */

#include "daemon/pin_scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Out of memory ends the scan, not the daemon, as uthash would have it. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "kernel/walk.h"
#include "util/strv.h"
#include "util/units.h"

typedef struct FileId {
    uint64_t dev, ino;
} FileId;

typedef struct Seen {
    FileId id;
    UT_hash_handle hh;
} Seen;

typedef struct PinWishes {
    PinWish *wishes;
    char **paths;
    size_t n, room;
    Seen *seen;
} PinWishes;

void pin_problems_add(PinProblems *problems, const char *path, const char *reason)
{
    problems->n_total++;
    if (problems->n_entries == PIN_PROBLEMS_MAX)
        return;

    PinProblem *grown = reallocarray(problems->entries, problems->n_entries + 1,
                                     sizeof(PinProblem));
    if (!grown)
        return;
    problems->entries = grown;
    PinProblem problem = { .path = strdup(path), .reason = strdup(reason) };
    if (!problem.path || !problem.reason) {
        free(problem.path);
        free(problem.reason);
        return;
    }
    grown[problems->n_entries++] = problem;
}

void pin_problems_clear(PinProblems *problems)
{
    for (size_t i = 0; i < problems->n_entries; i++) {
        free(problems->entries[i].path);
        free(problems->entries[i].reason);
    }
    free(problems->entries);
    *problems = (PinProblems){ 0 };
}

static void wishes_free(PinWishes *wishes)
{
    Seen *seen, *next;

    HASH_ITER (hh, wishes->seen, seen, next) {
        HASH_DEL(wishes->seen, seen);
        free(seen);
    }
    for (size_t i = 0; i < wishes->n; i++)
        free(wishes->paths[i]);
    free(wishes->paths);
    free(wishes->wishes);
}

/* 1: noted; 0: a further name of a file that was. */
static int note_seen(PinWishes *w, const struct stat *st)
{
    FileId id = { .dev = st->st_dev, .ino = st->st_ino };
    Seen *seen;

    HASH_FIND(hh, w->seen, &id, sizeof(id), seen);
    if (seen)
        return 0;
    seen = calloc(1, sizeof(Seen));
    if (!seen)
        return -ENOMEM;
    seen->id = id;
    HASH_ADD(hh, w->seen, id, sizeof(FileId), seen);
    if (!seen->hh.tbl) {
        free(seen);
        return -ENOMEM;
    }
    return 1;
}

static int grow(PinWishes *w)
{
    size_t room = w->room * 2 + 16;
    PinWish *wishes = reallocarray(w->wishes, room, sizeof(PinWish));
    if (!wishes)
        return -ENOMEM;
    w->wishes = wishes;
    char **paths = reallocarray(w->paths, room, sizeof(char *));
    if (!paths)
        return -ENOMEM;
    w->paths = paths;
    w->room = room;
    return 0;
}

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    PinScan *scan = userdata;
    PinWishes *w = scan->wishes;

    if (atomic_load(&scan->job.cancelled))
        return -ECANCELED;
    int r = note_seen(w, st);
    if (r <= 0)
        return r;
    if (w->n == w->room && grow(w) < 0)
        return -ENOMEM;
    w->paths[w->n] = strdup(path);
    if (!w->paths[w->n])
        return -ENOMEM;
    w->wishes[w->n++] = (PinWish){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
    };
    return 0;
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    PinScan *scan = userdata;

    pin_problems_add(&scan->problems, path, why);
    return 0;
}

/* Opening */

typedef struct Opening {
    const PinWish *wish;
    int fd;
    bool exchanged;
} Opening;

static int on_open(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Opening *opening = userdata;

    if (st->st_dev != opening->wish->dev || st->st_ino != opening->wish->ino) {
        opening->exchanged = true;
        return 1;
    }
    int fd = walk_reopen(path_fd, O_RDONLY);
    if (fd < 0)
        return fd;
    opening->fd = fd;
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

/* The descriptor, -ESTALE where another file stands there now, -ENOENT where none does, or -errno.
 */
static int open_wish(const PinScan *scan, const char *path, const PinWish *wish)
{
    Opening opening = { .wish = wish, .fd = -1 };
    WalkHandler handler = { .file = on_open, .userdata = &opening };
    CLEANUP_FREE char *pattern = quote(path);
    if (!pattern)
        return -ENOMEM;

    int r = walk_glob(scan->root_fd, pattern, WALK_NO_LINKS, &handler);
    if (opening.fd >= 0)
        return opening.fd;
    if (r < 0)
        return r;
    return opening.exchanged ? -ESTALE : -ENOENT;
}

static uint64_t locked_of(const PinScan *scan, const PinWish *wish)
{
    PinHeld key = { .dev = wish->dev, .ino = wish->ino };
    PinHeld *held = scan->n_held > 0
                        ? bsearch(&key, scan->held, scan->n_held, sizeof(PinHeld), pin_held_compare)
                        : NULL;

    return held && held->keep ? held->locked : 0;
}

static int add_step(PinScan *scan, const char *path, const PinWish *wish, int fd)
{
    PinStep *grown = reallocarray(scan->steps, scan->n_steps + 1, sizeof(PinStep));
    if (!grown)
        return -ENOMEM;
    scan->steps = grown;

    PinStep step = {
        .path = strdup(path),
        .dev = wish->dev,
        .ino = wish->ino,
        .size = wish->size,
        .target = min_u64(wish->target, wish->size),
        .fd = fd,
    };
    if (!step.path)
        return -ENOMEM;
    grown[scan->n_steps++] = step;
    return 0;
}

static int add_steps(PinScan *scan)
{
    PinWishes *w = scan->wishes;
    size_t opened = 0, skipped = 0;

    for (size_t i = 0; i < w->n; i++) {
        const PinWish *wish = &w->wishes[i];
        if (wish->target == 0 ||
            (wish->held && locked_of(scan, wish) >= min_u64(wish->target, wish->size)))
            continue;
        if (!wish->held && skipped < scan->skip) {
            skipped++;
            continue;
        }
        if (!wish->held && opened == PIN_SCAN_OPEN_MAX) {
            scan->more = true;
            break;
        }

        CLEANUP_CLOSE int fd = -1;
        if (!wish->held) {
            fd = open_wish(scan, w->paths[i], wish);
            if (fd == -ENOMEM)
                return fd;
            if (fd < 0) {
                pin_problems_add(&scan->problems, w->paths[i],
                                 fd == -ESTALE ? "was exchanged just now" : strerror(-fd));
                continue;
            }
            opened++;
        }
        int r = add_step(scan, w->paths[i], wish, fd);
        if (r < 0)
            return r;
        TAKE_FD(fd);
    }
    return 0;
}

static void run(Job *job)
{
    PinScan *scan = (PinScan *)job;
    PinWishes wishes = { 0 };
    WalkHandler handler = { .file = on_file, .passed_over = on_passed_over, .userdata = scan };

    scan->wishes = &wishes;
    STRV_FOREACH (path, scan->paths) {
        scan->error = walk_glob(scan->root_fd, *path, 0, &handler);
        if (scan->error < 0)
            break;
    }
    if (scan->error >= 0) {
        pin_plan(wishes.wishes, wishes.n, scan->held, scan->n_held, scan->budget, scan->page);
        scan->n_wishes = wishes.n;
        scan->error = add_steps(scan);
    }
    wishes_free(&wishes);
    scan->wishes = NULL;
}

static void destroy(Job *job)
{
    pin_scan_free((PinScan *)job);
}

PinScan *pin_scan_new(void (*done)(Job *job, void *owner), void *owner)
{
    PinScan *scan = calloc(1, sizeof(PinScan));
    if (!scan)
        return NULL;

    scan->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = owner };
    return scan;
}

PinScan *pin_scan_take(PinScan *scan)
{
    PinScan *taken = calloc(1, sizeof(PinScan));
    if (!taken)
        return NULL;

    *taken = *scan;
    scan->paths = NULL;
    scan->held = NULL;
    scan->steps = NULL;
    scan->n_steps = 0;
    scan->problems = (PinProblems){ 0 };
    return taken;
}

void pin_scan_free(PinScan *scan)
{
    if (!scan)
        return;
    for (size_t i = 0; i < scan->n_steps; i++) {
        free(scan->steps[i].path);
        safe_close(scan->steps[i].fd);
    }
    free(scan->steps);
    strv_free(scan->paths);
    free(scan->held);
    pin_problems_clear(&scan->problems);
    free(scan);
}
