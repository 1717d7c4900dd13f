/* SPDX-License-Identifier: MIT */
#pragma once

/* The bus methods about pins by hand; pagewardend(8) documents them. Each is told whether it has
 * answered or will (1), or -errno with @error. */

#include <systemd/sd-bus.h>

#include "daemon/hands.h"

int hand_bus_pin(sd_bus_message *message, Hands *hands, sd_bus_error *error);
int hand_bus_unpin(sd_bus_message *message, Hands *hands, sd_bus_error *error);
int hand_bus_list(sd_bus_message *message, const Hands *hands, sd_bus_error *error);
