/* SPDX-License-Identifier: MIT */
/* The policy decoder over any bytes, on machines of several sizes. */
#include <errno.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "policy/decode.h"
#include "policy/excerpt.h"
#include "policy/set.h"
#include "policy/show.h"
#include "policy/text.h"
#include "unit/policy/trees.h"
#include "util/strv.h"
#include "util/units.h"

/* Messages are in the order of their places, and safe to print. */
static void check_diagnostics(const Diagnostics *diagnostics, const Source *source)
{
    for (size_t i = 0; i < diagnostics->n_entries; i++) {
        const Diagnostic *entry = &diagnostics->entries[i], *next = entry + 1;

        must_hold(!text_has_control(entry->message)); /* which includes that it is UTF-8 */
        must_hold((entry->place.line == 0) == (entry->place.column == 0));
        if (i + 1 < diagnostics->n_entries && i + 1 < DIAGNOSTICS_MAX)
            must_hold(next->place.line > entry->place.line ||
                      (next->place.line == entry->place.line &&
                       next->place.column >= entry->place.column));

        char *line = diagnostic_format(entry, source);
        must_hold(line);
        free(line);

        char *excerpt = excerpt_format(source, &entry->place, true);
        must_hold(excerpt && strlen(excerpt) == strcspn(excerpt, "\x1b\t\r"));
        free(excerpt);
    }
}

static void check_pins(const Policy *policy, uint64_t ram)
{
    must_hold((policy->pin_budget > 0) == (policy->n_pins > 0));
    must_hold(policy->pin_budget <= ram);
    for (size_t i = 0; i < policy->n_pins; i++) {
        const PinRule *rule = &policy->pins[i];

        must_hold((rule->path != NULL) != (rule->mapped != 0));
        must_hold(!rule->path || rule->path[0] == '/');
        must_hold(rule->place.line > 0 && rule->max_size > 0);
        must_hold(rule->range.begin < rule->range.end);
        must_hold(rule->dormant || (rule->path && rule->range.begin == 0));
    }
    for (size_t i = 0; i < policy->pin_order.n_keys; i++)
        for (size_t k = 0; k < i; k++)
            must_hold(policy->pin_order.keys[k] != policy->pin_order.keys[i]);
}

static void check_evictions(const Policy *policy)
{
    for (size_t i = 0; i < policy->n_evicts; i++) {
        const EvictRule *rule = &policy->evicts[i];

        must_hold((rule->path != NULL) != rule->stream);
        must_hold(!rule->path || rule->path[0] == '/');
        must_hold(rule->place.line > 0 && (rule->dormant || rule->path));
        must_hold(rule->idle_usec >= USEC_PER_SEC && rule->every_usec >= USEC_PER_SEC);
        must_hold(rule->keep.first == 0 || rule->keep.last == 0);
        must_hold(rule->rate > 0);
    }
}

static void check_limit(const Policy *policy)
{
    const LimitConfig *limit = &policy->memory_high;

    must_hold((limit->value > 0) == (limit->mode == LIMIT_FIXED));
    must_hold(limit->mode != LIMIT_YIELD || limit->min > 0);
    must_hold(limit->mode != LIMIT_YIELD || policy->role == ROLE_BACKGROUND);
    must_hold(limit->min <= limit->max && limit->value <= limit->max);
    must_hold(limit->value == 0 || limit->min <= limit->value);
    must_hold(limit->pressure > 0 && limit->pressure <= 1000000);
}

/* What every good policy is. */
static void check_policy(const Policy *policy, uint64_t ram)
{
    must_hold(strv_length(policy->units) + strv_length(policy->cgroups) > 0);
    STRV_FOREACH (unit, policy->units)
        must_hold(**unit && strlen(*unit) <= 255 && !strchr(*unit, '/'));
    STRV_FOREACH (cgroup, policy->cgroups)
        must_hold(**cgroup == '/');
    must_hold(policy->distress.window_usec >= DISTRESS_WINDOW_MIN_USEC);
    must_hold(policy->distress.refaults > 0 && policy->distress.memory_pressure > 0);
    must_hold(policy->cache_max > 0);
    check_pins(policy, ram);
    check_evictions(policy);
    check_limit(policy);
}

static Node *read_tree(const char *text, size_t size)
{
    Diagnostics diagnostics = { 0 };
    Node *tree = NULL;

    must_hold(document_read(&(Source){ "f", text, size }, 0, &diagnostics, &tree) == 0);
    diagnostics_clear(&diagnostics);
    return tree;
}

/* What is shown of a good policy says the same. */
static void check_shown(const Source *source)
{
    cleanup(node_freep) Node *tree = read_tree(source->text, source->size);
    char *shown = show_document(tree, source);

    must_hold(shown);
    cleanup(node_freep) Node *again = read_tree(shown, strlen(shown));
    must_hold(same_tree(tree, again));
    free(shown);
}

static void match(Policy *policy)
{
    PolicySet set = { 0 };

    must_hold(policy_set_add(&set, policy) == 0);
    must_hold(policy_set_find(&set, "p") == policy);
    (void)policy_set_match(&set, "nginx.service", "/system.slice/nginx.service", NULL);
    policy_set_clear(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t rams[] = { 0, 4096, 8 * GIB, UINT64_MAX };

    const Source source = { "f", (const char *)data, size };

    for (size_t i = 0; i < ELEMENTS(rams); i++) {
        Diagnostics diagnostics = { 0 };
        Policy *policy = NULL;

        int r = policy_decode("p", &source, 1, rams[i], &diagnostics, &policy);
        must_hold(r == 0 || r == -EBADMSG);
        must_hold((r == 0) == (policy != NULL));
        must_hold((r == 0) == (diagnostics.n_of[SEVERITY_MISTAKE] == 0));
        check_diagnostics(&diagnostics, &source);
        diagnostics_clear(&diagnostics);
        if (policy) {
            check_policy(policy, rams[i]);
            check_shown(&source);
            match(policy);
        }
    }
    return 0;
}
