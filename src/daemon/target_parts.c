/* SPDX-License-Identifier: MIT */
#include "daemon/target_parts.h"

#include <string.h>

#include "daemon/holder.h"
#include "daemon/leftovers.h"

/* What the policy asks for */

static bool wants_rules(const Policy *policy, bool stream)
{
    for (size_t i = 0; i < policy->n_evicts; i++)
        if (policy->evicts[i].stream == stream)
            return true;
    return false;
}

/* "-.slice" has no limits, and what is reclaimed from it is the whole machine's. */
static bool lives_at_root(const Target *t)
{
    return strcmp(t->control_group, "/") == 0;
}

/* What a controller before this one has set is given back, too. */
static bool wants_limiter(const Target *t)
{
    return !lives_at_root(t) &&
           (policy_limit(t->policy).mode != LIMIT_OFF || ledger_find(t->host->ledger, t->unit));
}

static bool wants_capper(const Target *t)
{
    return !lives_at_root(t) && t->policy->cache_max != LIMIT_NONE;
}

/* And takes back what a controller before this one has left. */
static bool wants_adviser(const Target *t, const Policy *policy)
{
    return (policy && policy->n_advises > 0) || advised_has(&t->host->advised, t->unit);
}

static const Policy *pins_of(const Target *t, const Policy *policy)
{
    return t->policy->mode == MODE_OBSERVE || target_is_cgroup(t) ? NULL : policy;
}

static bool wants_pinner(const Target *t)
{
    const Policy *policy = pins_of(t, t->policy);

    return policy && policy->n_pins > 0;
}

/* Making them */

int target_parts_want(Target *t, const Policy *policy)
{
    int r = 0;

    if (!t->evictor && policy && wants_rules(policy, false))
        r = evictor_new(t->host, t->unit, &t->evictor);
    if (r >= 0 && !t->streamer && policy && wants_rules(policy, true))
        r = streamer_new(t->host, t->unit, &t->streamer);
    if (r >= 0 && !t->adviser && wants_adviser(t, policy))
        r = adviser_new(t->host, t->unit, &t->adviser);
    if (r >= 0 && !t->recorder && policy && policy->pin_restore && wants_pinner(t))
        r = recorder_new(t->host, t->unit, &t->recorder);

    if (r >= 0 && t->evictor)
        r = evictor_want(t->evictor, policy);
    if (t->streamer)
        streamer_want(t->streamer, policy);
    if (r >= 0 && t->adviser)
        r = adviser_want(t->adviser, policy);
    if (r >= 0 && t->pinner && policy)
        r = pinner_want(t->pinner, pins_of(t, policy));
    if (r >= 0 && t->recorder)
        r = recorder_want(t->recorder, pins_of(t, policy));
    return r;
}

bool target_parts_are_missing(const Target *t)
{
    return t->control_group && ((!t->limiter && wants_limiter(t)) ||
                                (!t->capper && wants_capper(t)) || (!t->pinner && wants_pinner(t)));
}

int target_parts_place(Target *t, const UnitDetails *details, void (*cap_due)(void *userdata))
{
    int r = 0;

    if (t->control_group && strcmp(t->control_group, details->control_group) != 0)
        target_parts_leave_place(t);
    if (!t->control_group) {
        t->control_group = strdup(details->control_group);
        if (!t->control_group)
            return -ENOMEM;
    }
    if (!t->limiter && wants_limiter(t) && !leftovers_are_busy_with(t->host->leftovers, t->unit)) {
        r = limiter_new(t->host, t->unit, t->control_group, &t->limiter);
        if (r >= 0)
            limiter_note_files(t->limiter, details, t->described);
    }
    if (r >= 0 && !t->capper && wants_capper(t))
        r = capper_new(t->host, t->unit, t->control_group, cap_due, t, &t->capper);
    if (r >= 0 && !t->pinner && wants_pinner(t)) {
        r = pinner_new(t->host, t->unit, details->slice, t->control_group, &t->pinner);
        if (r >= 0)
            r = pinner_want(t->pinner, t->policy);
    }
    return r;
}

void target_parts_leave_place(Target *t)
{
    (void)holder_stop(t->host, t->unit);
    t->pinner = pinner_free(t->pinner);
    t->limiter = limiter_free(t->limiter);
    t->capper = capper_free(t->capper);
    free(TAKE_PTR(t->control_group));
}

void target_parts_free(Target *t)
{
    pinner_free(t->pinner);
    limiter_free(t->limiter);
    capper_free(t->capper);
    evictor_free(t->evictor);
    adviser_free(t->adviser);
    streamer_free(t->streamer);
    recorder_free(t->recorder);
}
