/* SPDX-License-Identifier: MIT */
#include "systemd/call.h"

#include "systemd/units.h"

int systemd_call(sd_bus *bus, sd_bus_slot **ret_slot, sd_bus_message *message,
                 sd_bus_message_handler_t on_reply, void *done, void *userdata)
{
    cleanup(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
    CLEANUP_FREE SystemdCall *c = malloc(sizeof(SystemdCall));
    if (!c)
        return -ENOMEM;
    *c = (SystemdCall){ .done = done, .userdata = userdata };

    int r = sd_bus_call_async(bus, &slot, message, on_reply, c, SYSTEMD_CALL_USEC);
    if (r < 0)
        return r;
    r = sd_bus_slot_set_destroy_callback(slot, free);
    if (r < 0)
        return r;
    TAKE_PTR(c);

    if (!ret_slot)
        return sd_bus_slot_set_floating(slot, 1);
    sd_bus_slot_unref(*ret_slot);
    *ret_slot = TAKE_PTR(slot);
    return 0;
}

int systemd_manager_call(sd_bus *bus, sd_bus_message **ret, const char *member)
{
    return sd_bus_message_new_method_call(bus, ret, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                          member);
}

int systemd_error(const sd_bus_error *error)
{
    if (sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit"))
        return -ENOENT;
    if (sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists"))
        return -EEXIST;
    return -sd_bus_error_get_errno(error);
}

int systemd_on_done(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    SystemdCall c = *(SystemdCall *)userdata;
    unit_done_t done = (unit_done_t)c.done;
    const sd_bus_error *e = sd_bus_message_get_error(reply);

    if (done)
        done(e ? systemd_error(e) : 0, e ? e->message : NULL, c.userdata);
    return 0;
}
