/* SPDX-License-Identifier: MIT */
/* The way down: reclaim on a worker until the use is below what is wanted, because a write of
 * memory.high below the use reclaims inside PID 1; then the ledger; then SetUnitProperties; then
 * the cgroup's file is read back, which alone counts. The way back: the cgroup's file, which is at
 * once, then SetUnitProperties(original), then the drop-in, then the ledger.
 *
 * To stop a unit's growth is urgent, and takes no reclaim worth mentioning: so the file is written
 * first, by the worker, and systemd told next. Until systemd has it, whatever sets any property of
 * the unit takes such a limit away again, which is nobody's decision about memory.high.
 *
 * A control group that is no unit of systemd's is governed by its file alone, on the way down by
 * the worker.
 *
 * A value in the file that is not ours means that an admin has taken over, and then the unit is
 * left alone until the policies are loaded again. */

#include "daemon/limiter.h"

#include <string.h>

#include "control/floor.h"
#include "daemon/high_job.h"
#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"

/* Where the use could not be brought down to what is wanted, or something failed, try again after
 * this. */
#define RETRY_USEC (2 * USEC_PER_SEC)

struct Limiter {
    Host *host;
    char *unit;
    char *cgroup_path;
    bool direct; /* systemd knows nothing of it: what is written to its file is all */
    LimitState state;
    LimitReason reason;
    const char *changed_for; /* the reason of the last change */
    bool applied;            /* memory.high is a value of ours, */
    bool by_file;            /* and systemd does not know of it yet */
    bool foreign;            /* someone else changed it */
    bool releasing;          /* on the way back, for good */
    bool back;               /* the last decision was to give it back */
    uint64_t value;          /* applied: bytes */
    uint64_t original;       /* applied: what was before */
    uint64_t setting;        /* the change under way: bytes being set */
    uint64_t retry_usec;     /* no further way down before */
    uint64_t return_usec;    /* no further way back before */
    uint64_t want;           /* of the last decision */
    uint64_t next_usec;      /* of the last decision: look again by then */
    uint64_t to_reclaim;     /* bytes, of the last decision, that are left */
    uint64_t reclaimed;      /* bytes asked for, in all */
    ReclaimScope scope;
    Job *job; /* reclaiming, or writing the file: */
    bool writing;
    bool asking;       /* systemd */
    sd_bus_slot *slot; /* asking */
};

int limiter_new(Host *host, const char *unit, const char *cgroup_path, Limiter **ret)
{
    cleanup(limiter_freep) Limiter *l = calloc(1, sizeof(Limiter));
    if (!l)
        return -ENOMEM;

    l->host = host;
    l->unit = strdup(unit);
    l->cgroup_path = strdup(cgroup_path);
    l->direct = ledger_is_cgroup(unit);
    if (!l->unit || !l->cgroup_path)
        return -ENOMEM;

    *ret = TAKE_PTR(l);
    return 0;
}

Limiter *limiter_free(Limiter *l)
{
    if (!l)
        return NULL;
    job_abandon(l->job);
    sd_bus_slot_unref(l->slot);
    free(l->unit);
    free(l->cgroup_path);
    free(l);
    return NULL;
}

static int open_cgroup(const Limiter *l, Cgroup **ret)
{
    return l->host->cgroup_fd < 0 ? -ENOTSUP : cgroup_open(l->host->cgroup_fd, l->cgroup_path, ret);
}

static int read_high(const Limiter *l, uint64_t *ret)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    int r = open_cgroup(l, &cgroup);
    return r < 0 ? r : cgroup_read_high(cgroup, ret);
}

static void forget(Limiter *l)
{
    int r = ledger_forget(l->host->ledger, l->unit);

    if (r < 0)
        log_warning("The ledger could not be written: %s", strerror(-r));
}

/* Whose value memory.high is */

/* Hands off: what is there now is somebody else's, and so is what comes after. */
static void leave_alone(Limiter *l, uint64_t high)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);
    char text[FORMAT_SIZE_MAX];

    log_notice("%s: someone else set memory.high to %s; leaving this unit alone until the policies "
               "are loaded again",
               l->unit, high == LIMIT_NONE ? "max" : format_size(text, high));
    if (entry && !entry->had_dropin && !l->direct)
        unit_high_dropin_remove_if(l->unit, l->value);
    l->applied = l->by_file = false;
    l->foreign = true;
    forget(l);
}

