/* SPDX-License-Identifier: MIT */
#pragma once

/* Files that stay pinned by hand, and are not held for now: what they are on is to be unmounted
 * (released.h), or the host's memory is short (control/shortage.h). */

#include "control/shortage.h"
#include "daemon/hand.h"

#define HAND_IS_RELEASED "is released, to be unmounted"

static inline bool hand_is_away(const HandFile *file)
{
    return file->released || file->shed;
}

/* What is released changed: files are let go, or may come back. */
void hand_look(Hand *hand);

/* Nothing is held, or open, that was released at @since_usec or before. */
bool hand_has_let_go(const Hand *hand, uint64_t since_usec);

/* As the pinner_...() of these names; what is let go, and of which rank it is, is the caller's. */
ShortageHolding hand_holding(const Hand *hand, uint64_t *ret_pending);
uint64_t hand_shed(Hand *hand, uint64_t bytes);
void hand_resume(Hand *hand);
bool hand_is_busy(const Hand *hand);
