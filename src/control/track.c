/* SPDX-License-Identifier: MIT */
/* The question "what does this unit need?" is asked in small pieces: a probe takes some pages
 * through memory.reclaim, which costs the unit nothing by itself, and then it is seen whether they
 * come back. Pages that are not missed for PROBE_USEC were not needed: the goal falls by them. From
 * then on what comes in above the goal is taken by memory.reclaim once a second, and memory.high
 * stands a margin above: a brake for what grows faster than that. So the limit takes no pages in
 * the ordinary course of things, a stream costs the unit no pressure, and an allocation meets room.
 *
 * The goal is of what can be reclaimed; the limit moves with the rest.
 *
 * Probes grow while they do no harm, and begin small again, after a longer wait, at the first sign
 * of it. Upwards is at once, downwards slow. What the unit feels is the larger of PSI and of its
 * refaults, each counted as a fast disk's read: memory pressure alone misses reads of a fast disk,
 * and pages that were not in use when they were taken.
 *
 * Right after an action its echo is expected: the threshold begins at five times the target and
 * falls to it within seconds. Whatever the echo, a stall lets go of everything. */
#include "control/track.h"

#include "control/floor.h"

/* Shorter spans of pressure are noise. */
#define SPAN_USEC USEC_PER_SEC
/* Pages of a working set that is in use are missed within this. */
#define PROBE_USEC (2 * USEC_PER_SEC)
/* After a hundredth of the time stalled under a limit: is it a stall that lasts? */
#define ALARM_SHARE 100
#define ALARM_USEC  (100 * USEC_PER_MSEC)
/* Between probes after one that did harm: the first step read again once a minute is about what the
 * usual target allows. */
#define PATIENCE_MIN_USEC (6 * USEC_PER_SEC)
#define PATIENCE_MAX_USEC (60 * USEC_PER_SEC)

/* The first probe; how it grows while nothing comes back, and while a little does; parts of what
 * can be reclaimed and of the inactive list that it may be. The kernel's own lists say how much is
 * likely to be cold: the closer to the end of that, the smaller the steps. */
#define STEP_FIRST    (2 * MIB)
#define STEP_FAST     4
#define STEP_SLOW     2
#define STEP_CACHE    8
#define STEP_INACTIVE 2
/* The margin of the brake: parts of the use, and for how long what comes in has room. */
#define MARGIN      32
#define MARGIN_USEC (2 * USEC_PER_SEC)
/* Between up and down again: at most six turns a minute. */
#define LOWER_USEC (20 * USEC_PER_SEC)
/* How slowly what came in is forgotten. */
#define INFLOW_USEC (10 * USEC_PER_SEC)

/* Of the pages that a probe took, a 20th may come back. */
#define HARM 20
/* Of what was scanned, in tenths: where less is had, much of what looks cold is in use, or cannot
 * be had at all; nothing is reclaimed for a while, or probes grow slowly. Of so few pages that says
 * nothing. */
#define EFFICIENCY_LEAST 1
#define EFFICIENCY_GOOD  6
#define SCANNED_LEAST    256
/* For so long: no longer each time, because the kernel finds what is cold by scanning. */
#define IN_VAIN_USEC (3 * USEC_PER_SEC)
/* Waiting for disks, in parts per million of time, while pages come back. */
#define IO_PRESSURE 200000
/* A page that is read again costs a fast disk's read: in parts per million of a second. */
#define REFAULT_COST 100
/* High events in one look without anything to reclaim: a livelock. */
#define LIVELOCK_EVENTS 16

/* The echo of an action: the surplus of pressure over the target, in thousandths of it, that is not
 * a signal yet. 4·exp(−ln 400·t/10 s): it halves every 1.157 s. */
#define ECHO_FIRST     4000
#define ECHO_HALF_USEC (1157 * USEC_PER_MSEC)

/* Where the limit is felt this much, what there is is doubled; below, by the square. */
#define PRESSURE_ALL 400000

/* How often what came back is doubled. */
#define RISING_MOST 8

/* For how long it is remembered where harm was done; and the part of the step that did it which is
 * small enough there. */
