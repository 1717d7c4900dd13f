/* SPDX-License-Identifier: MIT */
/* `yield` of a single unit in a closed loop with some thousand simple ones: each takes what it can
 * get, up to its appetite, reclaims when it hits memory.high, and stalls when there is nothing to
 * reclaim. What must hold of every decision is asked of every decision. */

#include <inttypes.h>
#include <stdio.h>

#include "control/floor.h"
#include "control/limit.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define RUNS  5000
#define LOOKS 400

/* xorshift64*: the same units on every machine. */
typedef struct Dice {
    uint64_t x;
} Dice;

static uint64_t roll(Dice *dice, uint64_t n)
{
    dice->x ^= dice->x >> 12;
    dice->x ^= dice->x << 25;
    dice->x ^= dice->x >> 27;
    return (dice->x * UINT64_C(0x2545F4914F6CDD1D) >> 16) % n;
}

typedef struct Plant {
    Dice dice;
    uint64_t appetite; /* bytes of page cache that it would fill */
    uint64_t rate;     /* bytes of it a second */
    uint64_t anon_max;
    unsigned stall_percent; /* of the looks under a limit */
    bool has_psi;
    uint64_t file;
    Sample sample;
} Plant;

static void plant_init(Plant *p, uint64_t seed)
{
    *p = (Plant){ .dice = { .x = seed * UINT64_C(0x9E3779B97F4A7C15) + 1 } };
    p->appetite = roll(&p->dice, 64 * GIB);
    if (roll(&p->dice, 2))
        p->appetite >>= roll(&p->dice, 12);
    p->rate = roll(&p->dice, 500 * MIB) + MIB;
    p->anon_max = roll(&p->dice, 2) ? roll(&p->dice, 64 * MIB) : roll(&p->dice, 4 * GIB);
    p->stall_percent = roll(&p->dice, 3) ? 0 : (unsigned)roll(&p->dice, 20);
    p->has_psi = roll(&p->dice, 10) > 0;
    p->file = roll(&p->dice, p->appetite + 1);
    p->sample.at_usec = USEC_PER_SEC + roll(&p->dice, 1000 * USEC_PER_SEC);
    p->sample.anon = roll(&p->dice, p->anon_max + 1);
}

/* What @usec under the limit @high do to the unit. */
static void plant_live(Plant *p, uint64_t usec, uint64_t high)
{
    Sample *s = &p->sample;
    uint64_t anon_step = p->anon_max / 50 + 1;

    s->at_usec += usec;
    s->anon = roll(&p->dice, 2) ? min_u64(s->anon + roll(&p->dice, anon_step), p->anon_max)
                                : sub_u64(s->anon, roll(&p->dice, anon_step));
    s->kernel = MIB + roll(&p->dice, MIB);
    p->file = min_u64(p->file + p->rate * usec / USEC_PER_SEC, p->appetite);
    uint64_t fixed = s->anon + s->kernel;
    p->file = min_u64(p->file, sub_u64(high, fixed));
    s->current = fixed + p->file;
    s->file = s->inactive_file = p->file;
    s->high = high;

    bool starved = high < fixed;
    bool stalls = high != LIMIT_NONE && roll(&p->dice, 100) < p->stall_percent;
    s->memory_psi.valid = p->has_psi;
    s->memory_psi.full_usec += starved || stalls ? usec * 9 / 10 : usec / 100;
}

typedef struct Seen {
    uint64_t decisions, squeezes, stalls, returns, starved;
} Seen;

#define must_hold(condition)                                                         \
    do {                                                                             \
        if (!(condition))                                                            \
            fail_msg("run %u, look %u: not so: %s (want %" PRIu64 ", floor %" PRIu64 \
                     ", limit before %" PRIu64 ", %s)",                              \
                     run, look, #condition, d.want, floor, before->limit,            \
                     limit_reason_to_string(d.reason));                              \
    } while (0)

