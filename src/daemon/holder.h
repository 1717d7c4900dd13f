/* SPDX-License-Identifier: MIT */
#pragma once

/* The connection to one holder, and starting its unit where there is none. */

#include <pagewarden/hold-protocol.h>

#include "daemon/host.h"

typedef struct Holder Holder;

typedef struct HolderHandler {
    /* An answer, or an item of a list. */
    void (*message)(const HoldMessage *message, void *userdata);
    /* It could not be started, or is gone; nothing more comes. @why is for people. */
    void (*gone)(const char *why, void *userdata);
    void *userdata;
} HolderHandler;

/* Connects to the running holder of @unit, or starts one in @slice. Either way HOLD_HELLO has been
 * sent on return. -ENOTCONN: one would have to be started, and the bus is away; -ENAMETOOLONG. */
int holder_connect(Host *host, const char *unit, const char *slice, const HolderHandler *handler,
                   Holder **ret);

/* Closes the connection; the holder goes on. Takes NULL, returns NULL. */
Holder *holder_free(Holder *holder);

DEFINE_CLEANUP(Holder *, holder_free)

/* @fd stays the caller's. */
int holder_send(Holder *holder, const HoldMessage *message, int fd);

/* The holder's unit of @unit, to be freed. NULL: out of memory, or the name is too long for a unit.
 */
char *holder_unit_name(const char *unit);

/* Stops the holder of @unit and removes its socket. */
int holder_stop(Host *host, const char *unit);
