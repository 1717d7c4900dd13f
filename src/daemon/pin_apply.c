/* SPDX-License-Identifier: MIT */
/* A batch asks for at most HOLD_SLICE_MAX, and for no more than the machine has room for, which is
 * looked up right before it is sent: so no limit is overshot by more. Small files share a batch; a
 * large one takes as many as it needs, alone.
 *
 * Of a file that is locked on fault, a worker lists what is in memory (pin_look.h), and a request
 * names these ranges; the holder passes over what of them is locked already. What is only to be
 * warmed needs no room, and goes on when there is none for locks. */

#include "daemon/pin_apply_state.h"

#include <string.h>

#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

PinApply *pin_apply_new(const PinApplySetup *setup, PinScan *scan)
{
    PinApply *a = calloc(1, sizeof(PinApply));
    if (!a) {
        pin_scan_free(scan);
        return NULL;
    }
    a->setup = *setup;
    a->scan = scan;
    if (scan->marks)
        held_note_scan(setup->held, &scan->held, scan->marks);
    free(TAKE_PTR(scan->marks));
    return a;
}

PinApply *pin_apply_free(PinApply *a)
{
    if (!a)
        return NULL;
    if (a->opening)
        job_abandon(&a->opening->job);
    if (a->looking)
        job_abandon(&a->looking->job);
    if (a->filling)
        job_abandon(&a->filling->job);
    pin_scan_free(a->scan);
    free(a);
    return NULL;
}

/* Steps */

/* Bytes, whole pages. What is locked ends within a page only where the file does. */
static uint64_t missing_of(const PinApply *a, const PinStep *step)
{
    uint64_t page = a->setup.host->page;

    return sub_u64(page_floor(add_u64(step->target, page - 1), page),
                   page_floor(add_u64(step->locked, page - 1), page));
}

void pin_apply_finish(PinApply *a, PinStep *step)
{
    if (step->fd >= 0 && step->opens)
        a->n_opened--;
    step->fd = safe_close(step->fd);
    step->target = 0;
}

void pin_apply_fail(PinApply *a, PinStep *step, const char *why)
{
    char path[SELECTED_PATH_MAX];

    pin_problems_add(a->setup.problems, selected_path(pin_step_file(a->scan, step), path), why);
    pin_apply_finish(a, step);
}

static void fail_step(PinApply *a, PinStep *step, int error)
{
    pin_apply_fail(a, step, pin_problem_text(error));
}

static bool must_be_opened(const PinStep *step)
{
    return step->opens && step->fd < 0;
}

static void begin_step(PinApply *a, PinStep *step)
{
    a->n_opened -= step->opens;
    step->opens = false;
}

/* There is no room for any more locks, or at the service for any more pages. */
static void give_up_locking(PinApply *a)
{
    for (size_t i = a->at; i < a->scan->n_steps; i++)
        if (a->scan->steps[i].lock != HOLD_LOCK_NONE || a->setup.fill)
            pin_apply_finish(a, &a->scan->steps[i]);
    a->ranges = (PinRanges){ 0 };
}

PinStep *pin_apply_first(PinApply *a)
{
    while (a->at < a->scan->n_steps && a->scan->steps[a->at].target == 0)
        a->at++;
    return a->at < a->scan->n_steps ? &a->scan->steps[a->at] : NULL;
}

/* Opening */

void pin_apply_go_on(PinApply *a)
{
    if (!a->asked)
        a->setup.ready(a->setup.userdata);
}

static void on_opened(Job *job, void *owner)
{
    PinOpening *opening = (PinOpening *)job;
    PinApply *a = owner;

    a->opening = NULL;
    for (size_t i = 0; i < opening->list.n_files; i++) {
        PinStep *step = &a->scan->steps[opening->steps[i]];
        if (step->target == 0)
            continue;
        if (opening->fds[i] < 0) {
            fail_step(a, step, opening->fds[i]);
            continue;
        }
        step->fd = TAKE_FD(opening->fds[i]);
        a->n_opened++;
    }
    pin_apply_go_on(a);
}

