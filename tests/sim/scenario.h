/* SPDX-License-Identifier: MIT */
#pragma once

/* A life of one unit, made of its number: the same for each law. */

#include "sim/plant.h"

#define PHASES 3

typedef enum ScenarioKind {
    STEADY, /* one working set; what is not in use is not read at all */
    PHASED, /* the same, and another one in its second half */
    LIVELY, /* three, anonymous memory in waves and bursts, pages that are read now and then */
} ScenarioKind;

typedef struct Scenario {
    uint64_t number;
    Unit unit;
    Dice dice;
    ScenarioKind kind;
    double phase_seconds;
    double hot[PHASES]; /* bytes */
    double anon_low, anon_high, anon_period;
    double burst, burst_every; /* bytes, seconds; 0: none */
    unsigned phase;
    double burst_at;
} Scenario;

Scenario scenario_new(uint64_t number, ScenarioKind kind);
double scenario_seconds(const Scenario *scenario);

/* What changes by @now: to be called before each step. */
void scenario_step(Scenario *scenario, Unit *unit, double now);

/* What is in use now: bytes. */
double scenario_working_set(const Unit *unit);

/* And what a stream that is read once takes beside it: what comes in until the next look, and so
 * many pages that the hand does not pass over the rest faster than it is read. */
double scenario_need(const Unit *unit);

/* What is used is within 10 % of that, and 16 MiB. */
bool scenario_has_converged(const Unit *unit);
