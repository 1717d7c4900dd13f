/* SPDX-License-Identifier: MIT */
#include "systemd/wait.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-login.h>

#include "systemd/call.h"

/* Debian's dbus answers within milliseconds; a PID 1 that reclaims does not. */
static int manager_wait(sd_bus *bus, sd_bus_message *message, sd_bus_message **ret_reply)
{
    cleanup(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

    int r = sd_bus_call(bus, message, SYSTEMD_CALL_USEC, &error, ret_reply);
    return r < 0 && sd_bus_error_is_set(&error) ? systemd_error(&error) : r;
}

int unit_set_memory_high_wait(sd_bus *bus, const char *unit, uint64_t bytes)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;

    int r = systemd_manager_call(bus, &message, "SetUnitProperties");
    if (r >= 0)
        r = sd_bus_message_append(message, "sba(sv)", unit, 1, 1, "MemoryHigh", "t", bytes);
    return r < 0 ? r : manager_wait(bus, message, NULL);
}

/* The D-Bus interface that has the memory properties of a unit: "….Service" of a ".service". */
static int type_interface(const char *unit, char buffer[static 64])
{
    const char *suffix = strrchr(unit, '.');
    if (!suffix || !suffix[1] || strlen(suffix) > 16)
        return -EINVAL;

    snprintf(buffer, 64, "org.freedesktop.systemd1.%c%s", suffix[1] - 'a' + 'A', suffix + 2);
    return 0;
}

/* The object path of a loaded unit, to be freed. -ENOENT: not loaded. */
static int get_unit(sd_bus *bus, const char *unit, char **ret)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *path;

    int r = systemd_manager_call(bus, &message, "GetUnit");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", unit);
    if (r >= 0)
        r = manager_wait(bus, message, &reply);
    if (r >= 0)
        r = sd_bus_message_read(reply, "o", &path);
    if (r < 0)
        return r;

    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

int unit_get_memory_high_wait(sd_bus *bus, const char *unit, uint64_t *ret)
{
    CLEANUP_FREE char *path = NULL;
    char interface[64];

    int r = type_interface(unit, interface);
    if (r >= 0)
        r = get_unit(bus, unit, &path);
    if (r >= 0)
        r = sd_bus_get_property_trivial(bus, SYSTEMD_NAME, path, interface, "MemoryHigh", NULL, 't',
                                        ret);
    return r < 0 ? r : 0;
}

static void stop_one(sd_bus *bus, const char *unit)
{
    (void)sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit", NULL,
                             NULL, "ss", unit, "replace");
}

int units_stop_by_prefix_wait(sd_bus *bus, const char *prefix)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *name;

    int r = systemd_manager_call(bus, &message, "ListUnitsByPatterns");
    if (r >= 0)
        r = sd_bus_message_append(message, "asas", 0, 0);
    if (r >= 0)
        r = manager_wait(bus, message, &reply);
    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
    while (r >= 0 && (r = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, NULL, NULL,
                                              NULL, NULL, NULL, NULL, NULL)) > 0)
        if (strncmp(name, prefix, strlen(prefix)) == 0)
            stop_one(bus, name);
    return r;
}

bool own_unit_is_stopping(sd_bus *bus)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *job = NULL;
    CLEANUP_FREE char *unit = NULL, *path = NULL, *type = NULL;
    const char *job_path;
    uint32_t job_id;

    int r = sd_pid_get_unit(0, &unit);
    if (r >= 0)
        r = get_unit(bus, unit, &path);
    if (r >= 0)
        r = sd_bus_get_property(bus, SYSTEMD_NAME, path, "org.freedesktop.systemd1.Unit", "Job",
                                NULL, &job, "(uo)");
    if (r >= 0)
        r = sd_bus_message_read(job, "(uo)", &job_id, &job_path);
    if (r < 0 || job_id == 0)
        return false;

    r = sd_bus_get_property_string(bus, SYSTEMD_NAME, job_path, "org.freedesktop.systemd1.Job",
                                   "JobType", NULL, &type);
    return r >= 0 && strcmp(type, "stop") == 0;
}
