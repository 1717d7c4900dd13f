/* SPDX-License-Identifier: MIT */
/* A state machine around one holder. The holder's list is the truth: after connecting it is asked
 * what it has; from then on a scan says what should be there, its steps are sent one request at a
 * time (pin_apply.h), and after a pause it is looked again. Taking over, reloading and following
 * changed files are all this one circle.
 *
 *   OFF → CONNECTING → LISTING → SCANNING → APPLYING → SETTLED → SCANNING …
 *          any of them, when the holder is gone → WAITING (back-off) → CONNECTING */

#include "daemon/pinner_state.h"

#include <string.h>

#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/units.h"

/* A holder that dies at once is not started more than once a minute. */
#define BACKOFF_FIRST_USEC USEC_PER_SEC
#define BACKOFF_MAX_USEC   (60 * USEC_PER_SEC)
/* Between two measurements while pinning; each walks the holder's page tables. */
#define MEASURE_USEC (2 * USEC_PER_SEC)

static const char *state_to_string(PinnerState state)
{
    switch (state) {
    case PINNER_OFF:
        return "off";
    case PINNER_WAITING:
        return "waiting";
    case PINNER_CONNECTING:
        return "connecting";
    case PINNER_LISTING:
        return "listing";
    case PINNER_SCANNING:
        return "scanning";
    case PINNER_APPLYING:
        return "pinning";
    case PINNER_SETTLED:
        return "settled";
    }
    return NULL;
}

void pinner_enter(Pinner *p, PinnerState state)
{
    if (p->state == state)
        return;
    log_debug("%s: pins: %s -> %s", p->unit, state_to_string(p->state), state_to_string(state));
    p->state = state;
}

static void on_due(void *userdata);

