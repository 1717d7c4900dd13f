/* SPDX-License-Identifier: MIT */
/* The host is looked at once a second, and more often while it has little to spare: by a timer of
 * its own, because the interval of the settings may be long. A pressure trigger, where the kernel
 * grants one, cuts that short. While nothing is pinned, and nothing waits to come back, nothing is
 * asked.
 *
 * A shortage is ended by what is let go at once; coming back is one unit after another, the most
 * important first, so that what memory there is goes to it. */

#include "daemon/shortage_watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/hand_away.h"
#include "kernel/meminfo.h"
#include "kernel/psi.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"

#define FAR_USEC USEC_PER_SEC

/* Of the trigger: a tenth of a second. */
#define TRIGGER_STALL_USEC  (100 * USEC_PER_MSEC)
#define TRIGGER_WINDOW_USEC USEC_PER_SEC

struct ShortageWatch {
    Host *host;
    ShortageState state;
    uint64_t again_usec;
    sd_event_source *timer, *trigger;
    void (*look)(void *userdata);
    void *userdata;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    ShortageWatch *w = userdata;

    w->look(w->userdata);
    return 0;
}

static int on_trigger(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    ShortageWatch *w = userdata;

    if (events & EPOLLERR)
        w->trigger = sd_event_source_disable_unref(w->trigger);
    else
        w->look(w->userdata);
    return 0;
}

/* Without one, the timer does. */
static void arm_trigger(ShortageWatch *w)
{
    CLEANUP_CLOSE int fd = w->host->has_psi ? psi_arm(w->host->proc_fd, PSI_HOST_MEMORY,
                                                      TRIGGER_STALL_USEC, TRIGGER_WINDOW_USEC)
                                            : -EOPNOTSUPP;
    int r = fd < 0 ? fd : sd_event_add_io(w->host->event, &w->trigger, fd, EPOLLPRI, on_trigger, w);

    if (r >= 0)
        r = sd_event_source_set_io_fd_own(w->trigger, 1);
    if (r >= 0)
        TAKE_FD(fd);
    else
        log_debug("No pressure trigger for the host's memory: %s, ignoring", strerror(-r));
}

int shortage_watch_new(Host *host, void (*look)(void *userdata), void *userdata,
                       ShortageWatch **ret)
{
    cleanup(shortage_watch_freep) ShortageWatch *w = calloc(1, sizeof(ShortageWatch));
    if (!w)
        return -ENOMEM;

    w->host = host;
    w->look = look;
    w->userdata = userdata;
    int r = sd_event_add_time_relative(host->event, &w->timer, CLOCK_MONOTONIC, FAR_USEC, 0,
                                       on_timer, w);
    if (r < 0)
        return r;
    arm_trigger(w);
    *ret = TAKE_PTR(w);
    return 0;
}

ShortageWatch *shortage_watch_free(ShortageWatch *w)
{
    if (!w)
        return NULL;
    sd_event_source_disable_unref(w->timer);
    sd_event_source_disable_unref(w->trigger);
    free(w);
    return NULL;
}

uint64_t shortage_watch_again(const ShortageWatch *w)
{
    return sub_u64(w->again_usec, now_usec());
}

/* Whose pins may go: a policy's, or those by hand. */
typedef struct Giver {
    Pinner *pinner;
    Hand *hand;
} Giver;

typedef struct Givers {
    Giver *givers;
    ShortageHolding *holdings; /* in the same order */
    size_t n;
    uint64_t pending; /* bytes on their way out */
} Givers;

static void givers_clear(Givers *g)
{
    free(g->givers);
    free(g->holdings);
}

static void add(Givers *g, Giver giver, const ShortageHolding *holding, uint64_t pending)
{
    g->givers[g->n] = giver;
    g->holdings[g->n++] = *holding;
    g->pending += pending;
}

static void add_hand(Givers *g, Hand *hand, Target *const *targets, size_t n)
{
    uint64_t pending;
    ShortageHolding holding = hand_holding(hand, &pending);

    holding.rank = SHORTAGE_NORMAL;
    for (size_t i = 0; i < n; i++)
        if (hand->unit && strcmp(targets[i]->unit, hand->unit) == 0) {
            holding.rank = pinner_rank_of(targets[i]->policy->role);
            holding.keep = targets[i]->policy->on_shortage == PIN_SHORTAGE_KEEP;
        }
    hand->keeps = holding.keep;
    add(g, (Giver){ .hand = hand }, &holding, pending);
}

