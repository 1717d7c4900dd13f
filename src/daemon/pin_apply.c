/* SPDX-License-Identifier: MIT */
/* A batch asks for at most HOLD_SLICE_MAX, and for no more than the machine has room for, which is
 * looked up right before it is sent: so no limit is overshot by more. Small files share a batch; a
 * large one takes as many as it needs, alone. */

#include "daemon/pin_apply.h"

#include <string.h>

#include "daemon/headroom.h"
#include "daemon/pin_open.h"
#include "util/parse.h"
#include "util/units.h"

typedef enum Phase {
    PHASE_RELEASE,
    PHASE_REFRESH,
    PHASE_PIN,
} Phase;

/* A file that was opened and not sent. */
typedef struct Opened {
    size_t step;
    int fd; /* or -errno */
} Opened;

struct PinApply {
    PinApplySetup setup;
    PinScan *scan;
    Phase phase;
    size_t at; /* of scan->held, or of scan->steps: all before is done */

    PinOpening *opening; /* in the queue's hands */
    size_t open_at;      /* of scan->steps: the next to be opened */
    Opened opened[HOLD_BATCH_MAX];
    size_t n_opened, opened_at;

    bool asked; /* a request is under way: */
    HoldPacket packet;
    HoldFds fds;
    size_t steps[HOLD_BATCH_MAX]; /* of its items, in PHASE_PIN */
};

PinApply *pin_apply_new(const PinApplySetup *setup, PinScan *scan)
{
    PinApply *a = calloc(1, sizeof(PinApply));
    if (!a) {
        pin_scan_free(scan);
        return NULL;
    }
    a->setup = *setup;
    a->scan = scan;
    return a;
}

PinApply *pin_apply_free(PinApply *a)
{
    if (!a)
        return NULL;
    if (a->opening)
        job_abandon(&a->opening->job);
    for (; a->opened_at < a->n_opened; a->opened_at++)
        safe_close(a->opened[a->opened_at].fd);
    hold_fds_close(&a->fds);
    pin_scan_free(a->scan);
    free(a);
    return NULL;
}

/* Opening */

static void on_opened(Job *job, void *owner)
{
    PinOpening *opening = (PinOpening *)job;
    PinApply *a = owner;

    for (size_t i = 0; i < opening->n; i++)
        a->opened[i] = (Opened){ opening->steps[i], TAKE(opening->fds[i], -ECANCELED) };
    a->n_opened = opening->n;
    a->opened_at = 0;
    a->opening = NULL;
    if (!a->asked)
        a->setup.ready(a->setup.userdata);
}

/* Once all that was opened is sent: the next ones. */
static int open_more(PinApply *a)
{
    if (a->opening || a->opened_at < a->n_opened || a->open_at == a->scan->n_steps)
        return 0;
    PinOpening *opening = pin_opening_new(a->scan, a->open_at, &a->open_at, on_opened, a);
    if (!opening)
        return -ENOMEM;
    if (opening->n == 0) {
        pin_opening_free(opening);
        return 0;
    }
    a->opening = opening;
    jobs_submit(a->setup.host->pin_jobs, &opening->job);
    return 0;
}

static void fail_step(PinApply *a, PinStep *step, int error)
{
    const char *why = strerror(-error);

    if (error == -ESTALE)
        why = "was exchanged just now";
    else if (error == -EFAULT)
        why = "was truncated just now";
    pin_problems_add(a->setup.problems, step->path, why);
    step->target = 0;
}

/* Requests */

static HoldItem *add_item(PinApply *a)
{
    HoldItem *item = &a->packet.items[a->packet.header.n_items++];

    *item = (HoldItem){ 0 };
    return item;
}

/* Of what is held the next files that are (not) to be kept, up to a batch, or to one slice of what
 * may have to be read. */
