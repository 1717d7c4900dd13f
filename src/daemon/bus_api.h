/* SPDX-License-Identifier: MIT */
#pragma once

/* org.pagewarden1 on the system bus. */

#include <systemd/sd-bus.h>

#include "daemon/manager.h"

typedef struct BusApi BusApi;

/* Who may call what is the bus daemon's to say (units/org.pagewarden1.conf). */
int bus_api_new(sd_bus *bus, Manager *manager, BusApi **ret);

/* Takes NULL, returns NULL. */
BusApi *bus_api_free(BusApi *api);
