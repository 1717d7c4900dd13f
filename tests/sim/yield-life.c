/* SPDX-License-Identifier: MIT */
/* What happens to background units, and to the critical one, in any order: they are restarted,
 * stop, stream, and need memory that cannot be reclaimed; it is paused; looks are late. Each
 * decision is judged (yield_world.c), and in the end all is given back. */
#include <math.h>
#include <stdio.h>

#include "control/floor.h"
#include "sim/yield_world.h"
#include "unit/test.h"
#include "util/cleanup.h"

/* Instrumented, a step costs ten times as much. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIVES 10U
#else
#define LIVES 800U
#endif

#define LIFE_SECONDS 600
/* Without harm, until all is given back: the longest patience, and the steps after it. */
#define CALM_SECONDS 900
/* Until nobody is harmed any more: what a slow reader lost comes back, into a full host, for long.
 */
#define HARM_SECONDS 10000
/* Of a limit, down and up again, in any minute: what others make of it (a pause, another cgroup,
 * the end of the critical service) and the room that there is do not count. Six were seen, and
 * another libm may make other lives. */
#define TURNS_MOST 8
#define TURNS_KEPT 64

typedef struct Life {
    YieldWorld w;
    double rate;                 /* reads a second of the critical service */
    double back[1 + BACKGROUND]; /* when those that restart are there again */
    bool is_unit[BACKGROUND];
    double since[BACKGROUND]; /* it is there, or that it is paused or not */
    double resumes;
    double high[BACKGROUND], turned[BACKGROUND][TURNS_KEPT];
    int direction[BACKGROUND];
    unsigned turns[BACKGROUND], most_turns, limits, pauses, restarts;
} Life;

static Life life_new(unsigned seed)
{
    Life life = { .rate = 0 };
    YieldWorld *w = &life.w;
    Dice dice = dice_new(seed);

    life.rate = dice_spread(&dice, 20, 4000);
    yield_world_init(w, life.rate);
    w->dice = dice;
    w->late = dice_chance(&w->dice, 0.5) ? dice_spread(&w->dice, 0.01, 2) : 0;
    w->wavers = dice_spread(&w->dice, 1 * MB, 16 * MB);
    w->config.min = dice_chance(&w->dice, 0.5) ? (uint64_t)dice_between(&w->dice, 0, 300 * MB) : 0;
    for (size_t i = 0; i < BACKGROUND; i++) {
        life.is_unit[i] = dice_chance(&w->dice, 0.5);
        life.high[i] = INFINITY;
        w->units[1 + i].anon_rate = dice_spread(&w->dice, 10 * MB, 400 * MB);
        if (dice_chance(&w->dice, 0.3))
            w->units[1 + i].min = dice_between(&w->dice, 0, 300 * MB);
    }
    return life;
}

/* Something happened to unit @i, or to all. */
static void note_event(Life *life, size_t i)
{
    life->since[i] = life->w.host.now;
    life->direction[i] = 0;
}

static void note_event_of_all(Life *life)
{
    for (size_t i = 0; i < BACKGROUND; i++)
        note_event(life, i);
}

static void restart(Life *life)
{
    YieldWorld *w = &life->w;
    size_t i = (size_t)dice_between(&w->dice, 0, 1 + BACKGROUND);

    if (life->back[i] > 0)
        return;
    life->back[i] = w->host.now + dice_between(&w->dice, 0.05, 4);
    life->restarts++;
    if (i == 0) {
        w->restarting = true;
        yield_world_restart_critical(w, life->rate);
        w->units[0].pages[0].size = 0;
    } else {
        w->gone[i - 1] = true;
        yield_world_restart(w, i - 1, life->is_unit[i - 1]);
    }
}

static void come_back(Life *life)
{
    YieldWorld *w = &life->w;

    for (size_t i = 0; i <= BACKGROUND; i++) {
        if (life->back[i] <= 0 || w->host.now < life->back[i])
            continue;
        life->back[i] = 0;
        if (i > 0) {
            w->gone[i - 1] = false;
            note_event(life, i - 1);
            continue;
        }
        w->restarting = false;
        yield_world_restart_critical(w, life->rate);
    }
}

static void pause_for_a_while(Life *life)
{
    if (life->w.paused)
        return;
    yield_world_pause(&life->w, true);
    life->resumes = life->w.host.now + dice_between(&life->w.dice, 0.1, 60);
    life->pauses++;
    note_event_of_all(life);
}

static void happen(Life *life)
{
    YieldWorld *w = &life->w;
    Unit *unit = &w->units[1 + (size_t)dice_between(&w->dice, 0, BACKGROUND)];

    if (dice_chance(&w->dice, 0.4))
        unit->stream_rate = dice_chance(&w->dice, 0.4) ? 0 : dice_spread(&w->dice, MB, 1000 * MB);
    else if (dice_chance(&w->dice, 0.4))
        unit->anon_want = dice_between(&w->dice, 0, 150 * MB);
    else if (dice_chance(&w->dice, 0.4))
        restart(life);
    else if (dice_chance(&w->dice, 0.3))
        pause_for_a_while(life);
    else if (dice_chance(&w->dice, 0.2)) {
        w->stopped = !w->stopped;
        note_event_of_all(life);
    } else
        pages_set(&unit->pages[1], dice_between(&w->dice, 0, 200 * MB), 1, 0, 0);
}

