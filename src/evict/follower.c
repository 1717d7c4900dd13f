/* SPDX-License-Identifier: MIT */
/* Each look lists the descriptors anew, and what is known of a file goes on where it is still open
 * in the same hands (control/stream.h decides). A file is asked once what of it is in memory in
 * front of the position, when it is found. Who else has it open or mapped takes a look into every
 * process of the machine, longer than a stream may be left alone: so the caller has it done
 * elsewhere, once a file is read or written, every two seconds or, where it takes long, less often.
 * It is believed for twice that time, for files that come then as well; then nothing is dropped
 * until the next. Whoever opens one meanwhile loses nothing that was in memory before.
 *
 * Once all have ended there are no descriptors to open files by: so their names are kept, and a
 * name that leads to another file is none. */
#include "evict/follower.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "control/stream.h"
#include "kernel/evict.h"
#include "kernel/positions.h"
#include "kernel/residency.h"
#include "kernel/walk.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

#define FOLLOWED_MAX 1024 /* files; a service that streams has a few */
#define CLOSED_MAX   16   /* files: more than are in what reclaim leaves of a stream, */
#define CLOSED_USEC  (300 * USEC_PER_SEC) /* and for so long */
#define SLICE        (8 * MIB)            /* dropped at a time */
#define WINDOW       (128 * MIB)          /* of a file that is asked for at a time, */
#define WINDOW_MAX   (1024 * GIB)         /* where nothing of it is in memory */

#define ASK_EVERY (2 * USEC_PER_SEC) /* all processes are looked into */

typedef struct Followed {
    dev_t dev;
    ino_t ino;
    Position through; /* by which it is opened */
    char *path;       /* as it was when the file was found; NULL: not known */
    uint64_t closed_usec;
    uint64_t reach; /* up to where it can have been read when it was closed */
    StreamFile file;
} Followed;

struct Follower {
    Followed *files; /* by device and inode */
    size_t n;
    Followed closed[CLOSED_MAX]; /* that were passed, the last ones; of a ring */
    size_t next_closed;
    OpenSet *others;     /* what other processes had open; NULL: not known yet */
    uint64_t ask_usec;   /* not before */
    uint64_t every_usec; /* between two such looks, of which each is believed for two */
    uint64_t page;
};

Follower *follower_new(void)
{
    Follower *follower = calloc(1, sizeof(Follower));

    if (follower)
        follower->page = (uint64_t)sysconf(_SC_PAGESIZE);
    return follower;
}

Follower *follower_free(Follower *follower)
{
    if (!follower)
        return NULL;
    open_set_free(follower->others);
    for (size_t i = 0; i < follower->n; i++)
        free(follower->files[i].path);
    for (size_t i = 0; i < CLOSED_MAX; i++)
        free(follower->closed[i].path);
    free(follower->files);
    free(follower);
    return NULL;
}

/* Seeing */

static bool is_spared(const FollowerOptions *options, const Followed *followed)
{
    return options->spares && options->spares(followed->dev, followed->ino, options->userdata);
}

/* What @n descriptors of one file tell together. */
static StreamSeen seen_by(const Position *items, size_t n)
{
    StreamSeen seen = { .position = UINT64_MAX, .size = items[0].size };

    for (size_t i = 0; i < n; i++) {
        seen.hands = (seen.hands ^ (uint64_t)items[i].pid) * UINT64_C(0x100000001b3);
        seen.hands = (seen.hands ^ (uint64_t)items[i].number) * UINT64_C(0x100000001b3);
        seen.position = min_u64(seen.position, items[i].position);
        seen.writes |= items[i].writes;
    }
    return seen;
}

static bool is_cancelled(const FollowerOptions *options)
{
    return options->cancelled && atomic_load(options->cancelled);
}

/* What is in memory in front of the position. What cannot be asked is spared. Of a file with holes
 * of terabytes the windows grow while they are empty. */
