/* SPDX-License-Identifier: MIT */
/* One blocking call per run of the command. What goes wrong has few causes, and each is named in
 * words that say what to do; what the daemon itself answers is passed on as it is. */
#include "cli/bus.h"

#include <string.h>
#include <systemd/sd-bus.h>

#include "util/cleanup.h"
#include "util/units.h"
#include <pagewarden/names.h>

/* The daemon answers from its loop at once; a reload may wait for a job that reclaims. */
#define CALL_TIMEOUT_USEC (60 * USEC_PER_SEC)

static const char *explain(const sd_bus_error *error, int r)
{
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
        sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return "pagewardend is not running (systemctl start pagewarden)";
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || r == -ETIMEDOUT)
        return "pagewardend does not answer (systemctl status pagewarden)";
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED))
        return "not allowed (as root?)";
    return error->message ? error->message : strerror(-r);
}

static int fail(const char *text, int r, char **ret_error)
{
    char *copy = strdup(text);
    if (copy)
        *ret_error = copy;
    return copy ? r : -ENOMEM;
}

int bus_call_manager(const char *method, char **ret, char **ret_error)
{
    cleanup(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
    cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    cleanup(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    const char *text = NULL;

    int r = sd_bus_open_system(&bus);
    if (r == -ENOENT || r == -ECONNREFUSED)
        return fail("there is no system bus here (is dbus running?)", r, ret_error);
    if (r >= 0)
        r = sd_bus_message_new_method_call(bus, &call, PAGEWARDEN_BUS_NAME, PAGEWARDEN_OBJECT_PATH,
                                           PAGEWARDEN_INTERFACE, method);
    if (r >= 0)
        r = sd_bus_call(bus, call, CALL_TIMEOUT_USEC, &error, &reply);
    if (r < 0)
        return fail(explain(&error, r), r, ret_error);
    if (!ret)
        return 0;

    r = sd_bus_message_read(reply, "s", &text);
    if (r < 0)
        return fail("pagewardend answered something else than expected", r, ret_error);
    char *copy = strdup(text);
    if (!copy)
        return fail("out of memory", -ENOMEM, ret_error);
    *ret = copy;
    return 0;
}
