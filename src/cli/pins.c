/* SPDX-License-Identifier: MIT */
/* `pagewarden pins`: what is pinned, by a policy or by hand. The daemon knows the files of a policy
 * by device and inode alone, as their holder does: their names are found by walking the policy's
 * rules, as `plan` does. What has no name there (any more, or what only a process has mapped) is
 * shown by its numbers. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "cli/bus.h"
#include "cli/by-hand.h"
#include "cli/cli.h"
#include "cli/config-options.h"
#include "cli/json.h"
#include "cli/pins-render.h"
#include "kernel/meminfo.h"
#include "select/pin_files.h"

typedef struct PinsCommand {
    OutputOptions output;
    char *unit; /* only of this one; NULL: of all */
    ManagerBus *bus;
    Config config;
    const char *policy; /* of what is being listed; NULL: by hand */
    PinsReport report;
} PinsCommand;

static int on_held(const BusHeldFile *file, void *userdata)
{
    PinsCommand *pins = userdata;

    if (pins->unit && strcmp(file->unit, pins->unit) != 0)
        return 0;
    return pins_report_add(&pins->report, file, pins->policy);
}

/* Names */

static int compare_files(const void *a, const void *b)
{
    const SelectedFile *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* Of the files from @first on, which are of @policy. */
static int find_names(PinsCommand *pins, const Policy *policy, size_t first)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    CLEANUP_CLOSE int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const SelectScope scope = {
        .root_fd = root_fd,
        .flags = pins->config.settings.refuse_network_filesystems ? 0 : WALK_NETWORK,
    };

    int r = pin_files(&scope, policy->pins, policy->n_pins, &policy->pin_order, &list);
    if (r < 0)
        return r;
    qsort(list.files, list.n_files, sizeof(SelectedFile), compare_files);
    for (size_t i = first; i < pins->report.n_files && list.n_files > 0; i++) {
        PinsFile *file = &pins->report.files[i];
        SelectedFile key = { .dev = file->dev, .ino = file->ino };
        SelectedFile *found = bsearch(&key, list.files, list.n_files, sizeof(SelectedFile),
                                      compare_files);
        char path[SELECTED_PATH_MAX];
        file->path = found ? strdup(selected_path(found, path)) : NULL;
        if (found && !file->path)
            return -ENOMEM;
    }
    return 0;
}

/* Collecting */

static const char *text(struct json_object *object, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value) &&
                   json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : NULL;
}

static int list_target(PinsCommand *pins, struct json_object *target, char **ret_error)
{
    const char *unit = text(target, "unit"), *name = text(target, "policy");
    size_t first = pins->report.n_files;

    if (!unit || !name)
        return 0;
    const Policy *policy = policy_set_find(&pins->config.policies.set, name);
    pins->policy = name;
    int r = manager_bus_list_pins(pins->bus, unit, on_held, pins, ret_error);
    if (r >= 0 && policy && pins->report.n_files > first)
        r = find_names(pins, policy, first) == -ENOMEM ? -ENOMEM : 0;
    return r;
}

static int list_all(PinsCommand *pins, char **ret_error)
{
    cleanup(json_object_putp) struct json_object *status = NULL;
    CLEANUP_FREE char *answer = NULL;
    struct json_object *targets;

    int r = manager_bus_open(&pins->bus, ret_error);
    if (r >= 0)
        r = manager_bus_list_by_hand(pins->bus, on_held, pins, ret_error);
    if (r >= 0)
        r = manager_bus_call(pins->bus, "Describe", &answer, ret_error);
    if (r < 0)
        return r;
    status = json_tokener_parse(answer);
    if (!json_object_is_type(status, json_type_object) ||
        !json_object_object_get_ex(status, "targets", &targets) ||
        !json_object_is_type(targets, json_type_array))
        return 0;
    for (size_t i = 0; i < json_object_array_length(targets) && r >= 0; i++)
        r = list_target(pins, json_object_array_get_idx(targets, i), ret_error);
    return r;
}

static int load_config(PinsCommand *pins)
{
    static const ConfigPlaces here;
    MemInfo info;

    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = meminfo_read(proc_fd, &info);
    return r < 0 ? r : config_load(&here, info.total, &pins->config);
}

static ExitCode show(PinsCommand *pins)
{
    CLEANUP_FREE char *error = NULL;

    int r = load_config(pins);
    if (r == -ENOMEM) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    r = list_all(pins, &error);
    if (r < 0 && error) {
        complain_lines(error);
        return EXIT_FAILED;
    }
    if (r >= 0)
        r = pins_report_render(&pins->report, stdout, &pins->output);
    if (r == -ENOMEM)
        complain("out of memory");
    return r < 0 ? EXIT_FAILED : EXIT_OK;
}

static void help(void)
{
    printf("pagewarden pins [OPTION…]\n\n"
           "Shows every file that is pinned: for which unit, by which policy or by hand and whom,\n"
           "since when and until when, and how much of it is locked. For root.\n\n"
           "      --unit=UNIT    only what is pinned for this unit\n"
           "  -b, --bytes        exact numbers of bytes\n"
           "      --json=MODE    pretty, short (one line) or off\n"
           "      --no-legend    no headings, no total\n"
           "  -h, --help         show this\n");
}

static bool parse(int argc, char *argv[], PinsCommand *pins, ExitCode *ret_code)
{
    enum { OPT_UNIT = 256 };
    static const struct option longs[] = {
        { "unit", required_argument, NULL, OPT_UNIT },
        OUTPUT_OPTIONS,
        NO_LEGEND_OPTION,
        { 0 },
    };

    *ret_code = EXIT_USAGE;
    for (int c; (c = next_option(argv[0], argc, argv, "bh", longs)) >= 0;)
        if (c == OPT_UNIT ? !unit_name_parse("pins", optarg, &pins->unit)
                          : !output_option_take(&pins->output, c, help, ret_code))
            return false;
    if (optind < argc) {
        complain("pins takes no arguments");
        return false;
    }
    return true;
}

ExitCode verb_pins(int argc, char *argv[])
{
    PinsCommand pins = { .output = output_options_default() };
    ExitCode code;

    if (parse(argc, argv, &pins, &code))
        code = show(&pins);
    pins_report_clear(&pins.report);
    config_clear(&pins.config);
    manager_bus_close(pins.bus);
    free(pins.unit);
    return code;
}