/* Once all that was opened is sent: the next ones. */
static int open_more(PinApply *a)
{
    if (a->opening || a->n_opened > 0 || a->open_at == a->scan->n_steps)
        return 0;
    PinOpening *opening = pin_opening_new(a->scan, a->open_at, &a->open_at, on_opened, a);
    if (!opening)
        return -ENOMEM;
    if (opening->list.n_files == 0) {
        pin_opening_free(opening);
        return 0;
    }
    a->opening = opening;
    jobs_submit(a->setup.host->pin_jobs, &opening->job);
    return 0;
}

/* Requests */

static HoldItem *add_step(PinApply *a, PinStep *step)
{
    const SelectedFile *file = pin_step_file(a->scan, step);
    SelectedPart part = pin_step_part(a->scan, step);
    HoldItem *item = add_item(a);

    a->steps[item - a->packet.items] = (size_t)(step - a->scan->steps);
    *item = (HoldItem){
        .dev = file->dev,
        .ino = file->ino,
        .offset = part.offset,
        .length = part.length,
        .lock = (uint16_t)step->lock,
    };
    if (!step->held) {
        item->flags = HOLD_WITH_FD;
        a->fds.fds[a->fds.n++] = step->fd;
    }
    begin_step(a, step);
    return item;
}

/* The next @bytes, whole pages, of a file that is wanted without gaps. */
static void add_bytes(PinApply *a, PinStep *step, uint64_t bytes)
{
    HoldItem *item = add_step(a, step);

    if (step->lock != HOLD_LOCK_NONE) {
        item->locked = bytes;
        return;
    }
    item->offset += step->locked;
    item->length = min_u64(bytes, step->target - step->locked);
}

/* Fills in the next steps that are locked as the first one, as far as they are opened, and up to
 * @room bytes. Returns whether it ended at one that has to be opened first. */
static bool add_steps(PinApply *a, uint64_t room)
{
    HoldLock lock = a->scan->steps[a->at].lock;
    uint64_t sum = 0;

    for (size_t i = a->at; i < a->scan->n_steps && sum < room; i++) {
        PinStep *step = &a->scan->steps[i];
        if (step->target == 0)
            continue;
        if (step->lock != lock)
            break;
        if (must_be_opened(step))
            return true;
        uint64_t missing = missing_of(a, step);
        if (a->packet.header.n_items == HOLD_BATCH_MAX || (sum > 0 && sum + missing > room))
            break;
        missing = min_u64(missing, room - sum);
        add_bytes(a, step, missing);
        sum += missing;
    }
    return false;
}

/* Bytes that the next batch asks for, if all is opened; at least a page. */
static uint64_t wanted_next(const PinApply *a)
{
    HoldLock lock = a->scan->steps[a->at].lock;
    uint64_t sum = 0;
    size_t n = 0;

    for (size_t i = a->at; i < a->scan->n_steps && n < HOLD_BATCH_MAX && sum < HOLD_SLICE_MAX;
         i++) {
        const PinStep *step = &a->scan->steps[i];
        if (step->target == 0)
            continue;
        if (step->lock != lock)
            break;
        sum += min_u64(missing_of(a, step), HOLD_SLICE_MAX);
        n++;
    }
    return max_u64(min_u64(sum, HOLD_SLICE_MAX), a->setup.host->page);
}

/* What is next, or that it has to be asked for again. */
typedef struct Next {
    bool again;
    PinApplyNext what;
} Next;

static const Next next_again = { .again = true };
static const Next next_send = { .what = PIN_APPLY_SEND };
static const Next next_wait = { .what = PIN_APPLY_WAIT };
/* The next scan tries again. */
static const Next next_done = { .what = PIN_APPLY_DONE };

/* What the request asks for is first made the charge of whoever is to have it. */
static Next fill_first(PinApply *a)
{
    int r = pin_apply_fills(a);

    return r < 0 ? next_done : r > 0 ? next_wait : next_send;
}

static Next next_batch(PinApply *a, bool locks, PinBound *bound)
{
    PinBound bound_now = PIN_BOUND_NONE;

    uint64_t room = locks || a->setup.fill ? room_for(a, wanted_next(a), &bound_now)
                                           : HOLD_SLICE_MAX;
    bool unopened = room > 0 && add_steps(a, room);
    if (room > 0 && open_more(a) < 0)
        return next_done;
    if (unopened && a->packet.header.n_items == 0)
        return a->opening ? next_wait : next_done;
    if (bound_now != PIN_BOUND_NONE)
        *bound = bound_now;
    if (a->packet.header.n_items == 0)
        return next_again;
    return fill_first(a);
}