static bool next_held(PinApply *a, HoldType type, bool keep)
{
    uint64_t sum = 0;

    a->packet.header = (HoldHeader){ .type = (uint16_t)type };
    for (; a->at < a->scan->n_held && a->packet.header.n_items < HOLD_BATCH_MAX; a->at++) {
        const PinHeld *held = &a->scan->held[a->at];
        if (held->keep != keep || (keep && !held->refresh && !a->setup.refresh))
            continue;
        sum = add_u64(sum, keep ? held->locked : 0);
        if (sum > HOLD_SLICE_MAX && a->packet.header.n_items > 0)
            break;
        HoldItem *item = add_item(a);
        item->dev = held->dev;
        item->ino = held->ino;
    }
    return a->packet.header.n_items > 0;
}

/* Bytes, whole pages. What is locked ends within a page only where the file does. */
static uint64_t missing_of(const PinApply *a, const PinStep *step)
{
    uint64_t page = a->setup.host->page;

    return sub_u64(page_floor(add_u64(step->target, page - 1), page),
                   page_floor(add_u64(step->locked, page - 1), page));
}

/* A file that grew within its last page misses nothing, and is to be handed over all the same. */
static bool is_open(const PinApply *a, const PinStep *step)
{
    return step->target > 0 && (!step->held || missing_of(a, step) > 0);
}

/* The descriptor of the step, or why there is none; false: it has yet to be opened. */
static bool opened_fd(const PinApply *a, size_t step, int *ret)
{
    const Opened *opened = &a->opened[a->opened_at];

    if (a->opened_at == a->n_opened || opened->step != step)
        return false;
    *ret = opened->fd;
    return true;
}

static void add_step(PinApply *a, size_t i, uint64_t bytes, int fd)
{
    const PinStep *step = &a->scan->steps[i];
    HoldItem *item = add_item(a);

    a->steps[item - a->packet.items] = i;
    *item = (HoldItem){
        .dev = step->dev,
        .ino = step->ino,
        .offset = step->offset,
        .length = step->size,
        .locked = bytes,
        .lock = HOLD_LOCK_NOW,
        .flags = step->held ? 0 : HOLD_WITH_FD,
    };
    if (!step->held) {
        a->fds.fds[a->fds.n++] = fd;
        a->opened_at++;
    }
}

/* Fills in the next steps, as far as they are opened, and up to @room bytes. Returns whether it
 * ended at one that has to be opened first. */
static bool add_steps(PinApply *a, uint64_t room)
{
    uint64_t sum = 0;

    for (size_t i = a->at; i < a->scan->n_steps && sum < room; i++) {
        PinStep *step = &a->scan->steps[i];
        int fd = -1;
        if (!is_open(a, step))
            continue;
        if (!step->held && !opened_fd(a, i, &fd))
            return true;
        if (!step->held && fd < 0) {
            a->opened_at++;
            fail_step(a, step, fd);
            continue;
        }
        uint64_t missing = missing_of(a, step);
        if (a->packet.header.n_items == HOLD_BATCH_MAX || (sum > 0 && sum + missing > room))
            break;
        missing = min_u64(missing, room - sum);
        add_step(a, i, missing, fd);
        sum += missing;
    }
    return false;
}

/* Bytes that the next batch asks for, if all is opened. 0: nothing is left to do. */
static uint64_t wanted_next(const PinApply *a)
{
    uint64_t sum = 0;
    size_t n = 0;

    for (size_t i = a->at; i < a->scan->n_steps && n < HOLD_BATCH_MAX && sum < HOLD_SLICE_MAX; i++)
        if (is_open(a, &a->scan->steps[i])) {
            sum += min_u64(missing_of(a, &a->scan->steps[i]), HOLD_SLICE_MAX);
            n++;
        }
    return n > 0 ? max_u64(min_u64(sum, HOLD_SLICE_MAX), a->setup.host->page) : 0;
}

