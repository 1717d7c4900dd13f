/* SPDX-License-Identifier: MIT */
/* `pagewarden pin`: opens files with the rights of whoever calls, hands their descriptors to the
 * daemon in batches, and waits until they are locked. That goes on when nobody waits any more. */
#include <getopt.h>
#include <pagewarden/names.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/by-hand.h"
#include "cli/cli.h"
#include "cli/file-list.h"
#include "cli/json.h"
#include "cli/paths.h"
#include "cli/text.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/units.h"

#define POLL_USEC (100 * USEC_PER_MSEC)
/* What is shown is measured, which is done a moment after all was locked. */
#define MEASURED_USEC (5 * USEC_PER_SEC)

typedef struct PinCommand {
    OutputOptions output;
    bool recursive;
    uint64_t usec;
    char *unit;
    char **paths;

    ManagerBus *bus;
    NamedPaths walk;
    BusPinFile batch[PAGEWARDEN_PIN_MAX];
    size_t n_batch;
    uint64_t n_files, bytes; /* that were handed over */
    ByHand now;
} PinCommand;

/* Handing over */

static void on_problem(const char *path, const char *reason, void *userdata)
{
    PinCommand *pin = userdata;

    named_paths_complain(&pin->walk, path, reason, 0);
    pin->walk.failed = true;
    pin->n_files--;
}

static void drop_batch(PinCommand *pin)
{
    for (size_t i = 0; i < pin->n_batch; i++) {
        safe_close(pin->batch[i].fd);
        free(pin->batch[i].path);
    }
    pin->n_batch = 0;
}

static int hand_over(PinCommand *pin)
{
    CLEANUP_FREE char *error = NULL;
    BusPin call = {
        .unit = pin->unit,
        .usec = pin->usec,
        .user = login_user(),
        .files = pin->batch,
        .n_files = pin->n_batch,
        .problem = on_problem,
        .userdata = pin,
    };
    int r = 0;

    if (pin->n_batch > 0) {
        pin->n_files += pin->n_batch;
        r = manager_bus_pin(pin->bus, &call, &error);
    }
    drop_batch(pin);
    if (r >= 0)
        return 0;
    progress_clear(&pin->walk.progress);
    complain_lines(error);
    return -ECANCELED;
}

static int on_file(const char *path, int *fd, const struct stat *st, void *userdata)
{
    PinCommand *pin = userdata;
    BusPinFile *file = &pin->batch[pin->n_batch];

    if (st->st_size == 0 && strcmp(path, pin->walk.named) != 0)
        return 0; /* merely met, and nothing to pin */
    /* The daemon looks there later whether it still is. */
    int r = fd_path(*fd, &file->path);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        named_paths_complain(&pin->walk, path, "", -r);
        pin->walk.failed = true;
        return 0;
    }
    file->fd = TAKE_FD(*fd);
    pin->bytes = add_u64(pin->bytes, (uint64_t)st->st_size);
    return ++pin->n_batch == ELEMENTS(pin->batch) ? hand_over(pin) : 0;
}

/* Waiting */

static void show_progress(PinCommand *pin)
{
    char held[FORMAT_SIZE_MAX], wanted[FORMAT_SIZE_MAX], text[128];

    if (!progress_is_due(&pin->walk.progress))
        return;
    snprintf(text, sizeof(text), "%s of %s, %ju of %ju files", format_size(held, pin->now.held),
             format_size(wanted, pin->now.wanted), (uintmax_t)pin->now.files_locked,
             (uintmax_t)pin->now.files);
    progress_show(&pin->walk.progress, text);
}

/* Until all is locked, or there is no room for more. */
static int wait_for_locks(PinCommand *pin)
{
    uint64_t settled_usec = 0;

    pin->walk.progress = progress_new();
    for (;;) {
        int r = by_hand_read(pin->bus, pin->unit, &pin->now);
        if (r < 0)
            return r;
        if (!pin->now.known || pin->now.waits)
            break;
        settled_usec = !pin->now.settled ? 0 : settled_usec > 0 ? settled_usec : now_usec();
        if (pin->now.settled &&
            (pin->now.locked >= pin->now.held || now_usec() - settled_usec >= MEASURED_USEC))
            break;
        show_progress(pin);
        usleep(POLL_USEC);
    }
    progress_clear(&pin->walk.progress);
    return 0;
}

/* Telling */

static int render_json(const PinCommand *pin)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();

    if (!root || json_add_number(root, "files", true, pin->n_files) < 0 ||
        json_add_number(root, "bytes", true, pin->bytes) < 0 ||
        json_add_text(root, "unit", pin->unit) < 0 ||
        json_add_number(root, "unit_files", true, pin->now.files) < 0 ||
        json_add_number(root, "unit_wanted", true, pin->now.wanted) < 0 ||
        json_add_number(root, "unit_locked", true, pin->now.locked) < 0 ||
        json_add_text(root, "bound", pin->now.bound) < 0)
        return -ENOMEM;
    return json_print(root, stdout, pin->output.json);
}