static bool one_of(LimitReason reason, const LimitReason *reasons, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (reasons[i] == reason)
            return true;
    return false;
}

#define ONE_OF(reason, ...)                              \
    one_of(reason, (const LimitReason[]){ __VA_ARGS__ }, \
           ELEMENTS(((const LimitReason[]){ __VA_ARGS__ })))

/* What every decision must be, from the state that it was taken in. */
static void judge(unsigned run, unsigned look, const YieldState *before, const YieldState *after,
                  const LimitConfig *config, const Sample *sample, bool distress, LimitDecision d,
                  Seen *seen)
{
    uint64_t floor = limit_floor(sample, config->min);
    bool lets_go = d.want == LIMIT_NONE;

    must_hold(d.want >= floor);
    must_hold(sample->memory_psi.valid || lets_go);
    must_hold(after->limited == !lets_go);
    must_hold(lets_go || d.want == after->limit);
    if (lets_go) {
        must_hold(ONE_OF(d.reason, LIMIT_REASON_CALM, LIMIT_REASON_STALL, LIMIT_REASON_AT_MIN,
                         LIMIT_REASON_NO_PSI));
        must_hold(d.reason != LIMIT_REASON_CALM || !distress);
        must_hold(d.reason != LIMIT_REASON_AT_MIN || (distress && sample->current <= floor));
    } else if (!before->limited) {
        must_hold(distress && d.want == sample->current && d.reason == LIMIT_REASON_FREEZE);
    } else {
        uint64_t from = max_u64(before->limit, floor);
        /* Distress that begins while it is given back ends that where it is, or was. */
        uint64_t back_from = distress ? min_u64(from, max_u64(sample->current, floor)) : from;
        back_from = min_u64(back_from, max_u64(before->good, floor));
        must_hold(distress ? d.want <= from : d.want >= from);
        must_hold(back_from - min_u64(d.want, back_from) <= max_u64(from / 8, LIMIT_STEP_MIN));
        must_hold(sub_u64(d.want, from) <= max_u64(from / 4, LIMIT_STEP_MIN));
        must_hold(d.reason != LIMIT_REASON_DISTRESS ||
                  sample->at_usec - before->stepped_usec >= LIMIT_STEP_USEC);
    }
    seen->decisions++;
    seen->squeezes += !lets_go && !before->limited;
    seen->stalls += before->limited && d.reason == LIMIT_REASON_STALL;
    seen->returns += before->limited && d.reason == LIMIT_REASON_CALM;
}

/* Calm ends every squeeze, however far it went, and however often it came back. */
static void run_until_released(unsigned run, Plant *p, LimitState *state, const LimitConfig *config,
                               uint64_t high, Seen *seen)
{
    uint64_t began = p->sample.at_usec;

    for (unsigned look = LOOKS; high != LIMIT_NONE; look++) {
        plant_live(p, 500 * USEC_PER_MSEC + roll(&p->dice, USEC_PER_SEC), high);
        YieldState before = state->yield;
        LimitDecision d = limit_decide(state, config, &(LimitContext){ 0 }, &p->sample);
        judge(run, look, &before, &state->yield, config, &p->sample, false, d, seen);
        high = d.want;
        if (p->sample.at_usec - began > 800 * USEC_PER_SEC)
            fail_msg("run %u: still squeezed after 800 s of calm", run);
    }
}

