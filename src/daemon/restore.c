/* SPDX-License-Identifier: MIT */
/* The one way back, used when the controller ends, by ExecStopPost= after a crash, and by the next
 * start.
 *
 * First the cgroups' files of all units, which wait for nobody: systemd may take longer to answer
 * than a stop step is given, and most of all where memory is short. Then systemd, in this order:
 * SetUnitProperties(original) corrects both the live file and systemd's idea of it; deleting the
 * drop-in before that would leave the live file as it was. */

#include "daemon/restore.h"

#include <pagewarden/names.h>
#include <string.h>

#include "kernel/cgroup.h"
#include "systemd/units.h"
#include "systemd/wait.h"
#include "util/log.h"
#include "util/units.h"

/* What is in force: the cgroup's file, or, of a unit that does not run, systemd's property. */
static int current_high(sd_bus *bus, int cgroup_fd, const LedgerEntry *entry, uint64_t *ret)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    int r = cgroup_fd < 0 ? -ENOTSUP : cgroup_open(cgroup_fd, entry->cgroup, &cgroup);
    if (r >= 0)
        r = cgroup_read_high(cgroup, ret);
    if (r < 0 && bus)
        r = unit_get_memory_high_wait(bus, entry->unit, ret);
    return r;
}

static int write_file(int cgroup_fd, const LedgerEntry *entry)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    int r = cgroup_fd < 0 ? -ENOTSUP : cgroup_open(cgroup_fd, entry->cgroup, &cgroup);
    return r < 0 ? r : cgroup_write_high(cgroup, entry->original);
}

/* At its next start the unit would have our limit again, with nobody to take it back. */
static void forget_dropin(const LedgerEntry *entry)
{
    for (size_t i = 0; i < ELEMENTS(entry->ours); i++)
        unit_high_dropin_undo(entry->unit, entry->ours[i],
                              entry->had_dropin ? &entry->original : NULL);
}

static bool is_somebody_elses(const LedgerEntry *entry, uint64_t high)
{
    if (ledger_entry_is_ours(entry, high) || high == entry->original)
        return false;
    log_notice("%s: memory.high was changed by someone else meanwhile, leaving it", entry->unit);
    return true;
}

/* Of a control group that systemd knows nothing of. One that is gone took its limit along, and what
 * is at its path now is another. */
static int restore_cgroup(int cgroup_fd, const LedgerEntry *entry)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    uint64_t high;

    int r = cgroup_fd < 0 ? -ENOTSUP : cgroup_open(cgroup_fd, entry->cgroup, &cgroup);
    if (r == -ENOENT || (r >= 0 && cgroup_id(cgroup) != entry->id))
        return 0;
    if (r >= 0)
        r = cgroup_read_high(cgroup, &high);
    if (r >= 0 && is_somebody_elses(entry, high))
        return 0;
    if (r >= 0)
        r = cgroup_write_high(cgroup, entry->original);
    if (r < 0 && r != -ENODEV) {
        log_warning("%s: memory.high could not be restored: %s", entry->unit, strerror(-r));
        return r;
    }
    log_info("%s: memory.high is what it was before", entry->unit);
    return 0;
}

/* 0: done with this entry, nothing of ours is left. */
static int restore_one(sd_bus *bus, int cgroup_fd, const LedgerEntry *entry)
{
    uint64_t high;

    int r = current_high(bus, cgroup_fd, entry, &high);
    if (r == -ENOENT) /* neither cgroup nor unit are there any more */
        high = entry->ours[1];
    else if (r < 0)
        return r;
    else if (is_somebody_elses(entry, high)) {
        forget_dropin(entry);
        return 0;
    }

    /* A limit that falls below the use reclaims before the write returns: here, and not in PID 1.
     */
    if (high > entry->original)
        (void)write_file(cgroup_fd, entry);
    r = bus ? unit_set_memory_high_wait(bus, entry->unit, entry->original) : -ENOTCONN;
    if (r == -ENOENT)
        r = 0;
    if (r < 0) {
        int w = write_file(cgroup_fd, entry);
        log_warning("%s: systemd did not restore memory.high (%s), %s", entry->unit, strerror(-r),
                    w < 0 ? "and the cgroup file could not be written"
                          : "wrote the cgroup file instead; MemoryHigh= is left to the next start");
        return r;
    }
    if (!entry->had_dropin)
        unit_high_dropin_remove(entry->unit);
    log_info("%s: memory.high is what it was before", entry->unit);
    return 0;
}

/* A limit that rises takes no reclaim; what cannot be done here is done, or told of, later. */
static void lift(int cgroup_fd, const LedgerEntry *entry)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    uint64_t high;

    if (cgroup_fd >= 0 && cgroup_open(cgroup_fd, entry->cgroup, &cgroup) >= 0 &&
        cgroup_read_high(cgroup, &high) >= 0 && ledger_entry_is_ours(entry, high) &&
        entry->original > high)
        (void)cgroup_write_high(cgroup, entry->original);
}

int restore_limits(Ledger *ledger, int cgroup_fd)
{
    cleanup(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
    int left = 0, error = 0;

    if (ledger->n_entries == 0)
        return 0;
    for (size_t i = 0; i < ledger->n_entries; i++)
        if (!ledger_is_cgroup(ledger->entries[i].unit))
            lift(cgroup_fd, &ledger->entries[i]);
    int r = sd_bus_open_system(&bus);
    if (r < 0)
        log_warning("The system bus is away: %s", strerror(-r));

    for (size_t i = ledger->n_entries; i-- > 0;) {
        const LedgerEntry *entry = &ledger->entries[i];
        r = ledger_is_cgroup(entry->unit) ? restore_cgroup(cgroup_fd, entry)
                                          : restore_one(bus, cgroup_fd, entry);
        if (r == -ETIMEDOUT) /* a minute each, while pins wait for their turn */
            bus = sd_bus_close_unref(bus);
        if (r < 0)
            left++;
        else if ((r = ledger_forget(ledger, entry->unit)) < 0)
            error = r; /* the others wait for no room on the disk */
    }
    return error < 0 ? error : left;
}

static int restore_holders(void)
{
    cleanup(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

    int r = sd_bus_open_system(&bus);
    if (r < 0)
        return r;
    if (!own_unit_is_stopping(bus))
        return 0;
    r = units_stop_by_prefix_wait(bus, PAGEWARDEN_HOLD_UNIT_PREFIX);
    if (r >= 0)
        r = units_stop_by_prefix_wait(bus, PAGEWARDEN_MOUNT_UNIT_PREFIX);
    return r < 0 ? r : 1;
}

/* Where memory is short the step may not last until systemd has answered once. */
int restore_step(Ledger *ledger, int cgroup_fd, int *ret_holders)
{
    int r = restore_limits(ledger, cgroup_fd);

    *ret_holders = restore_holders();
    return r;
}
