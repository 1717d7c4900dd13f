/* SPDX-License-Identifier: MIT */
/* Stands in for pagewardend on a private bus: Describe() answers the text of the file that is
 * named first, Reload() fails with the text of the second, or succeeds where there is none. Pin()
 * has a problem with paths that end in "bad", Unpin() does not know those. Prints a line when it
 * has the name, and for each of these calls. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "util/cleanup.h"
#include "util/io.h"
#include "util/units.h"
#include <pagewarden/names.h>

static char **files;

static int describe(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;

    int r = read_file_alloc(AT_FDCWD, files[0], MIB, &text, &size);
    return r < 0 ? r : sd_bus_reply_method_return(call, "s", text);
}

static int reload(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;

    if (!files[1])
        return sd_bus_reply_method_return(call, "");
    int r = read_file_alloc(AT_FDCWD, files[1], MIB, &text, &size);
    return r < 0 ? r : sd_bus_error_set(error, "org.pagewarden1.Error.BadPolicy", text);
}

static bool is_bad(const char *path)
{
    size_t length = strlen(path);

    return length >= 3 && strcmp(path + length - 3, "bad") == 0;
}

static int pin(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *unit, *path;
    uint64_t usec, user;
    int fd;

    int r = sd_bus_message_read(call, "stt", &unit, &usec, &user);
    if (r >= 0 && strcmp(unit, "none.service") == 0)
        return sd_bus_error_set(error, PAGEWARDEN_BUS_NAME ".Error.NoSuchUnit",
                                "no such unit is running");
    printf("pin unit=%s usec=%ju", unit, (uintmax_t)usec);
    if (r >= 0)
        r = sd_bus_message_new_method_return(call, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(ss)");
    if (r >= 0)
        r = sd_bus_message_enter_container(call, 'a', "(hs)");
    while (r >= 0 && (r = sd_bus_message_read(call, "(hs)", &fd, &path)) > 0) {
        printf(" %s:%jd:%s", path, (intmax_t)lseek(fd, 0, SEEK_END),
               (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? "r" : "w");
        if (is_bad(path))
            r = sd_bus_message_append(reply, "(ss)", path, "is bad");
    }
    puts("");
    fflush(stdout);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int unpin(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *unit, *path;
    uint64_t dev, ino, n = 0;
    int all;

    int r = sd_bus_message_read(call, "sb", &unit, &all);
    printf("unpin unit=%s all=%d", unit, all);
    if (r >= 0)
        r = sd_bus_message_new_method_return(call, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "s");
    if (r >= 0)
        r = sd_bus_message_enter_container(call, 'a', "(tts)");
    while (r >= 0 && (r = sd_bus_message_read(call, "(tts)", &dev, &ino, &path)) > 0) {
        printf(" %s:%ju", path, (uintmax_t)ino);
        n += !is_bad(path);
        if (is_bad(path))
            r = sd_bus_message_append(reply, "s", path);
    }
    puts("");
    fflush(stdout);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_message_append(reply, "t", all ? UINT64_C(7) : n);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int list_by_hand(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
    uint64_t skip;

    int r = sd_bus_message_read(call, "t", &skip);
    if (r < 0)
        return r;
    switch (skip) {
    case 0:
        return sd_bus_reply_method_return(
            call, "a(sstttttttt)", 2, "", "/srv/\x1b[2J", UINT64_C(1), UINT64_C(2), UINT64_C(0),
            UINT64_C(1700000000000000), UINT64_C(1700003600000000), UINT64_C(8192), UINT64_C(8192),
            UINT64_C(4096), "shop.service", "", UINT64_C(1), UINT64_C(3), UINT64_MAX, UINT64_C(0),
            UINT64_C(0), UINT64_C(1), UINT64_C(1), UINT64_C(1));
    case 2:
        return sd_bus_reply_method_return(call, "a(sstttttttt)", 1, "shop.service", "/srv/b",
                                          UINT64_C(1), UINT64_C(4), UINT64_C(0),
                                          UINT64_C(1700000000000000), UINT64_C(0), UINT64_C(4096),
                                          UINT64_C(4096), UINT64_C(4096));
    default:
        return sd_bus_reply_method_return(call, "a(sstttttttt)", 0);
    }
}

static int list_pins(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
    const char *unit;
    uint64_t dev, ino;

    int r = sd_bus_message_read(call, "stt", &unit, &dev, &ino);
    if (r < 0)
        return r;
    if (dev != 0 || ino != 0)
        return sd_bus_reply_method_return(call, "a(ttttt)", 0);
    return sd_bus_reply_method_return(call, "a(ttttt)", 1, UINT64_C(0x801), UINT64_C(42),
                                      UINT64_C(1700000000000000), UINT64_C(12288), UINT64_C(8192));
}

static int release(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
    const char *path;

    int r = sd_bus_message_read(call, "s", &path);
    if (r < 0)
        return r;
    printf("%s %s\n", sd_bus_message_get_member(call), path);
    fflush(stdout);
    return strcmp(path, "/dev") == 0 ? sd_bus_error_set(error, PAGEWARDEN_BUS_NAME ".Error.Busy",
                                                        "Not everything is let go yet")
                                     : sd_bus_reply_method_return(call, "");
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Describe", "", "s", describe, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Reload", "", "", reload, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Pin", "stta(hs)", "a(ss)", pin, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Unpin", "sba(tts)", "ast", unpin, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListByHand", "t", "a(sstttttttt)", list_by_hand, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListPins", "stt", "a(ttttt)", list_pins, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Release", "s", "", release, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("PinAgain", "s", "", release, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

int main(int argc, char *argv[])
{
    cleanup(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

    if (argc < 2)
        return 2;
    files = argv + 1;
    int r = sd_bus_open_system(&bus);
    if (r >= 0)
        r = sd_bus_add_object_vtable(bus, NULL, PAGEWARDEN_OBJECT_PATH, PAGEWARDEN_INTERFACE,
                                     vtable, NULL);
    if (r >= 0)
        r = sd_bus_request_name(bus, PAGEWARDEN_BUS_NAME, 0);
    if (r >= 0)
        puts("ready");
    fflush(stdout);
    while (r >= 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    }
    fprintf(stderr, "fake-manager: %s\n", strerror(-r));
    return 1;
}
