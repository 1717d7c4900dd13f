/* SPDX-License-Identifier: MIT */
#pragma once

/* Calls for files to be pinned by hand: one at a time is answered, the others wait. */

#include "daemon/hand.h"

/* Takes the files of the first call among ours, and records them. */
void hand_call_begin(Hand *h);

/* Answers the first call: @error_name is NULL, or nothing of it was done. */
void hand_call_answer(Hand *h, const char *error_name, const char *error);

/* Answers all so, and forgets what the first one brought, as far as no holder has it. */
void hand_calls_fail(Hand *h, const char *error_name, const char *error);
