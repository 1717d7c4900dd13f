/* SPDX-License-Identifier: MIT */
/* `pagewarden who`: which processes have a file open or mapped, in which unit, and how much of it
 * their page tables hold. Works without a daemon; who is not root sees his own processes alone. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "cli/who-render.h"

static void complain_of(const char *path, const char *why, const OutputOptions *options)
{
    CLEANUP_FREE char *shown = escape_text(path, options->unicode);

    complain("%s: %s", shown ? shown : "out of memory", why);
}

/* The files among @paths, which are moved to the front. False: some are none. */
static bool find_files(char *paths[], const OutputOptions *options, UsedFile *files, size_t *ret_n)
{
    size_t n = 0;
    bool all = true;

    for (char **path = paths; *path; path++) {
        struct stat st;
        const char *why = NULL;
        if (stat(*path, &st) < 0)
            why = strerror(errno);
        else if (S_ISDIR(st.st_mode))
            why = "is a directory";
        else if (!S_ISREG(st.st_mode))
            why = "is not a regular file";
        if (why) {
            complain_of(*path, why, options);
            all = false;
            continue;
        }
        files[n] = (UsedFile){ st.st_dev, st.st_ino };
        paths[n++] = *path;
    }
    *ret_n = n;
    return all;
}

static ExitCode who(char *paths[], size_t n_paths, const OutputOptions *options)
{
    CLEANUP_FREE UsedFile *files = calloc(n_paths + 1, sizeof *files);
    WhoReport report = { .paths = paths };
    bool all = false;
    int r = -ENOMEM;

    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (files) {
        all = find_files(paths, options, files, &report.n_paths);
        r = report.n_paths > 0
                ? file_users_scan(proc_fd, getpid(), files, report.n_paths, &report.users)
                : 0;
    }
    if (r >= 0)
        r = who_render(&report, stdout, options);
    if (r == -ENOMEM)
        complain("out of memory");
    else if (r < 0)
        complain("/proc: %s", strerror(-r));
    else if (report.users.unreadable > 0)
        complain("%u process%s could not be looked into%s", report.users.unreadable,
                 report.users.unreadable == 1 ? "" : "es", geteuid() == 0 ? "" : "; root may");
    file_users_clear(&report.users);
    return r < 0 || !all ? EXIT_FAILED : EXIT_OK;
}

static void help(void)
{
    printf("pagewarden who [OPTION…] FILE…\n\n"
           "Shows which processes have each file open or mapped, and in which unit. OPEN counts\n"
           "descriptors, MAPPED is address space; RSS is what of it page tables hold, PSS the\n"
           "same shared among all who map it, LOCKED what mlock(2) holds.\n\n"
           "  -b, --bytes        exact numbers of bytes\n"
           "      --json=MODE    pretty, short (one line) or off\n"
           "      --no-legend    no headings\n"
           "  -h, --help         show this\n");
}

ExitCode verb_who(int argc, char *argv[])
{
    OutputOptions options;
    ExitCode code;

    if (!output_options_parse(argc, argv, help, &options, &code))
        return code;
    if (optind >= argc) {
        complain("who: which files?");
        return EXIT_USAGE;
    }
    return who(argv + optind, (size_t)(argc - optind), &options);
}
