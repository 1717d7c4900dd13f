/* SPDX-License-Identifier: MIT */
/* A page is charged to the control group of whoever brings it in, so this is done by a process
 * within the service's. It is a guest there: it dies with its parent, is the first to be killed
 * when the group's memory is short, and nobody can trace it. (It would drop its capabilities; but
 * the controller's filter of system calls, which it inherits, kills for capset(2).) */

#include "hold/fill.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>

#include "hold/apply.h"

static int be_killed_first(void)
{
    static const char most[] = "1000";

    CLEANUP_CLOSE int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, most, strlen(most)) < 0 ? -errno : 0;
}

static bool only_reads(const HoldPacket *packet)
{
    for (uint32_t i = 0; i < packet->header.n_items; i++)
        if (packet->items[i].lock != HOLD_LOCK_NONE)
            return false;
    return packet->header.type == HOLD_PIN;
}

static int serve_one(int fd, PinTable *none)
{
    cleanup(hold_fds_close) HoldFds fds = { .n = 0 };
    HoldPacket packet;

    int r = hold_receive(fd, &packet, &fds);
    if (r <= 0)
        return r;
    if (!only_reads(&packet) || hold_check(&packet) < 0)
        return -EPROTO;
    hold_apply(none, &packet, fds.fds);
    packet.header = (HoldHeader){ .type = HOLD_DONE, .n_items = packet.header.n_items };
    r = hold_send(fd, &packet, NULL, 0);
    return r < 0 ? r : 1;
}

int fill_serve(int fd)
{
    cleanup(pin_table_freep) PinTable *none = NULL;

    int r = be_killed_first();
    if (r >= 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
        r = -errno;
    if (r >= 0)
        r = pin_table_new(&none);
    while (r >= 0) {
        r = serve_one(fd, none);
        if (r == 0)
            return 0;
    }
    return r;
}
