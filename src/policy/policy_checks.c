/* SPDX-License-Identifier: MIT */
/* A contradiction within one file is a mistake. One between a file and its drop-in, which was
 * written by someone else at another time, is a warning as long as the policy still has a meaning:
 * a drop-in that says `mode: off` shall not have to take back all else that the file says. */
#include "policy/policy_checks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/overlap.h"
#include "policy/policy.h"
#include "policy/text.h"
#include "util/parse.h"
#include "util/units.h"

/* Of a key that contradicts @other, which may be NULL: a default. */
static Severity severity_of(const Node *key, const Node *other)
{
    return other && other->place.file != key->place.file ? SEVERITY_WARNING : SEVERITY_MISTAKE;
}

/* Two keys of which each is given instead of the other. */
static int check_either(Decoder *decoder, const Mapping *mapping, const Seen *seen, const char *a,
                        const char *b)
{
    const Seen *a_seen = seen_key(mapping, seen, a), *b_seen = seen_key(mapping, seen, b);

    if (!a_seen->key || !b_seen->key)
        return DECODED;
    return refuse(decoder, b_seen->key->place,
                  "\"%s\" in %s stands instead of \"%s\" (make two entries of them)", b,
                  mapping->name, a);
}

/* Keys that belong to an entry with "path", in one that has @instead. */
static int check_path_keys(Decoder *decoder, const Mapping *mapping, const Seen *seen,
                           const char *instead, const char *const keys[])
{
    if (!seen_key(mapping, seen, instead)->key || seen_key(mapping, seen, "path")->key)
        return DECODED;
    for (; *keys; keys++) {
        const Seen *key = seen_key(mapping, seen, *keys);

        if (key->key && refuse(decoder, key->key->place,
                               "\"%s\" in %s belongs to \"path\", not to \"%s\" (leave it out)",
                               *keys, mapping->name, instead) < 0)
            return -ENOMEM;
    }
    return DECODED;
}

int check_pin_file(Decoder *decoder, const Mapping *mapping, const Node *node, const Seen *seen,
                   void *object)
{
    static const char *const path_keys[] = { "range", NULL };

    int r = check_either(decoder, mapping, seen, "path", "mapped");
    return r < 0 ? r : check_path_keys(decoder, mapping, seen, "mapped", path_keys);
}

/* What is kept of every file is all that may go of it. */
static int check_parts(Decoder *decoder, const Mapping *mapping, const Seen *seen,
                       const EvictRule *rule)
{
    const Seen *range = seen_key(mapping, seen, "range"), *keep = seen_key(mapping, seen, "keep");

    if (!is_good(range) || !is_good(keep) || rule->keep.first < rule->range.end)
        return DECODED;
    const Node *a = keep->key->next, *b = range->key->next;
    CLEANUP_FREE char *where = place_from(decoder, b->place, a->place);
    if (!where)
        return -ENOMEM;
    return refuse(decoder, a->place,
                  "\"keep\" in evict, %.48s, leaves nothing to go of \"range\", %.48s (%s)",
                  a->text, b->text, where);
}

int check_evict(Decoder *decoder, const Mapping *mapping, const Node *node, const Seen *seen,
                void *object)
{
    static const char *const path_keys[] = { "idle",  "every", "when", "mapped",
                                             "range", "keep",  NULL };
    EvictRule *rule = object;
    const Seen *stream = seen_key(mapping, seen, "stream");

    int r = check_either(decoder, mapping, seen, "path", "stream");
    if (r >= 0)
        r = check_path_keys(decoder, mapping, seen, "stream", path_keys);
    if (r >= 0)
        r = check_parts(decoder, mapping, seen, rule);
    /* What a stream writes is not looked at again when the kernel has written it. */
    if (rule->stream && !seen_key(mapping, seen, "dirty")->key)
        rule->dirty = EVICT_DIRTY_WRITE_BACK;
    if (r < 0 || !is_good(stream) || rule->stream)
        return r;
    return refuse(decoder, stream->key->next->place,
                  "\"stream\" in evict can only be true (leave it out, and write a \"path\")");
}

#define BIT(value) (1u << (value))

#define MODES_MAX 64

/* "fixed, track or yield" */
static const char *format_modes(char buffer[static MODES_MAX], unsigned modes)
{
    size_t n = 0;

    for (unsigned mode = 0; modes; mode++) {
        if (!(modes & BIT(mode)))
            continue;
        modes &= ~BIT(mode);
        const char *comma = n == 0 ? "" : modes ? ", " : " or ";
        n += (size_t)snprintf(buffer + n, MODES_MAX - n, "%s%s", comma,
                              limit_mode_to_string((LimitMode)mode));
    }
    return buffer;
}

