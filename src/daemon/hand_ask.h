/* SPDX-License-Identifier: MIT */
#pragma once

/* What is to be asked of the holder of files that were pinned by hand, and what its answers mean.
 */

#include "daemon/hand.h"

/* Each fills in h->packet and h->fds, or returns false where there is nothing of its kind to do:
 * the holder is to be told its OOM score, files are to be released, handed over, locked again, or
 * locked further. The last two go as far as there is room; h->bound says why not further. */
bool hand_ask_score(Hand *h);
bool hand_ask_release(Hand *h);
bool hand_ask_handover(Hand *h);
bool hand_ask_refresh(Hand *h);
bool hand_ask_lock(Hand *h);

/* The answer to h->packet. -EPROTO: it is none. */
int hand_ask_answer(Hand *h, const HoldPacket *answer);

/* What a holder says of one of our files; -ENOMEM: it has one that is not yet among them. */
int hand_note_item(Hand *h, const HoldItem *item);

void hand_remove(Hand *h, HandFile *file);
