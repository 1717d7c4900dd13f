/* SPDX-License-Identifier: MIT */
/* No call that evicts tells what it did. So every rung is measured before and after, and what is
 * left decides about the next one (pure, control/evict_plan.h); what cannot be measured is not
 * attempted. The first two rungs need nothing but the file. For the others somebody has to know who
 * has it mapped, which takes a look into every process of the machine: files that resist wait with
 * their descriptors until there are LADDER_BATCH of them, and one look serves all.
 *
 * memory.reclaim takes whatever the cgroup uses least, and not just this file: so it is asked for
 * little at a time, and goes on only while the file shrinks by it. */
#include "evict/ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evict/climb.h"
#include "evict/shared.h"
#include "kernel/evict.h"
#include "kernel/evict_mapped.h"
#include "kernel/residency.h"
#include "kernel/settled.h"
#include "util/cleanup.h"
#include "util/units.h"

#define PATIENCE_USEC (30 * USEC_PER_SEC) /* with a disk that takes nothing */
#define RECLAIM_SLICE (32 * MIB) /* taken from others in vain at most, before it is measured */
#define RECLAIM_TIMES 8          /* the bytes of the file, in all, */
#define RECLAIM_VAIN  2          /* and since it last shrank: once to learn that nobody uses them */

struct Ladder {
    LadderOptions options;
    Pace pace;
    uint64_t page;
    const Climb *current; /* NULL: none */
    Climb waiting[LADDER_BATCH];
    size_t n_waiting;
};

uint64_t evict_outcome_evicted(const EvictOutcome *outcome)
{
    uint64_t sum = 0;

    for (int i = 0; i < _EVICT_RUNG_MAX; i++)
        sum += outcome->evicted[i];
    return sum;
}

void evict_outcome_add(EvictOutcome *sum, const EvictOutcome *more)
{
    for (int i = 0; i < _EVICT_RUNG_MAX; i++)
        sum->evicted[i] += more->evicted[i];
    sum->before += more->before;
    sum->after += more->after;
    sum->written += more->written;
    sum->dirty += more->dirty;
    sum->locked += more->locked;
    sum->mapped += more->mapped;
    sum->beside += more->beside;
    sum->memory += more->memory;
    sum->unsure += more->unsure;
    sum->refused += more->refused;
    sum->interrupted += more->interrupted;
    sum->unseen += more->unseen;
    sum->unknown += more->unknown;
    sum->has_dirty &= more->has_dirty;
}

static void tick(void *userdata)
{
    const Ladder *ladder = userdata;

    ladder->options.tick(ladder, ladder->options.userdata);
}

int ladder_new(const LadderOptions *options, Ladder **ret)
{
    Ladder *ladder = calloc(1, sizeof(Ladder));
    if (!ladder)
        return -ENOMEM;

    ladder->options = *options;
    ladder->pace = (Pace){
        .rate = options->rate,
        .cancelled = options->cancelled,
        .tick = options->tick ? tick : NULL,
        .userdata = ladder,
    };
    ladder->page = (uint64_t)sysconf(_SC_PAGESIZE);
    *ret = ladder;
    return 0;
}

static void climb_clear(Climb *climb)
{
    climb->fd = safe_close(climb->fd);
    free(TAKE_PTR(climb->path));
}

Ladder *ladder_free(Ladder *ladder)
{
    if (!ladder)
        return NULL;
    for (size_t i = 0; i < ladder->n_waiting; i++)
        climb_clear(&ladder->waiting[i]);
    free(ladder);
    return NULL;
}

/* Measuring */

static EvictPart part_of(const Ladder *ladder, const struct stat *st)
{
    return evict_part((uint64_t)st->st_size, &ladder->options.bounds, ladder->page);
}

int ladder_look(const Ladder *ladder, int fd, const struct stat *st, EvictSeen *ret)
{
    Climb climb = { .fd = fd, .part = part_of(ladder, st) };
    Residency residency;

    int r = climb_measure(&climb, &residency);
    if (r < 0)
        return r;
    EvictLeft left = climb_left(&residency);
    *ret = (EvictSeen){ left.resident, left.dirty, left.has_dirty };
    return 0;
}

void ladder_so_far(const Ladder *ladder, uint64_t *ret_evicted, uint64_t *ret_written)
{
    const Climb *climb = ladder->current;
    Residency now;

    *ret_evicted = *ret_written = 0;
    if (!climb)
        return;
    *ret_written = climb->outcome.written;
    if (climb_measure(climb, &now) >= 0)
        *ret_evicted = sub_u64(climb->outcome.before, now.resident);
}

