/* SPDX-License-Identifier: MIT */
/* The way back: the cgroup's file, at once where nothing is reclaimed for it, by the worker where
 * the unit has come to use more than that; then SetUnitProperties(original), then the drop-in, then
 * the ledger. Of a control group that is no unit, the file and the ledger. */
#include <string.h>

#include "daemon/limiter_state.h"
#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"

static void note_given_back(Limiter *l)
{
    limiter_forget(l);
    l->applied = l->by_file = false;
    if (l->taken_over) {
        l->taken_over = false;
        limiter_leave_to_them(l);
        return;
    }
    l->changed_for = limit_reason_to_string(l->back_for);
    log_info("%s: memory.high is given back (%s)", l->unit, l->changed_for);
}

static void on_restored(int error, const char *message, void *userdata)
{
    Limiter *l = userdata;
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    l->asking = l->returning = false;
    /* A unit that systemd has forgotten took its limit along. */
    if (error < 0 && error != -ENOENT) {
        log_warning("%s: memory.high could not be given back: %s", l->unit,
                    message ?: strerror(-error));
        l->return_usec = now_usec() + RETRY_USEC;
        return;
    }
    l->unanswered = 0;
    if (entry && !entry->had_dropin)
        unit_high_dropin_remove(l->unit);
    note_given_back(l);
}

static void ask_back(Limiter *l, const LedgerEntry *entry)
{
    /* The ledger remembers, and the next look tries again. */
    if (l->host->bus && !l->asking && now_usec() >= l->return_usec && limiter_may_ask(l))
        l->asking = l->returning = unit_set_memory_high(l->host->bus, &l->slot, l->unit,
                                                        entry->original, on_restored, l) >= 0;
}

/* What of this is systemd's waits for no reclaim now, but for what cannot be had. */
static void on_given_back(const HighDone *done, void *userdata)
{
    Limiter *l = userdata;
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    l->job = NULL;
    if (done->error >= 0)
        l->applied = l->by_file = false;
    if (!l->direct && entry)
        ask_back(l, entry);
    else if (done->error >= 0 || done->error == -ENODEV)
        note_given_back(l);
    else
        l->return_usec = now_usec() + RETRY_USEC;
}

int limiter_write_at_once(const Limiter *l, uint64_t bytes)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    Sample sample;
    uint64_t high;

    int r = limiter_open_cgroup(l, &cgroup);
    if (r < 0)
        return r;
    return cgroup_sample(cgroup, now_usec(), &sample) >= 0 && sample.current <= bytes &&
           cgroup_raise_high(cgroup, bytes) >= 0 && cgroup_read_high(cgroup, &high) >= 0 &&
           high == bytes;
}

/* Returns whether there is nothing to wait for. */
static bool lift(Limiter *l, uint64_t high, uint64_t original)
{
    if (high == original)
        return true;
    int r = limiter_write_at_once(l, original);
    if (r > 0)
        l->applied = l->by_file = false;
    if (r != 0)
        return true;
    if (now_usec() >= l->return_usec) {
        l->job = high_write_back(l->host, l->cgroup_path, original, on_given_back, l);
        l->writing = true;
    }
    return false;
}

/* What is at the path of a cgroup that is gone is another one's, or nothing. Of a transient unit
 * that has gone with it nothing is left either: to ask for what it had before could be too late,
 * and change one that was made under its name meanwhile. */
static bool is_gone(const Limiter *l, const LedgerEntry *entry)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    int r = limiter_open_cgroup(l, &cgroup);

    if (!l->direct && (l->asking || l->unanswered > 0 || unit_high_dropin_exists(l->unit)))
        return false;
    return r == -ENOENT || (r >= 0 && cgroup_id(cgroup) != entry->id);
}

void limiter_give_back(Limiter *l)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);
    uint64_t high;

    if (!l->back)
        l->back_for = l->want_for;
    l->back = true;
    /* A write that is under way cannot be called back: it ends first. */
    if (!entry || (l->job && l->writing) || !limiter_is_undisturbed(l, &high))
        return;
    l->job = job_abandon(l->job);
    if (is_gone(l, entry))
        note_given_back(l);
    else if (!lift(l, high, entry->original))
        return;
    else if (l->direct)
        note_given_back(l);
    else
        ask_back(l, entry);
}
