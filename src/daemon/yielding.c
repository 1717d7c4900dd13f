/* SPDX-License-Identifier: MIT */
/* Whom to squeeze is one question about all units under `yield`, so it is not a target's: targets
 * are looked at, control/yield.h decides, and each limiter is told its part.
 *
 * Reclaim that takes a critical unit's pages stalls nobody, so that no trigger fires. While it can
 * happen, the host is looked at ten times a second, and then those units that are concerned: the
 * timer runs only while some unit could yield and the host reclaims, or soon will. */

#include "daemon/yielding.h"

#include <string.h>

#include "kernel/meminfo.h"
#include "kernel/vmstat.h"
#include "kernel/watermark.h"
#include "util/io.h"
#include "util/path.h"

/* A trigger is not always to be had, and sees a stall, not a theft: where a critical unit could be
 * helped, a longer interval does not hold. */
#define LOOK_USEC USEC_PER_SEC

/* As many as have a number of their own beside the host. */
#define SLICES_MOST (YIELD_DOMAINS_MOST - 1)

struct Yielding {
    Host *host;
    YieldLaw law;
    char *slices[SLICES_MOST]; /* that are short of memory, by their numbers; NULL: none */
    LimitContext context;
    YieldRoom room;
    bool brink;      /* the host is about to reclaim */
    uint64_t steals; /* pages, of the host, at the last look: */
    uint64_t free;   /* bytes */
    uint64_t at_usec;
    bool has_steals;
    sd_event_source *timer;
    void (*look)(void *userdata);
    void *userdata;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Yielding *y = userdata;

    y->look(y->userdata);
    return 0;
}