/* What memory.high is now, before anything is decided or changed. What the ledger has, and we do
 * not know to be in force, was left by a controller before us, or by a call whose outcome was never
 * seen. */
static void recognize(Limiter *l, uint64_t high)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    if (l->applied && high == l->value)
        return;
    if (l->applied && entry && high == entry->original && (l->by_file || l->back)) {
        l->applied = l->by_file = false;
    } else if (entry && ledger_entry_is_ours(entry, high)) {
        l->by_file |= !l->applied && !l->direct;
        l->applied = true;
        l->value = high;
        l->original = entry->original;
    } else if (l->applied) {
        leave_alone(l, high);
    } else if (!entry) {
        l->original = high;
    } else if (high != entry->original) {
        leave_alone(l, high);
    }
}

/* Right before each change. A cgroup that is gone is undisturbed. */
static bool is_undisturbed(Limiter *l, uint64_t *ret_high)
{
    *ret_high = l->applied ? l->value : LIMIT_NONE;
    if (read_high(l, ret_high) >= 0)
        recognize(l, *ret_high);
    return !l->foreign;
}

/* The way back */

static void note_given_back(Limiter *l)
{
    forget(l);
    l->changed_for = limit_reason_to_string(l->reason);
    log_info("%s: memory.high is given back (%s)", l->unit, l->changed_for);
    l->applied = l->by_file = false;
}

static void on_restored(int error, const char *message, void *userdata)
{
    Limiter *l = userdata;
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    l->asking = false;
    /* A unit that systemd has forgotten took its limit along. */
    if (error < 0 && error != -ENOENT) {
        log_warning("%s: memory.high could not be given back: %s", l->unit,
                    message ?: strerror(-error));
        l->return_usec = now_usec() + RETRY_USEC;
        return;
    }
    if (entry && !entry->had_dropin)
        unit_high_dropin_remove(l->unit);
    note_given_back(l);
}

/* Upwards nothing is reclaimed, so that this does not wait. */
static void lift(Limiter *l, uint64_t high, uint64_t original)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    if (high < original && open_cgroup(l, &cgroup) >= 0 && cgroup_write_high(cgroup, original) >= 0)
        l->applied = l->by_file = false;
}

static void on_given_back(const HighDone *done, void *userdata)
{
    Limiter *l = userdata;

    l->job = NULL;
    if (done->error >= 0 || done->error == -ENODEV)
        note_given_back(l);
    else
        l->return_usec = now_usec() + RETRY_USEC;
}

/* What is at the path of a cgroup that is gone is another one's, or nothing. */
static bool is_gone(const Limiter *l, const LedgerEntry *entry)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    int r = open_cgroup(l, &cgroup);

    return r == -ENOENT || (r >= 0 && cgroup_id(cgroup) != entry->id);
}

static void give_back_by_file(Limiter *l, const LedgerEntry *entry, uint64_t high)
{
    lift(l, high, entry->original);
    if (!l->applied || is_gone(l, entry)) {
        note_given_back(l);
    } else if (now_usec() >= l->return_usec) {
        l->job = high_write(l->host, l->cgroup_path, entry->original, on_given_back, l);
        l->writing = true;
    }
}

static void give_back(Limiter *l)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);
    uint64_t high;

    l->back = true;
    /* A write that is under way cannot be called back: it ends first. */
    if (!entry || (l->job && l->writing) || !is_undisturbed(l, &high))
        return;
    l->job = job_abandon(l->job);
    if (l->direct) {
        give_back_by_file(l, entry, high);
        return;
    }
    lift(l, high, entry->original);
    /* The ledger remembers, and the next look tries again. */
    if (l->host->bus && !l->asking && now_usec() >= l->return_usec)
        l->asking = unit_set_memory_high(l->host->bus, &l->slot, l->unit, entry->original,
                                         on_restored, l) >= 0;
}

/* Setting */

static void note_in_force(Limiter *l, uint64_t high, bool by_file)
{
    char text[FORMAT_SIZE_MAX];

    /* That the limit follows the room there is means nothing, and is often. */
    int level = l->applied && l->reason == LIMIT_REASON_ROOM ? LOG_DEBUG : LOG_INFO;

    if (!l->applied || l->value != high) {
        l->changed_for = limit_reason_to_string(l->reason);
        log_message(level, "%s: memory.high is %s (%s)", l->unit, format_size(text, high),
                    l->changed_for);
    }
    l->applied = true;
    l->by_file = by_file;
    l->value = high;
}

