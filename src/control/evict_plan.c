/* SPDX-License-Identifier: MIT */
#include "control/evict_plan.h"

#include <stddef.h>

#include "util/parse.h"
#include "util/units.h"

#define PIECE_MIN (32 * MIB) /* a multiple of the largest folio of files, 2 MiB */
#define PIECES    32

EvictVerdict evict_judge(const EvictFacts *facts, uint64_t idle_usec)
{
    if (facts->pinned)
        return EVICT_PINNED;
    if (facts->in_use)
        return EVICT_IN_USE;
    if (facts->resident == 0)
        return EVICT_NOT_RESIDENT;
    return facts->idle_usec < idle_usec ? EVICT_NOT_IDLE : EVICT_NOW;
}

EvictPart evict_part(uint64_t size, const EvictBounds *bounds, uint64_t page)
{
    uint64_t begin = min_u64(max_u64(bounds->begin, bounds->first), size);
    uint64_t end = min_u64(sub_u64(size, bounds->last), bounds->end);

    begin = page_floor(add_u64(begin, page - 1), page);
    if (end < size)
        end = page_floor(end, page);
    if (begin >= end)
        begin = end = 0;
    return (EvictPart){ begin, end };
}

uint64_t evict_piece_end(EvictPart part, uint64_t at)
{
    uint64_t length = (part.end - part.begin) / PIECES;

    length = max_u64(page_floor(length, PIECE_MIN), PIECE_MIN);
    return min_u64(part.end, page_floor(add_u64(at, length), PIECE_MIN));
}

const char *evict_rung_to_string(EvictRung rung)
{
    switch (rung) {
    case EVICT_ADVISE:
        return "advise";
    case EVICT_WRITE_BACK:
        return "write-back";
    case EVICT_PAGE_OUT:
        return "page-out";
    case EVICT_RECLAIM:
        return "reclaim";
    case _EVICT_RUNG_MAX:
        break;
    }
    return NULL;
}

EvictRung evict_next_rung(const unsigned tried[static _EVICT_RUNG_MAX], const EvictLeft *left,
                          const EvictAllowed *allowed)
{
    bool dirty = !left->has_dirty || left->dirty > 0;
    bool clean = !left->has_dirty || left->resident > left->dirty;

    if (left->resident == 0)
        return EVICT_NO_RUNG;
    /* The advice tells nobody what came of writing: a page that the disk did not take looks clean,
     * and would be lost. So what is dirty is written first, which tells, and advises then. */
    if (tried[EVICT_ADVISE] + tried[EVICT_WRITE_BACK] == 0 && !(allowed->write_back && dirty))
        return EVICT_ADVISE;
    if (allowed->write_back && dirty && tried[EVICT_WRITE_BACK] <= tried[EVICT_PAGE_OUT])
        return EVICT_WRITE_BACK;
    /* Dirty pages stay wherever they are mapped, so taking these out would be in vain. */
    if (!allowed->page_out || !clean)
        return EVICT_NO_RUNG;
    if (tried[EVICT_PAGE_OUT] == 0)
        return EVICT_PAGE_OUT;
    return allowed->reclaim && tried[EVICT_RECLAIM] == 0 ? EVICT_RECLAIM : EVICT_NO_RUNG;
}

uint64_t evict_could_go(const EvictLeft *left, const EvictAllowed *allowed)
{
    bool stays = left->has_dirty && !allowed->write_back;

    return stays ? sub_u64(left->resident, left->dirty) : left->resident;
}

/* Where the age @i begins: 0, 1, 1.5, 2, 3, 4, 6, 8 s, … */
static uint64_t age_begin(size_t i)
{
    if (i == 0)
        return 0;
    uint64_t octave = USEC_PER_SEC << (i - 1) / 2;
    return (i - 1) % 2 == 0 ? octave : octave + octave / 2;
}

void evict_ages_add(EvictAges *ages, uint64_t idle_usec, uint64_t bytes)
{
    size_t i = 0;

    while (i + 1 < EVICT_AGES_MAX && idle_usec >= age_begin(i + 1))
        i++;
    ages->bytes[i] = add_u64(ages->bytes[i], bytes);
}

uint64_t evict_ages_sum(EvictAges *sum, const EvictAges *more)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < EVICT_AGES_MAX; i++) {
        sum->bytes[i] = add_u64(sum->bytes[i], more->bytes[i]);
        bytes = add_u64(bytes, more->bytes[i]);
    }
    return bytes;
}

uint64_t evict_ages_cutoff(const EvictAges *ages, uint64_t enough)
{
    uint64_t sum = 0;
    size_t i = EVICT_AGES_MAX;

    while (i > 0 && sum < enough)
        sum = add_u64(sum, ages->bytes[--i]);
    return age_begin(i);
}

uint64_t evict_interval(const EvictLook *look)
{
    uint64_t before = look->interval_usec > 0 ? look->interval_usec : look->every_usec;
    uint64_t next = look->every_usec;

    if (look->freed >= look->much)
        next = max_u64(min_u64(before, look->every_usec) / 2, look->every_usec / EVICT_SOONER);
    else if (look->freed == 0 && !look->waiting)
        next = min_u64(max_u64(before, look->every_usec) * 2, look->every_usec * EVICT_LATER);
    return next;
}

uint64_t evict_cpu_ppm(uint64_t cpu_usec, uint64_t interval_usec)
{
    return mul_u64(cpu_usec, 1000000) / max_u64(interval_usec, 1);
}

/* The level rises by what is left for those above it, until nothing is. Each round but the last
 * brings at least one below it, so that it ends. */
uint64_t evict_fair_ppm(const uint64_t *shares, size_t n)
{
    uint64_t level = 0;

    for (;;) {
        uint64_t taken = 0, above = 0;

        for (size_t i = 0; i < n; i++) {
            taken = add_u64(taken, min_u64(shares[i], level));
            above += shares[i] > level;
        }
        if (above == 0)
            return EVICT_CPU_PPM;
        uint64_t rise = sub_u64(EVICT_CPU_PPM, taken) / above;
        if (rise == 0)
            return max_u64(level, 1);
        level += rise;
    }
}

uint64_t evict_rest(uint64_t cpu_usec, uint64_t ppm)
{
    return mul_u64(cpu_usec, 1000000) / max_u64(ppm, 1);
}
