/* SPDX-License-Identifier: MIT */
#pragma once

/* When files are looked at again: soon after something changed, seldom where changes do not end or
 * looking is expensive, and every now and then in any case. Times are microseconds of one clock. */

#include <stdbool.h>
#include <stdint.h>

typedef struct FollowState {
    uint64_t change_usec; /* of the oldest change that no look has seen; 0: none */
    uint64_t ended_usec;  /* of the last look */
    uint64_t cost_usec;   /* of the last look: for how long somebody had to work for it */
    unsigned streak;      /* looks that changes made follow one upon the other */
} FollowState;

/* Something changed; or might have, which is the same. */
void follow_note_change(FollowState *state, uint64_t now_usec);

/* A look begins. Returns when the oldest of the changes was noted that it will see; 0: none was. */
uint64_t follow_begin(FollowState *state);

/* It ended, and cost that much. */
void follow_end(FollowState *state, uint64_t now_usec, uint64_t cost_usec);

/* When the next one is due. */
uint64_t follow_due(const FollowState *state);
