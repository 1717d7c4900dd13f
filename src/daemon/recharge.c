/* SPDX-License-Identifier: MIT */
/* What is charged to the service is measured, and compared with what is held: after a restart its
 * new control group has nothing of it, a file that somebody else had read before was never its.
 * Then each file is read again, in rounds of a slice, and once for each control group: what is
 * dirty or mapped cannot be moved, and would be tried for ever. What was pinned since it was
 * measured seems to be charged to somebody else, and is not.
 *
 * Back to the holder it is one round, when the policy changes: nothing measured tells what was
 * read for the pins from what the service itself had read, which stays its own. */

#include "daemon/recharge.h"

#include "daemon/headroom.h"
#include "util/units.h"

/* Between two slices. */
#define RECHARGE_USEC (2 * USEC_PER_SEC)
/* The kernel counts charges in batches for each processor. Bytes. */
#define RECHARGE_SLACK MIB

void recharge_want(Recharge *recharge, PinCharge before, PinCharge now)
{
    bool to_holder = now == PIN_CHARGE_HOLDER &&
                     (recharge->to_holder || before == PIN_CHARGE_SERVICE);

    *recharge = (Recharge){
        .to_holder = to_holder,
        .next_usec = to_holder || now == PIN_CHARGE_SERVICE, /* as soon as it is measured */
    };
}

static bool service_lacks(const Recharge *recharge, const Measured *measured, uint64_t held)
{
    bool has_begun = measured->cgroup == recharge->round_for;

    return measured->cgroup != 0 && measured->cgroup != recharge->done_for &&
           (has_begun || add_u64(measured->service, RECHARGE_SLACK) < held);
}

void recharge_prepare(Recharge *recharge, const Host *host, const char *cgroup_path,
                      PinCharge charge, const Measured *measured, uint64_t held, bool bounded,
                      PinScan *scan)
{
    bool to_service = charge == PIN_CHARGE_SERVICE;
    PinBound bound;

    if (!measured)
        return; /* what is due stays so */
    recharge->next_usec = 0;
    if (bounded || held == 0 ||
        !(to_service ? service_lacks(recharge, measured, held) : recharge->to_holder))
        return;
    if (to_service && recharge->round_for != measured->cgroup) {
        recharge->after = (PinHeld){ 0 };
        recharge->round_for = measured->cgroup;
    }
    /* What goes to the holder is gone from the service, below the same slices. */
    scan->recharge = to_service ? headroom(host, cgroup_path, held, &bound) : held;
    scan->recharge_after = recharge->after;
}

void recharge_scanned(Recharge *recharge, const PinScan *scan, uint64_t now_usec)
{
    if (scan->recharge == 0)
        return;
    if (scan->n_recharged > 0) {
        recharge->after = scan->recharge_after;
        recharge->next_usec = now_usec + RECHARGE_USEC;
        return;
    }
    recharge->after = (PinHeld){ 0 };
    recharge->done_for = recharge->round_for;
    recharge->to_holder = false;
}
