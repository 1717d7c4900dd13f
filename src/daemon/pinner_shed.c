/* SPDX-License-Identifier: MIT */
/* Letting go when the host's memory is short: as if a scan had found that some files are no longer
 * wanted. It waits for the answer to what was asked, and for nothing else. */

#include <stdlib.h>
#include <string.h>

#include "control/pin_shed.h"
#include "daemon/pinner_state.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

/* Marks files that are to go. Returns their bytes, or -ENOMEM. */
static int64_t choose_files(HeldSet *held, uint64_t bytes)
{
    size_t n;
    const PinHeld *sorted = held_sorted(held, &n);
    CLEANUP_FREE PinHeld *copy = malloc((n + 1) * sizeof(PinHeld));

    if (!copy)
        return -ENOMEM;
    if (n > 0)
        memcpy(copy, sorted, n * sizeof(PinHeld));
    bytes = pin_shed(copy, n, bytes);
    qsort(copy, n, sizeof(PinHeld), pin_held_compare);
    PinHeld *own = held_sorted_own(held, &n);
    if (!own && n > 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        own[i].keep = copy[i].keep;
    return (int64_t)bytes;
}

void pinner_begin_shedding(Pinner *p)
{
    PinScan *scan = pin_scan_new(NULL, NULL);
    int64_t bytes = -ENOMEM;

    p->hurry |= p->scanning != NULL; /* for what is released, perhaps */
    p->changed |= p->apply && !p->shedding;
    pinner_drop_scan(p);
    if (scan) {
        pinner_note_lost(p);
        bytes = choose_files(&p->held, p->shed);
    }
    p->shed = 0;
    if (bytes < 0) { /* it will be asked for again */
        pin_scan_free(scan);
        pinner_rest(p);
        return;
    }
    scan->only_held = true;
    scan->warmed = TAKE(p->warmed, (WarmSet){ 0 });
    p->shed_to = sub_u64(p->sum, (uint64_t)bytes);
    p->released = add_u64(p->released, (uint64_t)bytes);
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
