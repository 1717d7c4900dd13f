/* SPDX-License-Identifier: MIT */
#pragma once

/* What stands in the lists of a policy, and what the words in it mean. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/advise.h"
#include "control/pin_order.h"
#include "policy/place.h"
#include "util/cleanup.h"

typedef enum PinLock {
    PIN_LOCK_NOW,
    PIN_LOCK_POPULATE, /* the same: what is locked is always read first */
    PIN_LOCK_ON_FAULT, /* what is in memory, also as soon as it comes */
    PIN_LOCK_NONE,     /* read once, and not locked */
} PinLock;

typedef enum PinCharge {
    PIN_CHARGE_HOLDER, /* a unit beside the service */
    PIN_CHARGE_SERVICE,
} PinCharge;

typedef enum PinShortage {
    PIN_SHORTAGE_RELEASE,
    PIN_SHORTAGE_KEEP,
} PinShortage;

enum { /* flags of what a service's processes have mapped */
       PIN_MAPPED_EXECUTABLES = 1 << 0,
       PIN_MAPPED_LIBRARIES = 1 << 1,
};

typedef struct ByteRange {
    uint64_t begin;
    uint64_t end; /* behind the last byte; UINT64_MAX: the file's end */
} ByteRange;

static inline bool range_is_all(const ByteRange *range)
{
    return range->begin == 0 && range->end == UINT64_MAX;
}

typedef struct PinRule {
    char *path;        /* absolute path or glob; NULL: mapped */
    unsigned mapped;   /* PIN_MAPPED_… */
    char **excludes;   /* globs over names, or absolute ones over paths; braces expanded */
    uint64_t max_size; /* bytes: larger files are passed over; UINT64_MAX: none */
    ByteRange range;
    PinLock lock;
    PolicyPlace place; /* of path or mapped */
} PinRule;

/* Takes NULL. */
void pin_rules_free(PinRule *rules, size_t n);

/* A copy that shares nothing, to be freed; NULL if there are none. */
int pin_rules_copy(const PinRule *rules, size_t n, PinRule **ret);

enum { /* flags: when an eviction is called for besides EvictRule.every_usec */
       EVICT_WHEN_PRESSURE = 1 << 0,
       EVICT_WHEN_DISTRESS = 1 << 1,
};

typedef enum EvictDirty { EVICT_DIRTY_SKIP, EVICT_DIRTY_WRITE_BACK } EvictDirty;
typedef enum EvictMapped { EVICT_MAPPED_SKIP, EVICT_MAPPED_PAGE_OUT } EvictMapped;

typedef struct EvictKeep {
    uint64_t first; /* bytes of the head to leave */
    uint64_t last;  /* bytes of the tail to leave; one of both is 0 */
} EvictKeep;

typedef struct EvictRule {
    char *path;          /* NULL: stream */
    bool stream;         /* what the service reads or writes, behind its position */
    uint64_t idle_usec;  /* nobody has had it open for that long */
    uint64_t every_usec; /* between two looks */
    unsigned when;       /* EVICT_WHEN_… */
    EvictDirty dirty;
    EvictMapped mapped;
    ByteRange range;
    EvictKeep keep;
    uint64_t rate; /* bytes per second; UINT64_MAX: no limit */
    PolicyPlace place;
} EvictRule;

#define EVICT_IDLE_DEFAULT_USEC \
    (UINT64_C(120) * 1000000) /* a log rotator or a dump is done by then */
#define EVICT_EVERY_DEFAULT_USEC (UINT64_C(30) * 1000000)

typedef struct AdviseRule {
    char *path;
    Access access;
    PolicyPlace place;
} AdviseRule;
