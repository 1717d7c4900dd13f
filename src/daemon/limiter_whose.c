/* SPDX-License-Identifier: MIT */
/* Whose value memory.high is. One in the file that is not ours means that an admin has taken over,
 * and then the unit is left alone until the policies are loaded again, whether it is stopped and
 * started meanwhile or not. */
#include <string.h>

#include "daemon/limiter_state.h"
#include "systemd/units.h"
#include "util/log.h"
#include "util/parse.h"

int limiter_open_cgroup(const Limiter *l, Cgroup **ret)
{
    return l->host->cgroup_fd < 0 ? -ENOTSUP : cgroup_open(l->host->cgroup_fd, l->cgroup_path, ret);
}

int limiter_read_high(const Limiter *l, uint64_t *ret)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    int r = limiter_open_cgroup(l, &cgroup);
    return r < 0 ? r : cgroup_read_high(cgroup, ret);
}

void limiter_forget(Limiter *l)
{
    int r = ledger_forget(l->host->ledger, l->unit);

    if (r < 0)
        log_warning("The ledger could not be written: %s", strerror(-r));
}

static void tell_whose(const Limiter *l, uint64_t high)
{
    char text[FORMAT_SIZE_MAX];

    log_notice("%s: someone else set memory.high to %s; leaving this unit alone until the next "
               "reload (`pagewarden reload`)",
               l->unit, high == LIMIT_NONE ? "max" : format_size(text, high));
}

void limiter_leave_to_them(Limiter *l)
{
    int r = theirs_add(&l->host->theirs, l->unit);

    l->foreign = true;
    if (r < 0)
        log_warning("%s: it is left alone only until it has been stopped: %s", l->unit,
                    r == -E2BIG ? "there are too many of these units" : strerror(-r));
}

/* Hands off: what is there now is somebody else's, and so is what comes after. But for what systemd
 * does next, if it is asked: of that the ledger has to know. */
static bool leave_alone(Limiter *l, uint64_t high)
{
    if (l->asking)
        return false;
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    if (!l->taken_over)
        tell_whose(l, high);
    if (entry && !l->direct)
        unit_high_dropin_undo(l->unit, l->value, entry->had_dropin ? &entry->original : NULL);
    l->applied = l->by_file = false;
    limiter_leave_to_them(l);
    limit_forget(&l->state);
    l->taken_over = false;
    limiter_forget(l);
    return false;
}

/* What systemd did not answer it may do later. */
static bool is_ours(const Limiter *l, const LedgerEntry *entry, uint64_t high)
{
    return ledger_entry_is_ours(entry, high) || (l->unanswered > 0 && high == l->unanswered);
}

/* What the ledger has, and we do not know to be in force, was left by a controller before us, or by
 * a call whose outcome was never seen. */
bool limiter_recognize(Limiter *l, uint64_t high)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    if (l->applied && high == l->value)
        return true;
    if (l->applied && entry && high == entry->original && (l->by_file || l->back)) {
        l->applied = l->by_file = false;
    } else if (entry && is_ours(l, entry, high)) {
        l->by_file |= !l->applied && !l->direct;
        l->applied = true;
        l->value = high;
        l->original = entry->original;
    } else if (l->applied) {
        return leave_alone(l, high);
    } else if (!entry) {
        l->original = high;
    } else if (high != entry->original) {
        return leave_alone(l, high);
    }
    return true;
}

bool limiter_is_undisturbed(Limiter *l, uint64_t *ret_high)
{
    *ret_high = l->applied ? l->value : LIMIT_NONE;
    if (limiter_read_high(l, ret_high) >= 0 && !limiter_recognize(l, *ret_high))
        return false;
    return !l->foreign;
}

/* Files */

bool limiter_may_ask(Limiter *l)
{
    if (l->direct || (!l->host->reloading && l->checked == l->host->reloads))
        return true;
    l->waits = true;
    return false;
}

bool limiter_wants_files(const Limiter *l)
{
    return !l->direct && !l->host->reloading && l->checked != l->host->reloads &&
           (l->waits || ledger_find(l->host->ledger, l->unit));
}

/* An admin's value is in the files, and a limit of ours is, or may be about to be, in force over
 * it: what is given back is that value. */
static void take_over(Limiter *l, uint64_t high)
{
    int r = ledger_set_original(l->host->ledger, l->unit, high);

    if (r < 0)
        log_warning("The ledger could not be written: %s", strerror(-r));
    tell_whose(l, high);
    l->original = high;
    l->taken_over = true;
    limiter_give_back(l);
}

void limiter_note_files(Limiter *l, const UnitDetails *details, unsigned reloads)
{
    l->checked = reloads;
    l->waits = false;
    if (!details || l->direct)
        return;
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);
    uint64_t high = unit_files_memory_high(details, l->host->ram, !entry || entry->had_dropin);
    bool changed = l->has_files && high != l->files_high;
    l->files_high = high;
    l->has_files = true;
    if (changed && entry && !l->foreign && !l->taken_over)
        take_over(l, high);
}
