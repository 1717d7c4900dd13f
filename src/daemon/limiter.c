/* SPDX-License-Identifier: MIT */
/* The way down: reclaim on a worker until the use is below what is wanted, because a write of
 * memory.high below the use reclaims inside PID 1; then the ledger; then SetUnitProperties; then
 * the cgroup's file is read back, which alone counts.
 *
 * To stop a unit's growth is urgent, and takes no reclaim worth mentioning: so the file is written
 * first, by the worker, and systemd told next. Until systemd has it, whatever sets any property of
 * the unit takes such a limit away again, which is nobody's decision about memory.high.
 *
 * A control group that is no unit of systemd's is governed by its file alone, on the way down by
 * the worker. */

#include "daemon/limiter.h"

#include <string.h>

#include "control/floor.h"
#include "daemon/limiter_state.h"
#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"

int limiter_new(Host *host, const char *unit, const char *cgroup_path, Limiter **ret)
{
    cleanup(limiter_freep) Limiter *l = calloc(1, sizeof(Limiter));
    if (!l)
        return -ENOMEM;

    l->host = host;
    l->unit = strdup(unit);
    l->cgroup_path = strdup(cgroup_path);
    l->direct = ledger_is_cgroup(unit);
    l->checked = host->reloads;
    l->foreign = theirs_has(&host->theirs, unit);
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

const char *limiter_unit(const Limiter *l)
{
    return l->unit;
}

/* Setting */

static void note_in_force(Limiter *l, uint64_t high, bool by_file)
{
    char text[FORMAT_SIZE_MAX];

    /* That the limit follows the room there is means nothing, and is often. */
    int level = l->applied && l->setting_for == LIMIT_REASON_ROOM ? LOG_DEBUG : LOG_INFO;

    if (!l->applied || l->value != high) {
        l->changed_for = limit_reason_to_string(l->setting_for);
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
    l->unanswered = error < 0 ? l->setting : 0; /* systemd goes by the order of calls */
    if (error < 0) {
        log_warning("%s: systemd did not set MemoryHigh=: %s", l->unit,
                    message ?: strerror(-error));
        l->retry_usec = now_usec() + RETRY_USEC;
    }
    /* After a timeout it may be in force all the same: the file tells. */
    if (limiter_read_high(l, &high) < 0 || high != l->setting) {
        if (error >= 0)
            log_warning("%s: memory.high was set, and is not what was set", l->unit);
        l->retry_usec = now_usec() + RETRY_USEC;
    } else {
        note_in_force(l, high, error < 0);
    }
    if (l->back || l->releasing)
        limiter_give_back(l);
}

/* Into the ledger: a limit is never in force that is not there. */
static int note(Limiter *l, uint64_t bytes)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    uint64_t before = l->unanswered > 0 ? l->unanswered : bytes;
    if (l->applied)
        before = l->value;
    l->setting = bytes;
    l->setting_for = l->want_for;
    LedgerEntry values = {
        .unit = l->unit,
        .cgroup = l->cgroup_path,
        .id = limiter_open_cgroup(l, &cgroup) < 0 ? 0 : cgroup_id(cgroup),
        .original = l->original,
        .ours = { before, bytes },
        .had_dropin = !l->direct && unit_high_dropin_exists(l->unit),
    };
    int r = ledger_note(l->host->ledger, &values);
    if (r < 0) {
        if (r != l->note_error)
            log_warning("%s: cannot set memory.high, the ledger cannot be written: %s", l->unit,
                        strerror(-r));
        l->retry_usec = now_usec() + RETRY_USEC;
    }
    l->note_error = r;
    return r;
}

static void write_high(Limiter *l, uint64_t bytes);

/* The use may be above what was before, as long as its own limit holds a unit back: then there is
 * nothing of ours to set until less is in use. */
static bool would_raise(const Limiter *l, uint64_t bytes)
{
    return l->want < l->original && bytes >= l->original;
}

/* What can be set while so much is in use, bytes. */
static uint64_t reachable(const Limiter *l, uint64_t use)
{
    return page_floor(max_u64(l->want, use), l->host->page);
}

static void set_high(Limiter *l, uint64_t bytes)
{
    uint64_t high;

    if (would_raise(l, bytes))
        return;
    if (l->direct) {
        if (!l->applied || l->value != bytes)
            write_high(l, bytes);
        return;
    }
    if (!l->host->bus || l->asking || !limiter_is_undisturbed(l, &high) ||
        (l->applied && !l->by_file && l->value == bytes) || !limiter_may_ask(l) ||
        note(l, bytes) < 0)
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
        limiter_give_back(l);
    else if (!l->direct)
        set_high(l, done->wanted);
}

/* Of a unit, before systemd has heard of it. On a worker, where it may have to wait: one that rises
 * waits neither for the reclaim of others nor, mostly, for its own. */
static void write_high(Limiter *l, uint64_t bytes)
{
    uint64_t high;

    if (!limiter_is_undisturbed(l, &high) || !limiter_may_ask(l) || note(l, bytes) < 0)
        return;
    if (bytes <= high) {
        l->job = high_write(l->host, l->cgroup_path, bytes, on_written, l);
    } else if (!l->direct || limiter_write_at_once(l, bytes) <= 0) {
        l->job = high_write_back(l->host, l->cgroup_path, bytes, on_written, l);
    } else {
        note_in_force(l, bytes, false);
        return;
    }
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
    set_high(l, reachable(l, reached));
}

/* No more is taken than was missing at first: a unit that fills its cache as fast as it is emptied
 * is not chased. */
static void on_reclaimed(const HighDone *done, void *userdata)
{
    Limiter *l = userdata;
    uint64_t chunk = min_u64(done->wanted, HIGH_RECLAIM_CHUNK);

    l->job = NULL;
    if (done->answer == -EINVAL && l->scope == RECLAIM_FILE && !l->no_option) {
        l->no_option = true;
        log_warning("%s: memory.high does not follow what is needed: this kernel's memory.reclaim "
                    "cannot leave anonymous memory alone (swappiness=), and there is swap",
                    l->unit);
    }
    l->to_reclaim = done->exhausted || done->error < 0 ? 0 : sub_u64(l->to_reclaim, chunk);
    if (done->error < 0)
        return;
    l->reclaimed += done->exhausted ? min_u64(done->taken, chunk) : chunk;
    if (l->to_reclaim > 0)
        reclaim_on(l);
    else
        set_as_reached(l, &done->sample);
}

static void reclaim_on(Limiter *l)
{
    l->job = high_reclaim(l->host, l->cgroup_path, l->to_reclaim, l->scope, on_reclaimed, l);
    l->asked += l->job ? min_u64(l->to_reclaim, HIGH_RECLAIM_CHUNK) : 0;
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

static void take(Limiter *l, const LimitDecision *decision, uint64_t want)
{
    if (want != l->want)
        l->want_for = decision->reason;
    l->reason = decision->reason;
    l->want = want;
}

/* Nothing but what is under way, or was tried a moment ago. */
static bool is_settled(const Limiter *l)
{
    return l->applied && !l->by_file && l->value == l->want;
}

/* `track` tries what is missed, and must not swap for that. The other modes have a limit that is to
 * be, and a kernel that cannot leave anonymous memory alone here does not do so under it either. */
static ReclaimScope scope_of(const LimitConfig *config, const LimitContext *context)
{
    if (config->reclaim == LIMIT_RECLAIM_ALL)
        return RECLAIM_ALL;
    return config->mode == LIMIT_TRACK && context->swap_free > 0 ? RECLAIM_FILE
                                                                 : RECLAIM_FILE_OR_ALL;
}

static bool rises(const Limiter *l)
{
    return l->applied && l->want != LIMIT_NONE && l->want > l->value && !l->returning;
}

/* What is missing is not waited for: least of all for what takes more. */
static void raise_high(Limiter *l, const Sample *sample)
{
    uint64_t high = reachable(l, sample->current);

    if ((l->job && l->writing) || would_raise(l, high))
        return;
    l->job = job_abandon(l->job);
    set_high(l, high);
}

static void follow(Limiter *l, const LimitConfig *config, const LimitContext *context,
                   const Sample *sample, const LimitDecision *decision)
{
    bool waits = now_usec() < l->retry_usec && (!l->applied || l->want <= l->value);

    if (l->want == LIMIT_NONE)
        limiter_give_back(l);
    else
        l->back = false;
    if (rises(l))
        raise_high(l, sample);
    if (l->job || l->returning)
        return;
    l->scope = scope_of(config, context);
    l->to_reclaim = decision->reclaim;
    if (l->want != LIMIT_NONE && !is_settled(l) && !waits)
        l->to_reclaim = max_u64(l->to_reclaim, sub_u64(sample->current, l->want));
    uint64_t high = reachable(l, sample->current);
    bool urgent = decision->reason == LIMIT_REASON_FREEZE || decision->reason == LIMIT_REASON_ROOM;
    if (!l->applied && l->want != LIMIT_NONE && !waits && urgent) {
        if (!would_raise(l, high))
            write_high(l, high);
        return;
    }
    if (l->to_reclaim > 0) {
        reclaim_on(l);
        return;
    }
    if (l->want != LIMIT_NONE && !is_settled(l) && !waits)
        set_high(l, high);
}

/* Of what is being changed it is not known yet what is in force. What the law thought of while it
 * only looked on was never tried. */
static bool may_decide(Limiter *l, const Sample *sample, bool observe)
{
    if (l->observes && !observe)
        limit_forget(&l->state);
    l->observes = observe;
    if (l->releasing)
        return false;
    if (l->taken_over)
        limiter_give_back(l);
    if (l->taken_over)
        return false;
    if (!limiter_is_busy(l))
        (void)limiter_recognize(l, sample->high, sample->cgroup);
    return !l->foreign;
}

void limiter_update(Limiter *l, const LimitConfig *config, const LimitContext *context,
                    const Sample *sample)
{
    l->next_usec = 0;
    if (!may_decide(l, sample, context->observe))
        return;
    LimitContext known = *context;
    known.before = l->original;
    LimitDecision decision = limit_decide(&l->state, config, &known, sample);

    take(l, &decision, context->observe ? LIMIT_NONE : wanted(l, config, &decision));
    if (context->observe) /* it is not the law that gives back */
        l->want_for = LIMIT_REASON_OFF;
    l->next_usec = context->observe ? 0 : decision.next_usec;
    if (context->observe)
        decision.reclaim = 0;
    follow(l, config, context, sample, &decision);
}

bool limiter_begin_yield(Limiter *l, const LimitConfig *config, const LimitContext *context,
                         const Sample *sample, YieldUnit *ret)
{
    if (!may_decide(l, sample, false))
        return false;
    *ret = limit_begin_yield(&l->state, config, context, sample);
    return true;
}

void limiter_end_yield(Limiter *l, const YieldUnit *unit, const LimitContext *context)
{
    const LimitDecision *decision = &unit->decision;

    take(l, decision, wanted(l, unit->config, decision));
    l->next_usec = decision->next_usec;
    follow(l, unit->config, context, unit->sample, decision);
}

uint64_t limiter_domains(const Limiter *l)
{
    return l->state.mode == LIMIT_YIELD ? l->state.yield.domains : 0;
}

void limiter_stop(Limiter *l)
{
    l->job = job_abandon(l->job);
    l->slot = sd_bus_slot_unref(l->slot);
    l->asking = l->returning = false;
    l->releasing = true;
}

void limiter_release(Limiter *l)
{
    l->releasing = true;
    l->want_for = LIMIT_REASON_OFF;
    limiter_give_back(l);
}

bool limiter_is_busy(const Limiter *l)
{
    return l->asking || l->job;
}

bool limiter_is_idle(const Limiter *l)
{
    return !limiter_is_busy(l) && !ledger_find(l->host->ledger, l->unit);
}

void limiter_cgroup_gone(Limiter *l)
{
    if (!l->direct)
        return;
    l->job = job_abandon(l->job);
    l->applied = l->back = false;
    limit_forget(&l->state);
    limiter_forget(l);
}

void limiter_resume(Limiter *l)
{
    if (!l->applied || l->releasing)
        limit_forget(&l->state);
    l->foreign = theirs_has(&l->host->theirs, l->unit);
    l->releasing = l->taken_over = false;
}

LimiterStatus limiter_status(const Limiter *l)
{
    return (LimiterStatus){
        .applied = l->applied,
        .limits = l->applied || (l->want != LIMIT_NONE && limiter_is_busy(l)),
        .value = l->value,
        .original = l->original,
        .reclaimed = l->reclaimed,
        .asked = l->asked,
        .reclaims = l->job && !l->writing,
        .next_usec = l->next_usec,
        .changed_for = l->changed_for,
        .view = limit_view(&l->state, now_usec()),
        .reason = l->foreign || l->taken_over ? "changed-by-someone-else"
                                              : limit_reason_to_string(l->reason),
    };
}
