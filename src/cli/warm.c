/* SPDX-License-Identifier: MIT */
/* `pagewarden warm`: reads what is missing of files into memory, and keeps nothing there. Works
 * without a daemon, with the rights of whoever calls. All is looked at again when the last file was
 * read: on a machine that is short of memory the first ones may be gone by then. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/file-list.h"
#include "cli/inspect-report.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/paths.h"
#include "cli/text.h"
#include "kernel/warm.h"
#include "util/strv.h"
#include "util/units.h"

typedef struct WarmCommand {
    OutputOptions output;
    bool dry_run;
    uint64_t rate; /* bytes per second; 0: none */
    char **paths;
    const atomic_bool *interrupted;

    NamedPaths walk;
    uint64_t done; /* bytes of the files before, and */
    uint64_t read; /* of these, brought into memory */
    InspectReport report;
    InspectTotal total;
} WarmCommand;

static void on_step(uint64_t bytes, void *userdata)
{
    WarmCommand *warm = userdata;
    char size[FORMAT_SIZE_MAX], text[64 + FORMAT_SIZE_MAX];

    if (!progress_is_due(&warm->walk.progress))
        return;
    snprintf(text, sizeof(text), "%zu file%s, %s", warm->walk.progress.n_files,
             plural(warm->walk.progress.n_files), format_size(size, add_u64(warm->done, bytes)));
    progress_show(&warm->walk.progress, text);
}

static int warm_file(const char *path, int *fd, const struct stat *st, void *userdata)
{
    WarmCommand *warm = userdata;
    WarmOptions options = {
        .rate = warm->rate,
        .cancelled = warm->interrupted,
        .step = on_step,
        .userdata = warm,
    };
    WarmOutcome outcome;

    int r = warm_range(*fd, 0, (uint64_t)st->st_size, &options, &outcome);
    warm->read += outcome.read;
    warm->done = add_u64(warm->done, (uint64_t)st->st_size);
    if (r == -ECANCELED)
        return r;
    if (r < 0) {
        named_paths_complain(&warm->walk, path, "cannot be read", -r);
        warm->walk.failed = true;
    }
    return 0;
}

static int look_at_file(const char *path, const CensusFile *file, void *userdata)
{
    WarmCommand *warm = userdata;

    return inspect_report_add(&warm->report, path, file);
}

static int walk_and_warm(WarmCommand *warm)
{
    warm->walk.file = warm_file;
    warm->walk.progress = progress_new();
    return named_paths_walk(&warm->walk, warm->paths);
}

/* @again: what is wrong was told. */
static int walk_and_look(WarmCommand *warm, bool again)
{
    warm->walk.silent = again;
    warm->walk.counted = look_at_file;
    warm->walk.progress = progress_new();
    return named_paths_walk(&warm->walk, warm->paths);
}

/* Bytes of what is known that are not in memory. */
static uint64_t missing(const WarmCommand *warm)
{
    uint64_t unknown = 0;

    for (size_t i = 0; i < warm->report.n_files; i++)
        if (!warm->report.files[i].residency.has_resident)
            unknown = add_u64(unknown, warm->report.files[i].size);
    return sub_u64(sub_u64(warm->total.size, unknown), warm->total.covered);
}

static int render_json(const WarmCommand *warm)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();
    cleanup(json_object_putp) struct json_object *files = json_object_new_array();
    cleanup(json_object_putp) struct json_object *total = json_object_new_object();
    const InspectTotal *sum = &warm->total;

    for (size_t i = 0; i < warm->report.n_files; i++) {
        const InspectFile *file = &warm->report.files[i];
        const Residency *residency = &file->residency;
        cleanup(json_object_putp) struct json_object *entry = json_object_new_object();
        if (!entry || json_add_text(entry, "path", file->path) < 0 ||
            json_add_number(entry, "size", true, file->size) < 0 ||
            json_add_number(entry, "resident", residency->has_resident, residency->resident) < 0 ||
            !files || json_append(files, TAKE_PTR(entry)) < 0)
            return -ENOMEM;
    }
    if (!total || json_add_number(total, "files", true, sum->files) < 0 ||
        json_add_number(total, "size", true, sum->size) < 0 ||
        json_add_number(total, "resident", sum->sum.has_resident, sum->sum.resident) < 0 ||
        json_add_number(total, "read", !warm->dry_run, warm->read) < 0 ||
        json_add_number(total, "missing", true, missing(warm)) < 0 ||
        json_add_number(total, "unknown", true, sum->unknown) < 0)
        return -ENOMEM;
    if (!root || json_add(root, "files", TAKE_PTR(files)) < 0 ||
        json_add(root, "total", TAKE_PTR(total)) < 0)
        return -ENOMEM;
    return json_print(root, stdout, warm->output.json);
}

