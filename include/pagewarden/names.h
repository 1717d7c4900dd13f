/* SPDX-License-Identifier: MIT */
#pragma once

/* Names that more than one program relies on. */

#define PAGEWARDEN_BUS_NAME    "org.pagewarden1"
#define PAGEWARDEN_OBJECT_PATH "/org/pagewarden1"
#define PAGEWARDEN_INTERFACE   "org.pagewarden1.Manager"

#define PAGEWARDEN_RUNTIME_DIR "/run/pagewarden"

/* A holder's unit is this, the name of the unit that it serves (without ".service"), and
 * ".service". */
#define PAGEWARDEN_HOLD_UNIT_PREFIX "pagewarden-hold-"
