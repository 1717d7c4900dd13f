/* SPDX-License-Identifier: MIT */
/* The law of shortage in a closed loop with hosts that run out of memory: a hog that takes what it
 * can, fast or slowly, which just fits if pins go. Letting go takes time. The kernel kills when
 * nothing is left. */

#include <inttypes.h>
#include <stdio.h>

#include "control/shortage.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define RUNS 3000

/* xorshift64*: the same hosts on every machine. */
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

#define STEP_USEC (50 * USEC_PER_MSEC) /* of the plant */

typedef struct Plant {
    Dice dice;
    uint64_t total, reserve;
    uint64_t used;           /* not to be reclaimed, besides pins and the hog */
    uint64_t pins, pins_max; /* locked */
    uint64_t leaving;        /* of these, on their way out */
    uint64_t unlock_rate;    /* bytes a second */
    uint64_t hog, hog_max, hog_rate;
    uint64_t now, stalled;
    bool killed;
} Plant;

static void plant_init(Plant *p, uint64_t seed)
{
    *p = (Plant){ .dice = { .x = seed * UINT64_C(0x9E3779B97F4A7C15) + 1 }, .now = USEC_PER_SEC };
    p->total = GIB << roll(&p->dice, 10);
    p->total += roll(&p->dice, p->total);
    p->reserve = p->total / (5 + roll(&p->dice, 10));
    p->used = p->total / 10 + roll(&p->dice, p->total / 5);
    p->pins_max = p->pins = p->total / 5 + roll(&p->dice, p->total / 4);
    p->unlock_rate = 3 * GIB + roll(&p->dice, 4 * GIB); /* faster than anybody faults in */
    /* What fits without pins, and not with them. */
    uint64_t room = p->total - p->used - p->total / 25;
    p->hog_max = room - roll(&p->dice, p->pins / 2);
    p->hog_rate = MIB + roll(&p->dice, min_u64(2 * GIB, p->total / 4));
}

static uint64_t available(const Plant *p)
{
    return sub_u64(p->total, p->used + p->pins + p->hog);
}

static void plant_live(Plant *p, bool hog_runs)
{
    uint64_t out = min_u64(p->leaving, p->unlock_rate * STEP_USEC / USEC_PER_SEC);

    p->now += STEP_USEC;
    p->leaving -= out;
    p->pins -= out;
    if (hog_runs)
        p->hog = min_u64(p->hog + p->hog_rate * STEP_USEC / USEC_PER_SEC, p->hog_max);
    /* Reclaim below a twentieth: somebody waits. */
    p->stalled += available(p) < p->total / 20 ? STEP_USEC / 4 : 0;
    p->killed |= available(p) < p->total / 200;
}

static ShortageDecision look(ShortageState *state, Plant *p)
{
    ShortageSample sample = {
        .at_usec = p->now,
        .total = p->total,
        .available = available(p),
        .locked = p->pins,
        .psi = { .valid = true, .some_usec = p->stalled },
    };
    ShortageDecision d = shortage_decide(state, &sample, p->reserve, p->leaving);

    p->leaving = min_u64(add_u64(p->leaving, d.release), p->pins);
    return d;
}

typedef struct Seen {
    uint64_t shortages, kills, whole, partly;
} Seen;

static void run_for(ShortageState *state, Plant *p, bool hog_runs, uint64_t usec, Seen *seen)
{
    uint64_t end = p->now + usec, next = p->now; /* the daemon's tick: once a second */

    while (p->now < end) {
        plant_live(p, hog_runs);
        if (p->now < next)
            continue;
        bool before = state->is_short;
        ShortageDecision d = look(state, p);
        seen->shortages += state->is_short && !before;
        next = p->now + (d.is_near ? SHORTAGE_NEAR_USEC : USEC_PER_SEC);
        if (!state->is_short && p->pins < p->pins_max) /* slice by slice, down to the reserve */
            p->pins += min_u64(min_u64(sub_u64(available(p), p->reserve), p->pins_max - p->pins),
                               p->total / 64);
    }
}

static void run_one(unsigned run, Seen *seen)
{
    ShortageState state = { 0 };
    Plant p;

    plant_init(&p, run + 1);
    run_for(&state, &p, false, 10 * USEC_PER_SEC, seen);
    assert_int_equal(seen->shortages, run);
    run_for(&state, &p, true, p.hog_max / p.hog_rate * USEC_PER_SEC + 60 * USEC_PER_SEC, seen);
    seen->kills += p.killed;
    if (p.killed)
        printf("run %u: killed: total %" PRIu64 " MiB, hog %" PRIu64 " MiB/s\n", run, p.total / MIB,
               p.hog_rate / MIB);
    if (seen->shortages == run)
        fail_msg("run %u: nothing went", run);
    /* No more went than was needed, and what the fall made expected, within a look. */
    uint64_t goal = shortage_lines(p.total, p.reserve).goal;
    uint64_t spare = available(&p);
    if (spare > goal + p.hog_rate + p.total / SHORTAGE_STEP_SHARE && p.pins > 0)
        fail_msg("run %u: %" PRIu64 " MiB available, goal %" PRIu64, run, spare / MIB, goal / MIB);
    seen->whole += p.pins == 0;
    seen->partly += p.pins > 0;

    p.hog = 0;
    run_for(&state, &p, false, 600 * USEC_PER_SEC, seen);
    if (state.is_short || p.pins < min_u64(p.pins_max, sub_u64(p.total - p.used, p.reserve)))
        fail_msg("run %u: %" PRIu64 " of %" PRIu64 " MiB came back", run, p.pins / MIB,
                 p.pins_max / MIB);
    assert_int_equal(seen->shortages, run + 1);
}

static void some_thousand_hosts(void **state)
{
    Seen seen = { 0 };

    for (unsigned run = 0; run < RUNS; run++)
        run_one(run, &seen);
    printf("%" PRIu64 " shortages, %" PRIu64 " kills; %" PRIu64 " took all pins, %" PRIu64
           " a part\n",
           seen.shortages, seen.kills, seen.whole, seen.partly);
    assert_int_equal(seen.kills, 0);
    assert_true(seen.partly > RUNS / 10);
}

/* A hog that comes each time that pins do: an hour of it costs few round trips. */
static void a_hog_that_returns(void **state)
{
    ShortageState s = { 0 };
    Seen seen = { 0 };
    Plant p;

    plant_init(&p, 1);
    for (unsigned minute = 0; minute < 8 * 60; minute++) {
        run_for(&s, &p, !s.is_short, 60 * USEC_PER_SEC, &seen);
        if (s.is_short)
            p.hog = 0;
    }
    printf("%" PRIu64 " shortages in eight hours\n", seen.shortages);
    assert_in_range(seen.shortages, 5, 40);
    assert_false(p.killed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_thousand_hosts),
        cmocka_unit_test(a_hog_that_returns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
