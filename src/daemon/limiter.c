/* SPDX-License-Identifier: MIT */
/* The way down: reclaim on a worker until the use is below what is wanted, because a write of
 * memory.high below the use reclaims inside PID 1; then the ledger; then SetUnitProperties; then
 * the cgroup's file is read back, which alone counts. The way back: SetUnitProperties(original),
 * then the drop-in, then the ledger.
 *
 * One step is under way at a time. A value in the file that is not ours means that an admin has
 * taken over, and then the unit is left alone until the policies are loaded again. */

#include "daemon/limiter.h"

#include <string.h>

#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"

/* One write to memory.reclaim: small, so that a shutdown does not wait for it. */
#define RECLAIM_CHUNK (16 * MIB)
/* Where the use could not be brought down to what is wanted, try again after this. */
#define RETRY_USEC (2 * USEC_PER_SEC)

typedef struct ReclaimJob {
    Job job;
    Cgroup *cgroup;
    uint64_t want;    /* bytes that memory.current is to fall to */
    uint64_t current; /* out: where it is */
    int error;        /* out */
} ReclaimJob;

struct Limiter {
    Host *host;
    char *unit;
    char *cgroup_path;
    LimitState state;
    LimitReason reason;
    bool applied;      /* memory.high is a value of ours */
    bool foreign;      /* someone else changed it */
    bool releasing;    /* on the way back */
    uint64_t value;    /* applied: bytes */
    uint64_t original; /* applied: what was before */
    uint64_t wanted;   /* the step under way: bytes asked for by the law */
    uint64_t setting;  /* the step under way: bytes being set */
    uint64_t retry_usec;
    bool busy;
    ReclaimJob *reclaim;
    sd_bus_slot *slot;
};

int limiter_new(Host *host, const char *unit, const char *cgroup_path, Limiter **ret)
{
    cleanup(limiter_freep) Limiter *l = calloc(1, sizeof(Limiter));
    if (!l)
        return -ENOMEM;

    l->host = host;
    l->unit = strdup(unit);
    l->cgroup_path = strdup(cgroup_path);
    if (!l->unit || !l->cgroup_path)
        return -ENOMEM;

    *ret = TAKE_PTR(l);
    return 0;
}

Limiter *limiter_free(Limiter *l)
{
    if (!l)
        return NULL;
    if (l->reclaim)
        job_abandon(&l->reclaim->job);
    sd_bus_slot_unref(l->slot);
    free(l->unit);
    free(l->cgroup_path);
    free(l);
    return NULL;
}

static int read_high(const Limiter *l, uint64_t *ret)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    int r = l->host->cgroup_fd < 0 ? -ENOTSUP
                                   : cgroup_open(l->host->cgroup_fd, l->cgroup_path, &cgroup);
    return r < 0 ? r : cgroup_read_high(cgroup, ret);
}

/* Setting */

static void on_set(int error, const char *message, void *userdata)
{
    Limiter *l = userdata;
    uint64_t high;

    l->busy = false;
    if (error < 0) {
        log_warning("%s: systemd refused MemoryHigh=: %s", l->unit, message ?: strerror(-error));
        l->retry_usec = now_usec() + RETRY_USEC;
        return;
    }
    if (read_high(l, &high) < 0 || high != l->setting) {
        log_warning("%s: memory.high was set, and is not what was set", l->unit);
        l->retry_usec = now_usec() + RETRY_USEC;
        return;
    }

    char text[FORMAT_SIZE_MAX];
    log_info("%s: memory.high is %s (%s)", l->unit, format_size(text, high),
             limit_reason_to_string(l->reason));
    l->applied = true;
    l->value = high;
}

static void set_high(Limiter *l, uint64_t bytes)
{
    Host *host = l->host;

    l->setting = bytes;
    int r = ledger_note(host->ledger, l->unit, l->cgroup_path, l->original,
                        unit_high_dropin_exists(l->unit), l->setting);
    if (r >= 0)
        r = host->bus ? unit_set_memory_high(host->bus, &l->slot, l->unit, l->setting, on_set, l)
                      : -ENOTCONN;
    l->busy = r >= 0;
    if (r < 0) {
        log_debug("%s: cannot set memory.high now: %s", l->unit, strerror(-r));
        l->retry_usec = now_usec() + RETRY_USEC;
    }
}

/* Reclaim */

static int current_use(Cgroup *cgroup, uint64_t *ret)
{
    Sample sample;

    int r = cgroup_sample(cgroup, now_usec(), &sample);
    if (r >= 0)
        *ret = sample.current;
    return r;
}

static void reclaim_run(Job *job)
{
    ReclaimJob *rj = (ReclaimJob *)job;

    rj->error = current_use(rj->cgroup, &rj->current);
    while (rj->error >= 0 && rj->current > rj->want && !atomic_load(&job->cancelled)) {
        int r = cgroup_reclaim(rj->cgroup, min_u64(rj->current - rj->want, RECLAIM_CHUNK),
                               RECLAIM_FILE_OR_ALL);
        rj->error = current_use(rj->cgroup, &rj->current);
        if (r < 0) /* nothing more to be had, or no such file: memory.high itself has to do it */
            break;
    }
}

