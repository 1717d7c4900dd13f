/* SPDX-License-Identifier: MIT */
#pragma once

/* Several units that yield to one critical service, decided about once a second. */

#include "unit/control/yielding.h"

#define UNITS 3
#define SLICE (YIELD_HOST << 1)

typedef struct Several {
    YieldLaw law;
    YieldNeed need;
    YieldService service;
    YieldServed served;
    Sample samples[UNITS];
    YieldState states[UNITS];
    YieldUnit units[UNITS];
} Several;

/* 300, 500 and 400 MiB, all of it cold cache. */
static inline void several_init(Several *s)
{
    static const uint64_t sizes[UNITS] = { 300 * MIB, 500 * MIB, 400 * MIB };

    *s = (Several){
        .need = { .at_usec = AT0, .running = true, .n_services = 1 },
        .service = { .distress = DISTRESS_REFAULTS, .domain = YIELD_HOST | SLICE, .measured = true }
    };
    s->need.services = &s->service;
    s->service.state = &s->served;
    for (size_t i = 0; i < UNITS; i++) {
        s->samples[i] = (Sample){ .at_usec = AT0,
                                  .current = sizes[i],
                                  .file = sizes[i],
                                  .inactive_file = sizes[i],
                                  .memory_psi.valid = true };
        s->units[i] = (YieldUnit){ .config = &yields_all,
                                   .sample = &s->samples[i],
                                   .domains = YIELD_HOST,
                                   .state = &s->states[i] };
    }
}

/* A second passes; what was asked for is done. */
static inline void second(Several *s, uint64_t damage)
{
    s->service.damage += damage;
    s->service.lacks += s->service.lost;
    yield_decide(&s->law, &s->need, s->units, UNITS);
    for (size_t i = 0; i < UNITS; i++) {
        Sample *sample = &s->samples[i];
        sample->current = min_u64(sample->current, s->units[i].decision.want);
        sample->file = sample->inactive_file = sample->current;
    }
    s->need.at_usec += USEC_PER_SEC;
}