#define HARM_USEC  (120 * USEC_PER_SEC)
#define HARM_STEPS 16

/* How fast the level follows what is charged, and how slowly a burst is forgotten. */
#define LEVEL_USEC (10 * USEC_PER_SEC)
#define BURST_USEC (120 * USEC_PER_SEC)

static uint64_t scale(uint64_t value, uint64_t part, uint64_t whole)
{
    return (uint64_t)((unsigned __int128)value * min_u64(part, whole) / whole);
}

static uint64_t swappable(const LimitConfig *config, const LimitContext *context,
                          const Sample *sample)
{
    uint64_t free_swap = context->swap_free == LIMIT_SWAP_UNKNOWN ? 0 : context->swap_free;

    if (config->reclaim != LIMIT_RECLAIM_ALL)
        return 0;
    return min_u64(sample->inactive_anon,
                   min_u64(free_swap, sub_u64(sample->swap_max, sample->swap_current)));
}

static uint64_t margin(const TrackState *state, const Sample *sample)
{
    uint64_t inflow = mul_u64(state->inflow, MARGIN_USEC) / USEC_PER_SEC;

    return max_u64(max_u64(FLOOR_MARGIN, sample->current / MARGIN), inflow);
}

/* What a reclaim of the allowed kind could take. */
static uint64_t cache_of(const LimitConfig *config, const LimitContext *context,
                         const Sample *sample)
{
    return sub_u64(sample->current,
                   sub_u64(unreclaimable(sample), swappable(config, context, sample)));
}

uint64_t track_floor(const TrackState *state, const LimitConfig *config,
                     const LimitContext *context, const Sample *sample)
{
    uint64_t fixed = sub_u64(unreclaimable(sample), swappable(config, context, sample));
    uint64_t floor = add_u64(add_u64(fixed, FLOOR_MARGIN), state->burst);

    return max_u64(floor, max_u64(config->min, sample->min));
}

/* The level follows what cannot be reclaimed downwards at once and upwards slowly: what is above it
 * came lately. */
static void follow_burst(TrackState *state, const Sample *sample, uint64_t elapsed)
{
    uint64_t fixed = unreclaimable(sample);

    state->fixed = fixed;
    if (fixed <= state->level)
        state->level = fixed;
    else
        state->level += scale(fixed - state->level, elapsed, LEVEL_USEC);
    state->burst -= scale(state->burst, elapsed, BURST_USEC);
    state->burst = max_u64(state->burst, fixed - state->level);
}

static void note_inflow(TrackState *state, const Sample *sample)
{
    state->inflow_usec = sample->at_usec;
    state->inflow_taken = sample->pgsteal;
    state->inflow_current = sample->current;
}

/* What came in is what there is more, and what was taken; over a time that says something. */
static void follow_inflow(TrackState *state, const Sample *sample)
{
    uint64_t elapsed = sample->at_usec - state->inflow_usec;
    uint64_t taken = mul_u64(sample->pgsteal - state->inflow_taken, sample->page);
    uint64_t in = sub_u64(add_u64(sample->current, taken), state->inflow_current);

    if (elapsed < SPAN_USEC / 2)
        return;
    state->inflow -= scale(state->inflow, elapsed, INFLOW_USEC);
    state->inflow = max_u64(state->inflow, mul_u64(in, USEC_PER_SEC) / elapsed);
    note_inflow(state, sample);
}

static LimitDecision keep(const TrackState *state, LimitReason reason)
{
    return (LimitDecision){
        .want = state->limit > 0 ? state->limit : LIMIT_NONE,
        .reason = reason,
    };
}

static LimitDecision let_go(TrackState *state, const Sample *sample, LimitReason reason)
{
    state->limit = state->step = 0;
    state->probing = state->has_goal = false;
    state->ref = state->felt = sample_mark(sample);
    return keep(state, reason);
}

/* Whatever restarts a unit that stalls does not restart the time for which it is let go. */
static LimitDecision begin(TrackState *state, const Sample *sample)
{
    const SampleMark mark = sample_mark(sample);

    *state = (TrackState){
        .stall = state->stall,
        .last = mark,
        .ref = mark,
        .felt = mark,
        .fixed = unreclaimable(sample),
        .level = unreclaimable(sample),
    };
    note_inflow(state, sample);
    return keep(state, LIMIT_REASON_LEARN);
}

