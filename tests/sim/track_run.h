/* SPDX-License-Identifier: MIT */
#pragma once

/* `track` in a closed loop with the first unit of a host; each decision is judged. */

#include <math.h>
#include <stdio.h>

#include "sim/laws.h"
#include "sim/scenario.h"

/* A minute with so many turns has too many. */
#define TRACK_TURNS 32

typedef struct TrackRun {
    Scenario scenario;
    Unit units[2]; /* the second: a neighbour, if there is one */
    Host host;
    LawRun law;
    double turned[TRACK_TURNS]; /* when memory.high turned from up to down or back: the last ones */
    unsigned turns;
    unsigned most_turns; /* in any minute */
    int direction;
    double high;
    unsigned looks, let_go;
    double full;        /* PSI, avg10: the most, percent */
    unsigned tightened; /* looks after which something was reclaimed */
} TrackRun;

/* Instrumented, a step costs ten times as much. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRACK_PLANTS 500
#else
#define TRACK_PLANTS 10000
#endif

#define MB 1048576.0

/* The run points into itself: it is not to be copied. */
void track_run_init(TrackRun *run, const Law *law, const LimitConfig *config, uint64_t number,
                    ScenarioKind kind);

/* Until the host's clock says @seconds. Of each decision it is asked whether the limit is above the
 * floor, and whether there was pressure to be seen. */
void track_run_until(TrackRun *run, double seconds);

/* A policy without any further word than `mode: track`. */
extern const LimitConfig track_config;