static void reclaim_done(Job *job, void *owner)
{
    ReclaimJob *rj = (ReclaimJob *)job;
    Limiter *l = owner;

    l->reclaim = NULL;
    l->busy = false;
    if (rj->error < 0 || l->releasing)
        return;
    if (rj->current > rj->want)
        l->retry_usec = now_usec() + RETRY_USEC;
    /* Never below what is in use: the rest of the way is a later step's. */
    set_high(l, max_u64(rj->want, rj->current));
}

static void reclaim_destroy(Job *job)
{
    ReclaimJob *rj = (ReclaimJob *)job;

    cgroup_free(rj->cgroup);
    free(rj);
}

static int reclaim_to(Limiter *l, uint64_t want)
{
    ReclaimJob *rj = calloc(1, sizeof(ReclaimJob));
    if (!rj)
        return -ENOMEM;

    int r = cgroup_open(l->host->cgroup_fd, l->cgroup_path, &rj->cgroup);
    if (r < 0) {
        free(rj);
        return r;
    }
    rj->job = (Job){
        .run = reclaim_run,
        .done = reclaim_done,
        .destroy = reclaim_destroy,
        .owner = l,
    };
    rj->want = want;
    l->reclaim = rj;
    l->busy = true;
    jobs_submit(l->host->reclaim_jobs, &rj->job);
    return 0;
}

/* The way back */

static void on_restored(int error, const char *message, void *userdata)
{
    Limiter *l = userdata;
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    l->busy = false;
    /* A unit that systemd has forgotten took its limit along. */
    if (error < 0 && error != -ENOENT) {
        log_warning("%s: memory.high could not be given back: %s", l->unit,
                    message ?: strerror(-error));
        l->retry_usec = now_usec() + RETRY_USEC;
        return;
    }
    if (entry && !entry->had_dropin)
        unit_high_dropin_remove(l->unit);
    int r = ledger_forget(l->host->ledger, l->unit);
    if (r < 0)
        log_warning("The ledger could not be written: %s", strerror(-r));
    log_info("%s: memory.high is what it was before (%s)", l->unit,
             limit_reason_to_string(l->reason));
    l->applied = false;
}

static void give_back(Limiter *l)
{
    if (!l->host->bus || now_usec() < l->retry_usec)
        return; /* the ledger remembers, and the next look tries again */

    int r = unit_set_memory_high(l->host->bus, &l->slot, l->unit, l->original, on_restored, l);
    l->busy = r >= 0;
}

/* Hands off: what is there now is somebody else's, and so is what comes after. */
static void yield_to_foreigner(Limiter *l, uint64_t high)
{
    char text[FORMAT_SIZE_MAX];

    log_notice("%s: someone else set memory.high to %s; leaving this unit alone until the policies "
               "are loaded again",
               l->unit, high == LIMIT_NONE ? "max" : format_size(text, high));
    l->applied = false;
    l->foreign = true;
    (void)ledger_forget(l->host->ledger, l->unit);
}

/* Takes over what an earlier controller left in force, so that the original is not mistaken. */
static void adopt(Limiter *l, const Sample *sample)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    if (!l->applied)
        l->original = sample->high;
    if (entry && !l->applied && ledger_entry_is_ours(entry, sample->high)) {
        l->applied = true;
        l->value = sample->high;
        l->original = entry->original;
    }
}

void limiter_update(Limiter *l, const LimitConfig *config, const Sample *sample, bool distress,
                    bool observe)
{
    if (l->busy || l->releasing)
        return;

    adopt(l, sample);
    if (l->applied && sample->high != l->value)
        yield_to_foreigner(l, sample->high);
    if (l->foreign)
        return;

    LimitDecision decision = limit_decide(&l->state, config, sample, distress);
    l->reason = decision.reason;
    l->wanted = page_floor(decision.want, l->host->page); /* as the kernel rounds it */
    /* Squeezing never raises a limit that was there before. */
    bool none = decision.want == LIMIT_NONE ||
                (config->mode == LIMIT_YIELD && decision.want >= l->original);

    if (none || observe) {
        if (l->applied)
            give_back(l);
        return;
    }
    if ((l->applied && l->value == l->wanted) ||
        (now_usec() < l->retry_usec && (!l->applied || l->wanted <= l->value)))
        return;
    if (sample->current > l->wanted && reclaim_to(l, l->wanted) >= 0)
        return;
    set_high(l, max_u64(l->wanted, sample->current));
}

void limiter_release(Limiter *l)
{
    l->releasing = true;
    if (!l->busy && l->applied)
        give_back(l);
}

bool limiter_is_idle(const Limiter *l)
{
    return !l->busy && !l->applied;
}

void limiter_resume(Limiter *l)
{
    l->foreign = false;
    l->releasing = false;
}

LimiterStatus limiter_status(const Limiter *l)
{
    return (LimiterStatus){
        .applied = l->applied,
        .value = l->value,
        .original = l->original,
        .reason = l->foreign ? "changed-by-someone-else" : limit_reason_to_string(l->reason),
    };
}
