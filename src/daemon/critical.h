/* SPDX-License-Identifier: MIT */
#pragma once

/* What is known of a critical unit, most of it while it has a cgroup: whether it suffers, and a
 * trigger on its memory pressure, so that this is seen at once. */

#include <systemd/sd-event.h>

#include "control/distress.h"
#include "control/trigger.h"
#include "control/yield.h"
#include "kernel/cgroup.h"

typedef struct Critical {
    const char *unit; /* borrowed */
    DistressState distress;
    YieldServed served;
    uint64_t damage;                   /* what it felt, in all, since it was first looked at */
    uint64_t damage_seen, stolen_seen; /* that has been counted already */
    bool damage_known;                 /* before that there was nothing to count from */
    uint64_t own_seen; /* bytes that its own policy asked for, of what has been counted already */
    sd_event_source *trigger;
    TriggerCheck check;
    unsigned deaths; /* triggers in a row that never fired */
    bool refused;    /* said once */
    void (*pressed)(void *userdata);
    void *userdata;
} Critical;

/* @pressed is called when the trigger fires. NULL: out of memory. */
Critical *critical_new(const char *unit, void (*pressed)(void *userdata), void *userdata);

/* Takes NULL, returns NULL. */
Critical *critical_free(Critical *critical);

DEFINE_CLEANUP(Critical *, critical_free)

/* Arms the trigger, unless it is, or the kernel refused. */
void critical_arm(Critical *critical, sd_event *event, Cgroup *cgroup,
                  const DistressConfig *config);

/* What is of its cgroup is forgotten; what did not help the unit is not. Takes NULL. */
void critical_cgroup_gone(Critical *critical);

/* And what was refused may be asked for again. */
void critical_disarm(Critical *critical);

/* After each look. True: its trigger is dead, for the first time; it was armed anew. */
bool critical_note(Critical *critical, sd_event *event, Cgroup *cgroup,
                   const DistressConfig *config, const Sample *sample);
