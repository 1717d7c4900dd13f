/* SPDX-License-Identifier: MIT */
/* Level-triggered: signals only say that it is time to list again, so a lost, doubled or reordered
 * signal does no harm. */

#include "systemd/units.h"

#include <pagewarden/names.h>
#include <stdio.h>
#include <string.h>

#include "systemd/call.h"
#include "util/strv.h"
#include "util/units.h"

/* units_list */

static int read_entries(sd_bus_message *reply, UnitEntry **ret, size_t *ret_n)
{
    CLEANUP_FREE UnitEntry *units = NULL;
    size_t n = 0, room = 0;

    int r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
    while (r >= 0) {
        const char *name, *active, *path;
        r = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, &active, NULL, NULL,
                                &path, NULL, NULL, NULL);
        if (r <= 0)
            break;
        if (n == room) {
            room = room * 2 + 64;
            UnitEntry *grown = reallocarray(units, room, sizeof(UnitEntry));
            if (!grown)
                return -ENOMEM;
            units = grown;
        }
        units[n++] = (UnitEntry){ .name = name, .active_state = active, .object_path = path };
    }
    if (r < 0)
        return r;

    *ret = TAKE_PTR(units);
    *ret_n = n;
    return 0;
}

static int on_listed(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    SystemdCall c = *(SystemdCall *)userdata;
    units_listed_t listed = (units_listed_t)c.done;
    CLEANUP_FREE UnitEntry *units = NULL;
    size_t n = 0;

    int r = -sd_bus_message_get_errno(reply);
    if (r >= 0)
        r = read_entries(reply, &units, &n);
    listed(r < 0 ? r : 0, units, n, c.userdata);
    return 0;
}

int units_list(sd_bus *bus, sd_bus_slot **ret_slot, units_listed_t listed, void *userdata)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;

    int r = systemd_manager_call(bus, &message, "ListUnitsByPatterns");
    if (r >= 0)
        r = sd_bus_message_append(message, "asas", 0, 0);
    return r < 0 ? r : systemd_call(bus, ret_slot, message, on_listed, (void *)listed, userdata);
}

/* unit_watch */

struct UnitWatch {
    void (*changed)(void *userdata);
    void (*tell)(bool reloading, void *userdata);
    void *userdata;
    bool reloading;
    sd_bus_slot *slots[6];
};

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    UnitWatch *watch = userdata;

    if (!watch->reloading)
        watch->changed(watch->userdata);
    return 0;
}

/* During a daemon-reload all units go and come back: what is listed then means nothing. */
static int on_reloading(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    UnitWatch *watch = userdata;
    int reloading = 0;

    if (sd_bus_message_read(message, "b", &reloading) < 0)
        return 0;
    watch->reloading = reloading != 0;
    watch->tell(watch->reloading, watch->userdata);
    return on_signal(message, userdata, error);
}

int unit_watch_new(sd_bus *bus, void (*changed)(void *userdata),
                   void (*reloading)(bool on, void *userdata), void *userdata, UnitWatch **ret)
{
    static const struct {
        const char *match;
        sd_bus_message_handler_t handler;
    } signals[] = {
        { "member='UnitNew',path='" SYSTEMD_PATH "'", on_signal },
        { "member='UnitRemoved',path='" SYSTEMD_PATH "'", on_signal },
        { "member='JobRemoved',path='" SYSTEMD_PATH "'", on_signal },
        { "member='Reloading',path='" SYSTEMD_PATH "'", on_reloading },
        /* A service that ends by itself has no job. */
        { "member='PropertiesChanged',path_namespace='" SYSTEMD_PATH "/unit',"
          "arg0='org.freedesktop.systemd1.Unit'",
          on_signal },
    };
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;

    UnitWatch *watch = calloc(1, sizeof(UnitWatch));
    if (!watch)
        return -ENOMEM;
    *watch = (UnitWatch){ .changed = changed, .tell = reloading, .userdata = userdata };

    int r = 0;
    for (size_t i = 0; i < ELEMENTS(signals) && r >= 0; i++) {
        char match[256];
        snprintf(match, sizeof(match), "type='signal',sender='" SYSTEMD_NAME "',%s",
                 signals[i].match);
        r = sd_bus_add_match_async(bus, &watch->slots[i], match, signals[i].handler, NULL, watch);
    }
    if (r >= 0)
        r = systemd_manager_call(bus, &message, "Subscribe");
    if (r >= 0)
        r = systemd_call(bus, &watch->slots[ELEMENTS(signals)], message, systemd_on_done, NULL,
                         NULL);
    if (r < 0) {
        unit_watch_free(watch);
        return r;
    }

    *ret = watch;
    return 0;
}

