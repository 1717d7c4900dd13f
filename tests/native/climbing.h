/* SPDX-License-Identifier: MIT */
#pragma once

/* One file on the ladder: what the ladder says it did, beside what the kernel says is there. */

#include "evict/ladder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "kernel/mappers.h"
#include "kernel/residency.h"
#include "native/elsewhere.h"
#include "native/native.h"
#include "native/seccomp.h"
#include "util/io.h"
#include "util/parse.h"

#define CACHESTAT_NR 451
#define NOBODY       65534

#define SIZE (4 * MIB)

static LadderOptions options; /* of the test that runs; proc_fd and the like are set for it */
static EvictOutcome told;

static int told_error;

static unsigned n_told;

static uint64_t told_evicted; /* of all files */

static inline int on_done(const char *path, const struct stat *st, int error,
                          const EvictOutcome *outcome, void *userdata)
{
    told = *outcome;
    told_error = error;
    n_told++;
    told_evicted += evict_outcome_evicted(outcome);
    return 0;
}

static inline int setup(void **state)
{
    options = (LadderOptions){
        .proc_fd = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)),
        .bounds = EVICT_WHOLE_FILE,
        .explanations = 1,
        .done = on_done,
    };
    n_told = 0;
    return 0;
}

static inline int teardown(void **state)
{
    close(options.proc_fd);
    return 0;
}

/* The whole ladder for one file; in a child, too, where cmocka's assertions would run on. */
static inline int climb(int fd)
{
    Ladder *ladder;
    struct stat st;
    int copy = dup(fd);

    if (copy < 0 || fstat(fd, &st) < 0 || ladder_new(&options, &ladder) < 0)
        return -ENOTRECOVERABLE;
    int r = ladder_evict(ladder, "f", &copy, &st);
    if (r == 0)
        r = ladder_finish(ladder);
    ladder_free(ladder);
    if (copy >= 0)
        close(copy);
    return r;
}

static inline uint64_t resident(int fd, uint64_t size)
{
    Residency r;

    assert_int_equal(residency_of(fd, size, &r), 0);
    return r.resident;
}

/* What is left has a reason, each byte one. */
static inline void expect_adds_up(void)
{
    assert_int_equal(told.dirty + told.locked + told.mapped + told.beside + told.memory +
                         told.unsure + told.refused + told.interrupted + told.unseen + told.unknown,
                     told.after);
}

static inline void evict(int fd)
{
    n_told = 0;
    assert_int_equal(climb(fd), 0);
    assert_int_equal(n_told, 1);
    assert_int_equal(told_error, 0);
    expect_adds_up();
}

/* Whether the kernel counts dirty pages. */
static inline bool has_counters(void)
{
    CLEANUP_CLOSE int fd = must(memfd_create("f", MFD_CLOEXEC));
    Residency residency;

    assert_int_equal(residency_of(fd, SIZE, &residency), 0);
    return residency.has_counters;
}

static inline uint64_t resident_between(int fd, uint64_t begin, uint64_t end)
{
    Residency part;

    assert_int_equal(residency_of_range(fd, begin, end - begin, &part), 0);
    return part.resident;
}
