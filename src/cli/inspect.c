/* SPDX-License-Identifier: MIT */
/* `pagewarden inspect`: how much of each file is in memory. Works without a daemon, with the rights
 * of whoever calls. Files are opened for reading and never read, so that looking changes nothing.
 *
 * A path that is named may be a symbolic link; below it none is followed. What is named and cannot
 * be inspected is an error, what is merely met (a socket in a folder) is not. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/inspect-report.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "kernel/walk.h"

typedef struct Inspection {
    InspectReport report;
    const char *named; /* the argument that is being walked */
    bool unicode;
    bool failed;
    Progress progress;
    uint64_t n_secret; /* files of which the kernel does not tell this caller */
} Inspection;

static void complain_of(Inspection *in, const char *path, const char *text, int error)
{
    CLEANUP_FREE char *shown = escape_text(path, in->unicode);

    progress_clear(&in->progress);
    complain("%s: %s%s%s", shown ? shown : "out of memory", text, error && *text ? ": " : "",
             error ? strerror(error) : "");
}

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Inspection *in = userdata;
    Residency residency = { 0 };

    progress_step(&in->progress);
    CLEANUP_CLOSE int fd = walk_reopen(path_fd, O_RDONLY);
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
        return fd;
    if (fd < 0) {
        complain_of(in, path, "cannot be read", -fd);
        in->failed = true;
        return 0;
    }

    int r = residency_of(fd, (uint64_t)st->st_size, &residency);
    if (r == -EPERM) {
        in->n_secret++;
    } else if (r < 0 && r != -EOPNOTSUPP) {
        complain_of(in, path, "the kernel does not tell what is in memory", -r);
        in->failed = true;
    }
    return inspect_report_add(&in->report, path, st, &residency);
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    Inspection *in = userdata;
    bool named = strcmp(path, in->named) == 0;

    switch (reason) {
    case WALK_SYMLINK:
    case WALK_FIFO:
    case WALK_SOCKET:
    case WALK_DEVICE:
        if (!named)
            return 0;
        break;
    case WALK_FILE_SYSTEM: /* worth a word, and as it should be */
        complain_of(in, path, why, 0);
        return 0;
    case WALK_MISSING:
    case WALK_DIRECTORY:
    case WALK_NOT_DIRECTORY:
    case WALK_UNREADABLE:
    case WALK_TOO_DEEP:
    case WALK_TOO_MANY:
    case _WALK_REASON_MAX:
        break;
    }
    complain_of(in, path, why, 0);
    in->failed = true;
    return 0;
}

/* 0, or -errno where it makes no sense to go on. */
static int inspect_path(Inspection *in, const char *path)
{
    const WalkHandler handler = { on_file, on_passed_over, in };

    in->named = path;
    CLEANUP_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        complain_of(in, path, "", errno);
        in->failed = true;
        return 0;
    }

    int r = walk_tree(fd, path, 0, &handler);
    if (r < 0)
        complain_of(in, path, "", -r);
    in->failed = in->failed || r < 0;
    return r == -ENOMEM || r == -EMFILE || r == -ENFILE ? r : 0;
}

static ExitCode inspect(char *const paths[], const OutputOptions *options)
{
    Inspection in = {
        .unicode = options->unicode,
        .progress = progress_new(),
    };
    int r = 0;

    for (; *paths && r >= 0; paths++)
        r = inspect_path(&in, *paths);
    progress_clear(&in.progress);
    if (r >= 0)
        r = inspect_report_render(&in.report, stdout, options);
    if (r == -ENOMEM)
        complain("out of memory");
    else if (in.n_secret > 0)
        complain("%ju file%s: the kernel tells only owners and root what is in memory",
                 (uintmax_t)in.n_secret, in.n_secret == 1 ? "" : "s");
    inspect_report_clear(&in.report);
    return r < 0 || in.failed ? EXIT_FAILED : EXIT_OK;
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
