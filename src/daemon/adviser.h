/* SPDX-License-Identifier: MIT */
#pragma once

/* Gives one unit's open files the read-ahead that its policy says, and takes it back. */

#include "daemon/host.h"
#include "policy/policy.h"

typedef struct Adviser Adviser;

int adviser_new(Host *host, const char *unit, Adviser **ret);

/* What was advised stays noted, for advised_undo(). Takes NULL, returns NULL. */
Adviser *adviser_free(Adviser *adviser);

/* Forgets what is under way, before the queue of such jobs ends. */
void adviser_stop(Adviser *adviser);

/* The rules from now on; @policy is not kept, NULL is none. -ENOMEM: they are what they were. */
int adviser_want(Adviser *adviser, const Policy *policy);

/* To be called every second or so. @control_group is the unit's, NULL while it has none; @off: as
 * if there were no rules. */
void adviser_tick(Adviser *adviser, const char *control_group, bool off, uint64_t now_usec);

/* Nothing of it is in force. */
bool adviser_is_idle(const Adviser *adviser);

typedef struct AdviserStatus {
    /* of the last look */
    size_t descriptors; /* that match a rule, and were advised */
    size_t unreachable; /* processes that could not be looked into */
} AdviserStatus;

AdviserStatus adviser_status(const Adviser *adviser);