static PinApplyNext next_pins(PinApply *a, PinBound *bound)
{
    uint64_t wanted = wanted_next(a);
    PinBound bound_now = PIN_BOUND_NONE;

    if (*bound != PIN_BOUND_NONE || wanted == 0)
        return PIN_APPLY_DONE;
    a->packet.header = (HoldHeader){ .type = HOLD_PIN };
    uint64_t room = headroom(a->setup.host, a->setup.cgroup_path, wanted, &bound_now);
    bool unopened = room > 0 && add_steps(a, room);
    if (room > 0 && open_more(a) < 0) /* the next scan tries again */
        return PIN_APPLY_DONE;
    if (unopened && a->packet.header.n_items == 0)
        return a->opening ? PIN_APPLY_WAIT : PIN_APPLY_DONE;
    *bound = bound_now;
    return a->packet.header.n_items > 0 ? PIN_APPLY_SEND : PIN_APPLY_DONE;
}

static PinApplyNext next(PinApply *a, PinBound *bound)
{
    switch (a->phase) {
    case PHASE_RELEASE:
        if (next_held(a, HOLD_RELEASE, false))
            return PIN_APPLY_SEND;
        a->phase = PHASE_REFRESH;
        a->at = 0;
        /* fall through */
    case PHASE_REFRESH:
        if (next_held(a, HOLD_REFRESH, true))
            return PIN_APPLY_SEND;
        a->phase = PHASE_PIN;
        a->at = 0;
        /* fall through */
    case PHASE_PIN:
        break;
    }
    return next_pins(a, bound);
}

PinApplyNext pin_apply_next(PinApply *a, const HoldPacket **ret_packet, const HoldFds **ret_fds,
                            PinBound *bound)
{
    hold_fds_close(&a->fds);
    PinApplyNext what = next(a, bound);
    a->asked = what == PIN_APPLY_SEND;
    *ret_packet = &a->packet;
    *ret_fds = &a->fds;
    return what;
}

bool pin_apply_is_asked(const PinApply *a)
{
    return a->asked;
}

/* Answers */

static int on_step(PinApply *a, const HoldItem *item, PinStep *step)
{
    uint64_t before = step->locked;

    int r = held_note(a->setup.held, item, !step->held);
    if (r < 0)
        return r;
    held_note_ctime(a->setup.held, item->dev, item->ino, step->ctime);
    step->held = item->length > 0;
    step->locked = item->locked;
    if (item->error < 0)
        fail_step(a, step, item->error);
    else if (is_open(a, step) && step->locked <= before) /* it would be asked for ever */
        fail_step(a, step, -EIO);
    return 0;
}

static int on_held(PinApply *a, const HoldItem *item)
{
    const PinHeld *scanned = bsearch(&(PinHeld){ .dev = item->dev, .ino = item->ino },
                                     a->scan->held, a->scan->n_held, sizeof(PinHeld),
                                     pin_held_compare);

    int r = held_note(a->setup.held, item, false);
    if (r >= 0 && a->phase == PHASE_REFRESH && item->error >= 0 && scanned)
        held_note_ctime(a->setup.held, item->dev, item->ino, scanned->ctime);
    return r;
}

int pin_apply_answer(PinApply *a, const HoldPacket *answer)
{
    int r = 0;

    if (!a->asked || answer->header.error < 0 || answer->header.type != HOLD_DONE ||
        answer->header.n_items != a->packet.header.n_items)
        return -EPROTO;
    a->asked = false;
    hold_fds_close(&a->fds);
    for (uint32_t i = 0; i < answer->header.n_items && r >= 0; i++) {
        const HoldItem *item = &answer->items[i];
        if (a->phase == PHASE_PIN)
            r = on_step(a, item, &a->scan->steps[a->steps[i]]);
        else
            r = on_held(a, item);
    }
    while (a->phase == PHASE_PIN && a->at < a->scan->n_steps && !is_open(a, &a->scan->steps[a->at]))
        a->at++;
    return r;
}
