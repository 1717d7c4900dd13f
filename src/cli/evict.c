/* SPDX-License-Identifier: MIT */
/* `pagewarden evict`: takes files out of memory, as far as they are not locked. Works without a
 * daemon, with the rights of whoever calls. It asks nobody whether a file is in use: who names it
 * means it. What processes have mapped, and what is dirty, goes only where that is said as well. */
#include <fcntl.h>
#include <limits.h>
#include <pagewarden/names.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/evict-arguments.h"
#include "cli/inode-set.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/paths.h"
#include "cli/spare.h"
#include "cli/text.h"
#include "evict/ladder.h"
#include "util/io.h"
#include "util/units.h"

/* Measuring a large file takes its time: one part in so many of it, at most. */
#define TICK_SHARE 20

typedef struct EvictCommand {
    EvictArguments arguments;

    Spared spared;
    InodeSet met;
    NamedPaths walk;
    Ladder *ladder;
    JsonList files; /* printed as they are done with, */
    FILE *later;    /* or kept until the end: NULL, where nobody else writes there */
    char *text;     /* of that */
    size_t size;
    EvictOutcome sum;
    uintmax_t n_files;
    uint64_t to_go; /* bytes, in a dry run */
} EvictCommand;

/* @evicted and @written: of a file that is not done with. */
static void show_progress(EvictCommand *evict, uint64_t evicted, uint64_t written)
{
    char size[FORMAT_SIZE_MAX], text[64 + 2 * FORMAT_SIZE_MAX];
    size_t n_files = evict->walk.progress.n_files;
    int n;

    evicted += evict_outcome_evicted(&evict->sum);
    written += evict->sum.written;
    n = snprintf(text, sizeof(text), "%zu file%s, %s", n_files, plural(n_files),
                 format_size(size, evicted));
    if (written > 0)
        snprintf(text + n, sizeof(text) - (size_t)n, ", %s written", format_size(size, written));
    progress_show(&evict->walk.progress, text);
}

static void on_tick(const Ladder *ladder, void *userdata)
{
    EvictCommand *evict = userdata;
    uint64_t evicted, written, began = now_usec();

    if (!progress_is_due(&evict->walk.progress))
        return;
    ladder_so_far(ladder, &evicted, &written);
    show_progress(evict, evicted, written);
    progress_rest(&evict->walk.progress, TICK_SHARE * (now_usec() - began));
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
        json_add_number(object, "failed", done, o->refused) < 0 ||
        json_add_number(object, "interrupted", done, o->interrupted) < 0 ||
        json_add_number(object, "other", done,
                        o->beside + o->memory + o->unsure + o->unseen + o->unknown) < 0)
        return -ENOMEM;
    return done ? put_rungs(object, o) : 0;
}

static int put_file(EvictCommand *evict, const char *path, const struct stat *st, int error,
                    const EvictOutcome *outcome)
{
    if (evict->arguments.output.json == JSON_OFF)
        return 0;
    cleanup(json_object_putp) struct json_object *entry = json_object_new_object();
    bool measured = error >= 0;

    if (error >= 0)
        error = outcome->error;
    if (!entry || json_add_text(entry, "path", path) < 0 ||
        json_add_number(entry, "size", true, (uint64_t)st->st_size) < 0 ||
        put_outcome(entry, measured, evict->arguments.dry_run, outcome) < 0 ||
        json_add_text(entry, "error", error < 0 ? strerror(-error) : NULL) < 0)
        return -ENOMEM;
    return json_list_add(&evict->files, TAKE_PTR(entry));
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
        [EVICT_WRITE_BACK] = "did not reach the disk; evicting it again may lose it",
        [EVICT_PAGE_OUT] = "cannot be taken out of processes",
        [EVICT_RECLAIM] = "cannot be reclaimed",
    };

    /* Nothing is told of a file of which nothing has come. */
    if (error >= 0 && outcome->before == 0 && spared_find(&evict->spared, st))
        return 0;
    evict->n_files++;
    if (error < 0)
        complain_of(evict, path, error, NULL);
    else if (outcome->error == -ETIMEDOUT)
        complain_of(evict, path, 0, "the disk does not take it");
    else if (outcome->error < 0 && outcome->error != -ECANCELED)
        complain_of(evict, path, outcome->error, failures[outcome->failed]);
    if (error >= 0)
        evict_outcome_add(&evict->sum, outcome);
    if (progress_is_due(&evict->walk.progress))
        show_progress(evict, 0, 0);
    return put_file(evict, path, st, error, outcome);
}