/* Files that are locked as far as they are in memory */

static void on_looked(Job *job, void *owner)
{
    PinLook *look = (PinLook *)job;
    PinApply *a = owner;
    PinStep *step = pin_apply_first(a);

    a->looking = NULL;
    if (look->error >= 0 && look->n > 0) {
        pin_ranges_take(&a->ranges, look);
    } else {
        a->ranges = (PinRanges){ 0 };
        if (look->error < 0)
            fail_step(a, step, look->error);
        else
            pin_apply_finish(a, step);
    }
    pin_apply_go_on(a);
}

static Next look_at(PinApply *a, const PinStep *step)
{
    SelectedPart part = pin_step_part(a->scan, step);

    a->looking = pin_look_new(step->fd, max_u64(a->ranges.cursor, part.offset),
                              part.offset + part.length, on_looked, a);
    if (!a->looking)
        return next_done;
    a->looking->data = step->data;
    jobs_submit(a->setup.host->pin_jobs, &a->looking->job);
    return next_wait;
}

static Next next_resident(PinApply *a, PinStep *step, PinBound *bound)
{
    if (must_be_opened(step)) {
        if (open_more(a) < 0)
            return next_done;
        return a->opening ? next_wait : next_done;
    }
    if (!a->ranges.known)
        return a->looking ? next_wait : look_at(a, step);
    /* Of one that grew by a hole nothing is missing, but that it is mapped as far as that. */
    uint64_t wanted = min_u64(missing_of(a, step), HOLD_SLICE_MAX);
    uint64_t room = wanted > 0 ? room_for(a, wanted, bound) : 0;
    if (wanted > 0 && room == 0)
        return next_again;
    if (!step->held)
        add_step(a, step);
    begin_step(a, step);
    a->ranges.read |= step->recharge;
    const SelectedFile *file = pin_step_file(a->scan, step);
    pin_ranges_ask(&a->ranges, &(HoldItem){ .dev = file->dev, .ino = file->ino }, room, &a->packet);
    return fill_first(a);
}

static int on_resident(PinApply *a, PinStep *step, const HoldPacket *answer)
{
    SelectedPart part = pin_step_part(a->scan, step);
    uint64_t before = step->locked;
    int r = 0, error = 0;

    for (uint32_t i = 0; i < answer->header.n_items && r >= 0; i++) {
        const HoldItem *item = &answer->items[i];
        r = held_note(a->setup.held, item, !step->held);
        held_note_ctime(a->setup.held, item->dev, item->ino, pin_step_file(a->scan, step)->ctime);
        step->held |= item->length > 0;
        step->locked = item->locked;
        if (item->error < 0 && error == 0)
            error = item->error;
    }
    pin_ranges_advance(&a->ranges, sub_u64(step->locked, before));
    if (error < 0)
        fail_step(a, step, error);
    else if (missing_of(a, step) == 0 || a->ranges.cursor >= part.offset + part.length)
        pin_apply_finish(a, step);
    if (step->target == 0)
        a->ranges = (PinRanges){ 0 };
    return r;
}

/* What to do next */

static PinApplyNext next_pins(PinApply *a, PinBound *bound)
{
    Next next = next_again;

    if (a->filling)
        return PIN_APPLY_WAIT;
    if (TAKE(a->filled, false))
        return PIN_APPLY_SEND;
    a->fds.n = 0;
    while (next.again) {
        if (*bound != PIN_BOUND_NONE)
            give_up_locking(a);
        PinStep *step = pin_apply_first(a);
        if (!step)
            return PIN_APPLY_DONE;
        a->packet.header = (HoldHeader){ .type = HOLD_PIN };
        next = step->lock == HOLD_LOCK_ON_FAULT
                   ? next_resident(a, step, bound)
                   : next_batch(a, step->lock != HOLD_LOCK_NONE, bound);
    }
    return next.what;
}

