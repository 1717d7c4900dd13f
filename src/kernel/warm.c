/* SPDX-License-Identifier: MIT */
/* POSIX_FADV_WILLNEED starts reading and returns, and of a long range takes only what the device
 * takes at once (320 pages, often fewer), telling nobody. So a file is gone through in slices: a
 * few are asked for ahead, so that the disk always has something to do; the oldest of these is
 * waited for, by reading its last byte, and then measured. What is still missing of it is read the
 * plain way, and the next slices are shorter.
 *
 * Slices that are in memory cost a look. Where the kernel does not tell what is there, everything
 * is read. */

#include "kernel/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kernel/pace.h"
#include "kernel/residency.h"
#include "util/units.h"

#define SLICE_PAGES     320 /* what one call brings at most */
#define SLICE_PAGES_MIN 32  /* the kernel's usual read-ahead, which every device takes */
#define SLICES_AHEAD    4

typedef struct Slice {
    uint64_t offset, length; /* bytes */
    uint64_t resident;       /* bytes, before it was asked for */
} Slice;

typedef struct Warming {
    int fd;
    const WarmOptions *options;
    uint64_t page;
    uint64_t slice; /* bytes: of the next one */
    uint64_t begin, at, end;
    Pace pace;
    bool measured;
    Slice ahead[SLICES_AHEAD]; /* the oldest first */
    size_t n_ahead;
    WarmOutcome outcome;
} Warming;

static bool is_cancelled(const Warming *w)
{
    return w->options->cancelled && atomic_load(w->options->cancelled);
}

/* Reads [@offset, @offset + @length) into nowhere. 0 at the end of the file, too. */
static int read_through(int fd, uint64_t offset, uint64_t length)
{
    char nowhere[64 * KIB];

    while (length > 0) {
        ssize_t n = pread(fd, nowhere, min_u64(length, sizeof(nowhere)), (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        offset += (uint64_t)n;
        length -= (uint64_t)n;
    }
    return 0;
}

/* Bytes of @slice that are in memory; 0 where the kernel does not tell, once and for all. */
static uint64_t look(Warming *w, const Slice *slice)
{
    Residency residency;

    if (w->measured && residency_of_range(w->fd, slice->offset, slice->length, &residency) < 0)
        w->measured = false;
    return w->measured ? residency.resident : 0;
}

static uint64_t in_pages(const Warming *w, uint64_t bytes)
{
    return (bytes + w->page - 1) / w->page * w->page;
}

/* The next slice: nothing to do, or asked of the disk. */
static int go_ahead(Warming *w)
{
    Slice slice = { .offset = w->at, .length = min_u64(w->slice, w->end - w->at) };

    slice.resident = look(w, &slice);
    uint64_t missing = sub_u64(in_pages(w, slice.length), slice.resident);
    int r = pace_wait(&w->pace, missing);
    if (r < 0)
        return r;
    if (missing > 0) /* a failure shows when it is waited for */
        (void)posix_fadvise(w->fd, (off_t)slice.offset, (off_t)slice.length, POSIX_FADV_WILLNEED);
    w->at += slice.length;
    w->ahead[w->n_ahead++] = slice;
    return 0;
}

/* Waits for @slice; *ret: bytes of it that are in memory. */
static int fetch(Warming *w, const Slice *slice, uint64_t *ret)
{
    uint64_t size = in_pages(w, slice->length);

    *ret = slice->resident;
    if (w->measured && slice->resident >= size)
        return 0;
    int r = read_through(w->fd, slice->offset + slice->length - 1, 1);
    *ret = look(w, slice);
    if (r < 0 || (w->measured && *ret >= size))
        return r;
    if (w->measured)
        w->slice = max_u64(w->slice / 2, SLICE_PAGES_MIN * w->page);
    r = read_through(w->fd, slice->offset, slice->length);
    *ret = look(w, slice);
    return r;
}

static int settle_oldest(Warming *w)
{
    Slice slice = w->ahead[0];
    uint64_t resident;

    for (size_t i = 1; i < w->n_ahead; i++)
        w->ahead[i - 1] = w->ahead[i];
    w->n_ahead--;
    int r = fetch(w, &slice, &resident);
    w->outcome.before += slice.resident;
    w->outcome.after += resident;
    w->outcome.read += sub_u64(resident, slice.resident);
    if (r >= 0 && w->options->step)
        w->options->step(slice.offset + slice.length - w->begin, w->options->userdata);
    return r;
}

int warm_range(int fd, uint64_t offset, uint64_t length, const WarmOptions *options,
               WarmOutcome *ret)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    Warming w = {
        .fd = fd,
        .options = options,
        .page = page,
        .slice = SLICE_PAGES * page,
        .begin = offset,
        .at = offset - offset % page,
        .end = add_u64(offset, length),
        .pace = { .rate = options->rate, .cancelled = options->cancelled },
        .measured = true,
    };
    int r = w.end > INT64_MAX ? -EINVAL : 0;

    w.begin = w.at;
    while (r >= 0 && (w.at < w.end || w.n_ahead > 0)) {
        if (is_cancelled(&w))
            r = -ECANCELED;
        else if (w.at < w.end && w.n_ahead < SLICES_AHEAD)
            r = go_ahead(&w);
        else
            r = settle_oldest(&w);
    }
    *ret = w.measured ? w.outcome : (WarmOutcome){ 0 };
    ret->measured = w.measured;
    return r;
}