/* Climbing */

/* What a file grows by may be behind a range that ends. */
static Evicting evicting(Ladder *ladder, const Climb *climb, EvictPart part)
{
    const EvictBounds *bounds = &ladder->options.bounds;

    return (Evicting){
        .fd = climb->fd,
        .begin = part.begin,
        .end = part.end,
        .to_the_end = part.end == (uint64_t)climb->st.st_size && bounds->end == UINT64_MAX,
        .may_write = ladder->options.allowed.write_back,
        .pace = &ladder->pace,
    };
}

static int reclaim(Ladder *ladder, Climb *climb, const Mapper *mappers, size_t n)
{
    const LadderOptions *options = &ladder->options;
    CLEANUP_FREE pid_t *pids = calloc(n + 1, sizeof(pid_t));
    uint64_t most = RECLAIM_TIMES * climb->now.resident, asked = 0, in_vain = 0;
    size_t n_pids = 0;
    int r = pids ? 0 : -ENOMEM;

    for (size_t i = 0; i < n && r >= 0; i++)
        if (n_pids == 0 || pids[n_pids - 1] != mappers[i].pid)
            pids[n_pids++] = mappers[i].pid;
    while (r >= 0 && n_pids > 0) {
        EvictLeft left = climb_left(&climb->now);
        uint64_t clean = left.resident - left.dirty, slice = min_u64(clean, RECLAIM_SLICE);

        if (clean == 0 || asked >= most || in_vain >= RECLAIM_VAIN * clean)
            break;
        r = pace_wait(&ladder->pace, slice);
        if (r >= 0)
            r = options->reclaim(pids, n_pids, slice, options->userdata);
        if (r == -EAGAIN) /* less than that: what is measured decides */
            r = 0;
        if (r >= 0)
            r = climb_measure(climb, &climb->now);
        asked += slice;
        in_vain = climb->now.resident < left.resident ? 0 : in_vain + slice;
    }
    return r == -ENOENT || r == -EINVAL ? 0 : r;
}

/* All of the file, whatever the part: to be asked whether that arrived, the kernel writes the rest
 * as well, at no pace. */
static int write_back(Ladder *ladder, Climb *climb)
{
    Barred *barred = ladder->options.barred;
    Evicting whole = evicting(ladder, climb, (EvictPart){ 0, (uint64_t)climb->st.st_size });

    int r = evict_write_back(&whole, PATIENCE_USEC, &climb->outcome.written);
    if (r >= 0)
        return barred_ask(barred, climb->fd);
    if (r != -ECANCELED && r != -ETIMEDOUT && !barred_is_of_the_moment(r))
        barred_add(barred, climb->fd);
    return r;
}

/* Whether what is about to be taken for clean has reached the disk: where somebody else has had it
 * written, nobody has asked yet. Asking writes what is dirty, anywhere in the file: where that is
 * not allowed, it is not asked of one that is. */
static int check_written(Ladder *ladder, Climb *climb)
{
    uint64_t size = (uint64_t)climb->st.st_size;
    Residency residency = climb->now;

    if ((climb->part.begin > 0 || climb->part.end < size || climb->n_spared > 0) &&
        residency_of_range(climb->fd, 0, size, &residency) < 0)
        residency.has_counters = false; /* it may be */
    bool dirty = residency.has_counters ? residency.dirty + residency.writeback > 0
                                        : !file_is_settled(climb->fd);
    if (!dirty)
        return barred_ask(ladder->options.barred, climb->fd);
    return ladder->options.allowed.write_back ? write_back(ladder, climb) : 0;
}

/* What is the disk's part of a rung, before anything goes. */
static int ask_disk(Ladder *ladder, Climb *climb, EvictRung rung)
{
    if (barred_holds(ladder->options.barred, climb->fd))
        return -EIO;
    if (rung == EVICT_WRITE_BACK)
        return write_back(ladder, climb);
    return rung == EVICT_ADVISE ? check_written(ladder, climb) : 0;
}

/* One rung, for one part. */
static int try_part(Ladder *ladder, Climb *climb, EvictRung rung, const Evicting *e,
                    const Mapper *mappers, size_t n)
{
    PageOut paged;
    int r = 0;

    switch (rung) {
    case EVICT_PAGE_OUT:
        r = evict_page_out(e, ladder->options.proc_fd, mappers, n, &paged);
        if (r >= 0 && paged.failed > 0)
            r = paged.error;
        break;
    case EVICT_ADVISE:
    case EVICT_WRITE_BACK: /* of the whole file */
    case EVICT_RECLAIM:    /* of all parts at once */
    case _EVICT_RUNG_MAX:
        break;
    }
    if (r < 0)
        return r;
    return ladder->options.hurry ? evict_advise_shared(e) : evict_advise(e);
}

