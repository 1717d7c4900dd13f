/* SPDX-License-Identifier: MIT */
/* A file that is both to be pinned and to be evicted stays: its pages are locked. Whoever wrote it
 * likely meant something else, so both places are told. Comparing two globs takes time by the
 * product of their lengths, so that is what is rationed. */
#include "policy/overlap.h"

#include <errno.h>
#include <string.h>

#include "policy/text.h"
#include "util/pattern.h"
#include "util/strv.h"

/* 57 ms at 13.6 ns each; two globs of a hundred characters take 10,000. */
#define OVERLAP_EFFORT_MAX (4 * 1024 * 1024)

/* Takes the cost of comparing both from what is left; false: that was too little, and the rest of
 * the policy is not looked at. */
static bool spend(size_t *effort, const char *a, const char *b)
{
    size_t cost = (strlen(a) + 1) * (strlen(b) + 1);

    *effort = cost < *effort ? *effort - cost : 0;
    return *effort > 0;
}

/* Some readings of both have a path in common. */
static bool readings_overlap(char *const *a, char *const *b, size_t *effort)
{
    STRV_FOREACH (x, a)
        STRV_FOREACH (y, b) {
            if (!spend(effort, *x, *y))
                return false;
            if (pattern_overlap(*x, *y))
                return true;
        }
    return false;
}

/* What @rule evicts is taken out of @pin by one of its excludes. A glob is matched as if it were a
 * name: what takes its wildcards takes what they stand for, but for "?" and sets. */
static bool is_excluded(const PinRule *pin, const EvictRule *rule, size_t *effort)
{
    const char *name = strrchr(rule->path, '/') + 1;

    STRV_FOREACH (exclude, pin->excludes)
        if (!spend(effort, *exclude, name) ||
            ((*exclude)[0] == '/' ? strcmp(*exclude, rule->path) == 0
                                  : pattern_match_name(*exclude, name)))
            return true;
    return false;
}

static int warn(Decoder *decoder, const EvictRule *rule, const PinRule *pin)
{
    CLEANUP_FREE char *where = place_from(decoder, pin->place, rule->place);
    if (!where)
        return -ENOMEM;

    return remark(decoder, SEVERITY_WARNING, rule->place,
                  "%s in evict meets %s in pin.files, %s (what is pinned is not evicted: write "
                  "globs that have no file in common)",
                  QUOTE(rule->path), QUOTE(pin->path), where);
}

static int expand(const char *glob, char ***ret)
{
    int r = pattern_expand_braces(glob, ret);
    return r == -ENOMEM ? r : 0; /* anything else has been refused before */
}

/* Holds the @evict-th rule against all pins. */
static int check_evict_rule(Decoder *decoder, const Policy *policy, const EvictRule *rule,
                            size_t *effort)
{
    cleanup(strv_freep) char **evicted = NULL;

    int r = expand(rule->path, &evicted);
    if (r < 0)
        return r;
    for (size_t i = 0; *effort > 0 && i < policy->n_pins; i++) {
        cleanup(strv_freep) char **pinned = NULL;
        const PinRule *pin = &policy->pins[i];

        if (!pin->path || is_excluded(pin, rule, effort))
            continue;
        r = expand(pin->path, &pinned);
        if (r < 0)
            return r;
        if (!readings_overlap(evicted, pinned, effort))
            continue;
        r = warn(decoder, rule, pin);
        if (r < 0)
            return r;
    }
    return DECODED;
}

int check_overlaps(Decoder *decoder, const Policy *policy)
{
    size_t effort = OVERLAP_EFFORT_MAX;

    for (size_t i = 0; i < policy->n_evicts; i++) {
        int r = policy->evicts[i].path
                    ? check_evict_rule(decoder, policy, &policy->evicts[i], &effort)
                    : DECODED;
        if (r < 0)
            return r;
    }
    return DECODED;
}