int pinner_new(Host *host, const char *unit, const char *slice, const char *cgroup_path,
               Pinner **ret)
{
    cleanup(pinner_freep) Pinner *p = calloc(1, sizeof(Pinner));
    if (!p)
        return -ENOMEM;

    p->host = host;
    p->backoff_usec = BACKOFF_FIRST_USEC;
    p->held.page = host->page;
    p->unit = strdup(unit);
    p->slice = strdup(slice);
    p->cgroup_path = strdup(cgroup_path);
    if (!p->unit || !p->slice || !p->cgroup_path)
        return -ENOMEM;
    int r = pin_follow_init(&p->follow, host, on_due, p);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

/* Keeps our part of the host's sum. */
static void account(Pinner *p)
{
    p->host->locked += p->held.sum - p->sum;
    p->sum = p->held.sum;
}

void pinner_drop_scan(Pinner *p)
{
    if (p->scanning)
        job_abandon(&p->scanning->job);
    p->scanning = NULL;
    if (p->apply) {
        warmed_clear(&p->warmed);
        p->warmed = pin_apply_take_warmed(p->apply);
    }
    p->apply = pin_apply_free(p->apply);
    p->shedding = false;
}

static void forget_unheld(Pinner *p)
{
    free(TAKE_PTR(p->unheld));
    p->n_unheld = 0;
    p->unsure = false;
}

/* Until the next scan. */
void pinner_note_lost(Pinner *p)
{
    size_t n;
    const PinHeld *held = held_sorted(&p->held, &n);

    if (n == 0 || !p->wanted)
        return;
    PinId *all = reallocarray(NULL, n + p->n_unheld, sizeof(PinId));
    if (!all) {
        p->unsure = true;
        return;
    }
    p->n_unheld = pin_ids_merge(held, n, p->unheld, p->n_unheld, all);
    free(p->unheld);
    p->unheld = all;
}

static void drop_holder(Pinner *p)
{
    pinner_drop_scan(p);
    p->holder = holder_free(p->holder);
    p->measuring = job_abandon(p->measuring);
    held_clear(&p->held);
    p->shed = 0;
    p->measured = (Measured){ 0 };
    p->holder_pid = 0;
    p->score = 0;
    p->mounts = strv_free(p->mounts);
    account(p);
}

Pinner *pinner_free(Pinner *p)
{
    if (!p)
        return NULL;
    drop_holder(p);
    forget_unheld(p);
    pin_follow_done(&p->follow);
    pin_rules_free(p->rules, p->n_rules);
    pin_problems_clear(&p->problems);
    pin_generation_clear(&p->generation);
    warmed_clear(&p->warmed);
    free(p->unit);
    free(p->slice);
    free(p->cgroup_path);
    free(p);
    return NULL;
}

/* Measuring */

bool pinner_is_measured(const Pinner *p)
{
    return !p->measuring && !p->unmeasured;
}

static void on_measured(int error, const Measured *measured, void *userdata)
{
    Pinner *p = userdata;

    p->measuring = NULL;
    p->measuring_usec = now_usec() - p->measured_usec;
    if (error < 0) {
        log_debug("%s: cannot measure the holder: %s", p->unit, strerror(-error));
        return;
    }
    p->measured = *measured;
    p->refresh = p->state == PINNER_SETTLED && pinner_is_measured(p) && measured->locked < p->sum;
}

static void measure(Pinner *p)
{
    if (p->measuring || p->holder_pid == 0)
        return;
    p->measuring = measure_locked(p->host, p->holder_pid, p->cgroup_path, on_measured, p);
    p->measured_usec = now_usec();
    p->unmeasured = false;
}

/* Of many files, looking takes long, and opening them waits for it. */
void pinner_measure_if_due(Pinner *p)
{
    if (p->unmeasured &&
        now_usec() - p->measured_usec >= max_u64(MEASURE_USEC, 10 * p->measuring_usec))
        measure(p);
}

/* Connecting */

static void on_gone(const char *why, void *userdata)
{
    Pinner *p = userdata;

    log_warning("%s: the holder of its pins is gone (%s); trying again in %llu s", p->unit, why,
                (unsigned long long)(p->backoff_usec / USEC_PER_SEC));
    pinner_note_lost(p);
    drop_holder(p);
    pinner_enter(p, PINNER_WAITING);
    p->next_usec = now_usec() + p->backoff_usec;
    p->backoff_usec = min_u64(p->backoff_usec * 2, BACKOFF_MAX_USEC);
}

static void send_request(Pinner *p, const HoldPacket *packet, const HoldFds *fds)
{
    p->requested = true;
    p->pinned |= packet->header.type == HOLD_PIN;
    int r = holder_send(p->holder, packet, fds);
    if (r < 0)
        on_gone(strerror(-r), p);
}

static void on_message(const HoldPacket *packet, void *userdata);

static void connect_holder(Pinner *p)
{
    HolderHandler handler = { .message = on_message, .gone = on_gone, .userdata = p };

    pinner_enter(p, PINNER_CONNECTING);
    int r = holder_connect(p->host, p->unit, p->slice, &handler, &p->holder);
    if (r == -ENOTCONN) { /* no bus: the tick tries again as soon as there is one */
        pinner_enter(p, PINNER_WAITING);
        p->next_usec = 0;
    } else if (r < 0) {
        on_gone(strerror(-r), p);
    }
}

/* Scanning */

static void on_due(void *userdata)
{
    Pinner *p = userdata;

    if (p->state == PINNER_SETTLED && p->wanted)
        pinner_start_scan(p);
}

/* Applying */

void pinner_rest(Pinner *p)
{
    pinner_drop_scan(p);
    pin_follow_settled(&p->follow, p->requested, p->pinned);
    pinner_enter(p, PINNER_SETTLED);
    p->unmeasured = true;
    pinner_measure_if_due(p);
}

bool pinner_is_busy(const Pinner *p)
{
    return p->state != PINNER_OFF && p->state != PINNER_WAITING && p->state != PINNER_SETTLED;
}

/* Done with this scan. */
static void settle(Pinner *p)
{
    if (p->shedding) {
        pinner_end_shedding(p);
        return;
    }
    if (p->bound != PIN_BOUND_NONE && p->bound != p->last_bound)
        log_notice("%s: not all of its files are pinned: %s", p->unit,
                   pin_bound_to_string(p->bound));
    p->backoff_usec = BACKOFF_FIRST_USEC;
    if (p->changed) {
        pinner_start_scan(p);
        return;
    }
    holder_stop_other(p->holder);
    pinner_rest(p);
}

/* One is under way at a time. */
void pinner_next_request(void *userdata)
{
    Pinner *p = userdata;
    const HoldPacket *packet;
    const HoldFds *fds;

    if (p->shed > 0 && !p->shedding) {
        pinner_begin_shedding(p);
        return;
    }
    PinApplyNext next = pin_apply_next(p->apply, &packet, &fds, &p->bound);
    if (pin_apply_has_released(p->apply) && !p->shedding)
        p->let_go_usec = p->follow.began_usec;
    switch (next) {
    case PIN_APPLY_SEND:
        send_request(p, packet, fds);
        break;
    case PIN_APPLY_WAIT:
        break;
    case PIN_APPLY_DONE:
        settle(p);
        break;
    }
}

static void on_applied(Pinner *p, const HoldPacket *packet)
{
    int r = pin_apply_answer(p->apply, packet);
    p->warmed_sum = pin_apply_warmed(p->apply);
    account(p);
    if (r < 0) {
        on_gone(r == -EPROTO ? "it answers what it was not asked" : strerror(-r), p);
        return;
    }
    p->unmeasured = true;
    pinner_measure_if_due(p);
    if (p->hurry && !p->shedding && p->shed == 0) {
        pinner_start_scan(p);
        return;
    }
    pinner_next_request(p);
}

static int note_items(Pinner *p, const HoldPacket *packet, bool fresh)
{
    int r = 0;

    for (uint32_t i = 0; i < packet->header.n_items && r >= 0; i++)
        r = held_note(&p->held, &packet->items[i], fresh);
    account(p);
    return r;
}

/* A process of the holder died; what it had is pinned again after the next scan. */
static void on_files_gone(Pinner *p, const HoldPacket *packet)
{
    size_t n;

    log_warning("%s: a process of its holder died, with %u files; pinning them again", p->unit,
                packet->header.n_items);
    pinner_note_lost(p);
    (void)held_sorted(&p->held, &n);
    (void)note_items(p, packet, false);
    p->changed = true;
}

static void on_listed(Pinner *p, const HoldPacket *packet)
{
    if (packet->header.type == HOLD_ITEMS) {
        int r = note_items(p, packet, true);
        if (r < 0)
            on_gone(strerror(-r), p);
        return;
    }
    if (p->held.n > 0) {
        char text[FORMAT_SIZE_MAX];
        log_info("%s: took over its holder with %s locked", p->unit, format_size(text, p->sum));
    }
    pinner_start_scan(p);
}

static void on_message(const HoldPacket *packet, void *userdata)
{
    Pinner *p = userdata;

    if (packet->header.type == HOLD_GONE) {
        on_files_gone(p, packet);
        return;
    }
    switch (p->state) {
    case PINNER_CONNECTING: /* the answer to HOLD_HELLO */
        p->holder_pid = (pid_t)packet->header.pid;
        pinner_enter(p, PINNER_LISTING);
        send_request(p, &(HoldPacket){ .header.type = HOLD_LIST }, NULL);
        break;
    case PINNER_LISTING:
        on_listed(p, packet);
        break;
    case PINNER_APPLYING:
        on_applied(p, packet);
        break;
    case PINNER_OFF:
    case PINNER_WAITING:
    case PINNER_SCANNING:
    case PINNER_SETTLED:
        on_gone("it speaks out of turn", p);
        break;
    }
}

/* Wanting */

static void turn_off(Pinner *p)
{
    if (p->state == PINNER_OFF)
        return;
    int r = holder_stop(p->host, p->unit);
    if (r < 0) {
        log_debug("%s: cannot stop the holder now: %s", p->unit, strerror(-r));
        return; /* the tick tries again */
    }
    log_info("%s: its files are no longer pinned", p->unit);
    drop_holder(p);
    warmed_clear(&p->warmed);
    p->warmed_sum = 0;
    pin_problems_clear(&p->problems);
    pinner_enter(p, PINNER_OFF);
}

int pinner_want(Pinner *p, const Policy *policy)
{
    static const Policy nothing;
    const Policy *wanted = policy ? policy : &nothing;
    PinRule *rules;

    int r = pin_rules_copy(wanted->pins, wanted->n_pins, &rules);
    if (r < 0)
        return r;
    pin_rules_free(p->rules, p->n_rules);
    p->rules = rules;
    p->n_rules = wanted->n_pins;
    p->order = wanted->pin_order;
    p->budget = wanted->pin_budget;
    p->keeps = wanted->on_shortage == PIN_SHORTAGE_KEEP;
    p->rank = pinner_rank_of(wanted->role);
    if (p->keeps)
        pinner_resume(p);
    recharge_want(&p->recharge, p->charge, wanted->pin_charge);
    p->unmeasured = true; /* the service may have been restarted */
    p->charge = wanted->pin_charge;
    p->wanted = wanted->n_pins > 0;
    if (!p->wanted)
        forget_unheld(p);
    p->changed = true;
    p->next_usec = 0;
    return 0;
}

void pinner_tick(Pinner *p, uint64_t now)
{
    if (!p->wanted) {
        turn_off(p);
        return;
    }

    switch (p->state) {
    case PINNER_OFF:
        connect_holder(p);
        break;
    case PINNER_WAITING:
        if (now >= p->next_usec)
            connect_holder(p);
        break;
    case PINNER_SETTLED:
        pinner_measure_if_due(p);
        if (p->shed > 0)
            pinner_begin_shedding(p);
        else if (p->changed || pin_follow_is_due(&p->follow, now) ||
                 (pinner_is_measured(p) && recharge_is_due(&p->recharge, now)))
            pinner_start_scan(p);
        break;
    case PINNER_CONNECTING:
    case PINNER_LISTING:
    case PINNER_SCANNING:
    case PINNER_APPLYING:
        break; /* goes on by itself */
    }
}

void pinner_rescan(Pinner *p)
{
    bool asked = p->state == PINNER_APPLYING && pin_apply_is_asked(p->apply);

    p->changed = true;
    if (!p->wanted)
        return;
    if (asked || p->shedding)
        p->hurry = true;
    else if (p->state == PINNER_SCANNING || p->state == PINNER_APPLYING ||
             p->state == PINNER_SETTLED)
        pinner_start_scan(p);
}

bool pinner_has_let_go(const Pinner *p, uint64_t since_usec)
{
    bool has_none = p->state == PINNER_OFF || p->state == PINNER_WAITING;

    return has_none || p->let_go_usec >= since_usec;
}

bool pinner_uses(const Pinner *p, const char *name)
{
    return p->holder && holder_is_named(p->holder, name);
}

char *const *pinner_mounts(const Pinner *p)
{
    return p->mounts;
}

bool pinner_is_off(const Pinner *p)
{
    return p->state == PINNER_OFF && !p->wanted;
}

const PinHeld *pinner_held(Pinner *p, size_t *ret_n)
{
    return held_sorted(&p->held, ret_n);
}

int pinner_unheld(const Pinner *p, const PinId **ret, size_t *ret_n)
{
    *ret = p->unheld;
    *ret_n = p->n_unheld;
    return p->unsure ? -ENOMEM : 0;
}

PinnerStatus pinner_status(const Pinner *p)
{
    PinnerStatus status = {
        .state = p->withheld ? "released" : state_to_string(p->state),
        .locked = p->measured.locked,
        .charged_service = p->measured.service,
        .charged_holder = p->measured.holder,
        .charge = p->charge,
        .recharging = (p->recharge.to_holder || p->recharge.next_usec > 0) && p->sum > 0,
        .warmed = p->warmed_sum,
        .failed = p->problems.n_total,
        .wanted_files = p->wanted_files,
        .wanted = p->wanted_sum,
        .released = p->released,
        .problems = p->problems.entries,
        .n_problems = p->problems.n_entries,
        .bound = p->bound,
        .follow = pin_follow_status(&p->follow),
    };

    for (size_t i = 0; i < p->held.n; i++)
        status.files += p->held.entries[i].locked > 0;
    return status;
}
