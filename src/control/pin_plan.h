/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file that a policy wants in memory. */
typedef struct PinWish {
    uint64_t dev, ino;
    uint64_t offset;    /* bytes, whole pages: where the part that is wanted begins */
    uint64_t size;      /* bytes, of that part */
    int way;            /* in which it is to be held: the caller's number, only compared */
    bool only_resident; /* no more of it is wanted than is in memory, wherever that is: */
    uint64_t resident;  /* bytes, whole pages */
    uint64_t target; /* out: bytes to have in memory: of what is not only_resident, from the offset
                        on; whole pages */
    bool held;       /* out: a holder has it mapped as far as the target goes, and keeps it */
} PinWish;

/* A file that is pinned, for who wants to know no more of it. */
typedef struct PinId {
    uint64_t dev, ino;
} PinId;

/* For qsort() and bsearch() over PinId. */
int pin_id_compare(const void *a, const void *b);

/* A file that a holder has mapped. */
typedef struct PinHeld {
    uint64_t dev, ino;
    uint64_t offset; /* bytes: where the mapped part begins */
    uint64_t length; /* bytes mapped */
    uint64_t locked; /* bytes locked */
    uint64_t ctime;  /* nanoseconds: of the file when it was looked at last; 0: not known */
    uint64_t since;  /* microseconds since the epoch: held without a break; 0: not known */
    int way;         /* as that of a wish */
    bool keep;       /* out: false: to be released before anything else is locked */
    bool refresh;    /* it was changed since it was read; pin_plan() leaves that alone */
} PinHeld;

/* Compares by device and inode, for qsort() and bsearch() over PinHeld. */
int pin_held_compare(const void *a, const void *b);

/* All of both, sorted as they are, and what is among both once: returns how many, @n_held + @n_ids
 * at most. */
size_t pin_ids_merge(const PinHeld *held, size_t n_held, const PinId *ids, size_t n_ids,
                     PinId *ret);

/* A budget that is spread over wishes, which come one by one, in their order. */
typedef struct PinPlan {
    const PinHeld *held; /* sorted by pin_held_compare(); only read */
    size_t n_held;
    uint64_t page; /* bytes */
    uint64_t left; /* bytes of the budget */
} PinPlan;

/* Gives @wish its part: see pin_plan(). Returns which of the held files is kept for it; NULL: none.
 */
const PinHeld *pin_plan_next(PinPlan *plan, PinWish *wish);

/* Spreads @budget (bytes) over @wishes in their order: each gets its size in whole pages of @page
 * bytes (or as much as is resident), or what is left. No file may stand among the wishes twice.
 * @held is sorted by pin_held_compare().
 *
 * What is held and no longer wished for, or from another offset or in another way, was truncated
 * below what is mapped, or is locked beyond its target, is to be released: a lock can grow at its
 * end, nothing else. Returns the sum of the targets, which is at most @budget. */
uint64_t pin_plan(PinWish *wishes, size_t n_wishes, PinHeld *held, size_t n_held, uint64_t budget,
                  uint64_t page);
