/* SPDX-License-Identifier: MIT */
#pragma once

/* What every good policy is, and when two are the same. */

#include "fuzz/sources.h"
#include "policy/policy.h"
#include "util/strv.h"

static inline void check_place(PolicyPlace place, size_t n_sources)
{
    must_hold(place.file < n_sources && place.line > 0 && place.column > 0);
}

static inline void check_pins(const Policy *policy, size_t n_sources, uint64_t ram)
{
    must_hold((policy->pin_budget > 0) == (policy->n_pins > 0));
    must_hold(policy->pin_budget <= ram);
    for (size_t i = 0; i < policy->n_pins; i++) {
        const PinRule *rule = &policy->pins[i];

        must_hold((rule->path != NULL) != (rule->mapped != 0));
        must_hold(!rule->path || rule->path[0] == '/');
        must_hold(rule->max_size > 0 && rule->range.begin < rule->range.end);
        STRV_FOREACH (exclude, rule->excludes)
            must_hold(**exclude && (**exclude == '/' || !strchr(*exclude, '/')));
        check_place(rule->place, n_sources);
    }
    for (size_t i = 0; i < policy->pin_order.n_keys; i++)
        for (size_t k = 0; k < i; k++)
            must_hold(policy->pin_order.keys[k] != policy->pin_order.keys[i]);
}

static inline void check_evictions(const Policy *policy, size_t n_sources)
{
    for (size_t i = 0; i < policy->n_evicts; i++) {
        const EvictRule *rule = &policy->evicts[i];

        must_hold((rule->path != NULL) != rule->stream);
        must_hold(!rule->path || rule->path[0] == '/');
        must_hold(rule->idle_usec >= USEC_PER_SEC && rule->every_usec >= USEC_PER_SEC);
        must_hold(rule->keep.first == 0 || rule->keep.last == 0);
        must_hold(max_u64(rule->range.begin, rule->keep.first) < rule->range.end);
        must_hold(rule->rate > 0);
        check_place(rule->place, n_sources);
    }
}

/* Between files a warning may stand for what would be a mistake within one, and a mode may be off
 * beside keys of another. */
static inline void check_limit(const Policy *policy, size_t n_sources, bool warned)
{
    const LimitConfig *limit = &policy->memory_high;

    must_hold(limit->mode != LIMIT_FIXED || limit->value > 0);
    must_hold(limit->mode == LIMIT_FIXED || limit->value == 0 || warned || n_sources > 1);
    must_hold(limit->mode != LIMIT_YIELD || limit->min > 0);
    must_hold(limit->mode != LIMIT_YIELD || policy->role == ROLE_BACKGROUND ||
              (n_sources > 1 && warned));
    must_hold(limit->mode != LIMIT_FIXED ||
              (limit->min <= limit->value && limit->value <= limit->max));
    must_hold(limit->mode != LIMIT_TRACK || limit->min <= limit->max);
    must_hold(limit->pressure > 0 && limit->pressure <= 1000000);
}

/* What every good policy is; @warned: something was said of it. */
static inline void check_policy(const Policy *policy, size_t n_sources, bool warned, uint64_t ram)
{
    must_hold(strv_length(policy->files) == n_sources);
    must_hold(strv_length(policy->units) + strv_length(policy->cgroups) > 0);
    STRV_FOREACH (unit, policy->units)
        must_hold(**unit && strlen(*unit) <= 255 && !strchr(*unit, '/'));
    STRV_FOREACH (cgroup, policy->cgroups)
        must_hold(**cgroup == '/');
    must_hold(policy->distress.window_usec >= DISTRESS_WINDOW_MIN_USEC);
    must_hold(policy->distress.refaults > 0 && policy->distress.memory_pressure > 0);
    must_hold(policy->cache_max > 0);
    must_hold(!policy->cache_brake || policy->cache_max != LIMIT_NONE);
    must_hold(!policy->cache_brake || policy->memory_high.mode == LIMIT_OFF || n_sources > 1);
    must_hold(!policy->description || !text_has_control(policy->description));
    check_pins(policy, n_sources, ram);
    check_evictions(policy, n_sources);
    check_limit(policy, n_sources, warned);
    for (size_t i = 0; i < policy->n_advises; i++) {
        must_hold(policy->advises[i].path[0] == '/');
        check_place(policy->advises[i].place, n_sources);
    }
}