static int check_limit_key(Decoder *decoder, const Mapping *mapping, const Seen *seen,
                           LimitMode mode, const Field *field)
{
    char modes[MODES_MAX];
    const Node *mode_key = seen_key(mapping, seen, "mode")->key;
    const Seen *found = seen_key(mapping, seen, field->key);
    const char *is = limit_mode_to_string(mode);

    if (!found->key) {
        if (!(field->needed & BIT(mode)) || found->misspelt)
            return DECODED;
        return refuse(decoder, mode_key->place,
                      "\"%s\" is missing in memory_high: mode %s needs it (for example %s: 256M)",
                      field->key, is, field->key);
    }
    if (!field->with || field->with & BIT(mode))
        return DECODED;

    Severity severity = severity_of(found->key, mode_key);
    if (mode == LIMIT_OFF && mode_key) { /* switched off, and the rest was left for later */
        if (severity != SEVERITY_MISTAKE)
            return DECODED;
        severity = SEVERITY_WARNING;
    }
    bool one = (field->with & (field->with - 1)) == 0;
    format_modes(modes, field->with);
    return remark(decoder, severity, found->key->place,
                  "\"%s\" in memory_high belongs to mode %s, not to %s (%s%s, or leave it out)",
                  field->key, modes, is, one ? "write mode: " : "choose one of them",
                  one ? modes : "");
}

/* The value of a key counts in @mode. */
static bool is_in_force(const Mapping *mapping, const Seen *seen, LimitMode mode, const char *key)
{
    const Seen *found = seen_key(mapping, seen, key);

    return is_good(found) && mapping->fields[found - seen].with & BIT(mode);
}

/* @low is not above @high, which may be absent. */
static int check_bounds(Decoder *decoder, const Mapping *mapping, const Seen *seen, LimitMode mode,
                        const char *low, uint64_t low_value, const char *high, uint64_t high_value)
{
    const Seen *low_seen = seen_key(mapping, seen, low), *high_seen = seen_key(mapping, seen, high);

    if (!is_in_force(mapping, seen, mode, low) || !is_in_force(mapping, seen, mode, high) ||
        low_value <= high_value)
        return DECODED;

    const Node *a = low_seen->key->next, *b = high_seen->key->next;
    CLEANUP_FREE char *where = place_from(decoder, b->place, a->place);
    if (!where)
        return -ENOMEM;
    return refuse(decoder, a->place,
                  "\"%s\" in memory_high, %.32s, is more than \"%s\", %.32s (%s)", low, a->text,
                  high, b->text, where);
}

/* A policy for machines of several sizes may well say it; but not of a budget, which would be a
 * promise that cannot be kept. */
static int check_fits(Decoder *decoder, const Node *value, uint64_t bytes)
{
    char ram[FORMAT_SIZE_MAX];

    if (!value || bytes <= decoder->ram)
        return DECODED;
    return remark(decoder, SEVERITY_WARNING, value->place,
                  "%s is more than this machine's RAM, %s, and never reached (a share fits every "
                  "machine: 10%%)",
                  QUOTE(value->text), format_size(ram, decoder->ram));
}

static int check_limit_fits(Decoder *decoder, const Mapping *mapping, const Seen *seen,
                            LimitMode mode, const char *key, uint64_t bytes)
{
    if (!is_in_force(mapping, seen, mode, key))
        return DECODED;
    return check_fits(decoder, seen_key(mapping, seen, key)->key->next, bytes);
}

int check_limit(Decoder *decoder, const Mapping *mapping, const Node *node, const Seen *seen,
                void *object)
{
    const LimitConfig *config = &((Policy *)object)->memory_high;
    LimitMode mode = config->mode;
    int r = DECODED;

    if (is_unclear(seen_key(mapping, seen, "mode")))
        return DECODED;
    for (size_t i = 0; r >= 0 && i < mapping->n_fields; i++)
        r = check_limit_key(decoder, mapping, seen, mode, &mapping->fields[i]);
    if (r >= 0)
        r = check_bounds(decoder, mapping, seen, mode, "min", config->min, "value", config->value);
    if (r >= 0)
        r = check_bounds(decoder, mapping, seen, mode, "value", config->value, "max", config->max);
    if (r >= 0 && mode != LIMIT_FIXED) /* else it is between them, or one was told of */
        r = check_bounds(decoder, mapping, seen, mode, "min", config->min, "max", config->max);
    if (r >= 0)
        r = check_limit_fits(decoder, mapping, seen, mode, "value", config->value);
    if (r >= 0)
        r = check_limit_fits(decoder, mapping, seen, mode, "min", config->min);
    if (r >= 0)
        r = check_limit_fits(decoder, mapping, seen, mode, "max", config->max);
    return r;
}

