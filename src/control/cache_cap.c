/* SPDX-License-Identifier: MIT */
/* Two marks and a price. Above the cap pages are taken until the lower mark, so that the law rests
 * in between; the unit pays when they come back (a refault). Reclaim itself costs the unit nothing,
 * so there is nothing to let go of but the cap.
 *
 * The price is what the pages that came back cost at the least, or where that is more, the unit's
 * stalls for memory, which the kernel counts for such pages; or of its stalls for the disk as much
 * as these pages are of all that came in: one that streams waits for its disk with or without a
 * cap. So does one that is held up at the brake, for its own pages. */

#include "control/cache_cap.h"

#include <stddef.h>

#include "util/units.h"

#define PPM UINT64_C(1000000)
/* See REFAULT_COST of track.c. */
#define REFAULT_USEC 100
/* Beyond this growth a stream has begun, and the idle files' time is over: a share of the cap. */
#define COLD_GROWTH_PERCENT 12
/* Less than that between two looks is no growth: bytes. */
#define CAME_LEAST (256 * KIB)

uint64_t cap_cache(const Sample *sample)
{
    return add_u64(sample->active_file, sample->inactive_file);
}

/* Dirty pages stay until they are written. */
static uint64_t clean(const Sample *sample)
{
    return sub_u64(cap_cache(sample), add_u64(sample->file_dirty, sample->file_writeback));
}

static uint64_t percent(uint64_t bytes, unsigned n)
{
    return bytes / 100 * n + bytes % 100 * n / 100;
}

static uint64_t share_ppm(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : min_u64(mul_u64(part, PPM) / whole, PPM);
}

/* Bytes that reclaim took, for whomever. */
static uint64_t stolen(const SampleMark *before, const Sample *now)
{
    return mul_u64(now->pgsteal - before->pgsteal, now->page);
}

/* What it costs. Which page it was that came back nobody tells: the cap is to blame for as many as
 * it took of those that went. */

static void judge(CapState *state, const Sample *now)
{
    const SampleMark *begin = &state->window;
    SampleGrowth grown = sample_growth(begin, now);
    uint64_t all_back = now->refault_file - begin->refault_file;
    uint64_t share = share_ppm(add_u64(state->took, state->took_before),
                               add_u64(stolen(begin, now), state->stolen_before));
    uint64_t back = mul_u64(all_back, share) / PPM;
    uint64_t kept = sub_u64(cap_cache(now), state->window_cache) / max_u64(now->page, 1);

    state->returned_ppm = share_ppm(back, max_u64(all_back, add_u64(grown.taken, kept)));
    uint64_t disk = mul_u64(grown.io_some_usec, state->returned_ppm) / PPM;
    uint64_t to_blame = state->felt ? state->returned_ppm : share;
    uint64_t memory = mul_u64(grown.memory_some_usec, to_blame) / PPM;
    uint64_t waited = back == 0 ? 0 : max_u64(memory, disk);
    state->price_ppm = share_ppm(max_u64(mul_u64(back, REFAULT_USEC), waited),
                                 max_u64(grown.usec, CAP_WINDOW_USEC));
}

static void begin_window(CapState *state, const Sample *now)
{
    state->took_before = state->took;
    state->stolen_before = stolen(&state->window, now);
    state->took = 0;
    state->felt = false;
    state->window = sample_mark(now);
    state->window_cache = cap_cache(now);
}

/* Too much is too much before the window is over. */
static void note_costs(CapState *state, const Sample *now)
{
    bool held = hold_is_on(&state->costs, now->at_usec);

    /* What comes back while it is given up was taken before, and is paid for. */
    if (state->took + state->took_before > 0 && !held) {
        judge(state, now);
        if (state->price_ppm > CAP_PRICE_PPM)
            hold_begin(&state->costs, now->at_usec, CAP_HOLD_MIN_USEC, CAP_HOLD_MAX_USEC);
    }
    if (held || now->at_usec - state->window.at_usec >= CAP_WINDOW_USEC)
        begin_window(state, now);
}

/* What became of the decision before. What the unit reclaims at the brake, the cap took. */

static void note_outcome(CapState *state, bool braked, const Sample *now)
{
    uint64_t taken = stolen(&state->last, now);
    bool felt = braked && now->events_high > state->last.events_high;

    state->felt |= felt;
    state->took = add_u64(state->took, felt ? taken : min_u64(taken, state->asked));
    if (state->asked == 0)
        return;
    if (taken < state->asked / 2)
        hold_begin(&state->stuck, now->at_usec, CAP_STUCK_MIN_USEC, CAP_STUCK_MAX_USEC);
    else
        state->stuck = (Hold){ 0 };
    state->asked = 0;
}