/* Nothing to reclaim any more, and still over the limit, again and again. */
static bool is_livelock(const SampleGrowth *look)
{
    return look->high_events >= LIVELOCK_EVENTS && look->taken * 10 <= look->scanned;
}

/* As the trigger sees it; a policy that holds a higher pressure is not let go for that. */
static bool is_stall(const LimitConfig *config, const SampleGrowth *growth)
{
    uint64_t share = max_u64(TRACK_STALL_USEC * 1000000 / USEC_PER_SEC, 4 * config->pressure);

    return growth->memory_some_usec >= TRACK_STALL_USEC &&
           mul_u64(growth->memory_some_usec, 1000000) >= mul_u64(share, growth->usec);
}

/* In parts per million. */
static uint64_t pressure_of(const SampleGrowth *span)
{
    uint64_t some = mul_u64(span->memory_some_usec, 1000000) / span->usec;
    uint64_t refaults = mul_u64(span->refaults, REFAULT_COST * USEC_PER_SEC) / span->usec;

    return max_u64(some, refaults);
}

static uint64_t target(const LimitConfig *config)
{
    return max_u64(config->pressure, 1);
}

static uint64_t echo(uint64_t since_usec)
{
    uint64_t halves = since_usec / ECHO_HALF_USEC;
    if (halves >= 12)
        return 0;
    uint64_t left = ECHO_FIRST >> halves;
    return left - scale(left / 2, since_usec % ECHO_HALF_USEC, ECHO_HALF_USEC);
}

static bool is_signal(const TrackState *state, const LimitConfig *config, uint64_t pressure,
                      uint64_t now)
{
    uint64_t surplus = mul_u64(sub_u64(pressure, target(config)), 1000);

    return surplus > mul_u64(target(config), echo(now - state->acted_usec));
}

static void be_patient(TrackState *state, uint64_t now)
{
    state->probing = false;
    state->step = 0;
    if (!hold_is_on(&state->patience, now))
        hold_begin(&state->patience, now, PATIENCE_MIN_USEC, PATIENCE_MAX_USEC);
    else
        state->patience.until_usec = now + state->patience.length_usec;
}

/* The limit is what keeps the unit from more. */
static bool is_binding(const TrackState *state, const Sample *sample, const SampleGrowth *growth)
{
    return state->limit > 0 &&
           (growth->high_events > 0 || add_u64(sample->current, FLOOR_MARGIN / 2) >= state->limit);
}

static bool hurts(const TrackState *state, const LimitConfig *config, const Sample *sample,
                  const SampleGrowth *growth)
{
    return is_binding(state, sample, growth) && (is_stall(config, growth) || is_livelock(growth));
}

/* A look in the middle of a stall, which may have raised the limit, leaves but a part of it to this
 * one. So the trigger is believed, unless hardly anything is left: some kernels' first event is for
 * nothing. */
static bool trigger_counts(const TrackState *state, const LimitConfig *config,
                           const LimitContext *context, const Sample *sample,
                           const SampleGrowth *felt)
{
    bool raised = state->raised_usec > 0 &&
                  sample->at_usec - state->raised_usec <= TRACK_WINDOW_USEC;

    return context->pressed && (raised || is_binding(state, sample, felt)) &&
           4 * config->pressure <= TRACK_STALL_USEC * 1000000 / TRACK_WINDOW_USEC &&
           felt->memory_some_usec >= TRACK_STALL_USEC / 4;
}

/* Since the last look; and over the trigger's window, because looks may come so close together that
 * each sees but a part of what the trigger saw. */
static bool is_held_up(TrackState *state, const LimitConfig *config, const LimitContext *context,
                       const Sample *sample, const SampleGrowth *look)
{
    SampleGrowth felt = sample_growth(&state->felt, sample);

    if (felt.usec >= TRACK_WINDOW_USEC)
        state->felt = sample_mark(sample);
    return hurts(state, config, sample, look) || hurts(state, config, sample, &felt) ||
           trigger_counts(state, config, context, sample, &felt);
}

