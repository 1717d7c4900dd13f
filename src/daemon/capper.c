/* SPDX-License-Identifier: MIT */
/* A decision is carried out in pieces on the reclaim worker, and looked at anew when the last one
 * is done: a sample in the middle would tell the law half of what came of it. Idle files are the
 * evictor's, which asks capper_cold().
 *
 * That memory.reclaim leaves anonymous memory alone is asked for with each write. A kernel that
 * cannot promise it refuses, having done nothing; where there is no swap, it has no choice. */

#include "daemon/capper.h"

#include <string.h>

#include "daemon/high_job.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

struct Capper {
    Host *host;
    char *unit;
    char *cgroup_path;
    void (*look)(void *userdata);
    void *userdata;
    sd_event_source *timer;
    CapperMoment moment; /* of the last update */
    CapState state;
    CapReason reason;
    uint64_t cold;
    uint64_t cache;
    uint64_t left; /* bytes of the last decision that are still to be taken */
    ReclaimScope scope;
    uint64_t reclaimed, asked;
    Job *job;
    bool no_reclaim, no_option; /* the kernel said so */
};

int capper_new(Host *host, const char *unit, const char *cgroup_path, void (*look)(void *userdata),
               void *userdata, Capper **ret)
{
    cleanup(capper_freep) Capper *c = calloc(1, sizeof(Capper));
    if (!c)
        return -ENOMEM;

    c->host = host;
    c->look = look;
    c->userdata = userdata;
    c->moment.max = LIMIT_NONE;
    c->unit = strdup(unit);
    c->cgroup_path = strdup(cgroup_path);
    if (!c->unit || !c->cgroup_path)
        return -ENOMEM;

    *ret = TAKE_PTR(c);
    return 0;
}

Capper *capper_free(Capper *c)
{
    if (!c)
        return NULL;
    capper_stop(c);
    free(c->unit);
    free(c->cgroup_path);
    free(c);
    return NULL;
}

void capper_stop(Capper *c)
{
    if (!c)
        return;
    c->job = job_abandon(c->job);
    c->timer = sd_event_source_disable_unref(c->timer);
    c->cold = 0;
}

/* Time */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Capper *c = userdata;

    c->look(c->userdata);
    return 0;
}

