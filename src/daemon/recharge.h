/* SPDX-License-Identifier: MIT */
#pragma once

/* When what is held is read again, because somebody else is charged with it than the policy says.
 */

#include "daemon/measure.h"
#include "daemon/pin_scan.h"

/* Zero at the beginning. */
typedef struct Recharge {
    PinHeld after;      /* the last file that was, in this round */
    uint64_t round_for; /* the service's control group of this round */
    uint64_t done_for;  /* the one for which a whole round was made */
    bool to_holder;     /* `service` is no longer wanted, and the round for that is not over */
    uint64_t next_usec; /* when to look for the next files; 0: never */
} Recharge;

/* Other files are wanted, or @now somebody else is to be charged than @before. */
void recharge_want(Recharge *recharge, PinCharge before, PinCharge now);

/* Tells @scan how much of the @held bytes it may choose to be read again, and from where on.
 * @charge: by whom. @measured: since anything was done; else NULL. @bounded: some pins found no
 * room. */
void recharge_prepare(Recharge *recharge, const Host *host, const char *cgroup_path,
                      PinCharge charge, const Measured *measured, uint64_t held, bool bounded,
                      PinScan *scan);

/* What it chose. */
void recharge_scanned(Recharge *recharge, const PinScan *scan, uint64_t now_usec);

static inline bool recharge_is_due(const Recharge *recharge, uint64_t now_usec)
{
    return recharge->next_usec > 0 && now_usec >= recharge->next_usec;
}
