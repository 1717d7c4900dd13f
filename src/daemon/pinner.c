/* SPDX-License-Identifier: MIT */
/* A state machine around one holder. The holder's list is the truth: after connecting it is asked
 * what it has; from then on a scan says what should be there, its steps are sent one request at a
 * time, and after a pause it is looked again. Taking over, reloading and following changed files
 * are all this one circle.
 *
 *   OFF → CONNECTING → LISTING → SCANNING → APPLYING → SETTLED → SCANNING …
 *          any of them, when the holder is gone → WAITING (back-off) → CONNECTING */

#include "daemon/pinner.h"

#include <string.h>

#include "daemon/headroom.h"
#include "daemon/holder.h"
#include "daemon/measure.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

/* How long a new, grown or exchanged file waits at most for its pin. */
#define RESCAN_USEC (10 * USEC_PER_SEC)
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
    bool changed; /* what is wanted, since the scan that is under way began */

    Holder *holder;
    pid_t holder_pid;
    PinHeld *held; /* sorted, but while listing */
    size_t n_held, held_room;
    uint64_t sum; /* of held[].locked in whole pages: our part of host->locked */

    PinScan *scanning; /* in the queue's hands */
    PinScan *scan;     /* being applied */
    size_t release_at, refresh_at, step_at;
    size_t n_failed; /* steps of this scan */
    size_t skip;     /* files that failed since the last pause */
    PinProblems problems;
    PinBound bound, last_bound;

    Job *measuring;
    uint64_t locked; /* bytes, as last measured */
    uint64_t measured_usec;
    bool refresh; /* less was measured than should be locked: a file was rewritten in place */

    uint64_t next_usec;    /* SETTLED, WAITING: when to go on */
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

int pinner_new(Host *host, const char *unit, const char *slice, const char *cgroup_path,
               Pinner **ret)
{
    cleanup(pinner_freep) Pinner *p = calloc(1, sizeof(Pinner));
    if (!p)
        return -ENOMEM;

    p->host = host;
    p->backoff_usec = BACKOFF_FIRST_USEC;
    p->unit = strdup(unit);
    p->slice = strdup(slice);
    p->cgroup_path = strdup(cgroup_path);
    if (!p->unit || !p->slice || !p->cgroup_path)
        return -ENOMEM;
    *ret = TAKE_PTR(p);
    return 0;
}

/* What a file costs in memory: the last page is locked as a whole. */
static uint64_t in_pages(const Pinner *p, uint64_t bytes)
{
    return page_floor(bytes + p->host->page - 1, p->host->page);
}

/* Keeps our part of the host's sum. */
static void account(Pinner *p, uint64_t sum)
{
    p->host->locked += sum - p->sum;
    p->sum = sum;
}

static void drop_scan(Pinner *p)
{
    if (p->scanning)
        job_abandon(&p->scanning->job);
    p->scanning = NULL;
    pin_scan_free(p->scan);
    p->scan = NULL;
}

static void drop_holder(Pinner *p)
{
    drop_scan(p);
    p->holder = holder_free(p->holder);
    p->measuring = job_abandon(p->measuring);
    p->n_held = 0;
    p->locked = 0;
    p->holder_pid = 0;
    account(p, 0);
}

Pinner *pinner_free(Pinner *p)
{
    if (!p)
        return NULL;
    drop_holder(p);
    pin_rules_free(p->rules, p->n_rules);
    pin_problems_clear(&p->problems);
    free(p->held);
    free(p->unit);
    free(p->slice);
    free(p->cgroup_path);
    free(p);
    return NULL;
}

/* Measuring */

static void on_measured(int error, uint64_t locked, void *userdata)
{
    Pinner *p = userdata;

    p->measuring = NULL;
    if (error < 0) {
        log_debug("%s: cannot measure the holder: %s", p->unit, strerror(-error));
        return;
    }
    p->locked = locked;
    p->refresh = p->state == PINNER_SETTLED && locked < p->sum;
}

static void measure(Pinner *p)
{
    if (p->measuring || p->holder_pid == 0)
        return;
    p->measuring = measure_locked(p->host, p->holder_pid, on_measured, p);
    p->measured_usec = now_usec();
}

/* What the holder has */

static PinHeld *find_held(Pinner *p, uint64_t dev, uint64_t ino)
{
    PinHeld key = { .dev = dev, .ino = ino };

    return p->n_held > 0 ? bsearch(&key, p->held, p->n_held, sizeof(PinHeld), pin_held_compare)
                         : NULL;
}