int yielding_new(Host *host, void (*look)(void *userdata), void *userdata, Yielding **ret)
{
    cleanup(yielding_freep) Yielding *y = calloc(1, sizeof(Yielding));
    if (!y)
        return -ENOMEM;

    y->host = host;
    y->look = look;
    y->userdata = userdata;
    int r = sd_event_add_time_relative(host->event, &y->timer, CLOCK_MONOTONIC, 0, 1, on_timer, y);
    if (r >= 0)
        r = sd_event_source_set_enabled(y->timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(y);
    return 0;
}

Yielding *yielding_free(Yielding *y)
{
    if (!y)
        return NULL;
    sd_event_source_disable_unref(y->timer);
    for (size_t i = 0; i < SLICES_MOST; i++)
        free(y->slices[i]);
    free(y);
    return NULL;
}

/* That others give way to, or will in a moment. */
static bool is_served(const Target *t, uint64_t now)
{
    return t->policy->role == ROLE_CRITICAL && t->policy->mode == MODE_ENFORCE &&
           target_is_there(t, now);
}

static bool is_critical(const Target *t)
{
    return t->cgroup && t->policy->role == ROLE_CRITICAL && t->policy->mode == MODE_ENFORCE;
}

static bool yields(const Target *t)
{
    return t->cgroup && t->limiter && target_yields(t);
}

/* The host */

/* Whether the host's reclaim took anything since the last look. */
static bool is_reclaiming(Yielding *y)
{
    uint64_t steals, before = y->steals;

    if (vmstat_read_steals(y->host->proc_fd, &steals) < 0)
        return true; /* not known: then looks are frequent */
    bool grew = y->has_steals && steals > before;
    y->steals = steals;
    y->has_steals = true;
    return grew;
}

/* By how much the free memory falls, a second. */
static uint64_t fall(Yielding *y, uint64_t free_bytes, uint64_t now)
{
    uint64_t fallen = sub_u64(y->free, free_bytes), elapsed = max_u64(now - y->at_usec, 1);

    y->free = free_bytes;
    y->at_usec = now;
    return mul_u64(fallen, USEC_PER_SEC) / elapsed;
}

/* What cannot be read is not short. */
static void look_at_host(Yielding *y, Target *const *targets, size_t n, uint64_t now)
{
    const Settings *settings = y->host->settings;
    YieldWatch watch = { .interval_usec = min_u64(settings->interval_usec, LOOK_USEC) };
    bool limits = false;
    MemInfo info;

    for (size_t i = 0; i < n; i++) {
        watch.critical |= is_served(targets[i], now);
        watch.background |= yields(targets[i]);
        limits |= targets[i]->policy->memory_high.mode != LIMIT_OFF ||
                  targets[i]->policy->cache_max != LIMIT_NONE;
    }
    y->context.memory_short = y->context.pins_short = false;
    y->context.swap_free = LIMIT_SWAP_UNKNOWN;
    y->context.has_swap = true;
    y->room = (YieldRoom){ 0 };
    if (limits && meminfo_read(y->host->proc_fd, &info) >= 0) {
        y->context.memory_short = info.available < settings->reserve;
        y->context.pins_short = y->context.memory_short &&
                                add_u64(info.available, y->host->locked) >= settings->reserve;
        y->context.swap_free = info.swap_free;
        y->context.has_swap = info.swap_total > 0;
        watch.free = info.free;
        watch.fall = fall(y, info.free, now);
        watch.total = info.total;
        if (watch.critical && watch.background) {
            watch.low = watermark_low(y->host->proc_fd, info.total);
            watch.reclaiming = is_reclaiming(y);
        }
        y->brink = yield_is_brink(&watch);
        y->room = yield_room(&watch);
    }
    uint64_t next = yield_look_usec(&watch);
    (void)sd_event_source_set_time_relative(y->timer, next);
    (void)sd_event_source_set_enabled(y->timer, next < settings->interval_usec ? SD_EVENT_ONESHOT
                                                                               : SD_EVENT_OFF);
}

/* Who competes with whom */

static size_t depth_of(const char *path)
{
    size_t n = 0;

    for (; *path; path++)
        n += *path == '/';
    return n;
}

/* Below which cgroup the memory is short that @t lacks, to be freed; NULL: nobody else's memory
 * would help it. What cannot be read has no limit. */
static char *domain_of(const Host *host, const Target *t)
{
    size_t n = 0, length = strlen(t->control_group), depth = depth_of(t->control_group);
    CLEANUP_FREE YieldAncestor *ancestors = calloc(depth + 1, sizeof(YieldAncestor));
    CLEANUP_FREE char **paths = calloc(depth + 1, sizeof(char *));

    for (; ancestors && paths && length > 1 && n < depth; n++) {
        cleanup(cgroup_freep) Cgroup *cgroup = NULL;
        Sample sample = { .high = LIMIT_NONE, .max = LIMIT_NONE };

        paths[n] = strndup(t->control_group, length);
        if (!paths[n])
            break;
        if (n == 0)
            sample = t->sample;
        else if (cgroup_open(host->cgroup_fd, paths[n], &cgroup) >= 0)
            (void)cgroup_sample(cgroup, t->sample.at_usec, &sample);
        /* Its own is full of cache most of the time, and in the way only where it is run into. */
        bool met = n > 0 || (t->critical && distress_meets_limit(&t->critical->distress));
        ancestors[n] = (YieldAncestor){
            .path = paths[n],
            .current = sample.current,
            .limit = met ? min_u64(sample.high, sample.max) : LIMIT_NONE,
        };
        while (length > 0 && t->control_group[--length] != '/')
            ;
    }
    const char *domain = yield_domain(ancestors, n);
    char *copy = domain ? strdup(domain) : NULL;
    for (size_t i = 0; i < n; i++)
        free(paths[i]);
    return copy;
}

/* The critical units that were looked at; of those that suffer or lose pages, where memory is
 * short.
 */
typedef struct Served {
    YieldService *services;
    const Target **whose;
    char **paths; /* NULL: nobody else's memory would help */
    size_t n;
} Served;

static void served_clear(Served *served)
{
    for (size_t i = 0; i < served->n; i++)
        free(served->paths[i]);
    free(served->services);
    free(served->whose);
    free(served->paths);
}

/* The host's, or that which the slice has, or another one. */
static uint64_t number_domain(Yielding *y, const char *path)
{
    size_t free_one = SLICES_MOST - 1;

    if (strcmp(path, "/") == 0)
        return YIELD_HOST;
    for (size_t i = SLICES_MOST; i-- > 0;) {
        if (y->slices[i] && strcmp(y->slices[i], path) == 0)
            return YIELD_HOST << (i + 1);
        if (!y->slices[i])
            free_one = i;
    }
    if (!y->slices[free_one])
        y->slices[free_one] = strdup(path); /* without memory for it: another one the next time */
    return YIELD_HOST << (free_one + 1);
}

/* A number is free when nobody knows its slice by it: neither one that is limited, or was, nor one
 * that suffers. A unit between two cgroups, which is not looked at, still does. */
static void forget_slices(Yielding *y, const Served *served, Target *const *targets, size_t n)
{
    uint64_t used = 0;

    for (size_t i = 0; i < n; i++) {
        used |= targets[i]->limiter ? limiter_domains(targets[i]->limiter) : 0;
        used |= targets[i]->critical ? targets[i]->critical->served.domain : 0;
    }
    for (size_t i = 0; i < served->n; i++)
        used |= served->services[i].domain;
    for (size_t i = 0; i < SLICES_MOST; i++)
        if (y->slices[i] && !(used & (YIELD_HOST << (i + 1))))
            free(TAKE_PTR(y->slices[i]));
}

/* What is taken from a part of a critical unit is taken from that unit. */
static uint64_t competition(const Served *served, const Target *t)
{
    uint64_t domains = 0;

    for (size_t i = 0; i < served->n; i++)
        if (served->paths[i] && path_is_below(t->control_group, served->paths[i]) &&
            !path_is_below(t->control_group, served->whose[i]->control_group))
            domains |= served->services[i].domain;
    return domains;
}

static bool is_above_critical(Target *const *targets, size_t n, const Target *t, uint64_t now)
{
    for (size_t i = 0; i < n; i++) {
        const char *path = targets[i]->control_group;
        if (path && is_served(targets[i], now) && path_is_below(path, t->control_group))
            return true;
    }
    return false;
}

/* Deciding */

/* What was felt before it was governed is no part of this; and counters of a cgroup that was made
 * anew begin at 0. */
static uint64_t growth(uint64_t *last, uint64_t now)
{
    uint64_t grown = sub_u64(now, *last);

    *last = now;
    return grown;
}

static uint64_t damage_of(Critical *c, const Sample *sample)
{
    uint64_t grown = growth(&c->damage_seen, yield_damage(sample));

    c->damage += c->damage_known ? grown : 0;
    c->damage_known = true;
    return c->damage;
}

static YieldService service_of(const Target *t)
{
    Critical *c = t->critical;

    return (YieldService){
        .distress = target_distress(t),
        .lost = growth(&c->stolen_seen, distress_stolen(&c->distress)),
        .lacks = distress_lacks(&c->distress),
        .recovers = distress_recovers(&c->distress),
        .measured = true,
        .damage = damage_of(c, &t->sample),
        .state = &c->served,
    };
}

static bool has_losses(const YieldService *service)
{
    return service->distress != DISTRESS_NONE || service->lost > 0 || service->state->due > 0;
}

static int find_served(Yielding *y, Target *const *targets, size_t n, Served *ret)
{
    *ret = (Served){
        .services = calloc(n + 1, sizeof(YieldService)),
        .whose = calloc(n + 1, sizeof(Target *)),
        .paths = calloc(n + 1, sizeof(char *)),
    };
    if (!ret->services || !ret->whose || !ret->paths)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const Target *t = targets[i];
        if (!is_critical(t) || !t->has_sample || !t->critical)
            continue;
        YieldService service = service_of(t);
        char *path = has_losses(&service) ? domain_of(y->host, t) : NULL;
        service.domain = path ? number_domain(y, path) : 0;
        ret->services[ret->n] = service;
        ret->whose[ret->n] = t;
        ret->paths[ret->n++] = path;
    }
    return 0;
}

