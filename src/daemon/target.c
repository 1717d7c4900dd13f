/* SPDX-License-Identifier: MIT */
/* WAITING → ACTIVE when systemd names the unit's cgroup; ACTIVE → WAITING when that cgroup vanishes
 * under a unit that goes on (a restart); both → LEFT when the unit has ended. The pins outlive a
 * restart: the holder is stopped only when the unit has been away for PIN_AWAY_USEC. */

#include "daemon/target.h"

#include <string.h>

#include "daemon/target_parts.h"
#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"

/* For how long a unit without a cgroup is asked about every second. */
#define EXPECT_USEC (10 * USEC_PER_SEC)

const char *target_state_to_string(TargetState state)
{
    switch (state) {
    case TARGET_WAITING:
        return "waiting";
    case TARGET_ACTIVE:
        return "active";
    case TARGET_LEFT:
        return "left";
    }
    return NULL;
}

static void enter_state(Target *t, TargetState state)
{
    if (t->state == state)
        return;
    log_debug("%s: %s -> %s", t->unit, target_state_to_string(t->state),
              target_state_to_string(state));
    t->state = state;
    if (state == TARGET_WAITING)
        t->waiting_usec = now_usec();
}

int target_new(Host *host, const Policy *policy, const char *unit, const char *object_path,
               void (*pressed)(void *userdata), void *userdata, Target **ret)
{
    cleanup(target_freep) Target *t = calloc(1, sizeof(Target));
    if (!t)
        return -ENOMEM;

    t->host = host;
    t->waiting_usec = now_usec();
    t->pressed = pressed;
    t->userdata = userdata;
    t->unit = strdup(unit);
    t->object_path = object_path ? strdup(object_path) : NULL;
    if (!t->unit || (object_path && !t->object_path))
        return -ENOMEM;
    int r = target_set_policy(t, policy);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(t);
    return 0;
}

static void drop_cgroup(Target *t)
{
    critical_cgroup_gone(t->critical);
    stall_watch_disarm(&t->stall);
    t->stall.deaths = 0;
    capper_stop(t->capper);
    if (t->streamer)
        streamer_end(t->streamer);
    t->cgroup = cgroup_free(t->cgroup);
    t->has_sample = false;
}

Target *target_free(Target *t)
{
    if (!t)
        return NULL;
    drop_cgroup(t);
    critical_free(t->critical);
    sd_bus_slot_unref(t->describing);
    target_parts_free(t);
    free(t->control_group);
    free(t->object_path);
    free(t->unit);
    free(t);
    return NULL;
}

static bool observes(const Target *t)
{
    return t->policy->mode == MODE_OBSERVE;
}

/* Nothing but pins is changed. */
static bool only_looks(const Target *t)
{
    return observes(t) || t->host->paused;
}

/* PSI */

/* Of a critical unit. Without memory for it the next look tries again. Returns whether it may have
 * a trigger. */
static bool has_critical(Target *t)
{
    if (!t->cgroup || t->policy->role != ROLE_CRITICAL)
        return false;
    if (!t->critical)
        t->critical = critical_new(t->unit, t->pressed, t->userdata);
    return t->critical && t->host->has_psi;
}

static void arm_psi(Target *t)
{
    if (has_critical(t))
        critical_arm(t->critical, t->host->event, t->cgroup, &t->policy->distress);
}

static void tell_dead(const Target *t)
{
    log_warning("%s: a trigger on its memory pressure does not fire, and is armed anew", t->unit);
}

/* Both triggers after a look. Nothing is armed while there are no pressure files. */
static void check_triggers(Target *t)
{
    if (has_critical(t) &&
        critical_note(t->critical, t->host->event, t->cgroup, &t->policy->distress, &t->sample))
        tell_dead(t);
    if (stall_watch_note(&t->stall, &t->sample))
        tell_dead(t);
}

/* The cap on its page cache */

static bool brakes(const Target *t)
{
    return policy_limit(t->policy).mode == LIMIT_BRAKE;
}

static void cap(Target *t)
{
    const CapperMoment moment = {
        .max = t->policy->cache_max,
        .has_rules = t->evictor && evictor_has_cold(t->evictor, t->sample.at_usec),
        .cold_goes = t->evictor && evictor_cold_goes(t->evictor),
        .has_swap = t->context.has_swap,
        .braked = brakes(t) && t->limiter && limiter_status(t->limiter).applied,
        .observe = only_looks(t),
    };

    if (t->above_critical)
        capper_stop(t->capper);
    else if (t->capper && t->has_sample)
        capper_update(t->capper, &moment, &t->sample);
}

