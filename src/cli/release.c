/* SPDX-License-Identifier: MIT */
/* `pagewarden release`: nothing below a folder is to be pinned, so that its file system can be
 * unmounted. The path goes to the daemon without links, because that compares it with what its
 * walks found, and opens nothing for us.
 *
 * A holder outlives its daemon, and knows files by device and inode only. So where no daemon
 * answers, holders are told to let go of all files whose device is none of another file system's: a
 * few too many, perhaps, which a daemon pins again. */
#include <fcntl.h>
#include <getopt.h>
#include <pagewarden/names.h>
#include <stdio.h>
#include <string.h>

#include "cli/bus.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "hold/client.h"
#include "kernel/mounts.h"
#include "util/cleanup.h"

static void help(void)
{
    printf(
        "pagewarden release [--undo] PATH…\n\n"
        "Has pagewardend let go of all that is pinned below each PATH, at once, and pin nothing\n"
        "there until the file system that it is on was unmounted and is mounted again, or the\n"
        "policies are loaded again. Returns when nothing is held there any more. Where no\n"
        "pagewardend answers, its holders let go of all that is on the file system.\n\n"
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

typedef struct Elsewhere {
    dev_t *devices;
    size_t n;
} Elsewhere;

static void elsewhere_clear(Elsewhere *elsewhere)
{
    free(elsewhere->devices);
}

static bool may_be_there(const HoldItem *item, void *userdata)
{
    const Elsewhere *elsewhere = userdata;

    for (size_t i = 0; i < elsewhere->n; i++)
        if (elsewhere->devices[i] == item->dev)
            return false;
    return true;
}

/* 0, or what mounts_other_devices() and holders_release() return. */
static int release_without_daemon(const char *path, size_t *ret_files)
{
    cleanup(elsewhere_clear) Elsewhere elsewhere = { 0 };

    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc_fd < 0)
        return -errno;
    int r = mounts_other_devices(proc_fd, path, &elsewhere.devices, &elsewhere.n);
    return r < 0 ? r : holders_release(PAGEWARDEN_HOLDERS_DIR, may_be_there, &elsewhere, ret_files);
}

static ExitCode release(const char *path, bool undo)
{
    CLEANUP_FREE char *real = without_links(path, undo);
    CLEANUP_FREE char *error = NULL;
    size_t n_files = 0;

    if (!real)
        return EXIT_FAILED;
    int r = bus_call_manager_path(undo ? "PinAgain" : "Release", real, &error);
    if (r >= 0)
        return EXIT_OK;
    complain_lines(error);
    if (r != -EHOSTUNREACH || undo)
        return EXIT_FAILED;
    r = release_without_daemon(real, &n_files);
    if (n_files > 0)
        complain("its holders were told to let go of %zu file%s", n_files, plural(n_files));
    if (r < 0)
        complain("a holder could not be told: %s", strerror(-r));
    return r < 0 ? EXIT_FAILED : EXIT_OK;
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
