/* SPDX-License-Identifier: MIT */
#pragma once

/* Keeps one unit's page cache under the cap of its policy (control/cache_cap.h). Nothing that it
 * does has to be undone. */

#include "control/cache_cap.h"
#include "daemon/host.h"

typedef struct Capper Capper;

/* @unit and @cgroup_path are copied. @look is called when it is time for capper_update() before the
 * interval is over. */
int capper_new(Host *host, const char *unit, const char *cgroup_path, void (*look)(void *userdata),
               void *userdata, Capper **ret);

/* Takes NULL, returns NULL. */
Capper *capper_free(Capper *capper);

DEFINE_CLEANUP(Capper *, capper_free)

typedef struct CapperMoment {
    uint64_t max;   /* bytes; LIMIT_NONE: no cap */
    bool has_rules; /* see CapContext */
    bool cold_goes; /* likewise */
    bool has_swap;  /* the host has some, be it full */
    bool braked;    /* see CapContext */
    bool observe;   /* nothing is taken */
} CapperMoment;

/* One look: decides, and starts what follows unless it is under way. */
void capper_update(Capper *capper, const CapperMoment *moment, const Sample *sample);

/* The unit has no cgroup now: begins nothing any more, and wants no outcome, until the next
 * capper_update(). Takes NULL. */
void capper_stop(Capper *capper);

/* As of the last look. */
bool capper_keeps_cap(const Capper *capper);

/* Bytes that are to go by evicting idle files. */
uint64_t capper_cold(const Capper *capper);

typedef struct CapperStatus {
    CapReason reason;
    uint64_t cache;        /* bytes, as of the last look */
    uint64_t reclaimed;    /* bytes, measured, in all */
    uint64_t asked;        /* bytes, in all, be it that they were not had */
    bool reclaims;         /* some of it now */
    uint64_t until_usec;   /* CAP_COSTS: given up so long */
    uint64_t price_ppm;    /* see CapState */
    uint64_t returned_ppm; /* likewise */
} CapperStatus;

CapperStatus capper_status(const Capper *capper);