static void note_resident(const FollowerOptions *options, StreamFile *file, int fd, uint64_t size)
{
    ResidentRange ranges[STREAM_SPANS_MAX + 1];
    Residency residency;
    uint64_t window = WINDOW, next;
    bool more = true;
    size_t n;

    for (uint64_t at = file->position; at < size && more; at = next) {
        uint64_t end = min_u64(size, add_u64(at, window));

        next = end;
        int r = is_cancelled(options) ? -ECANCELED
                                      : residency_of_range(fd, at, end - at, &residency);
        if (r >= 0 && residency.resident == 0) {
            /* mincore(2) takes as long for what is not there. */
            window = residency.has_counters ? min_u64(2 * window, WINDOW_MAX) : WINDOW;
            continue;
        }
        if (r >= 0 && window > WINDOW) {
            window /= 2;
            next = at;
            continue;
        }
        if (r >= 0)
            r = residency_ranges(fd, at, end, ranges, ELEMENTS(ranges), &n, &next);
        if (r < 0) {
            (void)stream_spare(file, (StreamSpan){ at, UINT64_MAX });
            return;
        }
        for (size_t i = 0; i < n; i++)
            more = stream_spare(
                file, (StreamSpan){ ranges[i].offset, ranges[i].offset + ranges[i].length });
    }
}

static int find(const FollowerOptions *options, const StreamSeen *seen, Followed *followed)
{
    free(TAKE_PTR(followed->path));
    followed->file = stream_found(seen);
    CLEANUP_CLOSE int fd = position_reopen(options->proc_fd, &followed->through);
    if (fd < 0)
        return fd;
    note_resident(options, &followed->file, fd, seen->size);
    (void)fd_path(fd, &followed->path); /* without one, there is no last look at it */
    return 0;
}

static int compare_ids(const Followed *a, const Followed *b)
{
    if (a->dev != b->dev)
        return a->dev < b->dev ? -1 : 1;
    return (a->ino > b->ino) - (a->ino < b->ino);
}

/* What was known of it when it was open before. */
static void forget_closed(Follower *follower, const Followed *followed)
{
    for (size_t i = 0; i < CLOSED_MAX; i++)
        if (compare_ids(&follower->closed[i], followed) == 0)
            free(TAKE_PTR(follower->closed[i].path));
}

/* It is no longer open. */
static void note_closed(Follower *follower, Followed *followed)
{
    StreamSpan rest;

    forget_closed(follower, followed);
    if (!followed->path || !stream_rest(&followed->file, UINT64_MAX, follower->page, &rest)) {
        free(TAKE_PTR(followed->path));
        return;
    }
    Followed *closed = &follower->closed[follower->next_closed++ % CLOSED_MAX];
    free(closed->path);
    *closed = *followed;
    closed->closed_usec = now_usec();
    closed->reach = page_floor(add_u64(closed->file.position, STREAM_READ_ON), follower->page);
    followed->path = NULL;
}

/* The files that are open now, with what is known of them; both lists rise. */
static int see(Follower *follower, const FollowerOptions *options, const Positions *open,
               FollowerOutcome *out)
{
    Followed *files = calloc(min_u64(open->n, FOLLOWED_MAX) + 1, sizeof(Followed));
    size_t n = 0, old = 0;

    if (!files)
        return -ENOMEM;
    for (size_t i = 0, k; i < open->n && n < FOLLOWED_MAX; i = k) {
        const Position *first = &open->items[i];
        Followed *followed = &files[n];

        for (k = i;
             k < open->n && open->items[k].dev == first->dev && open->items[k].ino == first->ino;)
            k++;
        StreamSeen seen = seen_by(first, k - i);
        *followed = (Followed){ .dev = first->dev, .ino = first->ino, .through = *first };
        if (is_spared(options, followed))
            continue;
        while (old < follower->n && compare_ids(&follower->files[old], followed) < 0)
            note_closed(follower, &follower->files[old++]);
        bool known = old < follower->n && compare_ids(&follower->files[old], followed) == 0;
        if (known) {
            *followed = follower->files[old];
            follower->files[old].path = NULL;
            followed->through = *first;
            out->passed += sub_u64(seen.position, followed->file.position);
        }
        if ((known && stream_see(&followed->file, &seen) == STREAM_ON) ||
            find(options, &seen, followed) >= 0)
            n++;
        else
            free(TAKE_PTR(followed->path));
    }
    for (; old < follower->n; old++)
        note_closed(follower, &follower->files[old]);
    free(follower->files);
    follower->files = files;
    follower->n = n;
    return 0;
}

/* Who else has them */

void follower_note_others(Follower *follower, OpenSet *others, uint64_t cpu_usec)
{
    open_set_free(follower->others);
    follower->others = others;
    follower->every_usec = max_u64(ASK_EVERY, cpu_usec * FOLLOWER_ASK_SHARE);
    follower->ask_usec = now_usec() + follower->every_usec;
}

/* Before something is to be dropped, so that the answer is there when it is. */
static bool is_to_ask(const Follower *follower)
{
    if (now_usec() < follower->ask_usec)
        return false;
    for (size_t i = 0; i < follower->n; i++)
        if (stream_moves(&follower->files[i].file))
            return true;
    return false;
}