static void limit_alone(Target *t);

/* A brake stands where the look says, too. */
static void on_cap(void *userdata)
{
    Target *t = userdata;

    (void)target_look(t, now_usec());
    cap(t);
    if (brakes(t))
        limit_alone(t);
}

/* The unit's cgroup */

/* "-.slice": it has no limits, and what is reclaimed from it is the whole machine's. */
static bool is_root(const char *control_group)
{
    return strcmp(control_group, "/") == 0;
}

/* What is critical is not reclaimed, whatever its files; nor is the whole machine. */
static bool may_be_reclaimed(const Target *t)
{
    return t->cgroup && t->policy->role != ROLE_CRITICAL && !is_root(t->control_group) &&
           !t->above_critical;
}

/* By a cap, by following streams, or where several processes map a file. */
static bool reclaims(const Policy *policy)
{
    bool any = policy->cache_max != LIMIT_NONE;

    for (size_t i = 0; i < policy->n_evicts; i++)
        any |= policy->evicts[i].stream || policy->evicts[i].mapped == EVICT_MAPPED_PAGE_OUT;
    return any;
}

void target_note_critical_below(Target *t, const char *unit)
{
    bool above = unit && reclaims(t->policy);

    if (above && !t->above_critical)
        log_warning("%s: nothing is reclaimed from it: %s below it is critical", t->unit, unit);
    t->above_critical = above;
}

static void follow_streams(Target *t)
{
    if (!t->streamer)
        return;
    if (!t->cgroup && !only_looks(t))
        return; /* it has ended, and what is left to do is done */
    if (only_looks(t) || is_root(t->control_group) || t->above_critical)
        streamer_leave(t->streamer);
    else if (streamer_follow(t->streamer, t->control_group, may_be_reclaimed(t)) < 0)
        log_debug("%s: out of memory, streams are followed later", t->unit);
}

/* A policy that came later asks for more. */
static void place_missing(Target *t, const UnitDetails *details)
{
    if (!target_parts_are_missing(t) || strcmp(details->control_group, t->control_group) != 0)
        return;
    int r = target_parts_place(t, details, on_cap);
    if (r < 0)
        log_warning("%s: not all that its policy says is done: %s", t->unit, strerror(-r));
}

static void on_described(int error, const UnitDetails *details, void *userdata)
{
    Target *t = userdata;

    t->describing = sd_bus_slot_unref(t->describing);
    if (error >= 0 && t->recorder)
        recorder_note_armed(t->recorder, details->waits_for_warm_start);
    if (t->limiter)
        limiter_note_files(t->limiter, error < 0 ? NULL : details, t->described);
    if (error >= 0 && t->state == TARGET_ACTIVE)
        place_missing(t, details);
    if (error < 0 || details->control_group[0] != '/' || t->state != TARGET_WAITING)
        return; /* gone again, or not yet there: the next list tells */
    int r = target_parts_place(t, details, on_cap);
    if (r >= 0 && t->host->cgroup_fd >= 0 && !t->cgroup)
        r = cgroup_open(t->host->cgroup_fd, details->control_group, &t->cgroup);
    if (r == -ENOENT)
        return;
    if (r < 0 && (r != -ENOTSUP || target_is_cgroup(t))) {
        log_warning("%s: cannot be governed: %s", t->unit,
                    r == -ENOTSUP ? "the memory controller is not enabled for it" : strerror(-r));
        return;
    }
    arm_psi(t);
    follow_streams(t);
    enter_state(t, TARGET_ACTIVE);
    if (t->cgroup && target_yields(t)) /* it may grow faster than ticks come */
        t->pressed(t->userdata);
}

static void describe(Target *t)
{
    if (!t->host->bus || t->describing)
        return;
    t->described = t->host->reloads;
    (void)unit_describe(t->host->bus, &t->describing, t->object_path, on_described, t);
}

/* Of a control group that is no unit the name says it all. */
static void find(Target *t)
{
    const UnitDetails details = { .control_group = t->unit };

    if (target_is_cgroup(t))
        on_described(0, &details, t);
    else
        describe(t);
}

/* Whether there is something that only systemd, or the tree, can tell. */
static bool is_unknown(const Target *t)
{
    return t->state == TARGET_WAITING || target_parts_are_missing(t) ||
           (t->recorder && recorder_asks_for_armed(t->recorder)) ||
           (t->limiter && limiter_wants_files(t->limiter));
}

static void leave(Target *t, uint64_t now)
{
    drop_cgroup(t);
    t->describing = sd_bus_slot_unref(t->describing);
    t->left_usec = now;
    enter_state(t, TARGET_LEFT);
}

