/* SPDX-License-Identifier: MIT */
/* The kernel's averages lag by seconds; the difference between two totals does not. */
#include "daemon/pressure.h"

#include "kernel/psi.h"
#include "util/io.h"
#include "util/units.h"

/* Far above what a busy machine has all day, far below what userspace OOM killers act on. */
#define PRESSED_PERCENT 10

/* Looks may follow each other at once, when a trigger fires; too short a time says nothing. */
#define SPAN_MIN_USEC (200 * USEC_PER_MSEC)

bool host_pressure_look(HostPressure *pressure, int proc_fd, uint64_t now)
{
    char text[256];
    PsiTotals psi;

    if (pressure->seen && now < pressure->looked_usec + SPAN_MIN_USEC)
        return pressure->pressed;
    if (read_file_at(proc_fd, "pressure/memory", text, sizeof(text)) < 0 ||
        psi_parse(text, &psi) < 0) {
        *pressure = (HostPressure){ 0 };
        return false;
    }
    uint64_t waited = sub_u64(psi.some_usec, pressure->some_usec);
    uint64_t span = now - pressure->looked_usec;
    bool pressed = pressure->seen && waited >= span / 100 * PRESSED_PERCENT;

    *pressure = (HostPressure){
        .seen = true,
        .some_usec = psi.some_usec,
        .looked_usec = now,
        .pressed = pressed,
    };
    return pressed;
}