static YieldNeed need_of(const Yielding *y, const Served *served, Target *const *targets, size_t n,
                         uint64_t now)
{
    YieldNeed need = {
        .at_usec = now,
        .host = y->room,
        .services = served->services,
        .n_services = served->n,
    };

    for (size_t i = 0; i < n; i++)
        need.running |= is_served(targets[i], now);
    return need;
}

static void act_on(Yielding *y, YieldUnit *units, Target **owners, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        limiter_end_yield(owners[i]->limiter, &units[i], &y->context);
        target_watch_limit(owners[i]);
    }
}

static void act(Yielding *y, Target *const *targets, size_t n_targets, uint64_t now)
{
    CLEANUP_FREE YieldUnit *units = calloc(n_targets + 1, sizeof(YieldUnit));
    CLEANUP_FREE Target **owners = calloc(n_targets + 1, sizeof(Target *));
    cleanup(served_clear) Served served = { 0 };
    size_t n = 0;

    if (!units || !owners || find_served(y, targets, n_targets, &served) < 0)
        return; /* and the next look tries again */
    YieldNeed need = need_of(y, &served, targets, n_targets, now);
    y->context.distress = yield_is_distress(&need);
    for (size_t i = 0; i < n_targets; i++) {
        Target *t = targets[i];
        LimitContext context = y->context;
        context.pressed = t->stall.pressed;
        if (!yields(t) || !t->has_sample ||
            !limiter_begin_yield(t->limiter, &t->policy->memory_high, &context, &t->sample,
                                 &units[n]))
            continue;
        units[n].domains = competition(&served, t);
        units[n].above = is_above_critical(targets, n_targets, t, now);
        owners[n++] = t;
    }
    yield_decide(&y->law, &need, units, n);
    forget_slices(y, &served, targets, n_targets);
    act_on(y, units, owners, n);
}

void yielding_act(Yielding *y, Target *const *targets, size_t n_targets, uint64_t now)
{
    look_at_host(y, targets, n_targets, now);
    act(y, targets, n_targets, now);
}

void yielding_look(Yielding *y, Target *const *targets, size_t n_targets)
{
    uint64_t now = now_usec();

    look_at_host(y, targets, n_targets, now);
    bool concerned = y->law.domains != 0 || y->brink;
    for (size_t i = 0; i < n_targets; i++) {
        bool fresh = yields(targets[i]) && !targets[i]->has_sample;
        concerned |= targets[i]->stall.pressed || targets[i]->stall.polls || fresh;
    }
    for (size_t i = 0; i < n_targets; i++)
        if (is_critical(targets[i]))
            concerned |= target_look(targets[i], now) != DISTRESS_NONE;
    if (!concerned)
        return;
    for (size_t i = 0; i < n_targets; i++)
        if (yields(targets[i]))
            (void)target_look(targets[i], now);
    act(y, targets, n_targets, now);
}

LimitContext yielding_context(const Yielding *y)
{
    return y->context;
}