static void run_one(unsigned run, Seen *seen)
{
    LimitState state = { 0 };
    uint64_t high = LIMIT_NONE, hold_until = 0;
    bool distress = false;
    Plant p;

    plant_init(&p, run + 1);
    LimitConfig config = { .mode = LIMIT_YIELD };
    if (roll(&p.dice, 2))
        config.min = roll(&p.dice, GIB);
    for (unsigned look = 0; look < LOOKS; look++) {
        plant_live(&p, roll(&p.dice, 5) ? USEC_PER_SEC : 1 + roll(&p.dice, 3 * USEC_PER_SEC), high);
        if (roll(&p.dice, 15) == 0)
            distress = !distress;
        YieldState before = state.yield;
        LimitDecision d = limit_decide(&state, &config, &(LimitContext){ .distress = distress },
                                       &p.sample);
        judge(run, look, &before, &state.yield, &config, &p.sample, distress, d, seen);
        if (before.limited && d.reason == LIMIT_REASON_STALL)
            hold_until = p.sample.at_usec + LIMIT_HOLD_USEC;
        if (p.sample.at_usec < hold_until && d.want != LIMIT_NONE)
            fail_msg("run %u, look %u: squeezed again %" PRIu64 " us too early", run, look,
                     hold_until - p.sample.at_usec);
        seen->starved += d.want < unreclaimable(&p.sample);
        high = d.want;
    }
    run_until_released(run, &p, &state, &config, high, seen);
}

static void some_thousand_units(void **state)
{
    Seen seen = { 0 };

    for (unsigned run = 0; run < RUNS; run++)
        run_one(run, &seen);

    printf("%" PRIu64 " decisions, %" PRIu64 " squeezes, %" PRIu64 " let go for a stall, %" PRIu64
           " given back\n",
           seen.decisions, seen.squeezes, seen.stalls, seen.returns);
    assert_int_equal(seen.starved, 0);
    /* The runs went where they were meant to go. */
    assert_true(seen.decisions > RUNS * LOOKS);
    assert_true(seen.squeezes > RUNS);
    assert_true(seen.stalls > RUNS / 10);
    assert_true(seen.returns > RUNS / 2);
}

/* A value of the policy's: it stands, or the floor above it, unless the unit stalls or nobody would
 * see that. */
static void some_thousand_units_with_a_fixed_limit(void **state)
{
    uint64_t limited = 0, stalls = 0, floors = 0;

    for (unsigned run = 0; run < RUNS / 4; run++) {
        LimitState fixed = { 0 };
        uint64_t high = LIMIT_NONE, hold_until = 0;
        Plant p;

        plant_init(&p, run + 1);
        LimitConfig config = { .mode = LIMIT_FIXED, .value = 64 * MIB + roll(&p.dice, GIB) };
        for (unsigned look = 0; look < LOOKS; look++) {
            plant_live(&p, roll(&p.dice, 5) ? USEC_PER_SEC : 1 + roll(&p.dice, 3 * USEC_PER_SEC),
                       high);
            LimitDecision d = limit_decide(&fixed, &config, &(LimitContext){ 0 }, &p.sample);
            uint64_t least = max_u64(limit_floor(&p.sample, 0), config.value);
            assert_true(d.want == LIMIT_NONE || d.want >= least);
            assert_true(d.want == LIMIT_NONE || d.want - least < LIMIT_STEP_MIN);
            assert_true(d.want == LIMIT_NONE || p.sample.at_usec >= hold_until);
            assert_true(d.want == LIMIT_NONE || p.sample.memory_psi.valid);
            assert_true(d.want != LIMIT_NONE ||
                        ONE_OF(d.reason, LIMIT_REASON_STALL, LIMIT_REASON_NO_PSI));
            if (high != LIMIT_NONE && d.reason == LIMIT_REASON_STALL) {
                hold_until = p.sample.at_usec + LIMIT_HOLD_USEC;
                stalls++;
            }
            limited += d.want != LIMIT_NONE;
            floors += d.reason == LIMIT_REASON_FLOOR;
            high = d.want;
        }
    }
    printf("fixed: %" PRIu64 " looks under a limit, %" PRIu64 " at the floor, let go %" PRIu64
           " times\n",
           limited, floors, stalls);
    /* The runs went where they were meant to go. */
    assert_true(limited > RUNS * LOOKS / 20 && floors > RUNS && stalls > RUNS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_thousand_units),
        cmocka_unit_test(some_thousand_units_with_a_fixed_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
