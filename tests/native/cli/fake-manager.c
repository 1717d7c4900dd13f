/* SPDX-License-Identifier: MIT */
/* Stands in for pagewardend on a private bus: Describe() answers the text of the file that is
 * named first, Reload() fails with the text of the second, or succeeds where there is none. Prints
 * a line when it has the name. */
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

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Describe", "", "s", describe, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Reload", "", "", reload, SD_BUS_VTABLE_UNPRIVILEGED),
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
