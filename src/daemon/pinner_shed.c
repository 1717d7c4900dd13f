/* SPDX-License-Identifier: MIT */
/* Letting go when the host's memory is short: as if a scan had found that some files are no longer
 * wanted. It waits for the answer to what was asked, and for nothing else. */

#include "control/pin_shed.h"
#include "daemon/pinner_state.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

void pinner_begin_shedding(Pinner *p)
{
    uint64_t bytes = TAKE(p->shed, 0);
    PinScan *scan = pin_scan_new(NULL, NULL);

    p->hurry |= p->scanning != NULL; /* for what is released, perhaps */
    p->changed |= p->apply && !p->shedding;
    pinner_drop_scan(p);
    if (!scan || pinner_copy_held(p, scan) < 0) { /* it will be asked for again */
        pin_scan_free(scan);
        pinner_rest(p);
        return;
    }
    for (size_t i = 0; i < scan->n_held; i++)
        scan->held[i].refresh = false;
    scan->warmed = TAKE(p->warmed, (WarmSet){ 0 });
    bytes = pin_shed(scan->held, scan->n_held, bytes);
    p->shed_to = sub_u64(p->sum, bytes);
    p->released = add_u64(p->released, bytes);
    p->shedding = true;
    pinner_apply(p, scan, false);
}

static uint64_t pending(const Pinner *p)
{
    return min_u64(add_u64(p->shed, p->shedding ? sub_u64(p->sum, p->shed_to) : 0), p->sum);
}

ShortageHolding pinner_holding(const Pinner *p, uint64_t *ret_pending)
{
    *ret_pending = pending(p);
    return (ShortageHolding){
        .rank = p->rank,
        .keep = p->keeps,
        .locked = p->sum - *ret_pending,
        .withheld = p->withheld,
    };
}

uint64_t pinner_shed(Pinner *p, uint64_t bytes)
{
    uint64_t before = pending(p);

    if (!p->withheld)
        log_notice("%s: pins are let go: the host's memory is short", p->unit);
    p->withheld = true;
    p->shed = add_u64(p->shed, min_u64(bytes, p->sum - before));
    if (p->state == PINNER_SETTLED || p->state == PINNER_SCANNING ||
        (p->state == PINNER_APPLYING && !p->shedding && !pin_apply_is_asked(p->apply)))
        pinner_begin_shedding(p);
    return sub_u64(pending(p), before);
}

void pinner_resume(Pinner *p)
{
    char text[FORMAT_SIZE_MAX];

    if (!p->withheld)
        return;
    log_notice("%s: pins come back: of these, %s were let go while the host's memory was short",
               p->unit, format_size(text, p->released));
    p->withheld = false;
    p->released = 0;
    p->shed = 0;
    p->changed = true;
    if (p->state == PINNER_SETTLED)
        pinner_start_scan(p);
}

/* It was no scan, so nothing of when the next one is due has changed. */
void pinner_end_shedding(Pinner *p)
{
    pinner_drop_scan(p);
    if (p->shed > 0) {
        pinner_begin_shedding(p);
        return;
    }
    if (p->hurry) {
        pinner_start_scan(p);
        return;
    }
    pinner_enter(p, PINNER_SETTLED);
    p->unmeasured = true;
    pinner_measure_if_due(p);
}