static void come_back(Target *t)
{
    enter_state(t, TARGET_WAITING);
    (void)target_parts_want(t, t->policy);
    if (t->limiter)
        limiter_resume(t->limiter);
}

void target_dismiss(Target *t)
{
    static const Policy nothing = {
        .name = (char *)"",
        .cache_max = LIMIT_NONE,
        .memory_high.mode = LIMIT_OFF,
    };

    log_info("%s: no longer governed", t->unit);
    t->policy = &nothing;
    (void)target_parts_want(t, NULL);
    leave(t, 0);
}

void target_note_listed(Target *t, bool running, uint64_t now)
{
    if (!running) {
        if (t->state != TARGET_LEFT) {
            leave(t, now);
            if (t->recorder)
                recorder_note_stop(t->recorder, now);
        }
        return;
    }
    if (t->state == TARGET_LEFT)
        come_back(t);
    if (is_unknown(t))
        find(t);
}

void target_bus_lost(Target *t)
{
    t->describing = sd_bus_slot_unref(t->describing);
}

static void log_policy(const Target *t, const Policy *before)
{
    const Policy *policy = t->policy;

    if (before && strcmp(before->name, policy->name) == 0 && before->role == policy->role &&
        before->mode == policy->mode)
        return;
    log_info("%s: governed by policy \"%s\" (%s%s)", t->unit, policy->name,
             policy_role_to_string(policy->role),
             policy->mode == MODE_OBSERVE ? ", observing only" : "");
}

int target_set_policy(Target *t, const Policy *policy)
{
    const Policy *before = t->policy;

    t->policy = policy;
    log_policy(t, before);
    int r = target_parts_want(t, policy);
    if (t->limiter)
        limiter_resume(t->limiter);
    if (policy->role != ROLE_CRITICAL)
        t->critical = critical_free(t->critical);
    if (t->critical) /* its threshold may be another */
        critical_disarm(t->critical);
    arm_psi(t);
    if (t->state == TARGET_ACTIVE && target_parts_are_missing(t))
        find(t);
    stall_watch_disarm(&t->stall); /* its own, too */
    if (t->limiter)
        target_watch_limit(t);
    return r;
}

/* Looking and acting */

/* What its own law and cap take is not stolen from it. */
static void note_own(Target *t)
{
    Critical *c = t->critical;
    uint64_t asked = 0;
    bool reclaims = false;

    if (t->limiter) {
        LimiterStatus status = limiter_status(t->limiter);
        asked += status.asked;
        reclaims |= status.reclaims;
    }
    if (t->capper) {
        CapperStatus status = capper_status(t->capper);
        asked += status.asked;
        reclaims |= status.reclaims;
    }
    /* One that was made anew begins at 0. */
    distress_note_own(&c->distress, sub_u64(asked, c->own_seen), reclaims);
    c->own_seen = asked;
}

DistressReason target_look(Target *t, uint64_t now)
{
    if (!t->cgroup)
        return DISTRESS_NONE;
    int r = cgroup_sample(t->cgroup, now, &t->sample);
    t->has_sample = r >= 0;
    if (!t->host->has_psi) /* as its self-test says, and the status */
        sample_drop_psi(&t->sample);
    if (r == -ENODEV) { /* removed: the unit has ended, or is being restarted */
        drop_cgroup(t);
        if (t->limiter)
            limiter_cgroup_gone(t->limiter);
        enter_state(t, TARGET_WAITING);
        if (t->recorder)
            recorder_note_restart(t->recorder, now);
    }
    if (r >= 0)
        check_triggers(t);
    if (r < 0 || !t->critical)
        return DISTRESS_NONE;

    DistressState *distress = &t->critical->distress;
    DistressReason before = distress->reason;
    note_own(t);
    DistressReason reason = distress_update(distress, &t->policy->distress, &t->sample);
    if (reason != before)
        log_info("%s: %s%s", t->unit,
                 reason == DISTRESS_NONE ? "" : "in distress: ", distress_reason_to_string(reason));
    return observes(t) ? DISTRESS_NONE : reason;
}

static void act_on_left(Target *t, uint64_t now)
{
    if (t->limiter && limiter_wants_files(t->limiter))
        describe(t);
    if (t->limiter && !limiter_is_idle(t->limiter))
        limiter_release(t->limiter);
    if (t->pinner && !pinner_is_off(t->pinner) && now - t->left_usec >= PIN_AWAY_USEC) {
        (void)pinner_want(t->pinner, NULL);
        pinner_tick(t->pinner, now);
    }
}