/* While it is young enough: if nobody reads, none is made for hours. */
static bool knows_others(const Follower *follower)
{
    return follower->others && open_set_unreadable(follower->others) == 0 &&
           now_usec() <= open_set_taken_usec(follower->others) + 2 * follower->every_usec;
}

static bool is_alone(const Follower *follower, const Followed *followed)
{
    return knows_others(follower) && !open_set_has(follower->others, followed->dev, followed->ino);
}

/* Acting */

/* *ret_at: how far it got. What is left of a slice, and not on its way to the disk, stays: somebody
 * has it mapped, or locked. */
static int drop_span(const FollowerOptions *options, int fd, StreamSpan span, bool writes,
                     uint64_t *ret_at, uint64_t *dropped)
{
    Pace pace = { 0 };
    Residency before, after;

    for (*ret_at = span.begin; *ret_at < span.end;) {
        Evicting e = {
            .fd = fd,
            .begin = *ret_at,
            .may_write = options->write_back,
            .pace = &pace,
        };

        e.end = min_u64(span.end, *ret_at + SLICE);
        if (is_cancelled(options))
            return -ECANCELED;
        int r = residency_of_range(fd, e.begin, e.end - e.begin, &before);
        if (r >= 0 && before.resident > 0)
            r = evict_advise(&e);
        if (r >= 0)
            r = residency_of_range(fd, e.begin, e.end - e.begin, &after);
        if (r < 0)
            return r;
        *dropped += sub_u64(before.resident, after.resident);
        if (after.dirty + after.writeback > 0 ||
            (!after.has_counters && writes && after.resident > 0))
            return 0;
        *ret_at = e.end;
    }
    return 0;
}

static int drop(const FollowerOptions *options, Followed *followed, int fd, StreamSpan span,
                uint64_t *dropped)
{
    StreamFile *file = &followed->file;
    bool writes = file->written != UINT64_MAX;
    StreamSpan part, rest = span;
    Residency residency;

    int r = residency_of_range(fd, span.begin, span.end - span.begin, &residency);
    if (r < 0)
        return r;
    while (!stream_is_sparse(span, residency.resident) && stream_unspared(file, rest, &part)) {
        r = drop_span(options, fd, part, writes, &file->dropped, dropped);
        if (r < 0 || file->dropped < part.end)
            return r;
        rest.begin = part.end;
    }
    file->dropped = span.end;
    return 0;
}

/* As much as the disk has done of what it was asked for before. */
static int write_out(const FollowerOptions *options, Followed *followed, int fd, StreamSpan span,
                     uint64_t page, uint64_t *written)
{
    uint64_t from = sub_u64(span.begin, 2 * STREAM_IN_FLIGHT);
    Pace pace = { .cancelled = options->cancelled };
    Residency before;

    int r = residency_of_range(fd, from, span.begin - from, &before);
    if (r < 0)
        return r;
    span = stream_within(span, sub_u64(STREAM_IN_FLIGHT, before.writeback), page);
    Evicting e = { .fd = fd, .begin = span.begin, .end = span.end, .pace = &pace };
    r = evict_write_begin(&e, written);
    if (r >= 0)
        followed->file.written = span.end;
    return r;
}

static int act(Follower *follower, const FollowerOptions *options, Followed *followed,
               FollowerOutcome *out)
{
    uint64_t page = follower->page, dropped = 0, written = 0;
    uint64_t may_write = sub_u64(options->may_write, out->written);
    StreamSpan to_write, to_drop;

    bool writes = options->write_back && stream_to_write(&followed->file, page, &to_write);
    bool drops = is_alone(follower, followed) && stream_to_drop(&followed->file, page, &to_drop);
    if (!writes && !drops)
        return 0;
    CLEANUP_CLOSE int fd = position_reopen(options->proc_fd, &followed->through);
    int r = fd < 0 ? fd : 0;
    if (r >= 0 && writes)
        r = write_out(options, followed, fd, stream_within(to_write, may_write, page), page,
                      &written);
    if (r >= 0 && drops && !barred_holds(options->barred, fd))
        r = drop(options, followed, fd,
                 stream_within(to_drop, options->may_drop - out->dropped, STREAM_FOLIO_MAX),
                 &dropped);
    out->written += min_u64(written, may_write);
    out->dropped += min_u64(dropped, options->may_drop - out->dropped);
    out->files += dropped > 0;
    return r == -ECANCELED || r == -ENOMEM ? r : 0;
}