static void on_set(int error, const char *message, void *userdata)
{
    Limiter *l = userdata;
    uint64_t high;

    l->asking = false;
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
    } else {
        note_in_force(l, high, error < 0);
    }
    if (l->back || l->releasing)
        give_back(l);
}

/* Into the ledger: a limit is never in force that is not there. */
static int note(Limiter *l, uint64_t bytes)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    l->setting = bytes;
    LedgerEntry values = {
        .unit = l->unit,
        .cgroup = l->cgroup_path,
        .id = open_cgroup(l, &cgroup) < 0 ? 0 : cgroup_id(cgroup),
        .original = l->original,
        .ours = { l->applied ? l->value : bytes, bytes },
        .had_dropin = !l->direct && unit_high_dropin_exists(l->unit),
    };
    int r = ledger_note(l->host->ledger, &values);
    if (r < 0) {
        log_warning("%s: cannot set memory.high: %s", l->unit, strerror(-r));
        l->retry_usec = now_usec() + RETRY_USEC;
    }
    return r;
}

static void write_high(Limiter *l, uint64_t bytes);

static void set_high(Limiter *l, uint64_t bytes)
{
    uint64_t high;

    if (l->direct) {
        if (!l->applied || l->value != bytes)
            write_high(l, bytes);
        return;
    }
    if (!l->host->bus || l->asking || !is_undisturbed(l, &high) ||
        (l->applied && !l->by_file && l->value == bytes) || note(l, bytes) < 0)
        return;
    int r = unit_set_memory_high(l->host->bus, &l->slot, l->unit, bytes, on_set, l);
    l->asking = r >= 0;
    if (r < 0) {
        log_warning("%s: cannot set memory.high: %s", l->unit, strerror(-r));
        l->retry_usec = now_usec() + RETRY_USEC;
    }
}

/* At once */

static void on_written(const HighDone *done, void *userdata)
{
    Limiter *l = userdata;

    l->job = NULL;
    if (done->error >= 0 && done->sample.high == done->wanted)
        note_in_force(l, done->sample.high, !l->direct);
    if (done->error < 0 && done->error != -ENODEV && l->direct) {
        log_warning("%s: cannot set memory.high: %s", l->unit, strerror(-done->error));
        l->retry_usec = now_usec() + RETRY_USEC;
    }
    if (l->back || l->releasing)
        give_back(l);
    else if (!l->direct)
        set_high(l, done->wanted);
}

/* On the worker; of a unit, before systemd has heard of it. */
static void write_high(Limiter *l, uint64_t bytes)
{
    uint64_t high;

    if (!is_undisturbed(l, &high) || note(l, bytes) < 0)
        return;
    l->job = high_write(l->host, l->cgroup_path, bytes, on_written, l);
    l->writing = true;
}

/* Reclaim */

static void reclaim_on(Limiter *l);

/* Never below what is in use, nor what cannot be reclaimed by now: the rest is a later step's. */
static void set_as_reached(Limiter *l, const Sample *sample)
{
    uint64_t reached = max_u64(sample->current, limit_floor(sample, 0));

    if (l->want == LIMIT_NONE)
        return;
    if (reached > l->want)
        l->retry_usec = now_usec() + RETRY_USEC;
    set_high(l, page_floor(max_u64(l->want, reached), l->host->page));
}

/* No more is taken than was missing at first: a unit that fills its cache as fast as it is emptied
 * is not chased. */
static void on_reclaimed(const HighDone *done, void *userdata)
{
    Limiter *l = userdata;
    uint64_t chunk = min_u64(done->wanted, HIGH_RECLAIM_CHUNK);

    l->job = NULL;
    l->to_reclaim = done->exhausted || done->error < 0 ? 0 : sub_u64(l->to_reclaim, chunk);
    if (done->error < 0)
        return;
    if (!done->exhausted)
        l->reclaimed += chunk;
    if (l->to_reclaim > 0)
        reclaim_on(l);
    else
        set_as_reached(l, &done->sample);
}

static void reclaim_on(Limiter *l)
{
    l->job = high_reclaim(l->host, l->cgroup_path, l->to_reclaim, l->scope, on_reclaimed, l);
    l->writing = false;
}

/* Deciding */