static int evict_file(const char *path, int *fd, const struct stat *st, void *userdata)
{
    EvictCommand *evict = userdata;
    EvictSeen seen;

    if (atomic_load(evict->arguments.ladder.cancelled))
        return -ECANCELED;
    int r = inode_set_add(&evict->met, st->st_dev, st->st_ino);
    if (r <= 0) /* counted by another name */
        return r;
    const SparedFile *spared = spared_find(&evict->spared, st);
    if (spared && spared->error < 0)
        return on_done(path, st, spared->error, &(EvictOutcome){ 0 }, evict);
    if (spared)
        return ladder_evict_between(evict->ladder, path, fd, st, spared->ranges, spared->n_ranges);
    if (!evict->arguments.dry_run)
        return ladder_evict(evict->ladder, path, fd, st);

    EvictOutcome outcome = { 0 };
    r = ladder_look(evict->ladder, *fd, st, &seen);
    if (r >= 0) {
        outcome = (EvictOutcome){
            .before = seen.resident,
            .dirty = seen.dirty,
            .has_dirty = seen.has_dirty,
            .failed = EVICT_NO_RUNG,
        };
        evict->to_go += seen.resident -
                        (evict->arguments.ladder.allowed.write_back ? 0 : seen.dirty);
    }
    return on_done(path, st, r, &outcome, evict);
}

/* Standard output is the command's, where there is one. */
static FILE *output_of(const EvictCommand *evict)
{
    return evict->arguments.command ? stderr : stdout;
}

/* Standard error has complaints, too, which must not come in between. */
static int begin_json(EvictCommand *evict)
{
    if (evict->arguments.command) {
        evict->later = open_memstream(&evict->text, &evict->size);
        if (!evict->later)
            return -ENOMEM;
    }
    json_list_begin(&evict->files, evict->later ? evict->later : stdout,
                    evict->arguments.output.json, "files");
    return 0;
}

static int render_json(EvictCommand *evict)
{
    cleanup(json_object_putp) struct json_object *total = json_object_new_object();

    if (!total || json_add_number(total, "files", true, evict->n_files) < 0 ||
        put_outcome(total, true, evict->arguments.dry_run, &evict->sum) < 0)
        return -ENOMEM;
    int r = json_list_end(&evict->files, "total", TAKE_PTR(total));
    if (r < 0 || !evict->later)
        return r;
    if (fflush(evict->later) != 0)
        return -ENOMEM;
    return fputs(evict->text, output_of(evict)) < 0 ? -EIO : 0;
}

static int render(EvictCommand *evict)
{
    char size[FORMAT_SIZE_MAX], all[FORMAT_SIZE_MAX];
    bool bytes = evict->arguments.output.bytes;
    const char *s = plural(evict->n_files);
    FILE *out = output_of(evict);

    if (evict->arguments.output.json != JSON_OFF)
        return render_json(evict);
    if (evict->arguments.dry_run)
        fprintf(out, "Would evict at most %s: %ju file%s, %s in memory now\n",
                format_bytes(size, evict->to_go, bytes), evict->n_files, s,
                format_bytes(all, evict->sum.before, bytes));
    else
        fprintf(out, "Evicted %s: %ju file%s, %s left in memory\n",
                format_bytes(size, evict_outcome_evicted(&evict->sum), bytes), evict->n_files, s,
                format_bytes(all, evict->sum.after, bytes));
    return 0;
}

/* What is left against the caller's will, and what would take it. True: something is. */
static bool complain_of_what_is_left(const EvictCommand *evict)
{
    const EvictAllowed *allowed = &evict->arguments.ladder.allowed;
    const EvictOutcome *sum = &evict->sum;
    bool root = geteuid() == 0;
    const struct {
        uint64_t bytes;
        const char *why;
    } reasons[] = {
        { sum->dirty, allowed->write_back
                          ? "dirty still, or again"
                          : "dirty (--dirty=write-back writes it to the disk first)" },
        { sum->locked, "locked" },
        { sum->mapped, allowed->page_out
                           ? "mapped by processes"
                           : "mapped by processes (--mapped=page-out takes it out of them)" },
        { sum->memory, "in memory only (tmpfs)" },
        { sum->unsure, "changed a moment ago, and this kernel does not tell what is dirty "
                       "(--dirty=write-back writes it to the disk first)" },
        { sum->refused, "could not be evicted, as told" },
        { sum->interrupted, "interrupted" },
        { sum->unseen + (root ? 0 : sum->unknown),
          root ? "in use, or mapped by processes that could not be looked into"
               : "in use, or mapped by processes that only root may see" },
        { root ? sum->unknown : 0, "in use just now" },
    };
    char size[FORMAT_SIZE_MAX];
    bool any = false;

    for (size_t i = 0; i < ELEMENTS(reasons); i++) {
        if (reasons[i].bytes == 0)
            continue;
        complain("%s of it stays: %s",
                 format_bytes(size, reasons[i].bytes, evict->arguments.output.bytes),
                 reasons[i].why);
        any = true;
    }
    return any;
}