/* The probe under way did harm. */
static void note_harm(TrackState *state, uint64_t now)
{
    state->harm = state->cache - state->tried;
    state->harm_step = state->tried;
    state->harm_usec = now;
    if (state->has_goal)
        state->goal = max_u64(state->goal, state->cache);
}

/* Whoever scanned so: to go on at once would cost more than it gives. */
static void note_efficiency(TrackState *state, const SampleGrowth *span, uint64_t now)
{
    if (span->scanned < SCANNED_LEAST || span->taken * 10 >= span->scanned * EFFICIENCY_LEAST ||
        now < state->in_vain_usec)
        return;
    state->in_vain_usec = now + IN_VAIN_USEC;
    state->step = 0;
}

/* What is above the goal and above @slack, as far as there is room above the floor. */
static uint64_t surplus_of(const TrackState *state, const LimitContext *context,
                           const Sample *sample, uint64_t floor, uint64_t cache, uint64_t slack)
{
    if (!state->has_goal || context->memory_short || sample->at_usec < state->in_vain_usec)
        return 0;
    return min_u64(sub_u64(cache, add_u64(state->goal, slack)), sub_u64(sample->current, floor));
}

/* No step further, and what streams in does not pile up meanwhile: it would meet the limit. */
static LimitDecision wait_for_calm(const TrackState *state, const LimitContext *context,
                                   const Sample *sample, uint64_t floor, uint64_t cache,
                                   LimitReason reason)
{
    LimitDecision decision = keep(state, reason);

    decision.reclaim = surplus_of(state, context, sample, floor, cache, margin(state, sample) / 2);
    return decision;
}

/* What came back twice over, and twice that for each span in which it got no better: a unit that
 * grows, and no echo. Where the limit itself is felt, by the square of the surplus too, and
 * no more than twice what there is. */
static void back_off(TrackState *state, const LimitConfig *config, const Sample *sample,
                     const SampleGrowth *span, uint64_t pressure, uint64_t cache)
{
    uint64_t excess = min_u64(sub_u64(pressure, config->pressure), PRESSURE_ALL);
    uint64_t more = max_u64(mul_u64(span->refaults, 2 * sample->page), STEP_FIRST);

    more = mul_u64(more, UINT64_C(1) << min_u64(state->rising, RISING_MOST));
    if (is_binding(state, sample, span))
        more = max_u64(more,
                       scale(scale(sample->current, excess, PRESSURE_ALL), excess, PRESSURE_ALL));
    if (state->probing)
        note_harm(state, sample->at_usec);
    be_patient(state, sample->at_usec);
    state->acted_usec = sample->at_usec;
    if (state->has_goal)
        state->goal = max_u64(state->goal,
                              add_u64(min_u64(cache, state->goal), min_u64(more, sample->current)));
}

/* Dirty pages, and those that are being written, are not to be had. */
static uint64_t reclaimable(const LimitConfig *config, const LimitContext *context,
                            const Sample *sample)
{
    uint64_t file = add_u64(sample->inactive_file, sample->active_file);
    uint64_t busy = add_u64(sample->file_dirty, sample->file_writeback);

    return add_u64(sub_u64(file, busy), swappable(config, context, sample));
}

/* Why there is no probe now; LIMIT_REASON_PROBE: there is one. */
static LimitReason may_probe(const TrackState *state, const LimitContext *context,
                             const Sample *sample, const SampleGrowth *span, uint64_t room)
{
    uint64_t io = mul_u64(span->io_some_usec, 1000000) / span->usec;

    if (hold_is_on(&state->patience, sample->at_usec) || sample->at_usec < state->in_vain_usec)
        return LIMIT_REASON_STEADY;
    if (context->memory_short)
        return LIMIT_REASON_SHORT;
    if (io > IO_PRESSURE && span->refaults > 0) /* a stream waits for its disk all the time */
        return LIMIT_REASON_IO;
    return room < STEP_FIRST ? LIMIT_REASON_AT_MIN : LIMIT_REASON_PROBE;
}

