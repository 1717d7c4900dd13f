/* SPDX-License-Identifier: MIT */
/* The verbs that are one call of the daemon, without arguments: `pagewarden reload`, `pause` and
 * `resume`. Where a policy is bad, reloading leaves all of the old ones in force, and the daemon's
 * answer says which lines are to blame. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/bus.h"
#include "cli/cli.h"
#include "util/cleanup.h"

static void help_reload(void)
{
    printf(
        "pagewarden reload\n\n"
        "Has pagewardend read its policies again. Where one is bad, the old ones stay in force,\n"
        "and every mistake is printed as FILE:LINE:COLUMN: message on standard error.\n\n"
        "  -h, --help      show this\n");
}

static void help_pause(void)
{
    printf("pagewarden pause\n\n"
           "Has pagewardend give every memory.high back at once, and evict nothing, until "
           "`pagewarden\n"
           "resume` or the next boot, over restarts of the daemon, too. Pins stay.\n\n"
           "  -h, --help      show this\n");
}

static void help_resume(void)
{
    printf("pagewarden resume\n\n"
           "Has pagewardend go on after `pagewarden pause`.\n\n"
           "  -h, --help      show this\n");
}

static ExitCode call(int argc, char *argv[], const char *method, void (*help)(void))
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    CLEANUP_FREE char *error = NULL;

    for (int c; (c = next_option(argv[0], argc, argv, "h", options)) >= 0;)
        switch (c) {
        case 'h':
            help();
            return EXIT_OK;
        default:
            return EXIT_USAGE;
        }
    if (optind < argc) {
        complain("%s takes no arguments", argv[0]);
        return EXIT_USAGE;
    }
    if (bus_call_manager(method, NULL, &error) >= 0)
        return EXIT_OK;
    complain_lines(error);
    return EXIT_FAILED;
}

ExitCode verb_reload(int argc, char *argv[])
{
    return call(argc, argv, "Reload", help_reload);
}

ExitCode verb_pause(int argc, char *argv[])
{
    return call(argc, argv, "Pause", help_pause);
}

ExitCode verb_resume(int argc, char *argv[])
{
    return call(argc, argv, "Resume", help_resume);
}