/* The mode of memory.high is one of those that the role may have. */
static int check_limit_role(Decoder *decoder, const Policy *policy, const Node *node,
                            const Node *role)
{
    const Node *limit = node_value(node, "memory_high"), *mode = node_value(limit, "mode");
    bool yields = policy->memory_high.mode == LIMIT_YIELD;

    if (!mode)
        return DECODED;
    if (yields && policy->role != ROLE_BACKGROUND)
        return remark(decoder, severity_of(mode, role), mode->place,
                      "mode yield is for role background, and this policy's role is %s (write "
                      "role: background, or mode: fixed)",
                      policy_role_to_string(policy->role));
    if (policy->memory_high.mode == LIMIT_TRACK && policy->role == ROLE_CRITICAL &&
        !node_value(limit, "min"))
        return remark(decoder, SEVERITY_WARNING, mode->place,
                      "mode track without \"min\" may squeeze a critical service as far as its "
                      "pressure allows (for example min: 256M)");
    return DECODED;
}

/* memory.high has one writer: where they stand in two files, the mode. */
static int check_brake(Decoder *decoder, const Policy *policy, const Node *node)
{
    const Node *brake = node_value(node_value(node, "cache"), "brake");
    const Node *mode = node_value(node_value(node, "memory_high"), "mode");

    if (!brake || !policy->cache_brake || policy->memory_high.mode == LIMIT_OFF)
        return DECODED;
    return remark(decoder, severity_of(brake, mode), brake->place,
                  "\"brake\" in cache needs memory_high's mode off, and this policy's is %s (leave "
                  "one of them out)",
                  limit_mode_to_string(policy->memory_high.mode));
}

static int check_distress_role(Decoder *decoder, const Policy *policy, const Seen *distress,
                               const Node *role)
{
    if (!distress->key || policy->role == ROLE_CRITICAL)
        return DECODED;
    return remark(decoder, severity_of(distress->key, role), distress->key->place,
                  "\"distress\" is for role critical, and this policy's role is %s (write role: "
                  "critical, or leave it out)",
                  policy_role_to_string(policy->role));
}

/* What a service's own right-sizing takes, or its own cap, is not stolen. */
static void settle_stolen(Policy *policy, const Node *distress)
{
    bool own = policy->memory_high.mode == LIMIT_TRACK || policy->cache_max != LIMIT_NONE;

    if (own && !node_value(distress, "stolen"))
        policy->distress.stolen = DISTRESS_NEVER;
}

/* Holders are units beside units. */
static int check_cgroups(Decoder *decoder, const Policy *policy, const Seen *pin)
{
    if (!policy->cgroups || policy->units || !pin->key)
        return DECODED;
    return remark(decoder, SEVERITY_WARNING, pin->key->place,
                  "\"pin\" is for units, and nothing is pinned for what \"cgroups\" matches (match "
                  "units, or leave it out)");
}

/* Two could contradict each other. */
static int check_streams(Decoder *decoder, const Policy *policy)
{
    const EvictRule *first = NULL;

    for (size_t i = 0; i < policy->n_evicts; i++) {
        const EvictRule *rule = &policy->evicts[i];

        if (first && rule->stream)
            return refuse(decoder, rule->place,
                          "a second \"stream\" in evict, beside that of line %zu (leave one out)",
                          first->place.line);
        if (rule->stream)
            first = rule;
    }
    return DECODED;
}

int check_policy(Decoder *decoder, const Mapping *mapping, const Node *node, const Seen *seen,
                 void *object)
{
    Policy *policy = object;
    const Seen *role = seen_key(mapping, seen, "role");
    int r = DECODED;

    settle_stolen(policy, node_value(node, "distress"));
    if (!is_unclear(role)) {
        r = check_limit_role(decoder, policy, node, role->key);
        if (r >= 0)
            r = check_distress_role(decoder, policy, seen_key(mapping, seen, "distress"),
                                    role->key);
    }
    if (r >= 0)
        r = check_brake(decoder, policy, node);
    if (r >= 0)
        r = check_cgroups(decoder, policy, seen_key(mapping, seen, "pin"));
    if (r >= 0)
        r = check_streams(decoder, policy);
    if (r >= 0 && policy->cache_max != LIMIT_NONE)
        r = check_fits(decoder, node_value(node_value(node, "cache"), "max"), policy->cache_max);
    return r < 0 ? r : check_overlaps(decoder, policy);
}
