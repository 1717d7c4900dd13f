/* SPDX-License-Identifier: MIT */
/* The policy decoder over any bytes, on machines of several sizes. */
#include <errno.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "policy/decode.h"
#include "policy/set.h"
#include "policy/text.h"
#include "util/strv.h"
#include "util/units.h"

/* Messages are in the order of their places, and safe to print. */
static void check_diagnostics(const Diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->n_entries; i++) {
        const Diagnostic *entry = &diagnostics->entries[i], *next = entry + 1;

        must_hold(!text_has_control(entry->message)); /* which includes that it is UTF-8 */
        must_hold((entry->line == 0) == (entry->column == 0));
        if (i + 1 < diagnostics->n_entries && i + 1 < DIAGNOSTICS_MAX)
            must_hold(next->line > entry->line ||
                      (next->line == entry->line && next->column >= entry->column));

        char *line = diagnostic_format(entry, "f");
        must_hold(line);
        free(line);
    }
}

/* What every good policy is. */
static void check_policy(const Policy *policy, uint64_t ram)
{
    must_hold(strv_length(policy->units) > 0);
    STRV_FOREACH (unit, policy->units)
        must_hold(**unit && strlen(*unit) <= 255 && !strchr(*unit, '/'));
    must_hold((policy->pin_budget > 0) == (policy->n_pins > 0));
    must_hold(policy->pin_budget <= ram);
    for (size_t i = 0; i < policy->n_pins; i++)
        must_hold(policy->pins[i].path[0] == '/' && policy->pins[i].place.line > 0);
    for (size_t i = 0; i < policy->n_evicts; i++) {
        must_hold(policy->evicts[i].path[0] == '/' && policy->evicts[i].place.line > 0);
        must_hold(policy->evicts[i].idle_usec >= USEC_PER_SEC);
        must_hold(policy->evicts[i].every_usec >= USEC_PER_SEC);
    }
    must_hold((policy->memory_high.value > 0) == (policy->memory_high.mode == LIMIT_FIXED));
    must_hold((policy->memory_high.min > 0) == (policy->memory_high.mode == LIMIT_YIELD));
    must_hold(policy->memory_high.mode != LIMIT_YIELD || policy->role == ROLE_BACKGROUND);
}

static void match(Policy *policy)
{
    PolicySet set = { 0 };

    must_hold(policy_set_add(&set, policy) == 0);
    must_hold(policy_set_find(&set, "p") == policy);
    (void)policy_set_match(&set, "nginx.service", NULL);
    policy_set_clear(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t rams[] = { 0, 4096, 8 * GIB, UINT64_MAX };

    for (size_t i = 0; i < ELEMENTS(rams); i++) {
        Diagnostics diagnostics = { 0 };
        Policy *policy = NULL;

        int r = policy_decode("f", "p", (const char *)data, size, rams[i], &diagnostics, &policy);
        must_hold(r == 0 || r == -EBADMSG);
        must_hold((r == 0) == (policy != NULL));
        must_hold((r == 0) == (diagnostics.n_entries == 0));
        check_diagnostics(&diagnostics);
        diagnostics_clear(&diagnostics);
        if (policy) {
            check_policy(policy, rams[i]);
            match(policy);
        }
    }
    return 0;
}