static int render(const WarmCommand *warm)
{
    const InspectTotal *sum = &warm->total;
    char size[FORMAT_SIZE_MAX], covered[FORMAT_SIZE_MAX], read[FORMAT_SIZE_MAX];
    bool bytes = warm->output.bytes;

    if (warm->output.json != JSON_OFF)
        return render_json(warm);
    printf("%s %s: %ju file%s, %s of %s in memory%s\n", warm->dry_run ? "Would read" : "Read",
           format_bytes(read, warm->dry_run ? missing(warm) : warm->read, bytes),
           (uintmax_t)sum->files, plural(sum->files), format_bytes(covered, sum->covered, bytes),
           format_bytes(size, sum->size, bytes), warm->dry_run ? " now" : "");
    return 0;
}

static ExitCode warm_all(WarmCommand *warm)
{
    char size[FORMAT_SIZE_MAX];
    int r = 0;

    warm->walk.unicode = warm->output.unicode;
    warm->walk.userdata = warm;
    if (!warm->dry_run) {
        warm->interrupted = catch_interrupts();
        r = walk_and_warm(warm);
    }
    bool cut = r == -ECANCELED;
    if (r >= 0 || cut)
        r = walk_and_look(warm, !warm->dry_run);
    if (r >= 0)
        r = inspect_report_total(&warm->report, &warm->total);
    if (r >= 0)
        r = render(warm);
    uint64_t left = r >= 0 && !warm->dry_run ? missing(warm) : 0;
    if (r == -ENOMEM)
        complain("out of memory");
    else if (cut)
        complain("interrupted");
    else if (left > 0)
        complain("%s of it did not stay in memory", format_size(size, left));
    if (r >= 0 && warm->total.unknown > 0)
        complain("%ju file%s: the kernel tells only owners and root what is in memory",
                 (uintmax_t)warm->total.unknown, plural(warm->total.unknown));
    return r < 0 || cut || left > 0 || warm->walk.failed ? EXIT_FAILED : EXIT_OK;
}

static void help(void)
{
    printf(
        "pagewarden warm [OPTION…] PATH…\n\n"
        "Reads what is missing of each file into memory, of folders all files in them, and says\n"
        "how much is there then. Nothing is kept there: that is what `pin` does.\n\n"
        "  -n, --dry-run           only say how much would be read\n"
        "      --rate=RATE         read so much per second at most: 16M/s\n"
        "      --files0-from=FILE  the paths in FILE, each with a NUL behind it; -: standard "
        "input\n"
        "  -b, --bytes             exact numbers of bytes\n"
        "      --json=MODE         pretty, short (one line) or off\n"
        "  -h, --help              show this\n");
}

/* False: the verb is over, with *ret_code. */
static bool parse(int argc, char *argv[], WarmCommand *warm, ExitCode *ret_code)
{
    enum { OPT_RATE = 256, OPT_FILES0_FROM };
    static const struct option longs[] = {
        { "dry-run", no_argument, NULL, 'n' },
        { "rate", required_argument, NULL, OPT_RATE },
        { "files0-from", required_argument, NULL, OPT_FILES0_FROM },
        OUTPUT_OPTIONS,
        { 0 },
    };
    bool listed = false;

    *ret_code = EXIT_USAGE;
    for (int c; (c = next_option(argv[0], argc, argv, "nbh", longs)) >= 0;)
        switch (c) {
        case 'n':
            warm->dry_run = true;
            break;
        case OPT_RATE:
            if (!rate_option_parse("warm", optarg, &warm->rate))
                return false;
            break;
        case OPT_FILES0_FROM:
            listed = true;
            if (file_list_read(optarg, &warm->paths) < 0) {
                *ret_code = EXIT_FAILED;
                return false;
            }
            break;
        default:
            if (!output_option_take(&warm->output, c, help, ret_code))
                return false;
        }
    if (optind >= argc && !listed) {
        complain("warm: which files or folders?");
        return false;
    }
    return true;
}

ExitCode verb_warm(int argc, char *argv[])
{
    WarmCommand warm = { .output = output_options_default() };
    ExitCode code;

    if (parse(argc, argv, &warm, &code))
        code = file_list_add(argv + optind, (size_t)(argc - optind), &warm.paths) < 0
                   ? EXIT_FAILED
                   : warm_all(&warm);
    inspect_report_clear(&warm.report);
    strv_free(warm.paths);
    return code;
}
