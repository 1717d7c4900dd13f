/* SPDX-License-Identifier: MIT */
/* `pagewarden evict`: takes files out of memory, as far as they are not locked. Works without a
 * daemon, with the rights of whoever calls. It asks nobody whether a file is in use: who names it
 * means it. What processes have mapped, and what is dirty, goes only where that is said as well. */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file-list.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/paths.h"
#include "cli/text.h"
#include "evict/ladder.h"
#include "util/strv.h"
#include "util/units.h"

typedef struct EvictCommand {
    OutputOptions output;
    bool dry_run;
    LadderOptions options;
    char **paths;

    NamedPaths walk;
    Ladder *ladder;
    struct json_object *files; /* NULL: nobody wants to read it */
    EvictOutcome sum;
    uintmax_t n_files;
    uint64_t to_go; /* bytes, in a dry run */
} EvictCommand;

static void show_progress(EvictCommand *evict)
{
    char size[FORMAT_SIZE_MAX], text[64 + FORMAT_SIZE_MAX];

    if (!progress_is_due(&evict->walk.progress))
        return;
    snprintf(text, sizeof(text), "%zu files, %s", evict->walk.progress.n_files,
             format_size(size, evict_outcome_evicted(&evict->sum)));
    progress_show(&evict->walk.progress, text);
}

static int put_rungs(struct json_object *object, const EvictOutcome *outcome)
{
    cleanup(json_object_putp) struct json_object *by = json_object_new_object();

    for (EvictRung rung = 0; by && rung < _EVICT_RUNG_MAX; rung++)
        if (json_add_number(by, evict_rung_to_string(rung), true, outcome->evicted[rung]) < 0)
            return -ENOMEM;
    return by ? json_add(object, "by", TAKE_PTR(by)) : -ENOMEM;
}

/* What both a file and the total have. */
static int put_outcome(struct json_object *object, bool measured, bool dry_run,
                       const EvictOutcome *o)
{
    bool done = measured && !dry_run;

    if (json_add_number(object, "before", measured, o->before) < 0 ||
        json_add_number(object, "after", done, o->after) < 0 ||
        json_add_number(object, "evicted", done, evict_outcome_evicted(o)) < 0 ||
        json_add_number(object, "written", done, o->written) < 0 ||
        json_add_number(object, "dirty", measured && o->has_dirty, o->dirty) < 0 ||
        json_add_number(object, "locked", done, o->locked) < 0 ||
        json_add_number(object, "mapped", done, o->mapped) < 0 ||
        json_add_number(object, "other", done, o->beside + o->memory + o->unknown) < 0)
        return -ENOMEM;
    return done ? put_rungs(object, o) : 0;
}

static int put_file(EvictCommand *evict, const char *path, const struct stat *st, int error,
                    const EvictOutcome *outcome)
{
    cleanup(json_object_putp) struct json_object *entry = json_object_new_object();
    bool measured = error >= 0;

    if (!evict->files)
        return 0;
    if (error >= 0)
        error = outcome->error;
    if (!entry || json_add_text(entry, "path", path) < 0 ||
        json_add_number(entry, "size", true, (uint64_t)st->st_size) < 0 ||
        put_outcome(entry, measured, evict->dry_run, outcome) < 0 ||
        json_add_text(entry, "error", error < 0 ? strerror(-error) : NULL) < 0)
        return -ENOMEM;
    return json_append(evict->files, TAKE_PTR(entry));
}

static void complain_of(EvictCommand *evict, const char *path, int error, const char *what)
{
    if (error == -EPERM && !what)
        named_paths_complain(&evict->walk, path,
                             "the kernel tells only owners and root what is in memory", 0);
    else
        named_paths_complain(&evict->walk, path, what ? what : "cannot be measured", -error);
    evict->walk.failed = true;
}

static int on_done(const char *path, const struct stat *st, int error, const EvictOutcome *outcome,
                   void *userdata)
{
    EvictCommand *evict = userdata;
    static const char *const failures[_EVICT_RUNG_MAX] = {
        [EVICT_ADVISE] = "cannot be evicted",
        [EVICT_WRITE_BACK] = "cannot be written to the disk",
        [EVICT_PAGE_OUT] = "cannot be taken out of processes",
        [EVICT_RECLAIM] = "cannot be reclaimed",
    };

    evict->n_files++;
    if (error < 0)
        complain_of(evict, path, error, NULL);
    else if (outcome->error < 0)
        complain_of(evict, path, outcome->error, failures[outcome->failed]);
    if (error >= 0)
        evict_outcome_add(&evict->sum, outcome);
    show_progress(evict);
    return put_file(evict, path, st, error, outcome);
}