/* One rung. What came of it, the caller measures. */
static int try_rung(Ladder *ladder, Climb *climb, EvictRung rung, const Mapper *mappers, size_t n)
{
    int r = rung == EVICT_RECLAIM ? reclaim(ladder, climb, mappers, n) : 0;

    for (size_t i = 0; i <= climb->n_spared && r >= 0; i++) {
        EvictPart part = climb_part(climb, i);
        Evicting e = evicting(ladder, climb, part);

        if (rung == EVICT_ADVISE && climb->n_spared == 0)
            e.measured = &climb->now;
        if (part.begin < part.end)
            r = try_part(ladder, climb, rung, &e, mappers, n);
    }
    return r;
}

static bool needs_mappers(EvictRung rung)
{
    return rung == EVICT_PAGE_OUT || rung == EVICT_RECLAIM;
}

/* Climbs until nothing is left, allowed or possible. @mappers NULL: nobody knows them yet, and *ret
 * is set where they are needed. -ECANCELED, with what came of it until then; -ENOMEM. */
static int climb_on(Ladder *ladder, Climb *climb, const Mapper *mappers, size_t n, bool known,
                    bool *ret_wait)
{
    EvictOutcome *out = &climb->outcome;

    for (;;) {
        EvictLeft left = climb_left(&climb->now);
        EvictRung rung = evict_next_rung(climb->tried, &left, &ladder->options.allowed);

        *ret_wait = needs_mappers(rung) && !known;
        if (rung == EVICT_NO_RUNG || *ret_wait)
            return 0;
        climb->tried[rung]++;
        ladder->current = climb;
        int r = ask_disk(ladder, climb, rung);
        bool lacks = r < 0; /* the disk does */
        if (r >= 0)
            r = try_rung(ladder, climb, rung, mappers, n);
        ladder->current = NULL;
        if (r == -ENOMEM)
            return r;

        int measured = climb_measure(climb, &climb->now);
        out->evicted[rung] += sub_u64(left.resident, climb->now.resident);
        if (r >= 0)
            r = measured;
        if (r == -ECANCELED) {
            climb->tried[rung]--;
            return r;
        }
        if (r < 0) {
            out->failed = lacks ? EVICT_WRITE_BACK : rung;
            out->error = r;
            return 0;
        }
        if (!needs_mappers(rung) && climb->now.resident > 0 && file_is_in_memory_only(climb->fd))
            return 0;
    }
}

static bool is_spared(const Ladder *ladder, const Climb *climb)
{
    const LadderOptions *options = &ladder->options;

    return options->spares && options->spares(&climb->st, options->userdata);
}

static int tell(Ladder *ladder, Climb *climb)
{
    const LadderOptions *options = &ladder->options;

    return options->done(climb->path, &climb->st, 0, &climb->outcome, options->userdata);
}

/* Whether a look at who maps it would say why something is left. */
static bool is_unexplained(const Climb *climb)
{
    EvictLeft left = climb_left(&climb->now);

    return left.resident > left.dirty && climb->outcome.error == 0 &&
           !file_is_in_memory_only(climb->fd);
}

/* Those of @mappers that are of the file @index. */
static const Mapper *mappers_of(const Mappers *mappers, size_t index, size_t *ret_n)
{
    size_t first = 0, n = 0;

    while (first < mappers->n && mappers->items[first].file < index)
        first++;
    while (first + n < mappers->n && mappers->items[first + n].file == index)
        n++;
    *ret_n = n;
    return n > 0 ? &mappers->items[first] : NULL;
}

/* What waited may have gone meanwhile: by another of its names, or because somebody else took it.
 */
static int climb_again(Ladder *ladder, Climb *climb, const Mapper *mappers, size_t n, int error)
{
    bool needed;

    int r = climb_measure(climb, &climb->now);
    if (r >= 0)
        r = climb_on(ladder, climb, mappers, n, error == 0, &needed);
    if (r >= 0 && error < 0 && needed) {
        climb->outcome.failed = EVICT_PAGE_OUT;
        climb->outcome.error = error;
    }
    if (r >= 0 || r == -ECANCELED || r == -ENOMEM)
        return r;
    climb->outcome.failed = EVICT_ADVISE;
    climb->outcome.error = r;
    return 0;
}

