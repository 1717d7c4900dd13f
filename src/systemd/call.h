/* SPDX-License-Identifier: MIT */
#pragma once

/* Asynchronous calls of systemd, for the files of this folder. */

#include "systemd/bus.h"
#include "util/units.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

/* Longer than PID 1 takes for anything we ask of it; a reclaim inside a write of memory.high
 * counts. */
#define SYSTEMD_CALL_USEC (60 * USEC_PER_SEC)

/* What a pending call carries. Owned by its slot. */
typedef struct SystemdCall {
    void *done;
    void *userdata;
} SystemdCall;

int systemd_manager_call(sd_bus *bus, sd_bus_message **ret, const char *member);

/* Sends @message; @on_reply gets a SystemdCall as its userdata. The slot replaces what *ret_slot
 * had; NULL: nobody wants to cancel it. */
int systemd_call(sd_bus *bus, sd_bus_slot **ret_slot, sd_bus_message *message,
                 sd_bus_message_handler_t on_reply, void *done, void *userdata);

/* For calls without a result: tells a unit_done_t, which may be NULL. */
int systemd_on_done(sd_bus_message *reply, void *userdata, sd_bus_error *error);

/* The -errno of @error; -ENOENT where systemd knows no such unit, -EEXIST where it has it already,
 * which sd-bus has no numbers for. */
int systemd_error(const sd_bus_error *error);