/* What memory.high is to be, or LIMIT_NONE for the original. */
static uint64_t wanted(const Limiter *l, const LimitConfig *config, const LimitDecision *decision)
{
    bool rises = decision->reason == LIMIT_REASON_RETURN ||
                 decision->reason == LIMIT_REASON_NO_HELP;

    /* Only `fixed` raises a limit that was there before. */
    if (decision->want == LIMIT_NONE ||
        (config->mode != LIMIT_FIXED && decision->want >= l->original))
        return LIMIT_NONE;
    uint64_t want = page_floor(decision->want, l->host->page); /* as the kernel rounds it */
    /* The law's limit may have run ahead of what could be reclaimed: on the way back only up. */
    return config->mode == LIMIT_YIELD && rises && l->applied ? max_u64(want, l->value) : want;
}

/* Nothing but what is under way, or was tried a moment ago. */
static bool is_settled(const Limiter *l)
{
    return l->applied && !l->by_file && l->value == l->want;
}

static void follow(Limiter *l, const LimitConfig *config, const LimitContext *context,
                   const Sample *sample, const LimitDecision *decision)
{
    bool waits = now_usec() < l->retry_usec && (!l->applied || l->want <= l->value);

    if (l->want == LIMIT_NONE)
        give_back(l);
    else
        l->back = false;
    if (l->job)
        return;
    l->scope = config->reclaim == LIMIT_RECLAIM_ALL ? RECLAIM_ALL
               : context->swap_free > 0             ? RECLAIM_FILE
                                                    : RECLAIM_FILE_OR_ALL;
    l->to_reclaim = decision->reclaim;
    if (l->want != LIMIT_NONE && !is_settled(l) && !waits)
        l->to_reclaim = max_u64(l->to_reclaim, sub_u64(sample->current, l->want));
    bool urgent = decision->reason == LIMIT_REASON_FREEZE || decision->reason == LIMIT_REASON_ROOM;
    if (!l->applied && l->want != LIMIT_NONE && !waits && urgent) {
        write_high(l, page_floor(max_u64(l->want, sample->current), l->host->page));
        return;
    }
    if (l->to_reclaim > 0) {
        reclaim_on(l);
        return;
    }
    if (l->want != LIMIT_NONE && !is_settled(l) && !waits)
        set_high(l, page_floor(max_u64(l->want, sample->current), l->host->page));
}

/* Of what is being changed it is not known yet what is in force. */
static bool may_decide(Limiter *l, const Sample *sample)
{
    if (l->releasing)
        return false;
    if (!l->asking && !l->job)
        recognize(l, sample->high);
    return !l->foreign;
}

void limiter_update(Limiter *l, const LimitConfig *config, const LimitContext *context,
                    const Sample *sample, bool observe)
{
    l->next_usec = 0;
    if (!may_decide(l, sample))
        return;
    LimitDecision decision = limit_decide(&l->state, config, context, sample);

    l->reason = decision.reason;
    l->want = observe ? LIMIT_NONE : wanted(l, config, &decision);
    l->next_usec = observe ? 0 : decision.next_usec;
    if (observe)
        decision.reclaim = 0;
    follow(l, config, context, sample, &decision);
}

bool limiter_begin_yield(Limiter *l, const LimitConfig *config, const LimitContext *context,
                         const Sample *sample, YieldUnit *ret)
{
    if (!may_decide(l, sample))
        return false;
    *ret = limit_begin_yield(&l->state, config, context, sample);
    return true;
}

void limiter_end_yield(Limiter *l, const YieldUnit *unit, const LimitContext *context)
{
    const LimitDecision *decision = &unit->decision;

    l->reason = decision->reason;
    l->want = wanted(l, unit->config, decision);
    l->next_usec = decision->next_usec;
    follow(l, unit->config, context, unit->sample, decision);
}

void limiter_stop(Limiter *l)
{
    l->job = job_abandon(l->job);
    l->slot = sd_bus_slot_unref(l->slot);
    l->asking = false;
    l->releasing = true;
}

void limiter_release(Limiter *l)
{
    l->releasing = true;
    give_back(l);
}

bool limiter_is_idle(const Limiter *l)
{
    return !l->asking && !l->job && !ledger_find(l->host->ledger, l->unit);
}

void limiter_cgroup_gone(Limiter *l)
{
    if (!l->direct)
        return;
    l->job = job_abandon(l->job);
    l->applied = l->back = l->foreign = false;
    l->state = (LimitState){ 0 };
    forget(l);
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
        .reclaimed = l->reclaimed,
        .next_usec = l->next_usec,
        .changed_for = l->changed_for,
        .view = limit_view(&l->state, now_usec()),
        .reason = l->foreign ? "changed-by-someone-else" : limit_reason_to_string(l->reason),
    };
}
