/* SPDX-License-Identifier: MIT */
#pragma once

/* How much more may be locked right now, whatever the policy's budget says. */

#include <stdint.h>

#include "control/sample.h"

typedef enum PinBound {
    PIN_BOUND_NONE,
    PIN_BOUND_HOST,    /* all pins of the host together would exceed the budget */
    PIN_BOUND_RESERVE, /* MemAvailable would fall below the reserve */
    PIN_BOUND_CGROUP,  /* memory.high or memory.max of the service or of a slice above it is near */
} PinBound;

/* Bytes below memory.high at which a pin stops: 16 MiB showed no stall with 64 MiB pinned; with
 * less, every charging system call of the service stalls for about 2 s. */
#define PIN_CGROUP_HEADROOM (UINT64_C(16) * 1024 * 1024)

/* All in bytes. */
typedef struct PinHost {
    uint64_t budget;    /* of all pins together */
    uint64_t reserve;   /* that MemAvailable keeps */
    uint64_t available; /* MemAvailable */
    uint64_t locked;    /* by all pins of this host */
} PinHost;

/* Bytes that may still be locked as far as the host is concerned; *ret_bound says what bounds it. A
 * locked page of the cache stops being available, so the reserve counts in full even where the page
 * is cached. */
uint64_t pin_room_host(const PinHost *host, PinBound *ret_bound);

/* Bytes that may still be locked before the cgroup of @sample could not reclaim its way below its
 * limits. LIMIT_NONE where it has none. */
uint64_t pin_room_cgroup(const Sample *sample);

/* The same for the cgroup of a service whose holder is charged beside it. Nothing that is read for
 * a pin is charged there; only what the service has in its cache already stays so when it is
 * locked. LIMIT_NONE where there is room for all of that. */
uint64_t pin_room_beside(const Sample *sample);

const char *pin_bound_to_string(PinBound bound);
