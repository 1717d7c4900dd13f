/* SPDX-License-Identifier: MIT */
#pragma once

/* Keeps one unit's files pinned as its policy says, through its holder. */

#include "control/pin_plan.h"
#include "control/pin_room.h"
#include "control/shortage.h"
#include "daemon/host.h"
#include "daemon/pin_follow.h"
#include "daemon/pin_scan.h"
#include "policy/policy.h"

typedef struct Pinner Pinner;

/* Strings are copied. Nothing is done before pinner_want(). */
int pinner_new(Host *host, const char *unit, const char *slice, const char *cgroup_path,
               Pinner **ret);

/* Lets the connection go; the holder and its pins stay. Takes NULL, returns NULL. */
Pinner *pinner_free(Pinner *pinner);

DEFINE_CLEANUP(Pinner *, pinner_free)

/* What is to be pinned from now on: the policy's, or NULL for nothing, which stops the holder.
 * @policy is not kept. */
int pinner_want(Pinner *pinner, const Policy *policy);

/* In a shortage: whose pins go first. */
static inline ShortageRank pinner_rank_of(PolicyRole role)
{
    switch (role) {
    case ROLE_CRITICAL:
        return SHORTAGE_CRITICAL;
    case ROLE_NORMAL:
        return SHORTAGE_NORMAL;
    case ROLE_BACKGROUND:
        return SHORTAGE_BACKGROUND;
    }
    return SHORTAGE_NORMAL;
}

/* To be called every second or so. */
void pinner_tick(Pinner *pinner, uint64_t now_usec);

/* The files are looked for at once, as if nothing had been found yet. */
void pinner_rescan(Pinner *pinner);

/* Nothing is held that a scan which began at @since_usec, or later, would have let go, by a holder
 * that this is connected to. */
bool pinner_has_let_go(const Pinner *pinner, uint64_t since_usec);

/* Whether it is connected to the holder whose unit is @name. */
bool pinner_uses(const Pinner *pinner, const char *name);

/* The mount points, other than "/", that files to be pinned are on. Until the next scan. */
char *const *pinner_mounts(const Pinner *pinner);

/* No holder, and none wanted. */
bool pinner_is_off(const Pinner *pinner);

/* The files that the holder has, sorted by pin_held_compare(). Valid until the loop goes on. */
const PinHeld *pinner_held(Pinner *pinner, size_t *ret_n);

/* The files that the policy wants pinned and the holder may not have (yet, or any more), sorted by
 * pin_id_compare(), as far as they are known: valid until the loop goes on. -ENOMEM: they are not.
 */
int pinner_unheld(const Pinner *pinner, const PinId **ret, size_t *ret_n);

/* What it has, as far as the host's shortage of memory goes; *ret_pending: bytes on their way out.
 */
ShortageHolding pinner_holding(const Pinner *pinner, uint64_t *ret_pending);

/* Lets whole files of at least @bytes go, or all, and takes nothing more until pinner_resume().
 * Returns the bytes that go, as far as that is known already. */
uint64_t pinner_shed(Pinner *pinner, uint64_t bytes);

/* What was let go for want of memory may come back. */
void pinner_resume(Pinner *pinner);

/* Something is being looked for, or done. */
bool pinner_is_busy(const Pinner *pinner);

typedef struct PinnerStatus {
    const char *state;
    uint64_t locked;          /* bytes, measured in the holder's smaps */
    uint64_t charged_service; /* bytes of locked pages that its cgroup is charged with */
    uint64_t charged_holder;  /* and its holder's */
    PinCharge charge;         /* of these two, who is to be, */
    bool recharging;          /* and whether pages are moving to it */
    uint64_t warmed; /* bytes that were in memory right after they were read, and are not locked */
    size_t files;    /* held with at least a page locked */
    size_t failed;   /* named by the policy and not pinned */
    size_t wanted_files; /* by the policy, at the last look */
    uint64_t wanted;     /* bytes of these, whole pages */
    uint64_t released;   /* bytes that went because the host's memory is short */
    const PinProblem *problems;
    size_t n_problems;
    PinBound bound; /* what keeps the rest of the budget from being used */
    PinFollowStatus follow;
} PinnerStatus;

PinnerStatus pinner_status(const Pinner *pinner);