static int render(const PinCommand *pin)
{
    char bytes[FORMAT_SIZE_MAX], locked[FORMAT_SIZE_MAX], wanted[FORMAT_SIZE_MAX];
    bool exact = pin->output.bytes;

    if (pin->output.json != JSON_OFF)
        return render_json(pin);
    printf("%ju file%s, %s; by hand%s%s now: %ju file%s, %s of %s locked\n",
           (uintmax_t)pin->n_files, plural(pin->n_files), format_bytes(bytes, pin->bytes, exact),
           pin->unit ? " for " : "", pin->unit ?: "", (uintmax_t)pin->now.files,
           plural(pin->now.files), format_bytes(locked, pin->now.locked, exact),
           format_bytes(wanted, pin->now.wanted, exact));
    return 0;
}

static bool is_whole(const PinCommand *pin)
{
    if (pin->now.bound) {
        complain("pinned less than wanted: %s; the rest follows when there is room",
                 pin->now.bound);
        return false;
    }
    if (pin->now.waits || (!pin->now.known && pin->n_files > 0)) {
        complain("the holder of the pins is gone (journalctl -u pagewarden)");
        return false;
    }
    if (pin->now.n_problems > 0)
        complain("%zu file%s cannot be locked (pagewarden status)", pin->now.n_problems,
                 plural(pin->now.n_problems));
    return pin->now.n_problems == 0 && !pin->walk.failed;
}

static ExitCode pin_all(PinCommand *pin)
{
    CLEANUP_FREE char *error = NULL;

    if (manager_bus_open(&pin->bus, &error) < 0) {
        complain_lines(error);
        return EXIT_FAILED;
    }
    pin->walk = (NamedPaths){
        .unicode = pin->output.unicode,
        .files_only = !pin->recursive,
        .file = on_file,
        .userdata = pin,
        .progress = progress_new(),
    };
    int r = named_paths_walk(&pin->walk, pin->paths);
    if (r >= 0)
        r = hand_over(pin);
    drop_batch(pin);
    if (r >= 0 && pin->n_files > 0)
        r = wait_for_locks(pin);
    if (r >= 0)
        r = render(pin);
    if (r == -ENOMEM)
        complain("out of memory");
    return r >= 0 && is_whole(pin) ? EXIT_OK : EXIT_FAILED;
}

/* The command line */

static void help(void)
{
    printf("pagewarden pin [OPTION…] FILE…\n\n"
           "Keeps files in memory until `unpin`, and waits until they are. They are locked beside\n"
           "what policies pin, within the host's pin_budget and reserve.\n\n"
           "  -r, --recursive         of folders, all files in them\n"
           "      --for=TIME          only so long: 30m, 2h, 1d\n"
           "      --unit=UNIT         for this unit: charged to its slice, until it ends\n"
           "      --files0-from=FILE  the paths in FILE, each with a NUL behind it; -: standard "
           "input\n"
           "  -b, --bytes             exact numbers of bytes\n"
           "      --json=MODE         pretty, short (one line) or off\n"
           "  -h, --help              show this\n");
}

static bool parse_time(const char *text, uint64_t *ret)
{
    uint64_t usec;

    if (parse_duration(text, &usec, NULL) < 0 || usec == 0) {
        complain("pin: --for takes a time: 30m, 2h, 1d");
        return false;
    }
    *ret = usec;
    return true;
}

enum { OPT_FOR = 256, OPT_UNIT, OPT_FILES0_FROM };

/* False: the verb is over, with *ret_code. */
static bool take_option(PinCommand *pin, int c, ExitCode *ret_code)
{
    *ret_code = EXIT_USAGE;
    switch (c) {
    case 'r':
        pin->recursive = true;
        return true;
    case OPT_FOR:
        return parse_time(optarg, &pin->usec);
    case OPT_UNIT:
        return unit_name_parse("pin", optarg, &pin->unit);
    case OPT_FILES0_FROM:
        *ret_code = EXIT_FAILED;
        return file_list_read(optarg, &pin->paths) >= 0;
    default:
        return output_option_take(&pin->output, c, help, ret_code);
    }
}

/* False: the verb is over, with *ret_code. */
static bool parse(int argc, char *argv[], PinCommand *pin, ExitCode *ret_code)
{
    static const struct option longs[] = {
        { "recursive", no_argument, NULL, 'r' },
        { "for", required_argument, NULL, OPT_FOR },
        { "unit", required_argument, NULL, OPT_UNIT },
        { "files0-from", required_argument, NULL, OPT_FILES0_FROM },
        OUTPUT_OPTIONS,
        { 0 },
    };
    bool listed = false;

    for (int c; (c = next_option(argv[0], argc, argv, "rbh", longs)) >= 0;) {
        listed |= c == OPT_FILES0_FROM;
        if (!take_option(pin, c, ret_code))
            return false;
    }
    if (optind >= argc && !listed) {
        complain("pin: which files?");
        *ret_code = EXIT_USAGE;
        return false;
    }
    return true;
}

ExitCode verb_pin(int argc, char *argv[])
{
    PinCommand pin = { .output = output_options_default() };
    ExitCode code;

    if (parse(argc, argv, &pin, &code))
        code = file_list_add(argv + optind, (size_t)(argc - optind), &pin.paths) < 0
                   ? EXIT_FAILED
                   : pin_all(&pin);
    by_hand_clear(&pin.now);
    manager_bus_close(pin.bus);
    strv_free(pin.paths);
    free(pin.unit);
    return code;
}
