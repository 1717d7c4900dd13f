/* SPDX-License-Identifier: MIT */
/* `pagewarden inspect`: how much of each file is in memory. Works without a daemon, with the rights
 * of whoever calls. Files are opened for reading and never read, so that looking changes nothing.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/inspect-report.h"
#include "cli/paths.h"

typedef struct Inspection {
    InspectReport report;
    NamedPaths paths;
    uint64_t n_secret; /* files of which the kernel does not tell this caller */
} Inspection;

static int on_counted(const char *path, const CensusFile *file, void *userdata)
{
    Inspection *in = userdata;

    if (file->error == -EPERM) {
        in->n_secret++;
    } else if (file->error < 0 && file->error != -EOPNOTSUPP) {
        named_paths_complain(&in->paths, path, "the kernel does not tell what is in memory",
                             -file->error);
        in->paths.failed = true;
    }
    return inspect_report_add(&in->report, path, file);
}

static ExitCode inspect(char *const paths[], const OutputOptions *options)
{
    Inspection in = {
        .paths = {
            .unicode = options->unicode,
            .counted = on_counted,
            .progress = progress_new(),
        },
    };

    in.paths.userdata = &in;
    int r = named_paths_walk(&in.paths, paths);
    if (r >= 0)
        r = inspect_report_render(&in.report, stdout, options);
    if (r == -ENOMEM)
        complain("out of memory");
    else if (in.n_secret > 0)
        complain("%ju file%s: the kernel tells only owners and root what is in memory",
                 (uintmax_t)in.n_secret, in.n_secret == 1 ? "" : "s");
    inspect_report_clear(&in.report);
    return r < 0 || in.paths.failed ? EXIT_FAILED : EXIT_OK;
}

static void help(void)
{
    printf(
        "pagewarden inspect [OPTION…] PATH…\n\n"
        "Shows how much of each file is in memory, of folders all files in them. Numbers are of\n"
        "whole pages. EVICTED was once there and taken by reclaim, RECENTLY so lately that\n"
        "reading it again counts as a refault.\n\n"
        "  -b, --bytes        exact numbers of bytes\n"
        "      --json=MODE    pretty, short (one line) or off\n"
        "      --no-legend    no headings, no total\n"
        "  -h, --help         show this\n");
}

ExitCode verb_inspect(int argc, char *argv[])
{
    OutputOptions options;
    ExitCode code;

    if (!output_options_parse(argc, argv, help, &options, &code))
        return code;
    if (optind >= argc) {
        complain("inspect: which files or folders?");
        return EXIT_USAGE;
    }
    return inspect(argv + optind, &options);
}