/* The kernel's own lists say how much is likely to be cold, but for what has just come in or is
 * taken anyway; and the place where harm was done is come near to by halves. */
static uint64_t largest_step(const TrackState *state, uint64_t inactive, uint64_t above,
                             uint64_t rest, uint64_t now)
{
    uint64_t most = sub_u64(inactive, max_u64(above, state->inflow)) / STEP_INACTIVE;
    bool remembered = state->harm > 0 && now - state->harm_usec < HARM_USEC;

    if (!remembered)
        return most;
    return min_u64(most, max_u64(sub_u64(rest, state->harm) / 2, state->harm_step / HARM_STEPS));
}

/* Down to the goal, and a probe further. */
static LimitDecision tighten(TrackState *state, const LimitConfig *config,
                             const LimitContext *context, const Sample *sample,
                             const SampleGrowth *span, uint64_t floor, uint64_t cache)
{
    uint64_t rest = state->has_goal ? min_u64(cache, state->goal) : cache;
    uint64_t above = surplus_of(state, context, sample, floor, cache, 0);
    uint64_t use = sample->current - above;
    uint64_t room = min_u64(sub_u64(use, floor),
                            sub_u64(reclaimable(config, context, sample), above));
    LimitDecision decision = keep(state, may_probe(state, context, sample, span, room));

    decision.reclaim = above;
    if (decision.reason == LIMIT_REASON_AT_MIN && !state->has_goal) {
        state->has_goal = true;
        state->goal = rest;
    }
    if (decision.reason != LIMIT_REASON_PROBE)
        return decision;

    uint64_t inactive = add_u64(sample->inactive_file, swappable(config, context, sample));
    uint64_t most = min_u64(largest_step(state, inactive, above, rest, sample->at_usec),
                            rest / STEP_CACHE);
    uint64_t step = min_u64(max_u64(min_u64(state->step, most), STEP_FIRST), room);
    state->probing = true;
    state->before = sample_mark(sample);
    state->cache = rest;
    state->tried = state->step = step;
    state->acted_usec = sample->at_usec;
    decision.reclaim += step;
    return decision;
}

/* After a probe that did no harm. */
static uint64_t growth_of_step(const TrackState *state, const SampleGrowth *since, uint64_t now)
{
    bool harmless = state->harm_usec == 0 || now - state->harm_usec >= HARM_USEC;

    bool easy = harmless && since->refaults == 0 &&
                since->taken * 10 >= since->scanned * EFFICIENCY_GOOD;
    return easy ? STEP_FAST : STEP_SLOW;
}

/* Were the pages missed? If not, the goal follows, and the next ones are tried. */
static LimitDecision judge_probe(TrackState *state, const LimitConfig *config,
                                 const LimitContext *context, const Sample *sample,
                                 const SampleGrowth *span, uint64_t floor, uint64_t cache)
{
    SampleGrowth since = sample_growth(&state->before, sample);

    if (since.usec < PROBE_USEC)
        return keep(state, LIMIT_REASON_HOLD);
    state->probing = false;
    if (since.taken == 0 || since.refaults * HARM > since.taken) {
        note_harm(state, sample->at_usec);
        be_patient(state, sample->at_usec);
        return keep(state, LIMIT_REASON_HARM);
    }

    uint64_t tested = state->cache - min_u64(state->tried, mul_u64(since.taken, sample->page));
    state->goal = state->has_goal ? min_u64(state->goal, tested) : tested;
    state->has_goal = true;
    if (state->goal < state->harm)
        state->harm = 0;
    state->patience = (Hold){ 0 };
    state->step = mul_u64(state->step, growth_of_step(state, &since, sample->at_usec));
    return tighten(state, config, context, sample, span, floor, cache);
}

