/* SPDX-License-Identifier: MIT */
/* The transient unit of a holder: what it may do is all here. */

#include <stdio.h>

#include "config.h"
#include "systemd/call.h"
#include "systemd/units.h"

/* A holder maps, locks and waits. Its descriptors come over the socket; it opens nothing. */
static int append_sandbox(sd_bus_message *m)
{
    static const char *const on[] = {
        "DynamicUser",           "NoNewPrivileges",   "PrivateDevices",
        "PrivateNetwork",        "ProtectClock",      "ProtectHostname",
        "ProtectControlGroups",  "ProtectKernelLogs", "ProtectKernelModules",
        "ProtectKernelTunables", "LockPersonality",   "MemoryDenyWriteExecute",
        "RestrictRealtime",      "RestrictSUIDSGID",
    };
    int r = 0;

    for (size_t i = 0; i < ELEMENTS(on) && r >= 0; i++)
        r = sd_bus_message_append(m, "(sv)", on[i], "b", 1);
    if (r >= 0)
        r = sd_bus_message_append(m, "(sv)(sv)", "CapabilityBoundingSet", "t",
                                  UINT64_C(1) << 14 /* CAP_IPC_LOCK */, "AmbientCapabilities", "t",
                                  UINT64_C(1) << 14);
    if (r >= 0)
        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "ProtectSystem", "s", "strict",
                                  "ProtectHome", "s", "yes", "UMask", "u", 0077,
                                  "RestrictAddressFamilies", "(bas)", 1, 1, "AF_UNIX");
    if (r >= 0) /* of /proc it needs its own part, of namespaces none */
        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "ProtectProc", "s", "invisible",
                                  "ProcSubset", "s", "pid", "KeyringMode", "s", "private",
                                  "RestrictNamespaces", "t", UINT64_C(0));
    if (r >= 0)
        r = sd_bus_message_append(m, "(sv)(sv)(sv)", "SystemCallArchitectures", "as", 1, "native",
                                  "SystemCallFilter", "(bas)", 1, 1, "@system-service",
                                  "SystemCallFilter", "(bas)", 0, 2, "@privileged", "@resources");
    return r;
}

static int append_properties(sd_bus_message *m, const char *slice, const char *for_unit,
                             int listen_fd)
{
    char description[512];
    snprintf(description, sizeof(description), "pagewarden: pins of %s", for_unit);

    int r = sd_bus_message_append(m, "(sv)(sv)(sv)", "Description", "s", description, "Slice", "s",
                                  slice, "Type", "s", "exec");
    if (r >= 0) /* a holder that was killed leaves no failed unit: its name is needed again */
        r = sd_bus_message_append(m, "(sv)(sv)", "CollectMode", "s", "inactive-or-failed",
                                  "StandardInputFileDescriptor", "h", listen_fd);
    if (r >= 0) /* one process of many that is killed is replaced; the others keep their pins */
        r = sd_bus_message_append(m, "(sv)", "OOMPolicy", "s", "continue");
    if (r >= 0)
        r = sd_bus_message_append(m, "(sv)(sv)", "OOMScoreAdjust", "i", HOLDER_SCORE_MIN,
                                  "TimeoutStopUSec", "t", 10 * USEC_PER_SEC);
    if (r >= 0)
        r = sd_bus_message_append(m, "(sv)", "ExecStart", "a(sasb)", 1, PAGEWARDEN_HOLD_PATH, 1,
                                  PAGEWARDEN_HOLD_PATH, 0);
    return r < 0 ? r : append_sandbox(m);
}

int holder_unit_start(sd_bus *bus, sd_bus_slot **ret_slot, const char *name, const char *slice,
                      const char *for_unit, int listen_fd, unit_done_t done, void *userdata)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;

    int r = systemd_manager_call(bus, &message, "StartTransientUnit");
    if (r >= 0)
        r = sd_bus_message_append(message, "ss", name, "fail");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "(sv)");
    if (r >= 0)
        r = append_properties(message, slice, for_unit, listen_fd);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    if (r >= 0)
        r = sd_bus_message_append(message, "a(sa(sv))", 0);
    if (r < 0)
        return r;
    return systemd_call(bus, ret_slot, message, systemd_on_done, (void *)done, userdata);
}
