/* SPDX-License-Identifier: MIT */
/* A state machine around one holder, as a pinner is; but what is wanted are files that somebody
 * handed over, instead of what a scan finds. A policy's scan knows nothing of them, so they are in
 * a holder of their own.
 *
 *   WAITING → CONNECTING → LISTING → SETTLED ⇄ PINNING
 *       any of them, when the holder is gone → WAITING (back-off)
 *
 * Every CHECK_USEC all files are looked at where they stood when they were pinned: what was
 * deleted, renamed or replaced there is let go; what grew, was truncated, or was lost with its
 * holder is handed over again. Neither a descriptor here nor anything else keeps a deleted file's
 * disk space for longer than that. */

#include "daemon/hand.h"

#include <string.h>

#include "daemon/hand_ask.h"
#include "daemon/hand_away.h"
#include "daemon/hand_call.h"
#include "daemon/hand_round.h"
#include "daemon/measure.h"
#include "daemon/target.h"
#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/units.h"
#include <pagewarden/names.h>

#define CHECK_USEC         (10 * USEC_PER_SEC)
#define BACKOFF_FIRST_USEC USEC_PER_SEC
#define BACKOFF_MAX_USEC   (60 * USEC_PER_SEC)
/* Between two measurements while pinning; each walks the holder's page tables. */
#define MEASURE_USEC (2 * USEC_PER_SEC)

#define HOLDER_TRIES 3 /* a second apart: for how long a call waits for a holder */

#define SYSTEMD_UNITS_PATH "/org/freedesktop/systemd1/unit"

const char *hand_state_to_string(HandState state)
{
    switch (state) {
    case HAND_WAITING:
        return "waiting";
    case HAND_CONNECTING:
        return "connecting";
    case HAND_LISTING:
        return "listing";
    case HAND_PINNING:
        return "pinning";
    case HAND_SETTLED:
        return "settled";
    }
    return NULL;
}

static void enter_state(Hand *h, HandState state)
{
    if (h->state == state)
        return;
    log_debug("%s: %s -> %s", h->label, hand_state_to_string(h->state),
              hand_state_to_string(state));
    h->state = state;
}

static void on_round_ended(Hand *h);

int hand_new(Host *host, int runtime_fd, const char *unit, Hand **ret)
{
    cleanup(hand_freep) Hand *h = calloc(1, sizeof(Hand));
    if (!h)
        return -ENOMEM;

    h->host = host;
    h->runtime_fd = runtime_fd;
    h->round_ended = on_round_ended;
    h->backoff_usec = BACKOFF_FIRST_USEC;
    h->unit = unit ? strdup(unit) : NULL;
    if (unit && !h->unit)
        return -ENOMEM;
    if (asprintf(&h->key, HOLDER_BY_HAND "%s", unit ?: "") < 0)
        h->key = NULL;
    if (asprintf(&h->label, "%s%sby hand", unit ?: "", unit ? ", " : "") < 0)
        h->label = NULL;
    if (!unit) {
        h->slice = strdup("system.slice");
        h->cgroup = strdup("/system.slice");
    }
    if (!h->key || !h->label || (!unit && (!h->slice || !h->cgroup)))
        return -ENOMEM;
    *ret = TAKE_PTR(h);
    return 0;
}

static void drop_holder(Hand *h)
{
    h->holder = holder_free(h->holder);
    h->holder_pid = 0;
    h->score = 0;
    h->measuring = job_abandon(h->measuring);
    h->locked = 0;
    hold_fds_close(&h->fds);
    for (HandFile *file = h->files; file; file = file->hh.next)
        file->length = file->locked = file->refreshed = 0;
    h->host->locked -= TAKE(h->sum, 0);
    h->mapped = 0;
}

