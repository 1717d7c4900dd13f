/* SPDX-License-Identifier: MIT */
/* `pagewarden inspect`: how much of each file is in memory. Works without a daemon, with the rights
 * of whoever calls. Files are opened for reading and never read, so that looking changes nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/inspect-owners.h"
#include "cli/inspect-report.h"
#include "cli/paths.h"
#include "cli/text.h"

typedef struct Inspection {
    InspectReport report;
    NamedPaths paths;
    uint64_t n_secret; /* files of which the kernel does not tell this caller */
} Inspection;

typedef struct InspectOptions {
    bool map;
    bool ascii;
    bool by_cgroup;
} InspectOptions;

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

/* With a map, which takes the descriptor: one file after the other. */
static int on_file(const char *path, int *fd, const struct stat *st, void *userdata)
{
    CensusFile file = { .dev = st->st_dev, .ino = st->st_ino, .size = (uint64_t)st->st_size };
    cleanup(file_map_clear) FileMap map = { 0 };
    Inspection *in = userdata;

    file.error = residency_of(*fd, file.size, &file.residency);
    int r = on_counted(path, &file, userdata);
    if (r != 0 || file.error < 0)
        return r;
    r = file_map_read(*fd, file.size, &map);
    if (r >= 0) {
        inspect_report_set_map(&in->report, &map);
    } else if (r != -ENOMEM) {
        named_paths_complain(&in->paths, path, "the kernel does not tell where it is in memory",
                             -r);
        in->paths.failed = true;
    }
    return r == -ENOMEM ? r : 0;
}

static ExitCode inspect(char *const paths[], const OutputOptions *options,
                        const InspectOptions *more)
{
    Inspection in = {
        .report = { .maps = more->map, .ascii = more->ascii },
        .paths = {
            .unicode = options->unicode,
            .counted = more->map ? NULL : on_counted,
            .file = on_file,
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
                 (uintmax_t)in.n_secret, plural(in.n_secret));
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
        "      --map          draw which parts of each file are in memory\n"
        "      --ascii        draw with ASCII characters\n"
        "      --by-cgroup    whom its pages are charged to; for root, and slow\n"
        "  -b, --bytes        exact numbers of bytes\n"
        "      --json=MODE    pretty, short (one line) or off\n"
        "      --no-legend    no headings, no total\n"
        "  -h, --help         show this\n");
}

/* False: the verb is over, with *ret_code. */
static bool parse(int argc, char *argv[], OutputOptions *output, InspectOptions *options,
                  ExitCode *ret_code)
{
    enum { OPT_MAP = 256, OPT_ASCII, OPT_BY_CGROUP };
    static const struct option longs[] = {
        { "map", no_argument, NULL, OPT_MAP },
        { "ascii", no_argument, NULL, OPT_ASCII },
        { "by-cgroup", no_argument, NULL, OPT_BY_CGROUP },
        OUTPUT_OPTIONS,
        NO_LEGEND_OPTION,
        { 0 },
    };

    *ret_code = EXIT_USAGE;
    for (int c; (c = next_option(argv[0], argc, argv, "bh", longs)) >= 0;)
        switch (c) {
        case OPT_MAP:
            options->map = true;
            break;
        case OPT_ASCII:
            options->ascii = true;
            break;
        case OPT_BY_CGROUP:
            options->by_cgroup = true;
            break;
        default:
            if (!output_option_take(output, c, help, ret_code))
                return false;
        }
    if (optind >= argc) {
        complain("inspect: which files or folders?");
        return false;
    }
    if (options->ascii && !options->map) {
        complain("inspect: --ascii is for --map");
        return false;
    }
    if (options->map && options->by_cgroup) {
        complain("inspect: --map or --by-cgroup, not both");
        return false;
    }
    return true;
}

ExitCode verb_inspect(int argc, char *argv[])
{
    OutputOptions output = output_options_default();
    InspectOptions options = { 0 };
    ExitCode code;

    if (!parse(argc, argv, &output, &options, &code))
        return code;
    if (options.by_cgroup)
        return inspect_owners(argv + optind, &output);
    return inspect(argv + optind, &output, &options);
}