static void count_turns(Life *life, size_t i)
{
    double high = life->w.units[1 + i].high, now = life->w.host.now;
    int direction = (high > life->high[i]) - (high < life->high[i]);

    if (life->w.reasons[i] != LIMIT_REASON_ROOM && direction * life->direction[i] < 0) {
        unsigned within = 1;
        for (unsigned k = 1; k < TURNS_KEPT && k <= life->turns[i]; k++)
            within += now - life->turned[i][(life->turns[i] - k) % TURNS_KEPT] < 60;
        life->turned[i][life->turns[i]++ % TURNS_KEPT] = now;
        life->most_turns = within > life->most_turns ? within : life->most_turns;
    }
    life->limits += isinf(life->high[i]) && !isinf(high);
    if (direction != 0)
        life->direction[i] = direction;
    life->high[i] = high;
}

static void step(Life *life)
{
    YieldWorld *w = &life->w;

    yield_world_run(w, w->host.now + STEP / 2);
    come_back(life);
    if (w->paused && w->host.now >= life->resumes) {
        yield_world_pause(w, false);
        note_event_of_all(life);
    }
    for (size_t i = 0; i < BACKGROUND; i++) {
        count_turns(life, i);
        /* A look is at most an interval away. */
        bool seen = !w->gone[i] && w->host.now - life->since[i] > 1.1 + w->late;
        assert_true(!w->paused || !seen || isinf(w->units[1 + i].high));
    }
}

/* The host is full: it has what it had when it was stopped, and more is tried when that is over. */
static bool waits(const YieldWorld *w, size_t i)
{
    const YieldState *yield = &w->states[i].yield;
    uint64_t now = unit_sample(&w->units[1 + i], w->host.now).at_usec;

    return yield->domains == YIELD_HOST && yield->limit >= yield->use_before &&
           hold_is_on(&yield->patience, now);
}

/* All streams end, and what was asked for stays. A full host has room for what the critical service
 * reads again only at the expense of what others have, so that it is harmed now and then until all
 * of that is there, and each time they are right to be held. What a unit is denied long after the
 * last time is denied for nothing. */
static void calm_down(Life *life, bool stop)
{
    YieldWorld *w = &life->w;
    double began = w->host.now;

    for (size_t i = 0; i < BACKGROUND; i++)
        w->units[1 + i].stream_rate = 0;
    w->stopped = stop;
    while (w->host.now < (stop ? began + 10 : fmax(began, w->harmed) + CALM_SECONDS)) {
        assert_true(fmax(began, w->harmed) < began + HARM_SECONDS);
        step(life);
    }
    for (size_t i = 0; i < BACKGROUND; i++) {
        double high = w->units[1 + i].high, use = unit_use(&w->units[1 + i]);
        bool room = w->reasons[i] == LIMIT_REASON_ROOM && high > use;
        bool free = isinf(high) || (!stop && (room || waits(w, i)));

        if (!free)
            fail_msg("unit %zu has %.0f MB, and may have no more than %.0f (%s)", i, use / MB,
                     high / MB, limit_reason_to_string(w->reasons[i]));
    }
}

static void whatever_happens(void **state)
{
    unsigned most_turns = 0, limits = 0, stalls = 0, pauses = 0, restarts = 0, episodes = 0;

    for (unsigned seed = 1; seed <= LIVES; seed++) {
        Life life = life_new(seed);

        life.w.host.units = life.w.units;
        while (life.w.host.now < LIFE_SECONDS) {
            if (dice_chance(&life.w.dice, STEP / 6))
                happen(&life);
            step(&life);
        }
        calm_down(&life, seed % 2 == 0);
        most_turns = life.most_turns > most_turns ? life.most_turns : most_turns;
        limits += life.limits;
        stalls += life.w.stalls;
        pauses += life.pauses;
        restarts += life.restarts;
        episodes += life.w.shops[0].episodes;
        if (life.most_turns > TURNS_MOST)
            printf("life %u: %u turns in a minute\n", seed, life.most_turns);
    }
    printf("%u lives: %u times limited, %u stalls, %u pauses, %u restarts, %u episodes; at most %u "
           "turns in any minute\n",
           LIVES, limits, stalls, pauses, restarts, episodes, most_turns);
    assert_true(most_turns <= TURNS_MOST);
    /* They went where they were meant to go. */
    assert_true(limits > 5 * LIVES && pauses > LIVES && restarts > 2 * LIVES && episodes > LIVES);
    assert_true(stalls + 1 > LIVES / 50); /* a few lives may have none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
