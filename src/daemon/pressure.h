/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether the machine as a whole is short of memory. */

#include <stdbool.h>
#include <stdint.h>

typedef struct HostPressure {
    bool seen;
    uint64_t some_usec; /* time in which some task waited for memory, as of the last look */
    uint64_t looked_usec;
    bool pressed;
} HostPressure;

/* Whether some task waited for memory for 10 % of the time or more since the look before; the first
 * one says no. @proc_fd is of /proc; without pressure/memory there, memory is never short. */
bool host_pressure_look(HostPressure *pressure, int proc_fd, uint64_t now_usec);
