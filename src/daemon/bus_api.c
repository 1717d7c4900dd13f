/* SPDX-License-Identifier: MIT */
/* Describe() and the lists answer at once, Reload() when the new policies are in force or refused,
 * Pin() when the holder has the files, Release() when everything is let go. A caller's message is
 * kept meanwhile; when the bus goes away first, there is nobody left to answer. */

#include "daemon/bus_api.h"

#include <pagewarden/names.h>
#include <string.h>

#include "daemon/hand_bus.h"
#include "util/log.h"
#include "util/utf8.h"

#define LIST_MAX 1000 /* files of an answer */

struct BusApi {
    Manager *manager;
    sd_bus_slot *object;
    sd_bus_slot *name;
};

static int on_describe(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    BusApi *api = userdata;

    json_object *description = manager_describe(api->manager);
    if (!description)
        return -ENOMEM;
    int r = sd_bus_reply_method_return(
        message, "s", json_object_to_json_string_ext(description, JSON_C_TO_STRING_PLAIN));
    json_object_put(description);
    return r;
}

static void on_reloaded(const char *errors, void *userdata)
{
    sd_bus_message *message = userdata;

    CLEANUP_FREE char *valid = errors ? utf8_escape(errors) : NULL;
    int r;

    if (!errors)
        r = sd_bus_reply_method_return(message, NULL);
    else if (valid)
        r = sd_bus_reply_method_errorf(message, PAGEWARDEN_BUS_NAME ".Error.BadPolicy", "%s",
                                       valid);
    else
        r = -ENOMEM;
    /* Anything rather than leaving the caller to its timeout. */
    if (r < 0)
        r = sd_bus_reply_method_errno(message, r, NULL);
    if (r < 0)
        log_debug("A call of Reload() could not be answered: %s", strerror(-r));
    sd_bus_message_unref(message);
}

static int on_reload(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    BusApi *api = userdata;

    int r = manager_reload(api->manager, on_reloaded, sd_bus_message_ref(message));
    if (r < 0) {
        sd_bus_message_unref(message);
        return r;
    }
    return 1;
}

static int set_pause(sd_bus_message *message, BusApi *api, bool on)
{
    int r = manager_pause(api->manager, on);
    return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

static int on_pause(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return set_pause(message, userdata, true);
}

static int on_resume(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return set_pause(message, userdata, false);
}

static int on_pin(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    BusApi *api = userdata;

    return hand_bus_pin(message, manager_hands(api->manager), error);
}

static int on_unpin(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    BusApi *api = userdata;

    return hand_bus_unpin(message, manager_hands(api->manager), error);
}

static int on_list_by_hand(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    BusApi *api = userdata;

    return hand_bus_list(message, manager_hands(api->manager), error);
}

/* The first that is behind @key in the order of pin_held_compare(). */
static size_t first_behind(const PinHeld *held, size_t n, const PinHeld *key)
{
    size_t from = 0, to = n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (pin_held_compare(&held[middle], key) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static int on_list_pins(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    BusApi *api = userdata;
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    PinHeld behind = { 0 };
    const PinHeld *held;
    const char *unit;
    size_t n;

    int r = sd_bus_message_read(message, "stt", &unit, &behind.dev, &behind.ino);
    if (r < 0)
        return r;
    if (manager_pinned(api->manager, unit, &held, &n) < 0)
        return sd_bus_error_set(error, PAGEWARDEN_BUS_NAME ".Error.NoSuchUnit",
                                "No such unit is governed");
    r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(ttttt)");
    size_t first = first_behind(held, n, &behind);
    for (size_t i = first; i < n && i < first + LIST_MAX && r >= 0; i++)
        r = sd_bus_message_append(reply, "(ttttt)", held[i].dev, held[i].ino, held[i].since,
                                  held[i].length, held[i].locked);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int on_release(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    BusApi *api = userdata;

    return releasing_on_release(manager_releasing(api->manager), message, error);
}

static int on_pin_again(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    BusApi *api = userdata;

    return releasing_on_pin_again(manager_releasing(api->manager), message, error);
}

/* Who may call what is said in units/org.pagewarden1.conf. */
static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), on_describe,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_reload,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_pause,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_resume,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Pin", SD_BUS_ARGS("s", unit, "t", usec, "t", user, "a(hs)", files),
                            SD_BUS_RESULT("a(ss)", problems), on_pin, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Unpin", SD_BUS_ARGS("s", unit, "b", all, "a(tts)", files),
                            SD_BUS_RESULT("as", unknown, "t", files), on_unpin,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListByHand", SD_BUS_ARGS("t", skip),
                            SD_BUS_RESULT("a(sstttttttt)", files), on_list_by_hand,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListPins", SD_BUS_ARGS("s", unit, "t", device, "t", inode),
                            SD_BUS_RESULT("a(ttttt)", files), on_list_pins,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_ARGS("s", path), SD_BUS_NO_RESULT, on_release,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PinAgain", SD_BUS_ARGS("s", path), SD_BUS_NO_RESULT, on_pin_again,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const BusApi *api = userdata;
    const sd_bus_error *e = sd_bus_message_get_error(reply);

    if (e)
        log_warning("The name " PAGEWARDEN_BUS_NAME " is not to be had (%s): `pagewarden status` "
                    "does not work",
                    e->message);
    manager_tell_ready(api->manager);
    return 0;
}

int bus_api_new(sd_bus *bus, Manager *manager, BusApi **ret)
{
    BusApi *api = calloc(1, sizeof(BusApi));
    if (!api)
        return -ENOMEM;

    api->manager = manager;
    int r = sd_bus_add_object_vtable(bus, &api->object, PAGEWARDEN_OBJECT_PATH,
                                     PAGEWARDEN_INTERFACE, vtable, api);
    if (r >= 0)
        r = sd_bus_request_name_async(bus, &api->name, PAGEWARDEN_BUS_NAME, 0, on_name, api);
    if (r < 0) {
        bus_api_free(api);
        return r;
    }
    *ret = api;
    return 0;
}

BusApi *bus_api_free(BusApi *api)
{
    if (!api)
        return NULL;
    sd_bus_slot_unref(api->name);
    sd_bus_slot_unref(api->object);
    free(api);
    return NULL;
}
