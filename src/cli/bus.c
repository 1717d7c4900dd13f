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
/* A release waits for holders, and the daemon for no longer than 20 s. */
#define RELEASE_TIMEOUT_USEC (25 * USEC_PER_SEC)

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

/* Nobody is there to answer. It may have been, and is gone, or hangs. */
static bool is_away(const sd_bus_error *error, int r)
{
    return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || r == -ETIMEDOUT ||
           r == -ECONNRESET;
}

static int fail(const char *text, int r, char **ret_error)
{
    char *copy = strdup(text);
    if (copy)
        *ret_error = copy;
    return copy ? r : -ENOMEM;
}

struct ManagerBus {
    sd_bus *bus;
};

int manager_bus_open(ManagerBus **ret, char **ret_error)
{
    ManagerBus *bus = calloc(1, sizeof(ManagerBus));
    if (!bus)
        return -ENOMEM;

    int r = sd_bus_open_system(&bus->bus);
    if (r >= 0) {
        *ret = bus;
        return 0;
    }
    free(bus);
    if (r == -ENOENT || r == -ECONNREFUSED)
        return fail("there is no system bus here (is dbus running?)", r, ret_error);
    return fail(strerror(-r), r, ret_error);
}

ManagerBus *manager_bus_close(ManagerBus *bus)
{
    if (bus)
        sd_bus_flush_close_unref(bus->bus);
    free(bus);
    return NULL;
}

static int new_call(ManagerBus *bus, const char *method, sd_bus_message **ret)
{
    return sd_bus_message_new_method_call(bus->bus, ret, PAGEWARDEN_BUS_NAME,
                                          PAGEWARDEN_OBJECT_PATH, PAGEWARDEN_INTERFACE, method);
}

/* @r is how making @call went. */
static int send(ManagerBus *bus, int r, sd_bus_message *call, sd_bus_message **ret,
                char **ret_error)
{
    cleanup(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

    if (r >= 0)
        r = sd_bus_call(bus->bus, call, CALL_TIMEOUT_USEC, &error, ret);
    return r < 0 ? fail(explain(&error, r), r, ret_error) : 0;
}

/* @r is how reading an answer went. */
static int check_answer(int r, char **ret_error)
{
    if (r == -ENOMEM)
        return fail("out of memory", r, ret_error);
    return r < 0 ? fail("pagewardend answered something else than expected", r, ret_error) : 0;
}

int manager_bus_call(ManagerBus *bus, const char *method, char **ret, char **ret_error)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *text = NULL;

    int r = new_call(bus, method, &call);
    r = send(bus, r, call, &reply, ret_error);
    if (r < 0 || !ret)
        return r;
    r = check_answer(sd_bus_message_read(reply, "s", &text), ret_error);
    if (r < 0)
        return r;
    char *copy = strdup(text);
    if (!copy)
        return fail("out of memory", -ENOMEM, ret_error);
    *ret = copy;
    return 0;
}

int bus_call_manager(const char *method, char **ret, char **ret_error)
{
    cleanup(manager_bus_closep) ManagerBus *bus = NULL;

    int r = manager_bus_open(&bus, ret_error);
    return r < 0 ? r : manager_bus_call(bus, method, ret, ret_error);
}

/* Pins by hand */

int manager_bus_pin(ManagerBus *bus, const BusPin *pin, char **ret_error)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *path, *reason;

    int r = new_call(bus, "Pin", &call);
    if (r >= 0)
        r = sd_bus_message_append(call, "stt", pin->unit ?: "", pin->usec, pin->user);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "(hs)");
    for (size_t i = 0; i < pin->n_files && r >= 0; i++)
        r = sd_bus_message_append(call, "(hs)", pin->files[i].fd, pin->files[i].path);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    r = send(bus, r, call, &reply, ret_error);
    if (r < 0)
        return r;
    r = sd_bus_message_enter_container(reply, 'a', "(ss)");
    while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &path, &reason)) > 0)
        pin->problem(path, reason, pin->userdata);
    return check_answer(r, ret_error);
}

int manager_bus_unpin(ManagerBus *bus, const BusUnpin *unpin, uint64_t *ret_n, char **ret_error)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *path;

    int r = new_call(bus, "Unpin", &call);
    if (r >= 0)
        r = sd_bus_message_append(call, "sb", unpin->unit ?: "", (int)unpin->all);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "(tts)");
    for (size_t i = 0; i < unpin->n_files && r >= 0; i++)
        r = sd_bus_message_append(call, "(tts)", unpin->files[i].dev, unpin->files[i].ino,
                                  unpin->files[i].path);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    r = send(bus, r, call, &reply, ret_error);
    if (r < 0)
        return r;
    r = sd_bus_message_enter_container(reply, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read(reply, "s", &path)) > 0)
        unpin->unknown(path, unpin->userdata);
    if (r >= 0)
        r = sd_bus_message_exit_container(reply);
    if (r >= 0)
        r = sd_bus_message_read(reply, "t", ret_n);
    return check_answer(r, ret_error);
}

int manager_bus_list_by_hand(ManagerBus *bus, int (*file)(const BusHeldFile *, void *userdata),
                             void *userdata, char **ret_error)
{
    uint64_t told = 0;

    for (;;) {
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t before = told;
        BusHeldFile f;

        int r = new_call(bus, "ListByHand", &call);
        if (r >= 0)
            r = sd_bus_message_append(call, "t", told);
        r = send(bus, r, call, &reply, ret_error);
        if (r < 0)
            return r;
        r = sd_bus_message_enter_container(reply, 'a', "(sstttttttt)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sstttttttt)", &f.unit, &f.path, &f.dev,
                                                  &f.ino, &f.user, &f.since_usec, &f.until_usec,
                                                  &f.size, &f.length, &f.locked)) > 0) {
            told++;
            r = file(&f, userdata);
        }
        if (r < 0 || told == before)
            return check_answer(r, ret_error);
    }
}

int manager_bus_list_pins(ManagerBus *bus, const char *unit,
                          int (*file)(const BusHeldFile *, void *userdata), void *userdata,
                          char **ret_error)
{
    BusHeldFile f = { .unit = unit, .path = "", .user = UINT64_MAX };

    for (;;) {
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        bool any = false;

        int r = new_call(bus, "ListPins", &call);
        if (r >= 0)
            r = sd_bus_message_append(call, "stt", unit, f.dev, f.ino);
        r = send(bus, r, call, &reply, ret_error);
        if (r < 0)
            return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ttttt)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ttttt)", &f.dev, &f.ino, &f.since_usec,
                                                  &f.length, &f.locked)) > 0) {
            any = true;
            f.size = f.length;
            r = file(&f, userdata);
        }
        if (r < 0 || !any)
            return check_answer(r, ret_error);
    }
}

/* Releasing */

int bus_call_manager_path(const char *method, const char *path, char **ret_error)
{
    cleanup(manager_bus_closep) ManagerBus *bus = NULL;
    cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;

    cleanup(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

    int r = manager_bus_open(&bus, ret_error);
    if (r < 0)
        return r == -ENOMEM ? r : -EHOSTUNREACH;
    r = new_call(bus, method, &call);
    if (r >= 0)
        r = sd_bus_message_append(call, "s", path);
    if (r >= 0)
        r = sd_bus_call(bus->bus, call, RELEASE_TIMEOUT_USEC, &error, NULL);
    if (r >= 0)
        return 0;
    return fail(explain(&error, r), is_away(&error, r) ? -EHOSTUNREACH : r, ret_error);
}
