/* SPDX-License-Identifier: MIT */
/* `pagewarden release`: nothing below a folder is to be pinned, so that its file system can be
 * unmounted. The path goes to the daemon without links, because that compares it with what its
 * walks found, and opens nothing for us. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/bus.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "util/cleanup.h"

static void help(void)
{
    printf(
        "pagewarden release [--undo] PATH…\n\n"
        "Has pagewardend let go of all that is pinned below each PATH, at once, and pin nothing\n"
        "there until the file system that it is on was unmounted and is mounted again, or the\n"
        "policies are loaded again. Returns when nothing is held there any more.\n\n"
        "      --undo      pin what is there again\n"
        "  -h, --help      show this\n");
}

/* NULL, and a complaint: there is none. To be freed. */
static char *without_links(const char *path, bool undo)
{
    char *real = realpath(path, NULL);

    /* What was released may not be there now; it was told without links then. */
    if (!real && undo && path[0] == '/')
        real = strdup(path);
    if (!real) {
        CLEANUP_FREE char *shown = escape_text(path, false);
        complain("%s: %s", shown ? shown : "", strerror(errno));
    }
    return real;
}

static ExitCode release(const char *path, bool undo)
{
    CLEANUP_FREE char *real = without_links(path, undo);
    CLEANUP_FREE char *error = NULL;

    if (!real)
        return EXIT_FAILED;
    if (bus_call_manager_path(undo ? "PinAgain" : "Release", real, &error) >= 0)
        return EXIT_OK;
    complain_lines(error);
    return EXIT_FAILED;
}

ExitCode verb_release(int argc, char *argv[])
{
    enum { OPT_UNDO = 256 };
    static const struct option options[] = {
        { "undo", no_argument, NULL, OPT_UNDO },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    ExitCode code = EXIT_OK;
    bool undo = false;

    for (int c; (c = next_option(argv[0], argc, argv, "h", options)) >= 0;)
        switch (c) {
        case OPT_UNDO:
            undo = true;
            break;
        case 'h':
            help();
            return EXIT_OK;
        default:
            return EXIT_USAGE;
        }
    if (optind == argc) {
        complain("release needs a path (see pagewarden release --help)");
        return EXIT_USAGE;
    }
    for (int i = optind; i < argc; i++)
        if (release(argv[i], undo) != EXIT_OK)
            code = EXIT_FAILED;
    return code;
}
