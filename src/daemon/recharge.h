/* SPDX-License-Identifier: MIT */
#pragma once

/* charge: service: when what is held is read again, because the service is not charged with it. */

#include "daemon/measure.h"
#include "daemon/pin_scan.h"

/* Zero at the beginning, and when other files are wanted. */
typedef struct Recharge {
    PinHeld after;      /* the last file that was, in this round */
    uint64_t round_for; /* the control group of this round */
    uint64_t done_for;  /* the control group for which a whole round was made */
    uint64_t next_usec; /* of a round under way: the next files; 0: there is none */
} Recharge;

/* Tells @scan how much of the @held bytes it may choose to be read again, and from where on.
 * @measured: since anything was done; else NULL. @bounded: some pins found no room. */
void recharge_prepare(Recharge *recharge, const Host *host, const char *cgroup_path,
                      const Measured *measured, uint64_t held, bool bounded, PinScan *scan);

/* What it chose. */
void recharge_scanned(Recharge *recharge, const PinScan *scan, uint64_t now_usec);

static inline bool recharge_is_due(const Recharge *recharge, uint64_t now_usec)
{
    return recharge->next_usec > 0 && now_usec >= recharge->next_usec;
}
