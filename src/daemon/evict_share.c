/* SPDX-License-Identifier: MIT */
#include "daemon/evict_share.h"

#include <stdlib.h>

/* The shares of all rules of @targets into @ret, unless it is NULL; how many there are. */
static size_t collect(Target *const *targets, size_t n, uint64_t *ret)
{
    size_t n_rules = 0;
    uint64_t ppm;

    for (size_t i = 0; i < n; i++) {
        const Evictor *evictor = targets[i]->evictor;

        for (size_t k = 0; evictor && evictor_cpu_ppm(evictor, k, &ppm); k++) {
            if (ret)
                ret[n_rules] = ppm;
            n_rules++;
        }
    }
    return n_rules;
}

uint64_t evict_share(Target *const *targets, size_t n)
{
    size_t n_rules = collect(targets, n, NULL);
    CLEANUP_FREE uint64_t *shares = calloc(n_rules + 1, sizeof(uint64_t));

    /* Without memory each gets what is left if all want the same. */
    if (!shares)
        return EVICT_CPU_PPM / (n_rules + 1);
    (void)collect(targets, n, shares);
    return evict_fair_ppm(shares, n_rules);
}