Hand *hand_free(Hand *h)
{
    HandFile *file, *next_file;

    if (!h)
        return NULL;
    drop_holder(h);
    HASH_ITER (hh, h->files, file, next_file)
        hand_remove(h, file);
    for (HandCall *call = h->calls, *next; call; call = next) {
        next = call->next;
        call->answer(call, SD_BUS_ERROR_DISCONNECTED, "pagewardend is ending");
    }
    if (h->check)
        job_abandon(&h->check->job);
    sd_bus_slot_unref(h->describing);
    pin_problems_clear(&h->problems);
    strv_free(h->mounts);
    strv_free(h->next_mounts);
    free(h->unit);
    free(h->key);
    free(h->label);
    free(h->slice);
    free(h->cgroup);
    free(h);
    return NULL;
}

void hand_set_fd(Hand *h, HandFile *file, int fd)
{
    h->n_open += (fd >= 0) - (file->fd >= 0);
    safe_close(file->fd);
    file->fd = fd;
}

HandFile *hand_find(const Hand *h, uint64_t dev, uint64_t ino)
{
    HandId id = { .dev = dev, .ino = ino };
    HandFile *file;

    HASH_FIND(hh, h->files, &id, sizeof(id), file);
    return file;
}

HandFile *hand_add(Hand *h, const char *path, uint64_t dev, uint64_t ino)
{
    HandFile *file = calloc(1, sizeof(HandFile));
    if (!file)
        return NULL;

    file->id = (HandId){ .dev = dev, .ino = ino };
    file->by = HAND_BY_UNKNOWN;
    file->fd = -1;
    file->path = path ? strdup(path) : NULL;
    if (path && !file->path) {
        free(file);
        return NULL;
    }
    HASH_ADD(hh, h->files, id, sizeof(file->id), file);
    if (!file->hh.tbl) {
        free(file->path);
        free(file);
        return NULL;
    }
    return file;
}

/* Calls */

void hand_pin(Hand *h, HandCall *call)
{
    HandCall **end = &h->calls;

    while (*end)
        end = &(*end)->next;
    *end = call;
    h->next_usec = 0;
    hand_tick(h, now_usec());
}

/* Measuring */

static void on_measured(int error, const Measured *measured, void *userdata)
{
    Hand *h = userdata;

    h->measuring = NULL;
    h->measuring_usec = now_usec() - h->measured_usec;
    if (error < 0) {
        log_debug("%s: cannot measure the holder: %s", h->label, strerror(-error));
        return;
    }
    h->locked = measured->locked;
    if (h->state != HAND_SETTLED || h->locked >= h->sum)
        return;
    h->refreshes = true; /* some file was rewritten in place */
    for (HandFile *file = h->files; file; file = file->hh.next)
        file->refresh = true;
}

static void measure(Hand *h)
{
    if (h->measuring || h->holder_pid == 0)
        return;
    h->measuring = measure_locked(h->host, h->holder_pid, h->cgroup, on_measured, h);
    h->measured_usec = now_usec();
}

/* The holder */

static void on_gone(const char *why, void *userdata)
{
    Hand *h = userdata;

    log_warning("%s: the holder of its pins is gone (%s); trying again in %llu s", h->label, why,
                (unsigned long long)(h->backoff_usec / USEC_PER_SEC));
    drop_holder(h);
    enter_state(h, HAND_WAITING);
    h->next_usec = now_usec() + (h->calls ? USEC_PER_SEC : h->backoff_usec);
    h->backoff_usec = min_u64(h->backoff_usec * 2, BACKOFF_MAX_USEC);
    /* The one before may just be ending, and its name is not free yet. */
    if (h->begun || h->tries++ >= HOLDER_TRIES)
        hand_calls_fail(h, PAGEWARDEN_BUS_NAME ".Error.NoHolder", why);
}

static void send_request(Hand *h, const HoldPacket *packet, const HoldFds *fds)
{
    int r = holder_send(h->holder, packet, fds);
    if (r < 0)
        on_gone(strerror(-r), h);
}

/* What is to be let go and is not held. */
static void sweep(Hand *h)
{
    HandFile *file, *next;

    if (!h->releases)
        return;
    HASH_ITER (hh, h->files, file, next)
        if (file->let_go && file->length == 0)
            hand_remove(h, file);
}

