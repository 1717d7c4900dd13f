/* SPDX-License-Identifier: MIT */
#pragma once

/* Gets one unit's memory.high to where the control law wants it, and back. */

#include "control/limit.h"
#include "daemon/host.h"
#include "kernel/cgroup.h"
#include "systemd/units.h"

typedef struct Limiter Limiter;

/* @unit and @cgroup_path are copied. Of a control group that is no unit of systemd's @unit is the
 * path, too. */
int limiter_new(Host *host, const char *unit, const char *cgroup_path, Limiter **ret);

/* Leaves memory.high and the ledger as they are. Takes NULL, returns NULL. */
Limiter *limiter_free(Limiter *limiter);

DEFINE_CLEANUP(Limiter *, limiter_free)

const char *limiter_unit(const Limiter *limiter);

/* One look: decides, and starts what follows unless it is under way. Where the context says
 * observe, nothing is changed, and what was is given back. */
void limiter_update(Limiter *limiter, const LimitConfig *config, const LimitContext *context,
                    const Sample *sample);

/* The same of a unit under `yield`, where others yield beside it: in two halves, with
 * yield_decide() between them. False: there is nothing to decide, hands off. */
bool limiter_begin_yield(Limiter *limiter, const LimitConfig *config, const LimitContext *context,
                         const Sample *sample, YieldUnit *ret);
void limiter_end_yield(Limiter *limiter, const YieldUnit *unit, const LimitContext *context);

/* Where memory was short that the unit gave way for, as YieldState has it, be it that it has no
 * cgroup now. */
uint64_t limiter_domains(const Limiter *limiter);

/* The files of the unit, as systemd read them at its @reloads-th reload or later; NULL: it did not
 * tell. What an admin has written there since the last time is the admin's. */
void limiter_note_files(Limiter *limiter, const UnitDetails *details, unsigned reloads);

/* Systemd has read files again, and it matters here what they say. */
bool limiter_wants_files(const Limiter *limiter);

/* Begins nothing any more, and wants no outcome: before restore_limits(). */
void limiter_stop(Limiter *limiter);

/* The unit is no longer ours to govern: gives the original back. limiter_is_idle() tells when that
 * is done. */
void limiter_release(Limiter *limiter);

/* Something is under way that changes memory.high, or may. */
bool limiter_is_busy(const Limiter *limiter);

/* Nothing is under way, and nothing of ours is in force. */
bool limiter_is_idle(const Limiter *limiter);

/* The cgroup was removed. A unit's next one has the same limit, because systemd knows it; of others
 * nothing is left. */
void limiter_cgroup_gone(Limiter *limiter);

/* Begins anew: after a release, or where someone else changed the value and the host no longer has
 * the unit as theirs, it may be ours again. Of a limit that is in force what the law knows stays
 * true. */
void limiter_resume(Limiter *limiter);

typedef struct LimiterStatus {
    bool applied;
    bool limits;       /* applied, or may be at any moment */
    uint64_t value;    /* bytes, when applied; read back from the cgroup */
    uint64_t original; /* bytes, LIMIT_NONE: max */
    uint64_t
        reclaimed;  /* bytes, in all: what was asked for, or less where that was not to be had */
    uint64_t asked; /* bytes, in all, be it that they were not had */
    bool reclaims;  /* some of it now */
    uint64_t next_usec; /* the law wants another look by then; 0: when the interval is over */
    const char *reason;
    const char *changed_for; /* why memory.high was set or given back last; NULL: never was */
    LimitView view;
} LimiterStatus;

LimiterStatus limiter_status(const Limiter *limiter);