/* The span is long enough to be judged. */
static LimitDecision judge_span(TrackState *state, const LimitConfig *config,
                                const LimitContext *context, const Sample *sample, uint64_t floor)
{
    SampleGrowth span = sample_growth(&state->ref, sample);
    uint64_t pressure = pressure_of(&span), cache = cache_of(config, context, sample);

    state->ref = sample_mark(sample);
    note_efficiency(state, &span, sample->at_usec);
    bool rises = pressure > config->pressure && pressure >= state->pressure - state->pressure / 10;
    state->rising = rises && state->pressure > config->pressure ? state->rising + 1 : 0;
    state->pressure = pressure;
    if (is_signal(state, config, pressure, sample->at_usec)) {
        back_off(state, config, sample, &span, pressure, cache);
        return wait_for_calm(state, context, sample, floor, cache, LIMIT_REASON_PRESSURE);
    }
    if (state->probing)
        return judge_probe(state, config, context, sample, &span, floor, cache);
    if (pressure > config->pressure)
        return wait_for_calm(state, context, sample, floor, cache, LIMIT_REASON_STEADY);
    return tighten(state, config, context, sample, &span, floor, cache);
}

/* Upwards at once and some more; downwards by no less than a step, and not soon after: each change
 * is one of the unit's properties, and it takes no pages anyway. Returns whether it rose. */
static bool follow_goal(TrackState *state, const LimitConfig *config, const Sample *sample,
                        uint64_t floor, uint64_t cache)
{
    uint64_t room = margin(state, sample), ceiling = max_u64(config->max, floor);
    uint64_t use = state->has_goal ? add_u64(sample->current - cache, state->goal) : LIMIT_NONE;
    uint64_t limit = min_u64(max_u64(add_u64(use, room), add_u64(floor, room)), ceiling);

    if (limit == LIMIT_NONE)
        return false;
    if (state->limit > 0 && limit > state->limit) {
        state->limit = min_u64(add_u64(limit, room / 4), ceiling);
        state->raised_usec = sample->at_usec;
        return true;
    }
    if (state->limit == 0 ||
        (sub_u64(state->limit, limit) > room / 2 && state->pressure <= config->pressure &&
         sample->at_usec - state->raised_usec >= LOWER_USEC))
        state->limit = limit;
    /* It may be another one since a reload. */
    if (floor <= config->max)
        state->limit = min_u64(state->limit, config->max);
    return false;
}

LimitDecision track_decide(TrackState *state, const LimitConfig *config,
                           const LimitContext *context, const Sample *sample)
{
    SampleStep step = sample_step(&state->last, sample);

    if (step == SAMPLE_RESET)
        return begin(state, sample);
    if (step == SAMPLE_STALE)
        return keep(state, LIMIT_REASON_HOLD);

    SampleGrowth look = sample_growth(&state->last, sample);
    follow_inflow(state, sample);
    follow_burst(state, sample, look.usec);
    state->last = sample_mark(sample);
    if (!sample->memory_psi.valid)
        return let_go(state, sample, LIMIT_REASON_NO_PSI);
    if (context->slow_disk)
        return let_go(state, sample, LIMIT_REASON_SLOW_DISK);
    if (hold_is_on(&state->stall, sample->at_usec))
        return let_go(state, sample, LIMIT_REASON_STALL);
    if (is_held_up(state, config, context, sample, &look) && !context->observe) {
        hold_begin(&state->stall, sample->at_usec, TRACK_HOLD_MIN_USEC, TRACK_HOLD_MAX_USEC);
        return let_go(state, sample, LIMIT_REASON_STALL);
    }

    uint64_t floor = track_floor(state, config, context, sample);
    LimitDecision decision = sample->at_usec - state->ref.at_usec < SPAN_USEC
                                 ? keep(state, LIMIT_REASON_HOLD)
                                 : judge_span(state, config, context, sample, floor);
    /* What cannot be reclaimed does not wait for a span. */
    bool rose = follow_goal(state, config, sample, floor, cache_of(config, context, sample));
    if (rose && decision.reason != LIMIT_REASON_PRESSURE && decision.reason != LIMIT_REASON_HARM)
        decision.reason = LIMIT_REASON_GROWTH;
    decision.want = keep(state, decision.reason).want;
    if (decision.want != LIMIT_NONE && look.memory_some_usec * ALARM_SHARE > look.usec)
        decision.next_usec = sample->at_usec + ALARM_USEC;
    return decision;
}
