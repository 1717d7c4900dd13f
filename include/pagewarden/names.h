/* SPDX-License-Identifier: MIT */
#pragma once

/* Names that more than one program relies on. */

#include <stdbool.h>
#include <string.h>

#define PAGEWARDEN_BUS_NAME    "org.pagewarden1"
#define PAGEWARDEN_OBJECT_PATH "/org/pagewarden1"
#define PAGEWARDEN_INTERFACE   "org.pagewarden1.Manager"

/* Files of one call of Pin(): dbus-daemon lets no more descriptors through with a message. */
#define PAGEWARDEN_PIN_MAX 16

#define PAGEWARDEN_RUNTIME_DIR "/run/pagewarden"
#define PAGEWARDEN_HOLDERS_DIR PAGEWARDEN_RUNTIME_DIR "/hold" /* their sockets */
#define PAGEWARDEN_STATE_DIR   "/var/lib/pagewarden"

/* A holder's unit is this, the name of the unit that it serves (without ".service"), and
 * ".service". */
#define PAGEWARDEN_HOLD_UNIT_PREFIX "pagewarden-hold-"

/* What warms a service before it starts is this, the service's whole name, and ".service"; the
 * drop-in that makes the service wait for it. */
#define PAGEWARDEN_WARM_UNIT_PREFIX "pagewarden-warm@"
#define PAGEWARDEN_WARM_DROPIN      "50-pagewarden-warm.conf"

/* The unit that guards a mount is this, the name of the mount unit (without ".mount"), and
 * ".service". */
#define PAGEWARDEN_MOUNT_UNIT_PREFIX "pagewarden-mount-"

/* The controller's unit, and those that it starts, which no policy governs. */
static inline bool pagewarden_owns_unit(const char *unit)
{
    return strncmp(unit, PAGEWARDEN_HOLD_UNIT_PREFIX, strlen(PAGEWARDEN_HOLD_UNIT_PREFIX)) == 0 ||
           strncmp(unit, PAGEWARDEN_MOUNT_UNIT_PREFIX, strlen(PAGEWARDEN_MOUNT_UNIT_PREFIX)) == 0 ||
           strncmp(unit, PAGEWARDEN_WARM_UNIT_PREFIX, strlen(PAGEWARDEN_WARM_UNIT_PREFIX)) == 0 ||
           strcmp(unit, "pagewarden.service") == 0;
}