static PinApplyNext next(PinApply *a, PinBound *bound)
{
    switch (a->phase) {
    case PHASE_SCORE:
        if (TAKE(a->setup.tell_score, false)) {
            a->packet.header = (HoldHeader){ .type = HOLD_SCORE, .score = a->setup.score };
            return PIN_APPLY_SEND;
        }
        a->phase = PHASE_RELEASE;
        /* fall through */
    case PHASE_RELEASE:
        if (pin_apply_releases(a))
            return PIN_APPLY_SEND;
        a->phase = PHASE_REFRESH;
        a->behind = (PinHeld){ 0 };
        /* fall through */
    case PHASE_REFRESH:
        if (pin_apply_refreshes(a, bound))
            return PIN_APPLY_SEND;
        a->phase = PHASE_PIN;
        /* fall through */
    case PHASE_PIN:
        break;
    }
    return next_pins(a, bound);
}

PinApplyNext pin_apply_next(PinApply *a, const HoldPacket **ret_packet, const HoldFds **ret_fds,
                            PinBound *bound)
{
    PinApplyNext what = next(a, bound);
    a->asked = what == PIN_APPLY_SEND;
    *ret_packet = &a->packet;
    *ret_fds = &a->fds;
    return what;
}

bool pin_apply_has_released(const PinApply *a)
{
    return a->phase > PHASE_RELEASE;
}

bool pin_apply_is_asked(const PinApply *a)
{
    return a->asked;
}

/* Answers */

static int on_locked(PinApply *a, const HoldItem *item, PinStep *step)
{
    uint64_t before = step->locked;

    int r = held_note(a->setup.held, item, !step->held);
    if (r < 0)
        return r;
    held_note_ctime(a->setup.held, item->dev, item->ino, pin_step_file(a->scan, step)->ctime);
    step->held = item->length > 0;
    step->locked = item->locked;
    if (item->error < 0)
        fail_step(a, step, item->error);
    else if (step->held && missing_of(a, step) == 0)
        pin_apply_finish(a, step);
    else if (!step->held || step->locked <= before) /* it would be asked for ever */
        fail_step(a, step, -EIO);
    else if (!a->setup.fill && !step->recharge)
        step->fd = safe_close(step->fd);
    return 0;
}

/* That it was read is one thing, whether it is there another. */
static int on_warmed(PinApply *a, const HoldItem *asked, const HoldItem *item, PinStep *step)
{
    Residency residency;

    if (item->error < 0) {
        fail_step(a, step, item->error);
        return 0;
    }
    if (residency_of_range(step->fd, asked->offset, asked->length, &residency) >= 0)
        step->resident += residency.resident;
    step->locked += asked->length;
    if (step->locked < step->target)
        return 0;
    Warmed warmed = pin_step_warmed(a->scan, step, step->resident);
    int r = warmed_add(&a->scan->warmed, &warmed);
    if (r == -ENOSPC)
        fail_step(a, step, r);
    else
        pin_apply_finish(a, step);
    return r == -ENOSPC ? 0 : r;
}

static int on_item(PinApply *a, uint32_t i, const HoldItem *item)
{
    if (a->phase == PHASE_REFRESH)
        return pin_apply_refreshed(a, item, i + 1 < a->packet.header.n_items || a->refreshed == 0);
    if (a->phase != PHASE_PIN)
        return held_note(a->setup.held, item, false);
    PinStep *step = &a->scan->steps[a->steps[i]];
    return step->lock == HOLD_LOCK_NONE ? on_warmed(a, &a->packet.items[i], item, step)
                                        : on_locked(a, item, step);
}

int pin_apply_answer(PinApply *a, const HoldPacket *answer)
{
    int r = 0;

    if (!a->asked || answer->header.type != HOLD_DONE ||
        answer->header.n_items != a->packet.header.n_items)
        return -EPROTO;
    if (answer->header.error < 0 && a->phase != PHASE_SCORE)
        return -EPROTO;
    a->asked = false;
    if (answer->header.error < 0) /* the pins are good all the same */
        log_warning("%s: the holder of its pins cannot have the OOM score %d: %s",
                    a->setup.cgroup_path, a->setup.score, strerror(-answer->header.error));
    if (a->phase == PHASE_PIN && a->ranges.known)
        return on_resident(a, pin_apply_first(a), answer);
    for (uint32_t i = 0; i < answer->header.n_items && r >= 0; i++)
        r = on_item(a, i, &answer->items[i]);
    return r;
}

WarmSet pin_apply_take_warmed(PinApply *a)
{
    return TAKE(a->scan->warmed, (WarmSet){ 0 });
}

uint64_t pin_apply_warmed(const PinApply *a)
{
    return a->scan->warmed.sum;
}
