/* SPDX-License-Identifier: MIT */
#pragma once

/* Requests, carried out on the files of this process. */

#include <stdbool.h>

#include "hold/pins.h"
#include "hold/wire.h"

/* Carries out the HOLD_PIN, HOLD_REFRESH or HOLD_RELEASE @packet, whose items become those of the
 * answer. @fds are as many as its items say, and stay the caller's. */
void hold_apply(PinTable *pins, HoldPacket *packet, const int *fds);

/* 0, or why the packet as a whole is refused: -E2BIG: it asks for more than HOLD_SLICE_MAX. */
int hold_check(const HoldPacket *packet);

/* Calls @send with HOLD_ITEMS of all files, @userdata with it, until it fails. */
int hold_list(const PinTable *pins, int (*send)(const HoldPacket *packet, void *userdata),
              void *userdata);

HoldItem hold_item(const PinInfo *info);

static inline bool hold_item_has_fd(const HoldItem *item)
{
    return item->flags & HOLD_WITH_FD;
}