/* Without a timer the next interval does. */
static void arm(Capper *c, uint64_t at_usec)
{
    if (at_usec == 0) {
        if (c->timer)
            (void)sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        return;
    }
    if (!c->timer) {
        (void)sd_event_add_time(c->host->event, &c->timer, CLOCK_MONOTONIC, at_usec, USEC_PER_MSEC,
                                on_timer, c);
        return;
    }
    (void)sd_event_source_set_time(c->timer, at_usec);
    (void)sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

/* Reclaim */

static void reclaim(Capper *c);

static void note_answer(Capper *c, int answer)
{
    c->no_reclaim |= answer == -EOPNOTSUPP;
    c->no_option |= answer == -EINVAL && c->scope == RECLAIM_FILE;
}

static void on_reclaimed(const HighDone *done, void *userdata)
{
    Capper *c = userdata;

    c->job = NULL;
    note_answer(c, done->answer);
    if (done->error >= 0)
        c->reclaimed += done->taken;
    c->left = done->exhausted || done->error < 0 ? 0 : sub_u64(c->left, HIGH_RECLAIM_CHUNK);
    if (c->left > 0)
        reclaim(c);
    else
        c->look(c->userdata);
}

/* Without memory for the job the next look tries again. */
static void reclaim(Capper *c)
{
    c->job = high_reclaim(c->host, c->cgroup_path, c->left, c->scope, on_reclaimed, c);
    c->asked += c->job ? min_u64(c->left, HIGH_RECLAIM_CHUNK) : 0;
}

/* Deciding */

static void tell_costs(const Capper *c)
{
    char text[FORMAT_SIZE_MAX];

    log_notice("%s: its page cache is not capped at %s for the next %llu s: of what it read, %llu "
               "%% had been taken from it before, and it waited for that for %llu %% of the time",
               c->unit, format_size(text, c->moment.max),
               (unsigned long long)(c->state.costs.length_usec / USEC_PER_SEC),
               (unsigned long long)(c->state.returned_ppm / 10000),
               (unsigned long long)(c->state.price_ppm / 10000));
}

static void tell(const Capper *c, CapReason before)
{
    char text[FORMAT_SIZE_MAX];
    const char *max = format_size(text, c->moment.max);

    if (c->reason == before)
        return;
    switch (c->reason) {
    case CAP_COSTS:
        tell_costs(c);
        return;
    case CAP_NO_PSI:
        log_warning("%s: its page cache is not capped: there are no pressure figures to tell what "
                    "that costs it",
                    c->unit);
        return;
    case CAP_NO_RECLAIM:
        log_warning("%s: its page cache is not capped: this kernel has no memory.reclaim", c->unit);
        return;
    case CAP_SWAP:
        log_warning("%s: its page cache is not capped: this kernel's memory.reclaim cannot leave "
                    "anonymous memory alone (swappiness=), and there is swap",
                    c->unit);
        return;
    case CAP_OFF:
    case CAP_UNDER:
    case CAP_COLD:
    case CAP_OVER:
    case CAP_STUCK:
        break;
    }
    if (before == CAP_COSTS && c->reason != CAP_OFF)
        log_info("%s: its page cache is capped at %s again", c->unit, max);
    else
        log_debug("%s: page cache: %s -> %s", c->unit, cap_reason_to_string(before),
                  cap_reason_to_string(c->reason));
}

static CapDecision decide(Capper *c, const Sample *sample, bool swaps)
{
    const CapContext context = {
        .max = c->moment.max,
        .has_rules = c->moment.has_rules,
        .cold_goes = c->moment.cold_goes,
        .braked = c->moment.braked,
        .no_reclaim = c->no_reclaim,
        .spares_none = c->no_option && swaps,
    };
    CapState fresh = { 0 };
    CapDecision decision = cap_decide(c->moment.observe ? &fresh : &c->state, &context, sample);

    if (c->moment.observe) { /* as if it were the first look: nothing came of the one before */
        c->state = (CapState){ 0 };
        decision.reclaim = decision.cold = decision.next_usec = 0;
    }
    return decision;
}

void capper_update(Capper *c, const CapperMoment *moment, const Sample *sample)
{
    CapReason before = c->reason;
    bool swaps = moment->has_swap && (sample->swap_max > 0 || sample->swap_current > 0);

    c->cache = cap_cache(sample);
    if (moment->max != c->moment.max) { /* what another cap cost says nothing of this one */
        c->state = (CapState){ 0 };
        c->left = 0;
    }
    c->moment = *moment;
    if (moment->observe || moment->max == LIMIT_NONE)
        c->job = job_abandon(c->job);
    if (c->job)
        return;
    CapDecision decision = decide(c, sample, swaps);
    c->reason = decision.reason;
    c->cold = decision.cold;
    c->left = decision.reclaim;
    c->scope = swaps ? RECLAIM_FILE : RECLAIM_FILE_OR_ALL;
    tell(c, before);
    if (c->left > 0)
        reclaim(c);
    arm(c, c->job ? 0 : decision.next_usec);
}

bool capper_keeps_cap(const Capper *c)
{
    return cap_is_kept(c->reason);
}

uint64_t capper_cold(const Capper *c)
{
    return c->cold;
}

CapperStatus capper_status(const Capper *c)
{
    return (CapperStatus){
        .reason = c->reason,
        .cache = c->cache,
        .reclaimed = c->reclaimed,
        .asked = c->asked,
        .reclaims = c->job != NULL,
        .until_usec = c->state.costs.until_usec,
        .price_ppm = c->state.price_ppm,
        .returned_ppm = c->state.returned_ppm,
    };
}
