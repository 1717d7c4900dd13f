/* SPDX-License-Identifier: MIT */
#pragma once

/* A trigger on the memory pressure of a unit that has a limit: a limit that stalls it is to be let
 * go within a fifth of a second, not at the next interval. Without one that fires, looks as often
 * as that. And the looks that a law asks for before that. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "control/trigger.h"
#include "kernel/cgroup.h"

#define STALL_POLL_USEC (200 * USEC_PER_MSEC)

/* All zero is one that is off. */
typedef struct StallWatch {
    bool pressed; /* it fired a moment ago: @look is being called for that */
    bool polls;   /* there is none to be had */
    uint64_t stall_usec, window_usec;
    TriggerCheck check;
    unsigned deaths; /* triggers in a row that never fired */
    void (*look)(void *userdata);
    void *userdata;
    sd_event_source *trigger, *timer, *early;
} StallWatch;

/* Arms it, unless it is. What the kernel refuses is -errno, and then looks are STALL_POLL_USEC
 * apart, from the next stall_watch_look_at() on. @look is called when tasks have stalled for
 * @stall_usec within @window_usec, and once more a moment later: what is felt is measured between
 * two looks. */
int stall_watch_arm(StallWatch *watch, sd_event *event, Cgroup *cgroup, uint64_t stall_usec,
                    uint64_t window_usec, void (*look)(void *userdata), void *userdata);

/* After each look. True: its trigger is dead, for the first time; it is to be armed again. */
bool stall_watch_note(StallWatch *watch, const Sample *sample);

/* Calls @look at @usec of CLOCK_MONOTONIC, once; 0: not. */
int stall_watch_look_at(StallWatch *watch, sd_event *event, uint64_t usec,
                        void (*look)(void *userdata), void *userdata);

/* Neither. */
void stall_watch_disarm(StallWatch *watch);