/* All that wait, with what is known of those who map them; *ret_done of them are done with. */
static int climb_batch(Ladder *ladder, size_t *ret_done)
{
    cleanup(mappers_clear) Mappers mappers = { 0 };
    int fds[LADDER_BATCH], r = 0;

    for (size_t i = 0; i < ladder->n_waiting; i++)
        fds[i] = ladder->waiting[i].fd;
    r = mappers_find(ladder->options.proc_fd, fds, ladder->n_waiting, ladder->options.cancelled,
                     &mappers);
    if (r == -ECANCELED || r == -ENOMEM)
        return r;
    int error = r < 0 ? r : 0;
    bool all = r >= 0 && mappers.unreadable == 0 && !mappers.full;
    for (size_t i = 0; i < ladder->n_waiting; i++) {
        Climb *climb = &ladder->waiting[i];
        size_t n;
        const Mapper *own = mappers_of(&mappers, i, &n);

        r = is_spared(ladder, climb) ? 0 : climb_again(ladder, climb, own, n, error);
        if (r < 0)
            return r;
        climb_explain(climb, ladder->options.allowed.write_back, own, n, all);
        r = tell(ladder, climb);
        *ret_done = i + 1;
        if (r != 0)
            return r;
    }
    return 0;
}

int ladder_finish(Ladder *ladder)
{
    if (ladder->n_waiting == 0)
        return 0;
    size_t done = 0;
    int r = climb_batch(ladder, &done);
    if (r != -ECANCELED)
        done = ladder->n_waiting;
    for (size_t i = 0; i < done; i++)
        climb_clear(&ladder->waiting[i]);
    ladder->n_waiting -= done;
    memmove(ladder->waiting, &ladder->waiting[done], ladder->n_waiting * sizeof(Climb));
    return r;
}

static int wait_for_others(Ladder *ladder, Climb *climb, const char *path, int *fd)
{
    climb->path = strdup(path);
    if (!climb->path)
        return -ENOMEM;
    climb->fd = TAKE_FD(*fd);
    ladder->waiting[ladder->n_waiting++] = *climb;
    return ladder->n_waiting == LADDER_BATCH ? ladder_finish(ladder) : 0;
}

/* What came of one that was left in the middle. */
static void tell_part(const Ladder *ladder, Climb *climb, const char *path, int error)
{
    const LadderOptions *options = &ladder->options;

    climb->outcome.error = error;
    if (error != -ECANCELED)
        climb->outcome.failed = EVICT_ADVISE;
    climb_explain(climb, options->allowed.write_back, NULL, 0, false);
    (void)options->done(path, &climb->st, 0, &climb->outcome, options->userdata);
}

void ladder_give_up(Ladder *ladder, int error)
{
    for (size_t i = 0; i < ladder->n_waiting; i++) {
        tell_part(ladder, &ladder->waiting[i], ladder->waiting[i].path, error);
        climb_clear(&ladder->waiting[i]);
    }
    ladder->n_waiting = 0;
}

int ladder_evict_between(Ladder *ladder, const char *path, int *fd, const struct stat *st,
                         const ResidentRange *spared, size_t n_spared)
{
    const LadderOptions *options = &ladder->options;
    Climb climb = {
        .fd = *fd,
        .st = *st,
        .part = part_of(ladder, st),
        .spared = spared,
        .n_spared = n_spared,
    };
    bool wait = false;

    climb.outcome.failed = EVICT_NO_RUNG;
    int r = climb_measure(&climb, &climb.now);
    if (r < 0)
        return options->done(path, st, r, &climb.outcome, options->userdata);
    climb.outcome.before = climb.now.resident;

    r = climb_on(ladder, &climb, NULL, 0, false, &wait);
    if (r == -ECANCELED && evict_outcome_evicted(&climb.outcome) + climb.outcome.written > 0)
        tell_part(ladder, &climb, path, r);
    if (r < 0)
        return r;
    if (!wait && is_unexplained(&climb) && ladder->options.explanations > 0) {
        wait = true;
        ladder->options.explanations -= ladder->n_waiting == LADDER_BATCH - 1;
    }
    if (wait)
        return wait_for_others(ladder, &climb, path, fd);
    climb_explain(&climb, options->allowed.write_back, NULL, 0, false);
    return options->done(path, st, 0, &climb.outcome, options->userdata);
}

int ladder_evict(Ladder *ladder, const char *path, int *fd, const struct stat *st)
{
    return ladder_evict_between(ladder, path, fd, st, NULL, 0);
}