static int evict_file(const char *path, int *fd, const struct stat *st, void *userdata)
{
    EvictCommand *evict = userdata;
    EvictSeen seen;

    if (atomic_load(evict->options.cancelled))
        return -ECANCELED;
    if (!evict->dry_run)
        return ladder_evict(evict->ladder, path, fd, st);

    EvictOutcome outcome = { 0 };
    int r = ladder_look(evict->ladder, *fd, st, &seen);
    if (r >= 0) {
        outcome = (EvictOutcome){
            .before = seen.resident,
            .dirty = seen.dirty,
            .has_dirty = seen.has_dirty,
            .failed = EVICT_NO_RUNG,
        };
        evict->to_go += seen.resident - (evict->options.allowed.write_back ? 0 : seen.dirty);
    }
    return on_done(path, st, r, &outcome, evict);
}

static int render_json(EvictCommand *evict)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();
    cleanup(json_object_putp) struct json_object *total = json_object_new_object();

    if (!total || json_add_number(total, "files", true, evict->n_files) < 0 ||
        put_outcome(total, true, evict->dry_run, &evict->sum) < 0)
        return -ENOMEM;
    if (!root || json_add(root, "files", TAKE_PTR(evict->files)) < 0 ||
        json_add(root, "total", TAKE_PTR(total)) < 0)
        return -ENOMEM;
    return json_print(root, stdout, evict->output.json);
}

static int render(EvictCommand *evict)
{
    char size[FORMAT_SIZE_MAX], all[FORMAT_SIZE_MAX];
    bool bytes = evict->output.bytes;
    const char *s = evict->n_files == 1 ? "" : "s";

    if (evict->output.json != JSON_OFF)
        return render_json(evict);
    if (evict->dry_run)
        printf("Would evict %s: %ju file%s, %s in memory now\n",
               format_bytes(size, evict->to_go, bytes), evict->n_files, s,
               format_bytes(all, evict->sum.before, bytes));
    else
        printf("Evicted %s: %ju file%s, %s left in memory\n",
               format_bytes(size, evict_outcome_evicted(&evict->sum), bytes), evict->n_files, s,
               format_bytes(all, evict->sum.after, bytes));
    return 0;
}

/* What is left against the caller's will, and what would take it. True: something is. */
static bool complain_of_what_is_left(const EvictCommand *evict)
{
    const EvictAllowed *allowed = &evict->options.allowed;
    const EvictOutcome *sum = &evict->sum;
    const struct {
        uint64_t bytes;
        const char *why;
    } reasons[] = {
        { sum->dirty, allowed->write_back
                          ? "dirty again"
                          : "dirty (--dirty=write-back writes it to the disk first)" },
        { sum->locked, "locked" },
        { sum->mapped, allowed->page_out
                           ? "mapped by processes"
                           : "mapped by processes (--mapped=page-out takes it out of them)" },
        { sum->memory, "in memory only (tmpfs)" },
        { sum->unknown, geteuid() == 0 ? "in use just now"
                                       : "in use, or mapped by processes that only root may see" },
    };
    char size[FORMAT_SIZE_MAX];
    bool any = false;

    for (size_t i = 0; i < ELEMENTS(reasons); i++) {
        if (reasons[i].bytes == 0)
            continue;
        complain("%s of it stays: %s", format_bytes(size, reasons[i].bytes, evict->output.bytes),
                 reasons[i].why);
        any = true;
    }
    return any;
}

static int walk(EvictCommand *evict)
{
    int r = ladder_new(&evict->options, &evict->ladder);
    if (r < 0)
        return r;
    evict->walk.progress = progress_new();
    r = named_paths_walk(&evict->walk, evict->paths);
    if (r >= 0)
        r = ladder_finish(evict->ladder);
    progress_clear(&evict->walk.progress);
    return r;
}

static ExitCode evict_all(EvictCommand *evict)
{
    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

    evict->sum.has_dirty = true;
    evict->walk.unicode = evict->output.unicode;
    evict->walk.file = evict_file;
    evict->walk.userdata = evict;
    evict->options.proc_fd = proc_fd;
    evict->options.explanations = UINT_MAX;
    evict->options.cancelled = catch_interrupts();
    evict->options.done = on_done;
    evict->options.userdata = evict;
    if (evict->output.json != JSON_OFF)
        evict->files = json_object_new_array();

    int r = evict->output.json == JSON_OFF || evict->files ? walk(evict) : -ENOMEM;
    bool cut = r == -ECANCELED;
    if (r >= 0 || cut)
        r = render(evict);
    bool left = r >= 0 && !evict->dry_run && complain_of_what_is_left(evict);
    if (r == -ENOMEM)
        complain("out of memory");
    else if (cut)
        complain("interrupted");
    return r < 0 || cut || left || evict->walk.failed ? EXIT_FAILED : EXIT_OK;
}

