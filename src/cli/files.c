/* SPDX-License-Identifier: MIT */
/* `pagewarden files`: what a unit has in the page cache, file by file. Candidates are the files
 * that its processes have open or mapped, and, where folders are named, those in them that it is
 * charged for. Works without a daemon; whose pages are whose is told only to root, page by page. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/files-report.h"
#include "cli/inode-set.h"
#include "cli/paths.h"
#include "cli/text.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_names.h"
#include "kernel/page_owner.h"
#include "kernel/proc_files.h"
#include "kernel/procs.h"
#include "kernel/units.h"
#include "util/io.h"
#include "util/path.h"
#include "util/strv.h"

typedef struct FilesCommand {
    OutputOptions output;
    const char *cgroups;
    bool all;
    char **folders; /* a strv: where files are looked for that are not open */

    int proc_fd, root_fd;
    char *cgroup;
    PageTables tables;
    bool has_tables;
    CgroupNames names;
    ProcFiles found;
    FilesReport report;
    NamedPaths walk;
    InodeSet met;      /* in the folders */
    unsigned n_secret; /* files of which the kernel does not tell this caller */
} FilesCommand;

/* Measuring */

static bool is_of_unit(const FilesCommand *command, uint64_t cgroup)
{
    const char *path = cgroup_names_find(&command->names, cgroup);

    return path && path_is_below(path, command->cgroup);
}

/* 0, or -ENOMEM; what else fails is not known then. */
static int measure(FilesCommand *command, int fd, FilesEntry *entry)
{
    cleanup(page_owners_clear) PageOwners owners = { 0 };
    Residency residency;

    int r = fd < 0 ? fd : residency_of(fd, entry->size, &residency);
    entry->has_cached = r >= 0 && residency.has_resident;
    entry->cached = entry->has_cached ? residency.resident : 0;
    command->n_secret += r == -EPERM || r == -EACCES;
    if (r < 0 || !command->has_tables)
        return r == -ENOMEM ? r : 0;

    r = page_owners_add(&command->tables, fd, entry->size, &owners);
    entry->has_charged = r >= 0;
    for (size_t i = 0; i < owners.n_owners && r >= 0; i++)
        if (is_of_unit(command, owners.owners[i].cgroup))
            entry->charged += owners.owners[i].resident;
    return r == -ENOMEM ? r : 0;
}

static int measure_used(FilesCommand *command)
{
    int r = 0;

    for (size_t i = 0; i < command->found.n_files && r >= 0; i++) {
        const ProcFile *file = &command->found.files[i];
        FilesEntry entry = {
            .path = file->path,
            .deleted = file->deleted,
            .open = file->open,
            .mapped = file->mapped,
            .size = file->size,
        };

        CLEANUP_CLOSE int fd = proc_file_open(command->proc_fd, file);
        r = measure(command, fd, &entry);
        command->report.has_charged &= entry.has_charged;
        if (r >= 0)
            r = files_report_add(&command->report, &entry);
    }
    return r;
}

/* In the folders: what the unit is charged for, and has not open. */
static int on_file(const char *path, int *fd, const struct stat *st, void *userdata)
{
    FilesCommand *command = userdata;
    FilesEntry entry = { .path = path, .size = (uint64_t)st->st_size };

    if (proc_files_find(&command->found, st->st_dev, st->st_ino))
        return 0;
    int r = inode_set_add(&command->met, st->st_dev, st->st_ino);
    if (r <= 0)
        return r;
    r = measure(command, *fd, &entry);
    return r < 0 || entry.charged == 0 ? r : files_report_add(&command->report, &entry);
}

/* What is to be known beforehand */

static void complain_of_unit(const FilesCommand *command, const char *why)
{
    CLEANUP_FREE char *shown = escape_text(command->report.unit, command->output.unicode);

    complain("%s: %s", shown ? shown : "out of memory", why);
}

/* Complains. */
static int find_unit(FilesCommand *command)
{
    const char *unit = command->report.unit;
    int r = running_unit_cgroup(command->root_fd, unit, &command->cgroup);

    if (r < 0)
        complain_of_unit(command, r == -ENOENT ? "no such unit is running" : strerror(-r));
    command->report.cgroup = command->cgroup;
    return r;
}

/* The folders are of no use without. */
static int open_tables(FilesCommand *command)
{
    int r = page_tables_open(command->proc_fd, &command->tables);

    command->has_tables = r >= 0;
    if (r >= 0)
        r = cgroup_names_read(command->root_fd, &command->names);
    command->report.has_charged = r >= 0;
    if (r >= 0 || r == -ENOMEM)
        return r;
    complain("files: %s; CHARGED is not known",
             r == -EPERM || r == -EACCES ? "only root may see whose pages are whose"
                                         : "this kernel does not tell whose pages are whose");
    if (!command->folders)
        return 0;
    complain("files: nothing can be found with --under then");
    return r;
}

static void read_page_cache(FilesCommand *command)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    Sample sample;

    int r = cgroup_open(command->root_fd, command->cgroup, &cgroup);
    if (r >= 0)
        r = cgroup_sample(cgroup, now_usec(), &sample);
    command->report.has_file = r >= 0;
    command->report.file = r >= 0 ? sample.file : 0;
}

