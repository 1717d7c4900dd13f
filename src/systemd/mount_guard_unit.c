/* SPDX-License-Identifier: MIT */
/* The transient unit that is part of a mount unit, and runs nothing until it is stopped. */

#include <limits.h>
#include <pagewarden/names.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "systemd/call.h"
#include "systemd/units.h"

#define UNIT_NAME_MAX 255

/* What stands for a "$" in an argument of a command. ExecStopEx= could say that it is none of a
 * variable, but systemd 252 writes that down in a way that it cannot read after a daemon-reload. */
static void double_dollars(const char *path, char ret[static 2 * PATH_MAX])
{
    size_t n = 0;

    for (; *path && n + 2 < 2 * PATH_MAX; path++) {
        if (*path == '$')
            ret[n++] = '$';
        ret[n++] = *path;
    }
    ret[n] = '\0';
}

static int append_properties(sd_bus_message *m, const char *mount_unit, const char *path)
{
    char description[512], argument[2 * PATH_MAX];
    snprintf(description, sizeof(description), "pagewarden: releases what is pinned on %s", path);
    double_dollars(path, argument);

    int r = sd_bus_message_append(m, "(sv)(sv)(sv)", "Description", "s", description, "Type", "s",
                                  "oneshot", "RemainAfterExit", "b", 1);
    if (r >= 0) /* its name is needed again when the mount comes back */
        r = sd_bus_message_append(m, "(sv)", "CollectMode", "s", "inactive-or-failed");
    if (r >= 0) /* stopped with the mount, and before it: that waits for ExecStop= */
        r = sd_bus_message_append(m, "(sv)(sv)", "PartOf", "as", 1, mount_unit, "After", "as", 2,
                                  mount_unit, "pagewarden.service");
    if (r >= 0) /* where the controller is away, the mount is stopped all the same */
        r = sd_bus_message_append(m, "(sv)(sv)", "TimeoutStopUSec", "t", 60 * USEC_PER_SEC,
                                  "ExecStop", "a(sasb)", 1, PAGEWARDEN_COMMAND_PATH, 4,
                                  PAGEWARDEN_COMMAND_PATH, "release", "--", argument, 1);
    return r;
}

int mount_guard_unit_start(sd_bus *bus, sd_bus_slot **ret_slot, const char *stem, const char *path,
                           unit_done_t done, void *userdata)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;
    char name[UNIT_NAME_MAX + 1], mount_unit[UNIT_NAME_MAX + 1];

    if (strlen(PAGEWARDEN_MOUNT_UNIT_PREFIX) + strlen(stem) + strlen(".service") > UNIT_NAME_MAX)
        return -ENAMETOOLONG;
    snprintf(name, sizeof(name), PAGEWARDEN_MOUNT_UNIT_PREFIX "%s.service", stem);
    snprintf(mount_unit, sizeof(mount_unit), "%s.mount", stem);

    int r = systemd_manager_call(bus, &message, "StartTransientUnit");
    if (r >= 0)
        r = sd_bus_message_append(message, "ss", name, "fail");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "(sv)");
    if (r >= 0)
        r = append_properties(message, mount_unit, path);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    if (r >= 0)
        r = sd_bus_message_append(message, "a(sa(sv))", 0);
    return r < 0 ? r
                 : systemd_call(bus, ret_slot, message, systemd_on_done, (void *)done, userdata);
}
