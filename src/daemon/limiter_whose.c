/* SPDX-License-Identifier: MIT */
/* Whose value memory.high is. One in the file that is not ours means that an admin has taken over,
 * and then the unit is left alone until the policies are loaded again, whether it is stopped and
 * started meanwhile or not. */
#include <string.h>

#include "daemon/limiter_state.h"
#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

/* Systemd sets what a new control group is to have right after it made it. */
#define SETTLE_USEC USEC_PER_SEC

int limiter_open_cgroup(const Limiter *l, Cgroup **ret)
{
    return l->host->cgroup_fd < 0 ? -ENOTSUP : cgroup_open(l->host->cgroup_fd, l->cgroup_path, ret);
}

static int look(const Limiter *l, uint64_t *ret_high, uint64_t *ret_cgroup)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    int r = limiter_open_cgroup(l, &cgroup);
    if (r >= 0)
        r = cgroup_read_high(cgroup, ret_high);
    if (r >= 0)
        *ret_cgroup = cgroup_id(cgroup);
    return r;
}

int limiter_read_high(const Limiter *l, uint64_t *ret)
{
    uint64_t cgroup;

    return look(l, ret, &cgroup);
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
static bool recognize(Limiter *l, const LedgerEntry *entry, uint64_t high)
{
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
    } else if (entry && high != entry->original) {
        return leave_alone(l, high);
    } else {
        l->original = high;
    }
    return true;
}

/* Control groups that are new */

static bool is_another(const LedgerEntry *entry, uint64_t cgroup)
{
    return entry && entry->id > 0 && cgroup > 0 && cgroup != entry->id;
}

/* A service that starts again keeps its limit, because systemd has it in a drop-in. That of a
 * transient unit goes with it: what has its name next has its own limit, which nobody set over
 * ours. Nor did anybody set that of another control group that is no unit. */
static bool is_anew(const Limiter *l, const LedgerEntry *entry, uint64_t high, uint64_t cgroup)
{
    return is_another(entry, cgroup) &&
           (l->direct || (!is_ours(l, entry, high) && !unit_high_dropin_exists(l->unit)));
}

/* What the kernel begins with is there for a moment. */
static bool is_settling(Limiter *l, uint64_t high, uint64_t cgroup)
{
    uint64_t now = now_usec();

    if (l->settling != cgroup)
        l->settled_usec = now + SETTLE_USEC;
    l->settling = cgroup;
    return high == LIMIT_NONE && now < l->settled_usec;
}

static void begin_anew(Limiter *l, uint64_t high)
{
    log_debug("%s: was made anew", l->unit);
    l->applied = l->by_file = l->back = l->has_files = false;
    l->original = high;
    limit_forget(&l->state);
    limiter_forget(l);
    if (l->taken_over)
        limiter_leave_to_them(l);
    l->taken_over = false;
}

/* Or what is set in it later would be taken for what it began with. Where the ledger cannot be
 * written it is tried again. */
static void note_cgroup(const Limiter *l, const LedgerEntry *entry, uint64_t cgroup)
{
    LedgerEntry values = *entry;

    values.id = cgroup;
    (void)ledger_note(l->host->ledger, &values);
}

/* Of one that is not the one that was limited. */
static bool recognize_another(Limiter *l, const LedgerEntry *entry, uint64_t high, uint64_t cgroup)
{
    if (l->asking)
        return false;
    if (is_anew(l, entry, high, cgroup)) {
        begin_anew(l, high);
        return false;
    }
    if (is_ours(l, entry, high))
        note_cgroup(l, entry, cgroup);
    else if (is_settling(l, high, cgroup))
        return false;
    return recognize(l, entry, high);
}

bool limiter_recognize(Limiter *l, uint64_t high, uint64_t cgroup)
{
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);

    return is_another(entry, cgroup) ? recognize_another(l, entry, high, cgroup)
                                     : recognize(l, entry, high);
}

bool limiter_is_undisturbed(Limiter *l, uint64_t *ret_high)
{
    uint64_t cgroup;

    *ret_high = l->applied ? l->value : LIMIT_NONE;
    if (look(l, ret_high, &cgroup) >= 0 && !limiter_recognize(l, *ret_high, cgroup))
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
    uint64_t now, cgroup;

    l->checked = reloads;
    l->waits = false;
    if (!details || l->direct)
        return;
    if (!l->asking && look(l, &now, &cgroup) >= 0 &&
        is_anew(l, ledger_find(l->host->ledger, l->unit), now, cgroup))
        begin_anew(l, now);
    const LedgerEntry *entry = ledger_find(l->host->ledger, l->unit);
    uint64_t high = unit_files_memory_high(details, l->host->ram, !entry || entry->had_dropin);
    if (high != LIMIT_NONE) /* as the kernel rounds it */
        high = page_floor(high, l->host->page);
    bool changed = l->has_files && high != l->files_high;
    l->files_high = high;
    l->has_files = true;
    if (changed && entry && !l->foreign && !l->taken_over)
        take_over(l, high);
}
