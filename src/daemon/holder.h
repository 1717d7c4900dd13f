/* SPDX-License-Identifier: MIT */
#pragma once

/* The connection to one holder, and starting its unit where there is none. */

#include "daemon/host.h"
#include "hold/wire.h"
#include "systemd/units.h"

/* In front of a unit's name (or of nothing), where a unit's name is asked for below: the holder of
 * what was pinned by hand for that unit. No unit's name begins so. */
#define HOLDER_BY_HAND ":hand:"

typedef struct Holder Holder;

typedef struct HolderHandler {
    /* An answer, items of a list, or what the holder says unasked. */
    void (*message)(const HoldPacket *packet, void *userdata);
    /* It could not be started, or is gone; nothing more comes. @why is for people. */
    void (*gone)(const char *why, void *userdata);
    void *userdata;
} HolderHandler;

/* Connects to the running holder of @unit, or starts one in @slice. Either way HOLD_HELLO has been
 * sent on return. One of another version goes on, and another is started beside it. -ENOTCONN: one
 * would have to be started, and the bus is away; -ENAMETOOLONG. */
int holder_connect(Host *host, const char *unit, const char *slice, const HolderHandler *handler,
                   Holder **ret);

/* Closes the connection; the holder goes on. Takes NULL, returns NULL. */
Holder *holder_free(Holder *holder);

DEFINE_CLEANUP(Holder *, holder_free)

/* @fds may be NULL, and stay the caller's. */
int holder_send(Holder *holder, const HoldPacket *packet, const HoldFds *fds);

/* This one has all pins: stops the one beside it, if there is one. */
void holder_stop_other(const Holder *holder);

/* Whether the unit @name is a holder of @unit. */
bool holder_is_of(const char *name, const char *unit);

/* Whether it is the unit @name. */
bool holder_is_named(const Holder *holder, const char *name);

/* Stops the holders of @unit and removes their sockets. */
int holder_stop(Host *host, const char *unit);

/* Without what they serve the pins are worth nothing, so they go after it; where they are released
 * when memory is short, before it: what a killed holder had locked can be reclaimed. */
static inline int holder_score(bool keeps)
{
    return keeps ? HOLDER_SCORE_MIN : HOLDER_SCORE_EXPENDABLE;
}