static int collect(Target *const *targets, size_t n, const Hands *hands, Givers *ret)
{
    size_t room = n + hands->n_hands + 1;

    ret->givers = calloc(room, sizeof(Giver));
    ret->holdings = calloc(room, sizeof(ShortageHolding));
    if (!ret->givers || !ret->holdings)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        uint64_t pending;
        if (!targets[i]->pinner)
            continue;
        ShortageHolding holding = pinner_holding(targets[i]->pinner, &pending);
        add(ret, (Giver){ .pinner = targets[i]->pinner }, &holding, pending);
    }
    for (size_t i = 0; i < hands->n_hands; i++)
        add_hand(ret, hands->hands[i], targets, n);
    return 0;
}

static bool is_idle(const ShortageWatch *w, const Givers *g)
{
    bool idle = !w->state.is_short;

    for (size_t i = 0; i < g->n && idle; i++)
        idle = g->holdings[i].locked == 0 && !g->holdings[i].withheld;
    return idle;
}

static int read_sample(const ShortageWatch *w, ShortageSample *ret)
{
    MemInfo info;

    int r = meminfo_read(w->host->proc_fd, &info);
    if (r < 0)
        return r;
    *ret = (ShortageSample){
        .at_usec = now_usec(),
        .total = info.total,
        .available = info.available,
        .swap_free = info.swap_free,
        .locked = w->host->locked,
    };
    if (w->host->has_psi)
        (void)psi_read_host(w->host->proc_fd, &ret->psi); /* stays invalid */
    return 0;
}

static void let_go(Givers *g, uint64_t bytes)
{
    while (bytes > 0) {
        size_t i = shortage_next_to_go(g->holdings, g->n);
        if (i == g->n)
            return;
        uint64_t *locked = &g->holdings[i].locked;
        uint64_t gone = g->givers[i].hand ? hand_shed(g->givers[i].hand, bytes)
                                          : pinner_shed(g->givers[i].pinner, bytes);
        *locked = gone >= bytes ? *locked - min_u64(gone, *locked) : 0;
        bytes = sub_u64(bytes, gone);
    }
}

static bool is_busy(const Giver *giver)
{
    return giver->hand ? hand_is_busy(giver->hand) : pinner_is_busy(giver->pinner);
}

/* The next one, once the one before has what it can have. */
static void bring_back(const Givers *g)
{
    size_t next = shortage_next_to_return(g->holdings, g->n);

    for (size_t i = 0; i < g->n && next < g->n; i++)
        if (!g->holdings[i].withheld && is_busy(&g->givers[i]))
            return;
    if (next == g->n)
        return;
    if (g->givers[next].hand)
        hand_resume(g->givers[next].hand);
    else
        pinner_resume(g->givers[next].pinner);
}

static void tell(const ShortageSample *sample, bool was_short, const ShortageState *state,
                 const ShortageDecision *decision)
{
    char available[FORMAT_SIZE_MAX];

    format_size(available, sample->available);
    if (!was_short && state->is_short)
        log_warning("The host runs out of memory (%s): %s available. Pins are let go as far as "
                    "that helps, and their policies allow it",
                    shortage_reason_to_string(decision->reason), available);
    else if (was_short && !state->is_short)
        log_notice("The host has had enough memory for %llu s: %s available",
                   (unsigned long long)(state->hold_usec / USEC_PER_SEC), available);
}

/* Returns whether the next look is due soon. */
static bool look(ShortageWatch *w, Target *const *targets, size_t n, const Hands *hands)
{
    cleanup(givers_clear) Givers givers = { 0 };
    ShortageSample sample;

    if (collect(targets, n, hands, &givers) < 0 || is_idle(w, &givers) ||
        read_sample(w, &sample) < 0)
        return false;
    bool was_short = w->state.is_short;
    ShortageDecision decision = shortage_decide(&w->state, &sample, w->host->settings->reserve,
                                                givers.pending);
    w->again_usec = w->state.is_short ? decision.again_usec : 0;
    tell(&sample, was_short, &w->state, &decision);
    let_go(&givers, decision.release);
    if (!w->state.is_short)
        bring_back(&givers);
    return decision.is_near;
}

void shortage_watch_look(ShortageWatch *w, Target *const *targets, size_t n_targets,
                         const Hands *hands)
{
    bool near = look(w, targets, n_targets, hands);

    (void)sd_event_source_set_time_relative(w->timer, near ? SHORTAGE_NEAR_USEC : FAR_USEC);
    (void)sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}