static inline bool same_texts(char *const *a, char *const *b)
{
    size_t n = strv_length(a);

    if (strv_length(b) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

static inline void check_same_pins(const Policy *a, const Policy *b)
{
    must_hold(a->pin_budget == b->pin_budget && a->n_pins == b->n_pins);
    must_hold(a->pin_order.n_keys == b->pin_order.n_keys);
    for (size_t i = 0; i < a->pin_order.n_keys; i++)
        must_hold(a->pin_order.keys[i] == b->pin_order.keys[i]);
    must_hold(a->pin_charge == b->pin_charge && a->pin_restore == b->pin_restore);
    must_hold(a->on_shortage == b->on_shortage);
    for (size_t i = 0; i < a->n_pins; i++) {
        const PinRule *x = &a->pins[i], *y = &b->pins[i];

        must_hold(same_text(x->path, y->path) && same_texts(x->excludes, y->excludes));
        must_hold(x->mapped == y->mapped && x->max_size == y->max_size && x->lock == y->lock);
        must_hold(x->range.begin == y->range.begin && x->range.end == y->range.end);
        must_hold(same_place(x->place, y->place));
    }
}

static inline void check_same_evictions(const Policy *a, const Policy *b)
{
    must_hold(a->n_evicts == b->n_evicts);
    for (size_t i = 0; i < a->n_evicts; i++) {
        const EvictRule *x = &a->evicts[i], *y = &b->evicts[i];

        must_hold(same_text(x->path, y->path) && x->stream == y->stream);
        must_hold(x->idle_usec == y->idle_usec && x->every_usec == y->every_usec);
        must_hold(x->when == y->when && x->dirty == y->dirty && x->mapped == y->mapped);
        must_hold(x->range.begin == y->range.begin && x->range.end == y->range.end);
        must_hold(x->keep.first == y->keep.first && x->keep.last == y->keep.last);
        must_hold(x->rate == y->rate);
        must_hold(same_place(x->place, y->place));
    }
}

static inline void check_same_limits(const Policy *a, const Policy *b)
{
    const LimitConfig *x = &a->memory_high, *y = &b->memory_high;

    must_hold(x->mode == y->mode && x->value == y->value && x->min == y->min);
    must_hold(x->max == y->max && x->pressure == y->pressure && x->reclaim == y->reclaim);
    must_hold(a->cache_max == b->cache_max && a->cache_brake == b->cache_brake);
}

/* But for the files that they are from. */
static inline void check_same_policy(const Policy *a, const Policy *b)
{
    const DistressConfig *x = &a->distress, *y = &b->distress;

    must_hold(same_text(a->name, b->name) && same_text(a->description, b->description));
    must_hold(same_texts(a->units, b->units) && same_texts(a->cgroups, b->cgroups));
    must_hold(a->role == b->role && a->mode == b->mode);
    must_hold(x->window_usec == y->window_usec && x->memory_pressure == y->memory_pressure);
    must_hold(x->io_pressure == y->io_pressure && x->refaults == y->refaults);
    must_hold(x->major_faults == y->major_faults && x->stolen == y->stolen);
    check_same_pins(a, b);
    check_same_evictions(a, b);
    check_same_limits(a, b);
    must_hold(a->n_advises == b->n_advises);
    for (size_t i = 0; i < a->n_advises; i++) {
        must_hold(same_text(a->advises[i].path, b->advises[i].path));
        must_hold(a->advises[i].access == b->advises[i].access);
        must_hold(same_place(a->advises[i].place, b->advises[i].place));
    }
}