static void help(void)
{
    printf(
        "pagewarden evict [OPTION…] PATH…\n\n"
        "Takes each file out of memory, of folders all files in them, and says what is left and\n"
        "why. Nothing is lost, and what is locked stays. PATH - is a list as --files0-from=-.\n\n"
        "      --dirty=skip|write-back\n"
        "                          leave what is not on the disk yet (default), or write it\n"
        "      --mapped=skip|page-out\n"
        "                          leave what processes have mapped (default), or take it out\n"
        "                          of them\n"
        "      --keep=first|last SIZE\n"
        "                          leave the head or the tail of each file: --keep last 16M\n"
        "  -n, --dry-run           only say how much would be evicted\n"
        "      --rate=RATE         evict and write so much per second at most: 16M/s\n"
        "      --files0-from=FILE  the paths in FILE, each with a NUL behind it; -: standard "
        "input\n"
        "  -b, --bytes             exact numbers of bytes\n"
        "      --json=MODE         pretty, short (one line) or off\n"
        "  -h, --help              show this\n");
}

static bool parse_choice(const char *option, const char *text, const char *off, const char *on,
                         bool *ret)
{
    if (strcmp(text, off) != 0 && strcmp(text, on) != 0) {
        complain("evict: --%s is %s or %s", option, off, on);
        return false;
    }
    *ret = strcmp(text, on) == 0;
    return true;
}

/* "last 16M" as one word, or as two, of which @next is the second. */
static bool parse_keep(const char *text, const char *next, bool *ret_used_next,
                       LadderOptions *options)
{
    size_t n = strcspn(text, " ");
    const char *size = text[n] ? text + n + 1 : next;
    uint64_t bytes = 0;
    bool first = n == 5 && strncmp(text, "first", n) == 0;
    bool last = n == 4 && strncmp(text, "last", n) == 0;

    /* A share of RAM makes no sense in a file. */
    if ((!first && !last) || !size || strchr(size, '%') || parse_size(size, 0, &bytes, NULL) < 0 ||
        bytes == 0) {
        complain("evict: --keep takes first or last, and a size: --keep last 16M");
        return false;
    }
    *(first ? &options->keep_first : &options->keep_last) = bytes;
    *ret_used_next = size == next;
    return true;
}

enum { OPT_RATE = 256, OPT_FILES0_FROM, OPT_DIRTY, OPT_MAPPED, OPT_KEEP };

/* False: the verb is over, with *ret_code. */
static bool take_option(int option, char *argv[], EvictCommand *evict, ExitCode *ret_code)
{
    LadderOptions *options = &evict->options;
    bool two;

    *ret_code = EXIT_USAGE;
    switch (option) {
    case 'n':
        evict->dry_run = true;
        return true;
    case OPT_RATE:
        return rate_option_parse("evict", optarg, &options->rate);
    case OPT_DIRTY:
        return parse_choice("dirty", optarg, "skip", "write-back", &options->allowed.write_back);
    case OPT_MAPPED:
        return parse_choice("mapped", optarg, "skip", "page-out", &options->allowed.page_out);
    case OPT_KEEP:
        if (!parse_keep(optarg, argv[optind], &two, options))
            return false;
        optind += two;
        return true;
    case OPT_FILES0_FROM:
        *ret_code = EXIT_FAILED;
        return file_list_read(optarg, &evict->paths) >= 0;
    default:
        return output_option_take(&evict->output, option, help, ret_code);
    }
}

/* False: the verb is over, with *ret_code. */
static bool parse(int argc, char *argv[], EvictCommand *evict, ExitCode *ret_code)
{
    static const struct option longs[] = {
        { "dirty", required_argument, NULL, OPT_DIRTY },
        { "mapped", required_argument, NULL, OPT_MAPPED },
        { "keep", required_argument, NULL, OPT_KEEP },
        { "dry-run", no_argument, NULL, 'n' },
        { "rate", required_argument, NULL, OPT_RATE },
        { "files0-from", required_argument, NULL, OPT_FILES0_FROM },
        OUTPUT_OPTIONS,
        { 0 },
    };
    bool listed = false;

    for (int c; (c = next_option(argv[0], argc, argv, "nbh", longs)) >= 0;) {
        listed |= c == OPT_FILES0_FROM;
        if (!take_option(c, argv, evict, ret_code))
            return false;
    }
    *ret_code = EXIT_USAGE;
    if (optind >= argc && !listed) {
        complain("evict: which files or folders?");
        return false;
    }
    return true;
}

/* Appends what is named behind the options. */
static int add_paths(char *const named[], char ***paths)
{
    int r = 0;

    for (; *named && r >= 0; named++)
        r = strcmp(*named, "-") == 0 ? file_list_read("-", paths)
                                     : file_list_add((char *const[]){ *named, NULL }, paths);
    return r;
}

ExitCode verb_evict(int argc, char *argv[])
{
    EvictCommand evict = { .output = output_options_default() };
    ExitCode code;

    if (parse(argc, argv, &evict, &code))
        code = add_paths(argv + optind, &evict.paths) < 0 ? EXIT_FAILED : evict_all(&evict);
    ladder_free(evict.ladder);
    json_object_put(evict.files);
    strv_free(evict.paths);
    return code;
}
