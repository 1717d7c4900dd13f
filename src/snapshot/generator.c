/* SPDX-License-Identifier: MIT */
/* pagewarden-generator: see systemd.generator(7). Runs at boot and at every daemon-reload, before
 * anything else: no bus, no journal, perhaps not all file systems. Policies are read as the
 * controller reads them; one that is refused has no drop-in, and the controller tells why. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/dropins.h"
#include "util/log.h"

/* Where the journal will find it. */
static void log_to_kernel(void)
{
    CLEANUP_CLOSE int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);

    if (fd >= 0)
        (void)dup2(fd, STDERR_FILENO);
    log_open(fd >= 0);
}

int main(int argc, char **argv)
{
    cleanup(config_clear) Config config = { 0 };
    ConfigPlaces places = { 0 };
    const char *root = getenv("PAGEWARDEN_ROOT") ?: "";

    if (argc != 2 && argc != 4) {
        fputs("Usage: pagewarden-generator NORMAL-DIR [EARLY-DIR LATE-DIR]\n", stderr);
        return 2;
    }
    places.root = root;
    if (!*root)
        log_to_kernel();
    log_set_max_level(LOG_NOTICE);

    /* What a size in percent comes to makes no difference here. */
    uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    int r = config_load(&places, ram, &config);
    if (r >= 0)
        r = dropins_write(&config, root, argv[1]);
    if (r < 0)
        log_error("pagewarden-generator: %s", strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