static int walk(EvictCommand *evict)
{
    int r = ladder_new(&evict->arguments.ladder, &evict->ladder);
    if (r < 0)
        return r;
    evict->walk.progress = progress_new();
    if (evict->arguments.output.json != JSON_OFF && isatty(fileno(output_of(evict))))
        evict->walk.progress.terminal = false; /* it would stand in between */
    r = named_paths_walk(&evict->walk, evict->arguments.paths);
    if (r >= 0)
        r = ladder_finish(evict->ladder);
    if (r < 0 && r != -ENOMEM)
        ladder_give_up(evict->ladder, r);
    progress_clear(&evict->walk.progress);
    return r;
}

/* What the controller has found to be nowhere else than in memory stays. */
static int read_barred(EvictCommand *evict)
{
    CLEANUP_CLOSE int dir_fd = open(PAGEWARDEN_RUNTIME_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

    evict->arguments.ladder.barred = barred_new();
    if (!evict->arguments.ladder.barred)
        return -ENOMEM;
    int r = dir_fd < 0 ? -errno : barred_read(evict->arguments.ladder.barred, dir_fd, NULL);
    if (r < 0 && r != -ENOENT && r != -ENOMEM) {
        complain("%s/" BARRED_NAME ": %s, so what the disk has refused is not known",
                 PAGEWARDEN_RUNTIME_DIR, strerror(-r));
        return 0;
    }
    return r == -ENOENT ? 0 : r;
}

static ExitCode evict_all(EvictCommand *evict)
{
    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

    evict->sum.has_dirty = true;
    evict->walk.unicode = evict->arguments.output.unicode;
    evict->walk.file = evict_file;
    evict->walk.userdata = evict;
    evict->arguments.ladder.hurry = true;
    evict->arguments.ladder.proc_fd = proc_fd;
    evict->arguments.ladder.explanations = UINT_MAX;
    evict->arguments.ladder.cancelled = catch_interrupts();
    evict->arguments.ladder.done = on_done;
    evict->arguments.ladder.tick = on_tick;
    evict->arguments.ladder.userdata = evict;

    int r = read_barred(evict);
    if (r >= 0 && evict->arguments.output.json != JSON_OFF)
        r = begin_json(evict);
    if (r >= 0)
        r = walk(evict);
    bool cut = r == -ECANCELED;
    if (r >= 0 || cut || r == -EMFILE || r == -ENFILE) /* the last two were told */
        r = render(evict);
    bool left = r >= 0 && !evict->arguments.dry_run && complain_of_what_is_left(evict);
    if (r == -ENOMEM)
        complain("out of memory");
    else if (cut)
        complain("interrupted");
    return r < 0 || cut || left || evict->walk.failed ? EXIT_FAILED : EXIT_OK;
}

/* Runs the command, and takes out of memory what it leaves behind. Its exit status, if not 0. */
static ExitCode evict_behind(EvictCommand *evict)
{
    int r = spared_note(&evict->spared, evict->arguments.paths);
    if (r < 0) {
        complain("%s", r == -ENOMEM ? "out of memory" : strerror(-r));
        return EXIT_FAILED;
    }
    ExitCode of_command = run_command(evict->arguments.command);
    ExitCode code = evict_all(evict);

    return of_command != EXIT_OK ? of_command : code;
}

ExitCode verb_evict(int argc, char *argv[])
{
    EvictCommand evict = { .arguments.output = output_options_default() };
    ExitCode code;

    if (evict_arguments_parse(argc, argv, &evict.arguments, &code))
        code = evict.arguments.command ? evict_behind(&evict) : evict_all(&evict);
    ladder_free(evict.ladder);
    barred_free(evict.arguments.ladder.barred);
    spared_clear(&evict.spared);
    inode_set_clear(&evict.met);
    if (evict.later)
        fclose(evict.later);
    free(evict.text);
    evict_arguments_clear(&evict.arguments);
    return code;
}
