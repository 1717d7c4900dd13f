/* SPDX-License-Identifier: MIT */
/* `pagewarden reload`: the policies are read again. Where one is bad, all of the old ones stay in
 * force, and the daemon's answer says which lines are to blame. */
#include <getopt.h>
#include <stdio.h>

#include "cli/bus.h"
#include "cli/cli.h"
#include "util/cleanup.h"

static void help(void)
{
    printf(
        "pagewarden reload\n\n"
        "Has pagewardend read its policies again. Where one is bad, the old ones stay in force,\n"
        "and every mistake is printed as FILE:LINE:COLUMN: message on standard error.\n\n"
        "  -h, --help      show this\n");
}

ExitCode verb_reload(int argc, char *argv[])
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
        complain("reload takes no arguments");
        return EXIT_USAGE;
    }

    if (bus_call_manager("Reload", NULL, &error) >= 0)
        return EXIT_OK;
    complain_lines(error);
    return EXIT_FAILED;
}