static void settle(Hand *h)
{
    if (h->bound != PIN_BOUND_NONE && h->bound != h->last_bound)
        log_notice("%s: not all of it is pinned: %s", h->label, pin_bound_to_string(h->bound));
    h->last_bound = h->bound;
    h->tries = 0;
    h->backoff_usec = BACKOFF_FIRST_USEC;
    if (h->state == HAND_PINNING)
        measure(h);
    enter_state(h, HAND_SETTLED);
}

/* Sends what is next to be done; one request is under way at a time. */
static void go_on(Hand *h)
{
    bool ask;

    sweep(h);
    while (!(ask = hand_ask_score(h) || hand_ask_release(h) || hand_ask_handover(h)) && h->calls) {
        if (h->begun)
            hand_call_answer(h, NULL, NULL);
        if (h->calls)
            hand_call_begin(h);
    }
    if (!ask && !hand_ask_refresh(h) && !hand_ask_lock(h)) {
        settle(h);
        return;
    }
    enter_state(h, HAND_PINNING);
    send_request(h, &h->packet, &h->fds);
}

static void on_answer(Hand *h, const HoldPacket *packet)
{
    int r = hand_ask_answer(h, packet);
    if (r < 0) {
        on_gone("it answers what it was not asked", h);
        return;
    }
    if (now_usec() - h->measured_usec >= max_u64(MEASURE_USEC, 10 * h->measuring_usec))
        measure(h);
    go_on(h);
}

static int note_items(Hand *h, const HoldPacket *packet)
{
    int r = 0;

    for (uint32_t i = 0; i < packet->header.n_items && r >= 0; i++)
        r = hand_note_item(h, &packet->items[i]);
    return r;
}

static void on_listed(Hand *h, const HoldPacket *packet)
{
    char text[FORMAT_SIZE_MAX];

    if (packet->header.type == HOLD_ITEMS) {
        int r = note_items(h, packet);
        if (r < 0)
            on_gone(strerror(-r), h);
        return;
    }
    if (h->sum > 0)
        log_info("%s: took over its holder with %s locked", h->label, format_size(text, h->sum));
    h->check_usec = 0; /* some may not be there */
    go_on(h);
}

static void on_message(const HoldPacket *packet, void *userdata)
{
    Hand *h = userdata;

    if (packet->header.type == HOLD_GONE) {
        log_warning("%s: a process of its holder died, with %u files; pinning them again", h->label,
                    packet->header.n_items);
        (void)note_items(h, packet);
        h->check_usec = 0;
        return;
    }
    switch (h->state) {
    case HAND_CONNECTING: /* the answer to HOLD_HELLO */
        h->holder_pid = (pid_t)packet->header.pid;
        enter_state(h, HAND_LISTING);
        send_request(h, &(HoldPacket){ .header.type = HOLD_LIST }, NULL);
        break;
    case HAND_LISTING:
        on_listed(h, packet);
        break;
    case HAND_PINNING:
        on_answer(h, packet);
        break;
    case HAND_WAITING:
    case HAND_SETTLED:
        on_gone("it speaks out of turn", h);
        break;
    }
}

static void connect_holder(Hand *h)
{
    HolderHandler handler = { .message = on_message, .gone = on_gone, .userdata = h };

    enter_state(h, HAND_CONNECTING);
    int r = holder_connect(h->host, h->key, h->slice, &handler, &h->holder);
    if (r == -ENOTCONN) { /* no bus: the tick tries again as soon as there is one */
        enter_state(h, HAND_WAITING);
        h->next_usec = 0;
    } else if (r < 0) {
        on_gone(strerror(-r), h);
    }
}

/* The unit */

static void on_described(int error, const UnitDetails *details, void *userdata)
{
    Hand *h = userdata;

    h->describing = sd_bus_slot_unref(h->describing);
    if (error < 0 || details->control_group[0] != '/' || !*details->slice) {
        h->next_usec = now_usec() + USEC_PER_SEC;
        hand_calls_fail(h, PAGEWARDEN_BUS_NAME ".Error.NoSuchUnit", "no such unit is running");
        return;
    }
    h->slice = strdup(details->slice);
    h->cgroup = strdup(details->control_group);
    if (h->slice && h->cgroup) {
        connect_holder(h);
        return;
    }
    free(TAKE_PTR(h->slice));
    free(TAKE_PTR(h->cgroup));
    hand_calls_fail(h, SD_BUS_ERROR_NO_MEMORY, "out of memory");
}