/* It has ended, and there was time for every look at what it left in the cache. */
static bool has_lingered(const Target *t, uint64_t now)
{
    uint64_t linger = t->evictor ? evictor_linger_usec(t->evictor) : 0;

    return t->state == TARGET_LEFT && now - t->left_usec >= linger;
}

bool target_yields(const Target *t)
{
    return t->policy->memory_high.mode == LIMIT_YIELD && !only_looks(t);
}

/* Asked of the unit's own refaults at each look, whatever the setting is. */
static bool has_slow_disk(Target *t)
{
    bool slow = disk_is_slow(&t->disk, &t->sample) || t->host->disks_turn;

    return slow && t->host->settings->rotational_disks == ROTATIONAL_OBSERVE;
}

static void limit_alone(Target *t)
{
    const LimitConfig config = policy_limit(t->policy);
    LimitContext context = t->context;

    if (!t->limiter || !t->has_sample || target_yields(t))
        return;
    context.pressed = t->stall.pressed;
    context.slow_disk = has_slow_disk(t);
    context.capped = t->capper && !t->above_critical && capper_keeps_cap(t->capper);
    context.observe = only_looks(t);
    limiter_update(t->limiter, &config, &context, &t->sample);
    target_watch_limit(t);
}

static void on_stall(void *userdata)
{
    Target *t = userdata;

    if (target_yields(t)) { /* it is not decided about alone */
        t->pressed(t->userdata);
        return;
    }
    (void)target_look(t, now_usec());
    limit_alone(t);
}

void target_watch_limit(Target *t)
{
    bool early = brakes(t) || t->policy->memory_high.mode == LIMIT_TRACK;
    LimiterStatus status = limiter_status(t->limiter);

    if (!t->cgroup || !t->host->has_psi || !status.limits) {
        stall_watch_disarm(&t->stall);
        return;
    }
    (void)stall_watch_arm(&t->stall, t->host->event, t->cgroup,
                          early ? TRACK_STALL_USEC : LIMIT_TRIGGER_USEC,
                          early ? TRACK_WINDOW_USEC : LIMIT_WINDOW_USEC, on_stall, t);
    (void)stall_watch_look_at(&t->stall, t->host->event, status.next_usec, on_stall, t);
}

void target_act(Target *t, const TargetMoment *m)
{
    uint64_t now = m->now_usec;
    EvictorMoment moment = {
        .now_usec = now,
        .calls = m->calls,
        .cpu_ppm = m->evict_ppm,
        .observe = only_looks(t),
        .cold = t->capper && !t->above_critical ? capper_cold(t->capper) : 0,
        .cache = cache_mark(&t->sample),
        .control_group = may_be_reclaimed(t) ? t->control_group : NULL,
    };

    if (t->evictor && !m->pins_unknown && !has_lingered(t, now))
        evictor_tick(t->evictor, &moment);
    if (t->adviser)
        adviser_tick(t->adviser, t->control_group, only_looks(t) || t->state == TARGET_LEFT, now);
    follow_streams(t);
    if (t->state == TARGET_LEFT) {
        act_on_left(t, now);
        return;
    }
    if (t->pinner)
        pinner_tick(t->pinner, now);
    if (t->recorder)
        recorder_tick(t->recorder, now);
    if (t->limiter && limiter_wants_files(t->limiter))
        describe(t);
    t->context = m->limits;
    cap(t);
    limit_alone(t);
}

void target_stop(Target *t)
{
    if (t->limiter)
        limiter_stop(t->limiter);
    capper_stop(t->capper);
    if (t->adviser)
        adviser_stop(t->adviser);
}

bool target_is_expected(const Target *t, uint64_t now)
{
    /* It may have begun to wait in the very look that began at @now. */
    return t->state == TARGET_WAITING && sub_u64(now, t->waiting_usec) < EXPECT_USEC;
}

bool target_is_there(const Target *t, uint64_t now)
{
    bool just_left = t->state == TARGET_LEFT && sub_u64(now, t->left_usec) < PIN_AWAY_USEC;

    return t->cgroup || just_left || target_is_expected(t, now);
}

bool target_is_finished(const Target *t, uint64_t now)
{
    return has_lingered(t, now) && (!t->evictor || !evictor_is_busy(t->evictor)) &&
           (!t->recorder || !recorder_is_busy(t->recorder)) &&
           (!t->streamer || !streamer_is_ending(t->streamer)) &&
           (!t->adviser || adviser_is_idle(t->adviser)) &&
           (!t->limiter || limiter_is_idle(t->limiter)) &&
           (!t->pinner || pinner_is_off(t->pinner)) && now - t->left_usec >= PIN_AWAY_USEC;
}