static void sort_held(Pinner *p)
{
    if (p->n_held > 0)
        qsort(p->held, p->n_held, sizeof(PinHeld), pin_held_compare);
}

static int append_held(Pinner *p, const HoldMessage *m)
{
    if (p->n_held == p->held_room) {
        size_t room = p->held_room * 2 + 16;
        PinHeld *grown = reallocarray(p->held, room, sizeof(PinHeld));
        if (!grown)
            return -ENOMEM;
        p->held = grown;
        p->held_room = room;
    }
    p->held[p->n_held++] = (PinHeld){
        .dev = m->dev,
        .ino = m->ino,
        .length = m->length,
        .locked = m->locked,
    };
    account(p, p->sum + in_pages(p, m->locked));
    return 0;
}

static void update_held(Pinner *p, const HoldMessage *m)
{
    PinHeld *held = find_held(p, m->dev, m->ino);

    if (!held) {
        if (append_held(p, m) >= 0)
            sort_held(p);
        return;
    }
    account(p, p->sum - in_pages(p, held->locked) + in_pages(p, m->locked));
    held->length = m->length;
    held->locked = m->locked;
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

static void send_request(Pinner *p, const HoldMessage *message, int fd)
{
    int r = holder_send(p->holder, message, fd);
    if (r < 0)
        on_gone(strerror(-r), p);
}

static void on_message(const HoldMessage *message, void *userdata);

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

static void next_request(Pinner *p);
static void rest(Pinner *p);

static void on_scanned(Job *job, void *owner)
{
    Pinner *p = owner;

    p->scan = pin_scan_take((PinScan *)job);
    p->scanning = NULL;
    if (!p->scan || p->scan->error < 0) {
        log_warning("%s: cannot look for the files to pin: %s", p->unit,
                    strerror(p->scan ? -p->scan->error : ENOMEM));
        rest(p);
        return;
    }
    if (p->skip == 0)
        pin_problems_clear(&p->problems);
    if (p->problems.n_total == 0) {
        p->problems = p->scan->problems;
        p->scan->problems = (PinProblems){ 0 };
    }
    p->release_at = p->step_at = p->n_failed = 0;
    p->refresh_at = p->refresh ? 0 : p->scan->n_held;
    p->refresh = false;
    p->last_bound = p->bound;
    p->bound = PIN_BOUND_NONE;
    enter_state(p, PINNER_APPLYING);
    next_request(p);
}

static int copy_inputs(Pinner *p, PinScan *scan)
{
    int r = pin_rules_copy(p->rules, p->n_rules, &scan->rules);
    if (r < 0)
        return r;
    scan->n_rules = p->n_rules;
    scan->order = p->order;
    if (p->n_held > 0) {
        scan->held = malloc(p->n_held * sizeof(PinHeld));
        if (!scan->held)
            return -ENOMEM;
        memcpy(scan->held, p->held, p->n_held * sizeof(PinHeld));
        scan->n_held = p->n_held;
    }
    scan->root_fd = p->host->root_fd;
    scan->walk_flags = host_walk_flags(p->host);
    scan->budget = p->budget;
    scan->page = p->host->page;
    scan->skip = p->skip;
    return 0;
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

    p->scanning = scan;
    p->changed = false;
    enter_state(p, PINNER_SCANNING);
    jobs_submit(p->host->pin_jobs, &scan->job);
}

/* Applying */

/* Until it is time to look again. */
static void rest(Pinner *p)
{
    drop_scan(p);
    p->skip = 0;
    enter_state(p, PINNER_SETTLED);
    p->next_usec = now_usec() + RESCAN_USEC;
    measure(p);
}

/* Done with this scan. Each further one holds more files, or skips more: so it ends. */
static void settle(Pinner *p)
{
    bool more = p->scan->more && p->bound == PIN_BOUND_NONE;

    if (p->bound != PIN_BOUND_NONE && p->bound != p->last_bound)
        log_notice("%s: not all of its files are pinned: %s", p->unit,
                   pin_bound_to_string(p->bound));
    p->backoff_usec = BACKOFF_FIRST_USEC;
    p->skip += p->n_failed;
    if (p->changed)
        p->skip = 0;
    if (more || p->changed)
        start_scan(p);
    else
        rest(p);
}

/* The next thing that the scan found to do; one is under way at a time. */
static void next_request(Pinner *p)
{
    PinScan *scan = p->scan;

    for (; p->release_at < scan->n_held; p->release_at++) {
        const PinHeld *held = &scan->held[p->release_at];
        if (held->keep)
            continue;
        send_request(p, &(HoldMessage){ .type = HOLD_RELEASE, .dev = held->dev, .ino = held->ino },
                     -1);
        return;
    }
    for (; p->refresh_at < scan->n_held; p->refresh_at++) {
        const PinHeld *held = &scan->held[p->refresh_at];
        if (!held->keep)
            continue;
        send_request(p, &(HoldMessage){ .type = HOLD_REFRESH, .dev = held->dev, .ino = held->ino },
                     -1);
        return;
    }
    for (; p->step_at < scan->n_steps && p->bound == PIN_BOUND_NONE; p->step_at++) {
        PinStep *step = &scan->steps[p->step_at];
        if (step->fd >= 0) {
            send_request(p, &(HoldMessage){ .type = HOLD_OPEN, .length = step->size }, step->fd);
            return;
        }
        const PinHeld *held = find_held(p, step->dev, step->ino);
        uint64_t missing = held ? sub_u64(step->target, held->locked) : 0;
        if (missing == 0)
            continue;
        uint64_t slice = headroom(p->host, p->cgroup_path,
                                  min_u64(in_pages(p, missing), HOLD_SLICE_MAX), &p->bound);
        if (slice == 0)
            break;
        send_request(p,
                     &(HoldMessage){
                         .type = HOLD_LOCK, .dev = step->dev, .ino = step->ino, .length = slice },
                     -1);
        return;
    }
    settle(p);
}

static void on_released(Pinner *p, const HoldMessage *m)
{
    PinHeld *held = find_held(p, m->dev, m->ino);

    if (held) {
        account(p, p->sum - in_pages(p, held->locked));
        memmove(held, held + 1, (size_t)(p->held + p->n_held - (held + 1)) * sizeof(PinHeld));
        p->n_held--;
    }
    p->release_at++;
}

static void on_step_done(Pinner *p, const HoldMessage *m)
{
    PinStep *step = &p->scan->steps[p->step_at];
    bool opening = step->fd >= 0;

    step->fd = safe_close(step->fd);
    if (m->error < 0) {
        pin_problems_add(&p->problems, step->path,
                         m->error == -EFAULT ? "was truncated just now" : strerror(-m->error));
        p->n_failed += opening;
        p->step_at++;
    }
    if (m->error >= 0 || !opening)
        update_held(p, m);
}

static void on_applied(Pinner *p, const HoldMessage *m)
{
    if (p->release_at < p->scan->n_held)
        on_released(p, m);
    else if (p->refresh_at < p->scan->n_held)
        p->refresh_at++;
    else if (p->step_at < p->scan->n_steps)
        on_step_done(p, m);

    if (now_usec() - p->measured_usec >= MEASURE_USEC)
        measure(p);
    next_request(p);
}

static void on_message(const HoldMessage *m, void *userdata)
{
    Pinner *p = userdata;

    switch (p->state) {
    case PINNER_CONNECTING: /* the answer to HOLD_HELLO */
        p->holder_pid = (pid_t)m->ino;
        enter_state(p, PINNER_LISTING);
        send_request(p, &(HoldMessage){ .type = HOLD_LIST }, -1);
        break;
    case PINNER_LISTING:
        if (m->type == HOLD_ITEM) {
            if (append_held(p, m) < 0)
                on_gone(strerror(ENOMEM), p);
            break;
        }
        sort_held(p);
        if (p->n_held > 0) {
            char text[FORMAT_SIZE_MAX];
            log_info("%s: took over its holder with %s locked", p->unit, format_size(text, p->sum));
        }
        start_scan(p);
        break;
    case PINNER_APPLYING:
        on_applied(p, m);
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
    pin_problems_clear(&p->problems);
    enter_state(p, PINNER_OFF);
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
        if (now >= p->next_usec)
            start_scan(p);
        break;
    case PINNER_CONNECTING:
    case PINNER_LISTING:
    case PINNER_SCANNING:
    case PINNER_APPLYING:
        break; /* goes on by itself */
    }
}

bool pinner_is_off(const Pinner *p)
{
    return p->state == PINNER_OFF && !p->wanted;
}

const PinHeld *pinner_held(const Pinner *p, size_t *ret_n)
{
    *ret_n = p->n_held;
    return p->held;
}

PinnerStatus pinner_status(const Pinner *p)
{
    PinnerStatus status = {
        .state = state_to_string(p->state),
        .locked = p->locked,
        .failed = p->problems.n_total,
        .problems = p->problems.entries,
        .n_problems = p->problems.n_entries,
        .bound = p->bound,
    };

    for (size_t i = 0; i < p->n_held; i++)
        status.files += p->held[i].locked > 0;
    return status;
}
