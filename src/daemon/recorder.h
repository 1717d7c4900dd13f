/* SPDX-License-Identifier: MIT */
#pragma once

/* Remembers on disk what one unit's files have in memory, for its next warm start. */

#include "daemon/host.h"
#include "policy/policy.h"

typedef struct Recorder Recorder;

int recorder_new(Host *host, const char *unit, Recorder **ret);

/* A snapshot that is being taken is dropped. Takes NULL, returns NULL. */
Recorder *recorder_free(Recorder *recorder);

DEFINE_CLEANUP(Recorder *, recorder_free)

/* Removes, on a worker, snapshots of units that have not been there for months. */
void recorder_remove_old(Host *host);

/* From now on what @policy, which is not kept, says of `restore` and the pins; NULL: nothing, and
 * what was remembered until now is removed. -ENOMEM: all is what it was. */
int recorder_want(Recorder *recorder, const Policy *policy);

/* To be called every second or so while the unit runs. */
void recorder_tick(Recorder *recorder, uint64_t now_usec);

/* The unit has stopped, or stops to start again: what it used is in memory still. */
void recorder_note_stop(Recorder *recorder, uint64_t now_usec);
void recorder_note_restart(Recorder *recorder, uint64_t now_usec);

/* Whether systemd lets the unit wait for its warm start. */
void recorder_note_armed(Recorder *recorder, bool armed);

/* It should be, and is not, or that is not known yet. */
bool recorder_asks_for_armed(const Recorder *recorder);

/* A snapshot is being taken, or waits for its turn. */
bool recorder_is_busy(const Recorder *recorder);

/* The controller ends: waits for a last snapshot, where the unit is running or one is due anyway.
 * Gives up at @until_usec, where the one of before stays. */
void recorder_end(Recorder *recorder, bool running, uint64_t until_usec);

typedef struct RecorderStatus {
    bool wanted; /* else the rest is 0 */
    bool armed_is_known;
    bool armed;
    bool has_snapshot;
    uint64_t taken_sec; /* CLOCK_REALTIME */
    uint64_t files;
    uint64_t bytes;
    const char *problem; /* why there is none, or no newer one; NULL: none. The recorder's. */
} RecorderStatus;

RecorderStatus recorder_status(const Recorder *recorder);
