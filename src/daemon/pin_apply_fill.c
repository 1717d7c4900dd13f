/* SPDX-License-Identifier: MIT */
/* Who is charged with what is pinned. Whoever brings a page in is, so with `charge: service` the
 * next request is read within the service's control group before it is sent. What was released to
 * be charged to somebody else is first taken out of memory; the holder reads what it locks, so
 * with `charge: holder` that is all. */

#include "daemon/pin_apply_state.h"

#include "util/parse.h"
#include "util/units.h"

/* What ails the control group, ails it for all that is left: a service that is frozen, or has
 * hardly any CPU, would keep everybody's queue waiting for each batch. */
static void on_filled(Job *job, void *owner)
{
    PinFill *fill = (PinFill *)job;
    PinApply *a = owner;

    a->filling = NULL;
    a->filled = fill->error >= 0;
    if (fill->error < 0)
        a->ranges = (PinRanges){ 0 };
    for (size_t i = a->at; i < a->scan->n_steps && fill->error < 0; i++) {
        PinStep *step = &a->scan->steps[i];
        if (step->target == 0)
            continue;
        pin_apply_fail(a, step, pin_fill_error_text(fill->error));
    }
    pin_apply_go_on(a);
}

/* The next bytes of what the request asks for. Where one of these cannot be read, the holder will
 * say so. */
static int add_part(const PinApply *a, PinFill *fill, uint32_t i)
{
    const PinStep *step = &a->scan->steps[a->steps[i]];
    const HoldItem *item = &a->packet.items[i];
    uint64_t page = a->setup.host->page;

    if (!a->setup.fill && !step->recharge)
        return 0;
    if (step->lock == HOLD_LOCK_NONE)
        return pin_fill_add(fill, step->fd, item->offset, item->length, step->recharge);
    uint64_t done = page_floor(add_u64(step->locked, page - 1), page);
    SelectedPart part = pin_step_part(a->scan, step);
    uint64_t length = min_u64(item->locked, sub_u64(part.length, done));
    return length == 0 ? 0
                       : pin_fill_add(fill, step->fd, part.offset + done, length, step->recharge);
}

/* The same of data in a file with holes, and of what was in memory of one that is locked on fault.
 * The item that hands it over asks for nothing. What is in memory and was not released is charged
 * already. */
static int add_range(PinApply *a, PinFill *fill, const HoldItem *item)
{
    const PinStep *step = pin_apply_first(a);
    SelectedPart part = pin_step_part(a->scan, step);
    uint64_t end = part.offset + part.length;

    if (item->flags & HOLD_WITH_FD || !(step->recharge || (step->data && a->setup.fill)))
        return 0;
    return pin_fill_add(fill, step->fd, item->offset,
                        min_u64(item->length, sub_u64(end, item->offset)), step->recharge);
}

int pin_apply_fills(PinApply *a)
{
    const char *cgroup_path = a->setup.fill ? a->setup.cgroup_path : NULL;

    if (!a->setup.fill && a->scan->n_recharged == 0)
        return 0;
    const Host *host = a->setup.host;
    PinFill *fill = pin_fill_new(host->cgroup_fd, cgroup_path, host->barred, on_filled, a);
    int r = fill ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < a->packet.header.n_items && r >= 0; i++)
        r = a->ranges.known ? add_range(a, fill, &a->packet.items[i]) : add_part(a, fill, i);
    if (r < 0 || fill->fds.n == 0) {
        pin_fill_free(fill);
        return r;
    }
    a->filling = fill;
    jobs_submit(a->setup.host->pin_jobs, &fill->job);
    return 1;
}
