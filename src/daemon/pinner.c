/* SPDX-License-Identifier: MIT */
/* A state machine around one holder. The holder's list is the truth: after connecting it is asked
 * what it has; from then on a scan says what should be there, its steps are sent one request at a
 * time (pin_apply.h), and after a pause it is looked again. Taking over, reloading and following
 * changed files are all this one circle.
 *
 *   OFF → CONNECTING → LISTING → SCANNING → APPLYING → SETTLED → SCANNING …
 *          any of them, when the holder is gone → WAITING (back-off) → CONNECTING */

#include "daemon/pinner.h"

#include <string.h>

#include "control/pin_shed.h"
#include "daemon/headroom.h"
#include "daemon/holder.h"
#include "daemon/measure.h"
#include "daemon/pin_apply.h"
#include "daemon/pin_follow.h"
#include "daemon/recharge.h"
#include "daemon/released.h"
#include "systemd/units.h"
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

typedef enum PinnerState {
    PINNER_OFF,
    PINNER_WAITING,
    PINNER_CONNECTING,
    PINNER_LISTING,
    PINNER_SCANNING,
    PINNER_APPLYING,
    PINNER_SETTLED,
} PinnerState;

struct Pinner {
    Host *host;
    char *unit, *slice, *cgroup_path;
    PinnerState state;

    bool wanted;
    PinRule *rules;
    size_t n_rules;
    PinOrder order;
    uint64_t budget;
    PinCharge charge;
    bool changed; /* what is wanted, since the scan that is under way began */

    Holder *holder;
    pid_t holder_pid;
    int score; /* that the holder was told to have; 0: none yet */
    HeldSet held;
    uint64_t sum; /* of what is held: our part of host->locked */
    PinGeneration generation;
    WarmSet warmed; /* as the last scan left it */
    uint64_t warmed_sum;

    bool keeps; /* when the host's memory is short */
    ShortageRank rank;
    bool withheld; /* something went because it was, and nothing more is taken meanwhile */
    uint64_t shed; /* bytes that are to go, as soon as no request is under way */
    bool shedding; /* they are going, until sum is shed_to */
    uint64_t shed_to;
    uint64_t released; /* bytes, since it is withheld */

    PinFollow follow;    /* when to scan */
    PinScan *scanning;   /* in the queue's hands */
    size_t wanted_files; /* at the last scan */
    uint64_t wanted_sum;
    PinApply *apply;      /* what it found */
    bool hurry;           /* what it found is out of date: after the next answer another scan */
    uint64_t let_go_usec; /* the last scan that let go of everything it wanted to began then */
    char **mounts;        /* that the last scan found */
    bool requested;       /* there was something to do */
    bool pinned;          /* and files to lock */
    PinProblems problems;
    PinBound bound, last_bound;

    Job *measuring;
    Measured measured;                      /* as last measured */
    uint64_t measured_usec, measuring_usec; /* when it began last, and how long it took */
    bool unmeasured;                        /* something was done since then */
    Recharge recharge;
    bool refresh; /* less was measured than should be locked: a file was rewritten in place */

    uint64_t next_usec;    /* WAITING: when to go on */
    uint64_t backoff_usec; /* of the next failure */
};

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

static void enter_state(Pinner *p, PinnerState state)
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

static void drop_scan(Pinner *p)
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

static void drop_holder(Pinner *p)
{
    drop_scan(p);
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

/* Nothing was done since the last measurement began. */
static bool is_measured(const Pinner *p)
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
    p->refresh = p->state == PINNER_SETTLED && is_measured(p) && measured->locked < p->sum;
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
static void measure_if_due(Pinner *p)
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
    drop_holder(p);
    enter_state(p, PINNER_WAITING);
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

    enter_state(p, PINNER_CONNECTING);
    int r = holder_connect(p->host, p->unit, p->slice, &handler, &p->holder);
    if (r == -ENOTCONN) { /* no bus: the tick tries again as soon as there is one */
        enter_state(p, PINNER_WAITING);
        p->next_usec = 0;
    } else if (r < 0) {
        on_gone(strerror(-r), p);
    }
}

/* Scanning */

static void next_request(void *userdata);
static void rest(Pinner *p);

/* Without the service the pins are worth nothing, so they go after it; where the policy has them
 * released when memory is short, before it: what a killed holder had locked can be reclaimed. */
static int score_of(const Pinner *p)
{
    return p->keeps ? HOLDER_SCORE_MIN : HOLDER_SCORE_EXPENDABLE;
}