static int scan(FilesCommand *command)
{
    cleanup(pids_clear) Pids pids = { 0 };

    int r = cgroup_pids(command->root_fd, command->cgroup, &pids);
    if (r >= 0)
        r = proc_files_scan(command->proc_fd, pids.pids, pids.n_pids, &command->found);
    if (r < 0 && r != -ENOMEM)
        complain_of_unit(command, r == -ENOENT   ? "no such control group"
                                  : r == -EINVAL ? "not a cgroup's path"
                                                 : strerror(-r));
    command->report.unreadable = command->found.unreadable;
    return r;
}

static void complain_of_secrets(const FilesCommand *command)
{
    unsigned n = command->report.unreadable;

    if (n > 0)
        complain("%u process%s could not be looked into%s", n, n == 1 ? "" : "es",
                 geteuid() == 0 ? "" : "; root may");
    n = command->n_secret;
    if (n > 0)
        complain("%u file%s: the kernel tells only owners and root what is in memory", n,
                 plural(n));
}

static int look(FilesCommand *command)
{
    int r = find_unit(command);

    if (r >= 0)
        r = open_tables(command);
    if (r >= 0)
        r = scan(command);
    if (r >= 0)
        r = measure_used(command);
    if (r >= 0 && command->folders)
        r = named_paths_walk(&command->walk, command->folders);
    if (r < 0)
        return r;
    read_page_cache(command);
    return files_report_render(&command->report, stdout, &command->output, command->all);
}

static ExitCode files(FilesCommand *command)
{
    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int root_fd = open(command->cgroups, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (root_fd < 0) {
        complain_of_unit(command, strerror(errno));
        return EXIT_FAILED;
    }
    command->proc_fd = proc_fd;
    command->root_fd = root_fd;
    command->walk = (NamedPaths){ .unicode = command->output.unicode, .file = on_file };
    command->walk.userdata = command;
    command->walk.progress = progress_new();
    int r = look(command);
    if (r == -ENOMEM)
        complain("out of memory");
    if (r >= 0)
        complain_of_secrets(command);
    if (command->has_tables)
        page_tables_close(&command->tables);
    cgroup_names_clear(&command->names);
    proc_files_clear(&command->found);
    files_report_clear(&command->report);
    inode_set_clear(&command->met);
    return r < 0 || command->walk.failed ? EXIT_FAILED : EXIT_OK;
}

/* The command line */

static void help(void)
{
    printf(
        "pagewarden files [OPTION…] UNIT\n\n"
        "Shows what a unit has in the page cache, file by file: of those that its processes have\n"
        "open or mapped. CACHED is in memory, CHARGED counts as the unit's memory; OPEN and\n"
        "MAPPED tell by how many of its processes. UNIT may be a cgroup's path: /system.slice.\n\n"
        "      --under DIR    also what it is charged for in DIR, and has not open; slow\n"
        "  -a, --all          also files of which nothing is in memory\n"
        "      --cgroups DIR  the cgroup tree (default /sys/fs/cgroup)\n"
        "  -b, --bytes        exact numbers of bytes\n"
        "      --json=MODE    pretty, short (one line) or off\n"
        "      --no-legend    no headings, no sums\n"
        "  -h, --help         show this\n");
}

/* False: the verb is over, with *ret_code. */
static bool parse(int argc, char *argv[], FilesCommand *command, ExitCode *ret_code)
{
    enum { OPT_UNDER = 256, OPT_CGROUPS };
    static const struct option longs[] = {
        { "under", required_argument, NULL, OPT_UNDER },
        { "all", no_argument, NULL, 'a' },
        { "cgroups", required_argument, NULL, OPT_CGROUPS },
        OUTPUT_OPTIONS,
        NO_LEGEND_OPTION,
        { 0 },
    };

    for (int c; (c = next_option(argv[0], argc, argv, "abh", longs)) >= 0;)
        switch (c) {
        case OPT_UNDER:
            if (strv_append(&command->folders, optarg) < 0) {
                complain("out of memory");
                *ret_code = EXIT_FAILED;
                return false;
            }
            break;
        case 'a':
            command->all = true;
            break;
        case OPT_CGROUPS:
            command->cgroups = optarg;
            break;
        default:
            if (!output_option_take(&command->output, c, help, ret_code))
                return false;
        }
    *ret_code = EXIT_USAGE;
    if (optind + 1 != argc || !argv[optind][0]) {
        complain("files: which unit?");
        return false;
    }
    return true;
}

ExitCode verb_files(int argc, char *argv[])
{
    FilesCommand command = {
        .output = output_options_default(),
        .cgroups = "/sys/fs/cgroup",
    };
    CLEANUP_FREE char *unit = NULL;
    ExitCode code;

    if (parse(argc, argv, &command, &code)) {
        const char *name = argv[optind];
        bool whole = strchr(name, '/') || strchr(name, '.');
        unit = NULL;
        if (asprintf(&unit, "%s%s", name, whole ? "" : ".service") < 0) {
            complain("out of memory");
            return EXIT_FAILED;
        }
        command.report.unit = unit;
        code = files(&command);
    }
    strv_free(command.folders);
    free(command.cgroup);
    return code;
}
