/* SPDX-License-Identifier: MIT */
#pragma once

/* A simulated unit, or several on one host, behind the Sample that the real ones give. See plant.c.
 * Sizes are bytes, times seconds, rates per second. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/sample.h"
#include "util/units.h"

/* xorshift64*: the same plants on every machine. */
typedef struct Dice {
    uint64_t x;
} Dice;

Dice dice_new(uint64_t seed);
double dice_between(Dice *dice, double low, double high);
/* Evenly over the orders of magnitude. */
double dice_spread(Dice *dice, double low, double high);
bool dice_chance(Dice *dice, double share);

#define AGES    8
#define CLASSES 3       /* of file pages, and behind them */
#define ANON    CLASSES /* anonymous ones that may be swapped out */

/* Pages that are read equally often. */
typedef struct Pages {
    double size;          /* that the unit reads */
    double rate;          /* how often each of them is read */
    double age[AGES + 1]; /* resident, by how often the hand has passed since they were read */
    double shadow;        /* not resident, and reclaimed: reading them is a refault */
    double leave;         /* the share that is not read within a step, from rate */
} Pages;

/* Pressure as the kernel smooths it, every 2 s: percent. */
typedef struct Average {
    double before, avg10, avg60;
} Average;

typedef struct Unit {
    Pages pages[CLASSES + 1];
    double rotated;             /* grown old, and read since */
    double stream_rate, stream; /* pages that are read once: how fast, and resident */
    double anon, anon_want, anon_rate;
    double kernel, pinned;
    double swap;         /* for pages[ANON] */
    double read_latency; /* of a page */
    double in_vain;      /* pages that are scanned, for each that is taken, beside what is in use */
    double tasks;
    bool has_psi;

    double min;  /* memory.min */
    double high; /* INFINITY: none */
    double scanned, taken, refaults, refaults_anon, faults_high;
    double memory_some, memory_full, io_some;
    double psi_at;
    Average some, full, io; /* of the three above */
} Unit;

typedef struct Host {
    double now;
    double size; /* for all units, or INFINITY */
    Unit *units;
    size_t n_units;
} Host;

#define STEP 0.05

void unit_init(Unit *unit, double kernel);
/* @resident of them are in memory, having been passed @age times. */
void pages_set(Pages *pages, double size, double rate, double resident, unsigned age);
double pages_resident(const Pages *pages);
double unit_file(const Unit *unit);
double unit_use(const Unit *unit);
double unit_fixed(const Unit *unit); /* what cannot be reclaimed */

/* memory.reclaim: file pages, or all; what was got. */
double unit_reclaim(Unit *unit, double bytes);
double unit_reclaim_all(Unit *unit, double bytes);
/* A write of memory.high: what is above it is reclaimed within the write. */
void unit_set_high(Unit *unit, double bytes);

/* Everybody lives for STEP. */
void host_step(Host *host);

/* A limit of some of its units together, which they do not exceed from one step to the next. */
void host_limit(Unit *units, size_t n, double size);

Sample unit_sample(const Unit *unit, double now);
