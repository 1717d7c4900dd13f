/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/hand.h"

/* Looks at the files behind h->check_at, or at all, batch by batch: marks what is to be let go or
 * handed over again, and calls h->round_ended at the end. */
void hand_round(Hand *h);