/* Takes @scan over. */
static void apply_scan(Pinner *p, PinScan *scan, bool refresh)
{
    PinApplySetup setup = {
        .host = p->host,
        .cgroup_path = p->cgroup_path,
        .held = &p->held,
        .problems = &p->problems,
        .refresh = refresh,
        .tell_score = TAKE(p->score, score_of(p)) != score_of(p),
        .score = score_of(p),
        .fill = p->charge == PIN_CHARGE_SERVICE,
        .ready = next_request,
        .userdata = p,
    };

    p->last_bound = TAKE(p->bound, PIN_BOUND_NONE);
    p->apply = pin_apply_new(&setup, scan);
    if (!p->apply) {
        rest(p);
        return;
    }
    p->warmed_sum = pin_apply_warmed(p->apply);
    enter_state(p, PINNER_APPLYING);
    next_request(p);
}

static void begin_applying(Pinner *p, PinScan *scan)
{
    strv_free(p->mounts);
    p->mounts = TAKE_PTR(scan->mounts);
    held_note_scan(&p->held, scan->held, scan->n_held);
    for (size_t i = 0; i < scan->n_held && p->withheld; i++)
        scan->held[i].refresh = false; /* it reads, and waits for better times */
    pin_problems_clear(&p->problems);
    p->problems = TAKE(scan->problems, (PinProblems){ 0 });
    p->wanted_files = scan->n_wishes;
    p->wanted_sum = scan->wanted;
    apply_scan(p, scan, TAKE(p->refresh, false) && !p->withheld);
}

static void on_scanned(Job *job, void *owner)
{
    Pinner *p = owner;

    PinScan *scan = pin_scan_take((PinScan *)job);
    p->scanning = NULL;
    bool good = scan && scan->error >= 0;
    pin_follow_scanned(&p->follow, good ? &scan->folders : NULL);
    if (good) {
        recharge_scanned(&p->recharge, scan, now_usec());
        pin_generation_note(&p->generation, &scan->processes, now_usec());
        begin_applying(p, scan);
        return;
    }
    log_warning("%s: cannot look for the files to pin: %s", p->unit,
                strerror(scan ? -scan->error : ENOMEM));
    pin_scan_free(scan);
    rest(p);
}

static int copy_held(Pinner *p, PinScan *scan)
{
    size_t n;
    const PinHeld *held = held_sorted(&p->held, &n);

    scan->held = malloc((n + 1) * sizeof(PinHeld));
    if (!scan->held)
        return -ENOMEM;
    if (n > 0)
        memcpy(scan->held, held, n * sizeof(PinHeld));
    scan->n_held = n;
    return 0;
}

static int copy_inputs(Pinner *p, PinScan *scan)
{
    int r = pin_rules_copy(p->rules, p->n_rules, &scan->rules);
    if (r >= 0)
        r = copy_held(p, scan);
    if (r < 0)
        return r;
    scan->n_rules = p->n_rules;
    scan->order = p->order;
    scan->only_held = p->withheld;
    scan->root_fd = p->host->root_fd;
    scan->walk_flags = host_walk_flags(p->host);
    r = p->host->released ? released_paths(p->host->released, &scan->avoid) : 0;
    if (r < 0)
        return r;
    scan->fill = p->charge == PIN_CHARGE_SERVICE;
    if (scan->fill)
        recharge_prepare(&p->recharge, p->host, p->cgroup_path,
                         is_measured(p) ? &p->measured : NULL, p->sum,
                         p->bound != PIN_BOUND_NONE || p->withheld, scan);
    r = warmed_copy(&p->warmed, &scan->warmed); /* this scan may be given up */
    if (r < 0)
        return r;
    scan->budget = p->budget;
    scan->page = p->host->page;
    scan->processes.proc_fd = p->host->proc_fd;
    scan->processes.cgroup_fd = p->host->cgroup_fd;
    return pin_generation_ask(&p->generation, p->rules, p->n_rules, p->cgroup_path, now_usec(),
                              &scan->processes);
}

static void start_scan(Pinner *p)
{
    drop_scan(p);
    PinScan *scan = pin_scan_new(on_scanned, p);
    if (!scan || copy_inputs(p, scan) < 0) {
        pin_scan_free(scan);
        rest(p);
        return;
    }

    scan->folders = pin_follow_begin(&p->follow);
    p->scanning = scan;
    p->changed = p->requested = p->pinned = p->hurry = false;
    enter_state(p, PINNER_SCANNING);
    jobs_submit(p->host->pin_jobs, &scan->job);
}

static void on_due(void *userdata)
{
    Pinner *p = userdata;

    if (p->state == PINNER_SETTLED && p->wanted)
        start_scan(p);
}

/* Applying */