static bool compare(CapState *state, bool braked, const Sample *now)
{
    switch (sample_step(&state->last, now)) {
    case SAMPLE_NEXT:
        note_outcome(state, braked, now);
        note_costs(state, now);
        return true;
    case SAMPLE_RESET:
        state->took = state->took_before = state->stolen_before = 0;
        state->asked = 0;
        state->felt = false;
        state->window = sample_mark(now);
        state->window_cache = cap_cache(now);
        return false;
    case SAMPLE_STALE:
        break;
    }
    return false;
}

/* When to look again */

/* By the time that it will have grown to the cap, if as much goes on to come in as did since the
 * look before. */
static uint64_t next_look(const CapState *state, uint64_t max, const Sample *now, bool comparable)
{
    uint64_t cache = cap_cache(now);

    if (!comparable || now->at_usec == state->last.at_usec)
        return 0;
    uint64_t taken = stolen(&state->last, now);
    uint64_t came = sub_u64(add_u64(cache, taken), state->last_cache);
    if (came < CAME_LEAST)
        return 0;
    uint64_t left = mul_u64(sub_u64(max, cache), now->at_usec - state->last.at_usec) / came;
    return add_u64(now->at_usec, min_u64(max_u64(left, CAP_LOOK_MIN_USEC), CAP_LOOK_MAX_USEC));
}

/* What is to go */

/* Idle files go first: after a rest, and unless something comes in so fast that it is no matter of
 * theirs. */
static bool waits_for_cold(CapState *state, const CapContext *context, const Sample *now)
{
    uint64_t at = now->at_usec, cache = cap_cache(now);

    if (!context->has_rules)
        return false;
    if (state->cold_usec == 0) {
        state->cold_usec = at;
        state->cold_size = cache;
    }
    state->over_usec = at;
    return at - state->cold_usec <
               (context->cold_goes ? CAP_COLD_MOST_USEC : CAP_COLD_FIRST_USEC) &&
           cache <= add_u64(state->cold_size, percent(context->max, COLD_GROWTH_PERCENT));
}

/* It is not above the cap. */
static void note_rest(CapState *state, const Sample *now)
{
    if (now->at_usec - state->over_usec > CAP_WINDOW_USEC)
        state->cold_usec = 0;
}

static CapDecision act(CapState *state, const CapContext *context, const Sample *now)
{
    uint64_t cache = cap_cache(now), low = percent(context->max, CAP_LOW_PERCENT);
    bool near = cache > percent(context->max, CAP_COLD_PERCENT), over = cache > context->max;
    CapDecision decision = { .reason = CAP_UNDER };

    if (context->has_rules && near) {
        decision.reason = CAP_COLD;
        decision.cold = cache - low;
    }
    if (!over)
        note_rest(state, now);
    if (!over || waits_for_cold(state, context, now))
        return decision;
    /* For less than lies between the marks no list of dirty pages is walked. */
    bool stuck = hold_is_on(&state->stuck, now->at_usec) || clean(now) < context->max - low;
    decision.reason = stuck ? CAP_STUCK : CAP_OVER;
    if (!stuck)
        decision.reclaim = min_u64(cache - low, clean(now));
    return decision;
}

static CapReason off(const CapState *state, const CapContext *context, const Sample *now)
{
    if (context->max == LIMIT_NONE)
        return CAP_OFF;
    if (context->no_reclaim)
        return CAP_NO_RECLAIM;
    if (context->spares_none)
        return CAP_SWAP;
    if (!now->memory_psi.valid)
        return CAP_NO_PSI;
    return hold_is_on(&state->costs, now->at_usec) ? CAP_COSTS : CAP_UNDER;
}

CapDecision cap_decide(CapState *state, const CapContext *context, const Sample *now)
{
    bool comparable = compare(state, context->braked, now);
    CapDecision decision = { .reason = off(state, context, now) };

    if (decision.reason == CAP_UNDER) {
        decision = act(state, context, now);
        decision.next_usec = next_look(state, context->max, now, comparable);
    }
    state->asked = decision.reclaim;
    state->last = sample_mark(now);
    state->last_cache = cap_cache(now);
    return decision;
}

bool cap_is_kept(CapReason reason)
{
    return reason == CAP_UNDER || reason == CAP_COLD || reason == CAP_OVER;
}

const char *cap_reason_to_string(CapReason reason)
{
    switch (reason) {
    case CAP_OFF:
        return "off";
    case CAP_UNDER:
        return "under";
    case CAP_COLD:
        return "cold-files";
    case CAP_OVER:
        return "over";
    case CAP_STUCK:
        return "nothing-to-take";
    case CAP_COSTS:
        return "costs-more";
    case CAP_NO_PSI:
        return "no-psi";
    case CAP_NO_RECLAIM:
        return "no-reclaim";
    case CAP_SWAP:
        return "swap";
    }
    return NULL;
}
