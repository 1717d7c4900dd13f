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

#include "control/floor.h"
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
    uint64_t want; /* bytes that memory.current is to fall to */
    Sample sample; /* out: after it */
    int error;     /* out */
} ReclaimJob;

struct Limiter {
    Host *host;
    char *unit;
    char *cgroup_path;
    LimitState state;
    LimitReason reason;
    bool applied;         /* memory.high is a value of ours */
    bool foreign;         /* someone else changed it */
    bool releasing;       /* on the way back */
    uint64_t value;       /* applied: bytes */
    uint64_t original;    /* applied: what was before */
    uint64_t setting;     /* the step under way: bytes being set */
    uint64_t retry_usec;  /* no further way down before */
    uint64_t return_usec; /* no further way back before */
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

/* Hands off: what is there now is somebody else's, and so is what comes after. */
static void leave_alone(Limiter *l, uint64_t high)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);
    char text[FORMAT_SIZE_MAX];

    log_notice("%s: someone else set memory.high to %s; leaving this unit alone until the policies "
               "are loaded again",
               l->unit, high == LIMIT_NONE ? "max" : format_size(text, high));
    if (entry && !entry->had_dropin)
        unit_high_dropin_remove_if(l->unit, l->value);
    l->applied = false;
    l->foreign = true;
    (void)ledger_forget(l->host->ledger, l->unit);
}

/* Right before each change: whether memory.high is still as we know it. A cgroup that is gone is.
 */
static bool is_undisturbed(Limiter *l)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);
    uint64_t high;

    if (read_high(l, &high) < 0)
        return true;
    if (!l->applied && !entry)
        l->original = high;
    else if (l->applied ? high != l->value
                        : !ledger_entry_is_ours(entry, high) && high != entry->original)
        leave_alone(l, high);
    return !l->foreign;
}

/* Setting */

static void on_set(int error, const char *message, void *userdata)
{
    Limiter *l = userdata;
    uint64_t high;

    l->busy = false;
    if (error < 0) {
        log_warning("%s: systemd did not set MemoryHigh=: %s", l->unit,
                    message ?: strerror(-error));
        l->retry_usec = now_usec() + RETRY_USEC;
    }
    /* After a timeout it may be in force all the same: the file tells. */
    if (read_high(l, &high) < 0 || high != l->setting) {
        if (error >= 0)
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

    if (!host->bus || !is_undisturbed(l) || (l->applied && l->value == bytes))
        return;
    l->setting = bytes;
    LedgerEntry values = {
        .unit = l->unit,
        .cgroup = l->cgroup_path,
        .original = l->original,
        .ours = { l->applied ? l->value : bytes, bytes },
        .had_dropin = unit_high_dropin_exists(l->unit),
    };
    int r = ledger_note(host->ledger, &values);
    if (r >= 0)
        r = unit_set_memory_high(host->bus, &l->slot, l->unit, bytes, on_set, l);
    l->busy = r >= 0;
    if (r < 0) {
        log_warning("%s: cannot set memory.high: %s", l->unit, strerror(-r));
        l->retry_usec = now_usec() + RETRY_USEC;
    }
}

/* Reclaim */

/* No more than was missing at first: a unit that fills its cache as fast as it is emptied is not
 * chased. */
static void reclaim_run(Job *job)
{
    ReclaimJob *rj = (ReclaimJob *)job;

    rj->error = cgroup_sample(rj->cgroup, now_usec(), &rj->sample);
    uint64_t left = rj->error >= 0 ? sub_u64(rj->sample.current, rj->want) : 0;
    while (left > 0 && rj->sample.current > rj->want && !atomic_load(&job->cancelled)) {
        uint64_t chunk = min_u64(left, RECLAIM_CHUNK);
        int r = cgroup_reclaim(rj->cgroup, chunk, RECLAIM_FILE_OR_ALL);
        rj->error = cgroup_sample(rj->cgroup, now_usec(), &rj->sample);
        if (r < 0 || rj->error < 0) /* nothing more to be had, or no such file */
            return;
        left -= chunk;
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
    /* Never below what is in use, nor what cannot be reclaimed by now: the rest is a later step's.
     */
    uint64_t reached = max_u64(rj->sample.current, limit_floor(&rj->sample, 0));
    if (reached > rj->want)
        l->retry_usec = now_usec() + RETRY_USEC;
    set_high(l, page_floor(max_u64(rj->want, reached), l->host->page));
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
        l->return_usec = now_usec() + RETRY_USEC;
        return;
    }
    if (entry && !entry->had_dropin)
        unit_high_dropin_remove(l->unit);
    int r = ledger_forget(l->host->ledger, l->unit);
    if (r < 0)
        log_warning("The ledger could not be written: %s", strerror(-r));
    log_info("%s: memory.high is given back (%s)", l->unit, limit_reason_to_string(l->reason));
    l->applied = false;
}

static void give_back(Limiter *l)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    /* The ledger remembers, and the next look tries again. */
    if (!entry || !l->host->bus || now_usec() < l->return_usec || !is_undisturbed(l))
        return;
    int r = unit_set_memory_high(l->host->bus, &l->slot, l->unit, entry->original, on_restored, l);
    l->busy = r >= 0;
}