int follower_look(Follower *follower, const FollowerOptions *options, FollowerOutcome *ret)
{
    cleanup(positions_clear) Positions open = { 0 };
    FollowerOutcome out = { 0 };
    uint64_t began = thread_cpu_usec();

    int r = positions_of(options->proc_fd, options->pids, STREAM_STEP, options->network, &open);
    if (r >= 0)
        r = see(follower, options, &open, &out);
    out.cpu_usec = thread_cpu_usec() - began;
    out.followed = follower->n;
    out.asks = is_to_ask(follower);
    for (size_t i = 0; i < follower->n && r >= 0; i++)
        r = act(follower, options, &follower->files[i], &out);
    if (r < 0)
        return r;
    *ret = out;
    return 0;
}

/* When all have ended */

/* By the name that it had. */
static int reopen_by_name(const FollowerOptions *options, const Followed *followed,
                          struct stat *ret_st)
{
    CLEANUP_CLOSE int path_fd = openat(options->root_fd, followed->path + 1,
                                       O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (path_fd < 0 || fstat(path_fd, ret_st) < 0)
        return -errno;
    if (ret_st->st_dev != followed->dev || ret_st->st_ino != followed->ino ||
        !S_ISREG(ret_st->st_mode))
        return -ESTALE;
    return walk_reopen(path_fd, O_RDONLY);
}

/* To which end it is in memory without a gap, from @at on, and up to @most. */
static int end_of_run(int fd, uint64_t at, uint64_t most, uint64_t *ret)
{
    ResidentRange range;
    uint64_t next;
    size_t n;

    for (*ret = at; *ret < most; *ret = range.offset + range.length) {
        int r = residency_ranges(fd, *ret, min_u64(most, *ret + WINDOW), &range, 1, &n, &next);
        if (r < 0)
            return r;
        if (n == 0 || range.offset > *ret || range.length == 0)
            return 0;
    }
    return 0;
}

static int finish_file(Follower *follower, const FollowerOptions *options, Followed *followed,
                       FollowerOutcome *out, bool *ret_done)
{
    uint64_t page = follower->page, dropped = 0, written = 0, end;
    StreamFile *file = &followed->file;
    struct stat st;
    StreamSpan rest;

    CLEANUP_CLOSE int fd = reopen_by_name(options, followed, &st);
    if (fd >= 0 && barred_holds(options->barred, fd))
        return 0;
    int r = fd < 0 ? fd
                   : end_of_run(fd, page_floor(file->position, page),
                                min_u64((uint64_t)st.st_size, followed->reach), &end);
    if (r < 0 || !stream_rest(file, end, page, &rest))
        return r == -ENOMEM ? r : 0;
    file->position = max_u64(file->position, end); /* what goes now leaves gaps */
    StreamSpan to_write = { file->written, end };
    if (options->write_back && file->written < end)
        r = write_out(options, followed, fd,
                      stream_within(to_write, sub_u64(options->may_write, out->written), page),
                      page, &written);
    if (r >= 0)
        r = drop(options, followed, fd,
                 stream_within(rest, sub_u64(options->may_drop, out->dropped), STREAM_FOLIO_MAX),
                 &dropped);
    out->written += written;
    out->dropped += dropped;
    out->files += dropped > 0;
    *ret_done &= r < 0 || file->dropped >= end || (!options->write_back && dropped == 0);
    return r == -ECANCELED || r == -ENOMEM ? r : 0;
}

static bool is_to_finish(const FollowerOptions *options, const OpenSet *others,
                         const Followed *followed)
{
    return followed->path && now_usec() <= followed->closed_usec + CLOSED_USEC &&
           !is_spared(options, followed) && !open_set_has(others, followed->dev, followed->ino);
}

int follower_finish(Follower *follower, const FollowerOptions *options, const OpenSet *others,
                    FollowerOutcome *ret, bool *ret_done)
{
    FollowerOutcome out = { 0 };
    bool done = true;
    int r = 0;

    for (size_t i = 0; i < follower->n; i++)
        note_closed(follower, &follower->files[i]);
    follower->n = 0;
    for (size_t i = 0; i < CLOSED_MAX && r >= 0; i++)
        if (is_to_finish(options, others, &follower->closed[i]))
            r = finish_file(follower, options, &follower->closed[i], &out, &done);
    if (r < 0)
        return r;
    *ret = out;
    *ret_done = done;
    return 0;
}
