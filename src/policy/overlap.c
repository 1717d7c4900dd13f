/* SPDX-License-Identifier: MIT */
/* A file that is both to be pinned and to be evicted stays: its pages are locked. Whoever wrote it
 * likely meant something else, so both places are told. Comparing two globs takes time by the
 * product of their lengths, so that is what is rationed. */
#include "policy/overlap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/text.h"
#include "util/pattern.h"
#include "util/strv.h"

/* About 60 ms; two globs of a hundred characters take 10,000. */
#define OVERLAP_EFFORT_MAX (4 * 1024 * 1024)

/* Takes the cost of comparing both from what is left; false: that was too little. */
static bool spend(size_t *effort, const char *a, const char *b)
{
    size_t cost = (strlen(a) + 1) * (strlen(b) + 1);

    *effort = cost < *effort ? *effort - cost : 0;
    return *effort > 0;
}

/* Whatever has a name that @name, a glob, matches, is matched by @exclude. May miss some. */
static bool covers(const char *exclude, const char *name)
{
    size_t n_name = strlen(name), n_suffix = strlen(exclude) - 1;

    if (!pattern_has_wildcard(name))
        return pattern_match_name(exclude, name);
    if (strcmp(exclude, name) == 0)
        return true;
    /* "*.log" takes "shop-*.log", but no hidden name. */
    return exclude[0] == '*' && !pattern_has_wildcard(exclude + 1) && name[0] != '.' &&
           n_name >= n_suffix && strcmp(name + n_name - n_suffix, exclude + 1) == 0;
}

/* What @path, a reading of an eviction, matches is excluded from @pin. */
static bool is_excluded(const PinRule *pin, const char *path, size_t *effort)
{
    const char *name = strrchr(path, '/') + 1;

    STRV_FOREACH (exclude, pin->excludes)
        if (!spend(effort, *exclude, name) ||
            ((*exclude)[0] == '/' ? strcmp(*exclude, path) == 0 : covers(*exclude, name)))
            return true;
    return false;
}

/* Some readings of both have a path in common that is not excluded. */
static bool overlap(const PinRule *pin, char *const *pinned, char *const *evicted, size_t *effort)
{
    STRV_FOREACH (path, evicted) {
        if (is_excluded(pin, *path, effort))
            continue;
        STRV_FOREACH (glob, pinned) {
            if (!spend(effort, *path, *glob))
                return false;
            if (pattern_overlap(*path, *glob))
                return true;
        }
    }
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

/* Holds one rule against all pins, whose readings are @pinned. */
static int check_evict_rule(Decoder *decoder, const Policy *policy, char **const *pinned,
                            const EvictRule *rule, size_t *effort)
{
    cleanup(strv_freep) char **evicted = NULL;

    int r = expand(rule->path, &evicted);
    for (size_t i = 0; r >= 0 && *effort > 0 && i < policy->n_pins; i++)
        if (overlap(&policy->pins[i], pinned[i], evicted, effort))
            r = warn(decoder, rule, &policy->pins[i]);
    return r;
}

static int check_against(Decoder *decoder, const Policy *policy, char **const *pinned)
{
    size_t effort = OVERLAP_EFFORT_MAX;
    int r = 0;

    for (size_t i = 0; r >= 0 && effort > 0 && i < policy->n_evicts; i++)
        if (policy->evicts[i].path)
            r = check_evict_rule(decoder, policy, pinned, &policy->evicts[i], &effort);
    if (r < 0 || effort > 0)
        return r;
    return remark(decoder, SEVERITY_NOTE, (PolicyPlace){ 0 },
                  "there are too many globs to hold all of evict against all of pin.files");
}

int check_overlaps(Decoder *decoder, const Policy *policy)
{
    if (policy->n_pins == 0 || policy->n_evicts == 0)
        return DECODED;
    char ***pinned = calloc(policy->n_pins, sizeof(char **));
    if (!pinned)
        return -ENOMEM;

    int r = 0;
    for (size_t i = 0; r >= 0 && i < policy->n_pins; i++)
        if (policy->pins[i].path)
            r = expand(policy->pins[i].path, &pinned[i]);
    if (r >= 0)
        r = check_against(decoder, policy, pinned);
    for (size_t i = 0; i < policy->n_pins; i++)
        (void)strv_free(pinned[i]);
    free(pinned);
    return r < 0 ? r : DECODED;
}
