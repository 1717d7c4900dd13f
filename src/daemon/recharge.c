/* SPDX-License-Identifier: MIT */
/* What is charged to the service is measured, and compared with what is held: after a restart its
 * new control group has nothing of it, a file that somebody else had read before was never its.
 * Then each file is read again, in rounds of a slice, and once for each control group: what is
 * dirty or mapped cannot be moved, and would be tried for ever. What was pinned since it was
 * measured seems to be charged to somebody else, and is not. */

#include "daemon/recharge.h"

#include "daemon/headroom.h"
#include "util/units.h"

/* Between two slices. */
#define RECHARGE_USEC (2 * USEC_PER_SEC)
/* The kernel counts charges in batches for each processor. Bytes. */
#define RECHARGE_SLACK MIB

void recharge_prepare(Recharge *recharge, const Host *host, const char *cgroup_path,
                      const Measured *measured, uint64_t held, bool bounded, PinScan *scan)
{
    PinBound bound;

    if (bounded || !measured || measured->cgroup == 0 || measured->cgroup == recharge->done_for ||
        add_u64(measured->service, RECHARGE_SLACK) >= held)
        return;
    if (recharge->round_for != measured->cgroup)
        recharge->after = (PinHeld){ 0 };
    recharge->round_for = measured->cgroup;
    scan->recharge = headroom(host, cgroup_path, held, &bound);
    scan->recharge_after = recharge->after;
}

void recharge_scanned(Recharge *recharge, const PinScan *scan, uint64_t now_usec)
{
    recharge->next_usec = 0;
    if (scan->recharge == 0)
        return;
    if (scan->n_recharged > 0) {
        recharge->after = scan->recharge_after;
        recharge->next_usec = now_usec + RECHARGE_USEC;
        return;
    }
    recharge->after = (PinHeld){ 0 };
    recharge->done_for = recharge->round_for;
}
