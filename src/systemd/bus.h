/* SPDX-License-Identifier: MIT */
#pragma once

/* The connection to the system bus, which comes back by itself when it is lost. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "util/cleanup.h"

typedef struct SystemBus SystemBus;

typedef struct SystemBusHandler {
    /* Connected (again): nothing that was asked or subscribed to before is in force. @bus is valid
     * until down(). An error (-errno) drops the connection, to be tried again. */
    int (*up)(sd_bus *bus, void *userdata);
    /* The connection is gone; slots and messages of it must be let go. */
    void (*down)(int error, void *userdata);
    void *userdata;
} SystemBusHandler;

#define SYSTEM_BUS_RETRY_USEC                                          \
    (UINT64_C(2) * 1000000) /* a bus that restarts is back within this \
                             */

/* Connects from within the loop, so up() and down() are called only from there. */
int system_bus_new(sd_event *event, const SystemBusHandler *handler, SystemBus **ret);

/* Takes NULL, returns NULL. Calls neither up() nor down(). */
SystemBus *system_bus_free(SystemBus *system_bus);

DEFINE_CLEANUP(SystemBus *, system_bus_free)