UnitWatch *unit_watch_free(UnitWatch *watch)
{
    if (!watch)
        return NULL;
    for (size_t i = 0; i < ELEMENTS(watch->slots); i++)
        sd_bus_slot_unref(watch->slots[i]);
    free(watch);
    return NULL;
}

/* unit_describe */

/* An array of unit names: whether a warm start is among them. */
static int read_wants(sd_bus_message *reply, bool *ret)
{
    const char *name;

    int r = sd_bus_message_enter_container(reply, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read(reply, "s", &name)) > 0)
        if (strncmp(name, PAGEWARDEN_WARM_UNIT_PREFIX, strlen(PAGEWARDEN_WARM_UNIT_PREFIX)) == 0)
            *ret = true;
    for (int i = 0; i < 2 && r >= 0; i++)
        r = sd_bus_message_exit_container(reply);
    return r;
}

static int read_drop_ins(sd_bus_message *reply, char ***ret)
{
    int r = sd_bus_message_enter_container(reply, 'v', "as");

    if (r >= 0 && !*ret)
        r = sd_bus_message_read_strv(reply, ret);
    return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static int read_property(sd_bus_message *reply, const char *name, UnitDetails *details)
{
    if (strcmp(name, "ControlGroup") == 0)
        return sd_bus_message_read(reply, "v", "s", &details->control_group);
    if (strcmp(name, "Slice") == 0)
        return sd_bus_message_read(reply, "v", "s", &details->slice);
    if (strcmp(name, "FragmentPath") == 0)
        return sd_bus_message_read(reply, "v", "s", &details->fragment);
    if (strcmp(name, "DropInPaths") == 0)
        return read_drop_ins(reply, &details->drop_ins);
    if (strcmp(name, "Wants") == 0)
        return read_wants(reply, &details->waits_for_warm_start);
    return sd_bus_message_skip(reply, "v");
}

static int read_details(sd_bus_message *reply, UnitDetails *details)
{
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        const char *name;
        r = sd_bus_message_read(reply, "s", &name);
        if (r >= 0)
            r = read_property(reply, name, details);
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return r;
}

static int on_described(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    SystemdCall c = *(SystemdCall *)userdata;
    unit_described_t described = (unit_described_t)c.done;
    UnitDetails details = { .control_group = "", .slice = "", .fragment = "" };

    int r = -sd_bus_message_get_errno(reply);
    if (r >= 0)
        r = read_details(reply, &details);
    described(r < 0 ? r : 0, &details, c.userdata);
    strv_free(details.drop_ins);
    return 0;
}

int unit_describe(sd_bus *bus, sd_bus_slot **ret_slot, const char *object_path,
                  unit_described_t described, void *userdata)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;

    /* The empty interface means all: the properties wanted are in that of the unit's type. */
    int r = sd_bus_message_new_method_call(bus, &message, SYSTEMD_NAME, object_path,
                                           "org.freedesktop.DBus.Properties", "GetAll");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", "");
    return r < 0 ? r
                 : systemd_call(bus, ret_slot, message, on_described, (void *)described, userdata);
}

int unit_set_memory_high(sd_bus *bus, sd_bus_slot **ret_slot, const char *unit, uint64_t bytes,
                         unit_done_t done, void *userdata)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;

    int r = systemd_manager_call(bus, &message, "SetUnitProperties");
    if (r >= 0)
        r = sd_bus_message_append(message, "sba(sv)", unit, 1, 1, "MemoryHigh", "t", bytes);
    return r < 0 ? r
                 : systemd_call(bus, ret_slot, message, systemd_on_done, (void *)done, userdata);
}

int unit_stop(sd_bus *bus, sd_bus_slot **ret_slot, const char *unit, unit_done_t done,
              void *userdata)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *message = NULL;

    int r = systemd_manager_call(bus, &message, "StopUnit");
    if (r >= 0)
        r = sd_bus_message_append(message, "ss", unit, "replace");
    return r < 0 ? r
                 : systemd_call(bus, ret_slot, message, systemd_on_done, (void *)done, userdata);
}