/* Until it is time to look again. */
static void rest(Pinner *p)
{
    drop_scan(p);
    pin_follow_settled(&p->follow, p->requested, p->pinned);
    enter_state(p, PINNER_SETTLED);
    p->unmeasured = true;
    measure_if_due(p);
}

/* Letting go when the host's memory is short */

/* As if a scan had found that they are no longer wanted. */
static void begin_shedding(Pinner *p)
{
    uint64_t bytes = TAKE(p->shed, 0);
    PinScan *scan = pin_scan_new(NULL, NULL);

    p->changed |= p->scanning || (p->apply && !p->shedding);
    drop_scan(p);
    if (!scan || copy_held(p, scan) < 0) { /* it will be asked for again */
        pin_scan_free(scan);
        rest(p);
        return;
    }
    for (size_t i = 0; i < scan->n_held; i++)
        scan->held[i].refresh = false;
    scan->warmed = TAKE(p->warmed, (WarmSet){ 0 });
    bytes = pin_shed(scan->held, scan->n_held, bytes);
    p->shed_to = sub_u64(p->sum, bytes);
    p->released = add_u64(p->released, bytes);
    p->shedding = true;
    apply_scan(p, scan, false);
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
        begin_shedding(p);
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
        start_scan(p);
}

/* It was no scan, so nothing of when the next one is due has changed. */
static void end_shedding(Pinner *p)
{
    drop_scan(p);
    if (p->shed > 0) {
        begin_shedding(p);
        return;
    }
    enter_state(p, PINNER_SETTLED);
    p->unmeasured = true;
    measure_if_due(p);
}

bool pinner_is_busy(const Pinner *p)
{
    return p->state != PINNER_OFF && p->state != PINNER_WAITING && p->state != PINNER_SETTLED;
}

/* Done with this scan. */
static void settle(Pinner *p)
{
    if (p->shedding) {
        end_shedding(p);
        return;
    }
    if (p->bound != PIN_BOUND_NONE && p->bound != p->last_bound)
        log_notice("%s: not all of its files are pinned: %s", p->unit,
                   pin_bound_to_string(p->bound));
    p->backoff_usec = BACKOFF_FIRST_USEC;
    if (p->changed) {
        start_scan(p);
        return;
    }
    holder_stop_other(p->holder);
    rest(p);
}

/* The next thing that the scan found to do; one is under way at a time. */
static void next_request(void *userdata)
{
    Pinner *p = userdata;
    const HoldPacket *packet;
    const HoldFds *fds;

    if (p->shed > 0 && !p->shedding) {
        begin_shedding(p);
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
    measure_if_due(p);
    if (p->hurry && !p->shedding && p->shed == 0) {
        start_scan(p);
        return;
    }
    next_request(p);
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
    start_scan(p);
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
        enter_state(p, PINNER_LISTING);
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
    enter_state(p, PINNER_OFF);
}

static ShortageRank rank_of(PolicyRole role)
{
    switch (role) {
    case ROLE_CRITICAL:
        return SHORTAGE_CRITICAL;
    case ROLE_NORMAL:
        return SHORTAGE_NORMAL;
    case ROLE_BACKGROUND:
        return SHORTAGE_BACKGROUND;
    }
    return SHORTAGE_NORMAL;
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
    p->rank = rank_of(wanted->role);
    if (p->keeps)
        pinner_resume(p);
    p->charge = wanted->pin_charge;
    p->recharge = (Recharge){ 0 };
    p->wanted = pin_rules_are_active(rules, wanted->n_pins);
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
        measure_if_due(p);
        if (p->shed > 0)
            begin_shedding(p);
        else if (p->changed || pin_follow_is_due(&p->follow, now) ||
                 (is_measured(p) && recharge_is_due(&p->recharge, now)))
            start_scan(p);
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

    p->changed = true; /* that is enough while something is let go anyway */
    if (!p->wanted || p->shedding)
        return;
    if (asked)
        p->hurry = true;
    else if (p->state == PINNER_SCANNING || p->state == PINNER_APPLYING ||
             p->state == PINNER_SETTLED)
        start_scan(p);
}

bool pinner_has_let_go(const Pinner *p, uint64_t since_usec)
{
    bool has_none = p->state == PINNER_OFF || p->state == PINNER_WAITING;

    return has_none || p->let_go_usec >= since_usec;
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

PinnerStatus pinner_status(const Pinner *p)
{
    PinnerStatus status = {
        .state = p->withheld ? "released" : state_to_string(p->state),
        .locked = p->measured.locked,
        .charged_service = p->measured.service,
        .charged_holder = p->measured.holder,
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
