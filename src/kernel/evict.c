/* SPDX-License-Identifier: MIT */
/* posix_fadvise(POSIX_FADV_DONTNEED) says 0 whatever it did: locked, mapped and dirty pages stay,
 * and folios that reach over the range as well. Of a whole file it is given offset 0 and length 0,
 * because a length that does not end on a page leaves the last one.
 *
 * Surprise: it begins to write all dirty pages of its range, at once. So those are left out of the
 * range: it is halved until a piece is clean, or too small to be worth it. Pieces are cut at
 * multiples of the largest folio, which are never in the middle of one. Where nobody tells what is
 * dirty, a file that was changed a moment ago is left.
 *
 * There is no "rung 0" for mappings of ours: the controller and the command map nothing but to ask
 * mincore(2), PROT_NONE and for the time of the call; holders unmap what they let go. */
#include "kernel/evict.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kernel/residency.h"
#include "kernel/settled.h"
#include "util/units.h"

#define FOLIO_MAX      (2 * MIB) /* of files: as large as a page-table entry of the second level */
#define PIECE_MIN      (256 * KIB) /* below, clean pages between dirty ones wait for the next look */
#define BURSTS_PER_SEC 10          /* how a rate is cut */

static int advise(const Evicting *e, uint64_t begin, uint64_t end)
{
    uint64_t length = e->to_the_end && end == e->end ? 0 : end - begin;

    return -posix_fadvise(e->fd, (off_t)begin, (off_t)length, POSIX_FADV_DONTNEED);
}

static uint64_t middle(uint64_t begin, uint64_t end)
{
    uint64_t half = begin + (end - begin) / 2,
             unit = end - begin > 2 * FOLIO_MAX ? FOLIO_MAX : PIECE_MIN / 4;

    half -= half % unit;
    return half > begin ? half : end;
}

static int take(const Evicting *e, uint64_t begin, uint64_t end);

static int take_measured(const Evicting *e, uint64_t begin, uint64_t end,
                         const Residency *residency)
{
    int r;

    if (residency->resident == 0 ||
        (residency->has_counters && residency->dirty == residency->resident))
        return 0;
    if (!residency->has_counters && !e->may_write && !file_is_settled(e->fd))
        return 0;
    uint64_t cut = middle(begin, end);
    if (residency->has_counters && residency->dirty > 0) {
        if (end - begin <= PIECE_MIN || cut == end)
            return 0;
        r = take(e, begin, cut);
        return r < 0 ? r : take(e, cut, end);
    }
    r = pace_wait(e->pace, residency->resident);
    return r < 0 ? r : advise(e, begin, end);
}

static int take(const Evicting *e, uint64_t begin, uint64_t end)
{
    Residency residency;

    if (pace_is_cancelled(e->pace))
        return -ECANCELED;
    int r = residency_of_range(e->fd, begin, end - begin, &residency);
    return r < 0 ? r : take_measured(e, begin, end, &residency);
}

int evict_advise(const Evicting *e)
{
    ResidentPart part = { .end = e->begin };
    int r = 0;

    if (e->pace->rate == 0 && e->measured && !pace_is_cancelled(e->pace))
        return take_measured(e, e->begin, e->end, e->measured);
    if (e->pace->rate == 0)
        return take(e, e->begin, e->end);
    uint64_t step = max_u64(e->pace->rate / BURSTS_PER_SEC, FOLIO_MAX);
    step -= step % FOLIO_MAX;
    while (part.end < e->end && r >= 0) {
        r = residency_seek(e->fd, part.end, e->end, step, &part);
        if (r >= 0 && part.begin < part.end)
            r = take(e, part.begin, part.end);
    }
    return r;
}