static void describe_unit(Hand *h)
{
    CLEANUP_FREE char *path = NULL;

    if (!h->host->bus || h->describing)
        return;
    int r = sd_bus_path_encode(SYSTEMD_UNITS_PATH, h->unit, &path);
    if (r >= 0)
        r = unit_describe(h->host->bus, &h->describing, path, on_described, h);
    if (r < 0)
        hand_calls_fail(h, SD_BUS_ERROR_FAILED, strerror(-r));
}

void hand_note_running(Hand *h, bool running, uint64_t now)
{
    if (running)
        h->left_usec = 0;
    else if (h->left_usec == 0)
        h->left_usec = now;
}

void hand_bus_lost(Hand *h)
{
    h->describing = sd_bus_slot_unref(h->describing);
    hand_calls_fail(h, SD_BUS_ERROR_DISCONNECTED, "the bus is gone");
}

/* Time */

/* After a round: what could not be done before is tried again. */
static void on_round_ended(Hand *h)
{
    bool whole = true;

    h->check_usec = TAKE(h->check_again, false) ? 0 : now_usec() + CHECK_USEC;
    strv_free(h->mounts);
    h->mounts = TAKE_PTR(h->next_mounts);
    h->bound = PIN_BOUND_NONE;
    pin_problems_clear(&h->problems);
    for (const HandFile *file = h->files; file; file = file->hh.next)
        whole &= file->length > 0 || file->size == 0 || hand_is_away(file);
    if (h->state != HAND_SETTLED)
        return;
    if (whole)
        holder_stop_other(h->holder);
    measure(h);
    go_on(h);
}

void hand_let_go(Hand *h, HandFile *file)
{
    file->let_go = true;
    h->releases = h->changed = true;
}

static bool has_left(const Hand *h, uint64_t now)
{
    return h->left_usec > 0 && now - h->left_usec >= PIN_AWAY_USEC;
}

static void expire(Hand *h, uint64_t now)
{
    bool left = has_left(h, now);
    size_t n = 0;

    for (HandFile *file = h->files; file; file = file->hh.next) {
        bool over = file->until_usec > 0 && file->until_usec <= now;
        if ((!over && !left) || file->let_go)
            continue;
        hand_let_go(h, file);
        n++;
    }
    if (n > 0)
        log_info("%s: %zu %s no longer pinned: %s", h->label, n, n == 1 ? "file is" : "files are",
                 left ? "the unit has ended" : "the time is over");
}

/* Nothing is left: the holder ends. */
static void turn_off(Hand *h)
{
    int r = h->holder ? holder_stop(h->host, h->key) : 0;
    if (r < 0)
        return; /* the tick tries again */
    drop_holder(h);
    enter_state(h, HAND_WAITING);
}

static void tick_waiting(Hand *h, uint64_t now)
{
    if (!h->slice && has_left(h, now)) /* the manager stops a holder that nobody owns */
        sweep(h);
    if ((!h->files && !h->calls) || now < h->next_usec)
        return;
    if (h->slice)
        connect_holder(h);
    else
        describe_unit(h);
}

void hand_tick(Hand *h, uint64_t now)
{
    expire(h, now);
    if (h->state == HAND_WAITING)
        tick_waiting(h, now);
    if (h->state != HAND_SETTLED)
        return;
    go_on(h);
    if (h->state != HAND_SETTLED)
        return;
    if (!h->files && !h->calls)
        turn_off(h);
    else if (now >= h->check_usec && !h->check)
        hand_round(h);
}

bool hand_is_finished(const Hand *h)
{
    return h->state == HAND_WAITING && !h->files && !h->calls && !h->describing;
}