/* What the ledger has, and we do not know to be in force: left by a controller before us, or by a
 * call whose outcome was never seen. */
static void adopt(Limiter *l, uint64_t high)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    if (l->applied)
        return;
    l->original = high;
    if (!entry || high == entry->original)
        return;
    if (ledger_entry_is_ours(entry, high)) {
        l->applied = true;
        l->value = high;
        l->original = entry->original;
    } else {
        (void)ledger_forget(l->host->ledger, l->unit);
    }
}

/* What memory.high is to be, or LIMIT_NONE for the original. */
static uint64_t wanted(Limiter *l, const LimitConfig *config, const Sample *sample, bool distress)
{
    LimitContext context = { .distress = distress };
    LimitDecision decision = limit_decide(&l->state, config, &context, sample);

    /* Not before there is an actuator for what `track` asks for. */
    if (config->mode == LIMIT_TRACK)
        decision = (LimitDecision){ .want = LIMIT_NONE, .reason = LIMIT_REASON_OFF };
    l->reason = decision.reason;
    /* Squeezing never raises a limit that was there before. */
    if (decision.want == LIMIT_NONE ||
        (config->mode == LIMIT_YIELD && decision.want >= l->original))
        return LIMIT_NONE;
    uint64_t want = page_floor(decision.want, l->host->page); /* as the kernel rounds it */
    /* The law's limit may have run ahead of what could be reclaimed: on the way back only up. */
    return config->mode == LIMIT_YIELD && !distress && l->applied ? max_u64(want, l->value) : want;
}

void limiter_update(Limiter *l, const LimitConfig *config, const Sample *sample, bool distress,
                    bool observe)
{
    if (l->busy || l->releasing)
        return;

    adopt(l, sample->high);
    if (l->applied && sample->high != l->value)
        leave_alone(l, sample->high);
    if (l->foreign)
        return;

    uint64_t want = wanted(l, config, sample, distress);
    if (want == LIMIT_NONE || observe) {
        give_back(l);
        return;
    }
    if ((l->applied && l->value == want) ||
        (now_usec() < l->retry_usec && (!l->applied || want <= l->value)))
        return;
    if (sample->current > want && reclaim_to(l, want) >= 0)
        return;
    set_high(l, max_u64(want, sample->current));
}

void limiter_release(Limiter *l)
{
    l->releasing = true;
    if (!l->busy)
        give_back(l);
}

bool limiter_is_idle(const Limiter *l)
{
    return !l->busy && !ledger_find(l->host->ledger, l->unit);
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
