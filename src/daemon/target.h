/* SPDX-License-Identifier: MIT */
#pragma once

/* One unit that a policy governs: its cgroup, what is known of it, and the parts that act on it. */

#include "control/disk.h"
#include "daemon/adviser.h"
#include "daemon/capper.h"
#include "daemon/critical.h"
#include "daemon/evictor.h"
#include "daemon/limiter.h"
#include "daemon/pinner.h"
#include "daemon/recorder.h"
#include "daemon/stall_watch.h"
#include "daemon/streamer.h"
#include "policy/policy.h"
#include "util/units.h"

/* How long pins outlive their unit: longer than `systemctl stop` and `start` one after the other,
 * or an upgrade's restart. */
#define PIN_AWAY_USEC (5 * USEC_PER_SEC)

typedef enum TargetState {
    TARGET_WAITING, /* the unit is about to run, and has no cgroup yet */
    TARGET_ACTIVE,
    TARGET_LEFT, /* the unit has ended: pins and limits go, and what it left in the cache is evicted
                  */
} TargetState;

typedef struct Target {
    Host *host;
    const Policy *policy; /* borrowed from the set in force */
    char *unit;           /* of a control group that is no unit, its path */
    char *object_path;    /* NULL: it is no unit */
    char *control_group;  /* NULL until the unit has run */
    TargetState state;
    uint64_t waiting_usec; /* since when */
    uint64_t left_usec;

    Cgroup *cgroup; /* NULL: none, or no v2 memory controller */
    Sample sample;
    bool has_sample;
    Critical *critical;  /* NULL: it is not, or has no cgroup */
    bool above_critical; /* a critical unit runs below it, and its policy reclaims */
    StallWatch stall;
    DiskState disk;
    LimitContext context; /* of the last time that it acted */

    /* NULL: no policy asked for it yet, see daemon/target_parts.h */
    Pinner *pinner;
    Limiter *limiter;
    Capper *capper;
    Evictor *evictor;
    Adviser *adviser;
    Streamer *streamer;
    Recorder *recorder;

    sd_bus_slot *describing;
    unsigned described; /* the describing was asked for after so many of systemd's reloads */
    bool listed;        /* the list that is being read has it */
    void (*pressed)(void *userdata);
    void *userdata;
} Target;

/* @pressed is called when a PSI trigger of the unit fires. @object_path is systemd's of the unit;
 * NULL: @unit is the path of a control group that systemd does not keep. */
int target_new(Host *host, const Policy *policy, const char *unit, const char *object_path,
               void (*pressed)(void *userdata), void *userdata, Target **ret);

/* Leaves what it did in force. Takes NULL, returns NULL. */
Target *target_free(Target *target);

DEFINE_CLEANUP(Target *, target_free)

/* Another policy governs it now, or the same in another version; the one of before must still be
 * there. */
int target_set_policy(Target *target, const Policy *policy);

/* No policy governs it any more: everything is undone. */
void target_dismiss(Target *target);

/* The unit is running, or not, as far as systemd's list tells; the control group is there, or not,
 * as far as the tree does. */
void target_note_listed(Target *target, bool running, uint64_t now_usec);

/* It is no unit of systemd's. */
static inline bool target_is_cgroup(const Target *target)
{
    return !target->object_path;
}

/* The system bus is gone: what was asked of it will not be answered. */
void target_bus_lost(Target *target);

/* Takes a sample; the reason why the unit suffers, if it is critical and does. */
DistressReason target_look(Target *target, uint64_t now_usec);

/* It gives way while a critical unit suffers: what its limit is to be is decided together with
 * others, and not by target_act(). */
bool target_yields(const Target *target);

static inline DistressReason target_distress(const Target *target)
{
    return target->critical ? target->critical->distress.reason : DISTRESS_NONE;
}

/* After its limiter was told: whether it stalls under a limit is to be seen at once. */
void target_watch_limit(Target *target);

/* A critical unit that runs below its control group; NULL: there is none. For its sake nothing of
 * either is reclaimed, which is said when that changes. */
void target_note_critical_below(Target *target, const char *unit);

/* What is the same for all targets when they act. */
typedef struct TargetMoment {
    uint64_t now_usec;
    unsigned calls; /* EVICT_WHEN_PRESSURE, EVICT_WHEN_DISTRESS: some critical unit suffers */
    LimitContext limits;
    bool pins_unknown;  /* there was no memory to tell them: nothing new is evicted */
    uint64_t evict_ppm; /* see EvictorMoment.cpu_ppm */
} TargetMoment;

/* Acts: pins, evicts, advises, limits. */
void target_act(Target *target, const TargetMoment *moment);

/* Its cgroup should be there any moment, so that it is worth asking for. Units that are active
 * without a process (sockets, oneshots that have ended) never get one. */
bool target_is_expected(const Target *target, uint64_t now_usec);

/* It has a cgroup, or is between two of them: a restart is no end. */
bool target_is_there(const Target *target, uint64_t now_usec);

/* Changes no limit any more: before all of them are put back. */
void target_stop(Target *target);

/* Nothing is left to do for it: it can be freed. */
bool target_is_finished(const Target *target, uint64_t now_usec);

const char *target_state_to_string(TargetState state);
