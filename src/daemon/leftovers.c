/* SPDX-License-Identifier: MIT */
#include "daemon/leftovers.h"

#include <string.h>

int leftovers_take(Leftovers *l, Host *host)
{
    const Ledger *ledger = host->ledger;

    *l = (Leftovers){
        .host = host,
        .limiters = calloc(ledger->n_entries + 1, sizeof(Limiter *)),
    };
    if (!l->limiters)
        return -ENOMEM;
    for (size_t i = 0; i < ledger->n_entries; i++) {
        const LedgerEntry *entry = &ledger->entries[i];
        int r = limiter_new(host, entry->unit, entry->cgroup, &l->limiters[l->n]);
        if (r < 0)
            return r;
        l->n++;
    }
    return 0;
}

/* One that is governed by now is its target's affair, as soon as that can do something about it. */
static bool is_done(const Host *host, Limiter *limiter, const Governed *governed)
{
    const Target *target = governed_find(governed, limiter_unit(limiter));

    if (target && target->limiter)
        return true;
    if (target && target->describing)
        return limiter_is_idle(limiter);
    /* Nobody asks what its files say: what was before is what is given back. */
    limiter_note_files(limiter, NULL, host->reloads);
    limiter_release(limiter);
    return limiter_is_idle(limiter);
}

void leftovers_note_listed(Leftovers *l)
{
    l->may_act = true;
}

void leftovers_act(Leftovers *l, const Governed *governed)
{
    size_t n = 0;

    if (!l->may_act)
        return;
    for (size_t i = 0; i < l->n; i++) {
        if (is_done(l->host, l->limiters[i], governed))
            limiter_free(l->limiters[i]);
        else
            l->limiters[n++] = l->limiters[i];
    }
    l->n = n;
}

bool leftovers_are_busy_with(const Leftovers *l, const char *unit)
{
    for (size_t i = 0; l && i < l->n; i++)
        if (strcmp(limiter_unit(l->limiters[i]), unit) == 0)
            return limiter_is_busy(l->limiters[i]);
    return false;
}

void leftovers_clear(Leftovers *l)
{
    for (size_t i = 0; i < l->n; i++)
        limiter_free(l->limiters[i]);
    free(l->limiters);
    *l = (Leftovers){ 0 };
}
