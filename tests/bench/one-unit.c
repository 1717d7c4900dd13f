/* SPDX-License-Identifier: MIT */
/* Stands in for systemd on a private bus: one unit runs, bench.service, and nothing ever happens to
 * it. */
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define SYSTEMD "/org/freedesktop/systemd1"
#define UNIT    "bench.service"

static int append(sd_bus_message *reply, const char *member)
{
    if (strcmp(member, "ListUnitsByPatterns") == 0)
        return sd_bus_message_append(reply, "a(ssssssouso)", 1, UNIT, "", "loaded", "active",
                                     "running", "", SYSTEMD "/unit/bench", 0, "", "/");
    if (strcmp(member, "GetAll") == 0)
        return sd_bus_message_append(reply, "a{sv}", 2, "ControlGroup", "s", "/" UNIT, "Slice", "s",
                                     "-.slice");
    return 0;
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const char *path = sd_bus_message_get_path(message);
    sd_bus_message *reply = NULL;

    if (sd_bus_message_is_method_call(message, NULL, NULL) <= 0 || !path ||
        strncmp(path, SYSTEMD, strlen(SYSTEMD)) != 0)
        return 0;
    int r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = append(reply, sd_bus_message_get_member(message));
    if (r >= 0)
        r = sd_bus_send(NULL, reply, NULL);
    sd_bus_message_unref(reply);
    return r < 0 ? r : 1;
}

int main(void)
{
    sd_event *event = NULL;
    sd_bus *bus = NULL;

    int r = sd_event_default(&event);
    if (r >= 0)
        r = sd_bus_open_system(&bus);
    if (r >= 0)
        r = sd_bus_add_filter(bus, NULL, on_message, NULL);
    if (r >= 0)
        r = sd_bus_request_name(bus, "org.freedesktop.systemd1", 0);
    if (r >= 0)
        r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
    if (r >= 0)
        r = sd_event_loop(event);
    return r < 0;
}
