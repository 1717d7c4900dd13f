/* SPDX-License-Identifier: MIT */
/* `pagewarden plan`: what a controller that started now would do, without one, and without doing
 * it. Works with the rights of whoever calls, and says what it could not see. */
#include "cli/plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/config-options.h"
#include "cli/progress.h"

/* Complains of names that no policy has, in whatever state. How many have one. */
static size_t know_names(const Config *config, char *const *names)
{
    size_t known = 0;

    for (; *names; names++) {
        int r = 0;
        if (policies_find_entry(&config->policies, *names)) {
            known++;
            continue;
        }
        if (strcmp(*names, config->settings_entry.name) == 0)
            complain("\"%s\" is the name of the settings (see pagewarden cat-config %s)", *names,
                     *names);
        else
            r = complain_of_unknown(config, *names);
        if (r < 0)
            complain("out of memory");
    }
    return known;
}

static void on_progress(void *userdata)
{
    progress_step(userdata);
}

/* Where the cgroup tree is: no link leads out of an image. */
static int open_cgroups(const ConfigRoot *root)
{
    CLEANUP_FREE char *path = config_path(root, "/sys/fs/cgroup", NULL);

    return path ? config_open(root, path, O_PATH | O_DIRECTORY) : -ENOMEM;
}

static int collect(const ConfigOptions *options, const Config *config, char *const *names, bool all,
                   Plan *ret)
{
    Progress progress = progress_new();
    cleanup(config_root_close) ConfigRoot root = { .fd = -1 };
    int r = config_root_open(&options->places, &root);
    bool image = root.fd != AT_FDCWD;
    CLEANUP_CLOSE int system_fd = image ? -1 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int cgroup_fd = r < 0 ? r : open_cgroups(&root);
    CLEANUP_CLOSE int close_cgroup_fd = cgroup_fd;
    const PlanScope scope = {
        .root_fd = image ? root.fd : system_fd,
        .cgroup_fd = cgroup_fd,
        .proc_fd = proc_fd,
        .other_machine = image || options->ram_given,
        .page = (uint64_t)sysconf(_SC_PAGESIZE),
        .max_problems = all || options->output.json != JSON_OFF ? SIZE_MAX : PLAN_FIRST_SHOWN,
        .progress = on_progress,
        .userdata = &progress,
    };

    r = plan_collect(&scope, config, names, ret);
    progress_clear(&progress);
    return r;
}

static ExitCode show(const ConfigOptions *options, char *const *names, const Config *config,
                     bool all)
{
    const PlanOptions shown = { .output = options->output, .all = all };
    cleanup(plan_clear) Plan plan = { 0 };

    int r = collect(options, config, names, all, &plan);
    if (r >= 0)
        r = plan_render(&plan, stdout, &shown);
    if (r < 0 && r != -EIO) /* which main() tells */
        complain("%s", r == -ENOMEM ? "out of memory" : strerror(-r));
    return r < 0 || !plan_is_good(&plan) ? EXIT_FAILED : EXIT_OK;
}

static void help(void)
{
    printf("pagewarden plan [OPTION…] [NAME…]\n\n"
           "Shows what these policies, or all of them, would do now: which units they match and\n"
           "what memory.high would be, which files would be pinned in which order and where the\n"
           "budget ends, which would be evicted. Needs no daemon, and changes nothing.\n\n"
           "  -a, --all          all files of long lists\n"
           "  -b, --bytes        exact numbers of bytes\n"
           "      --no-legend    no headings of columns\n" CONFIG_OPTIONS_HELP
           "  -h, --help         show this\n");
}

ExitCode verb_plan(int argc, char *argv[])
{
    static const struct option longs[] = {
        { "all", no_argument, NULL, 'a' },
        { "bytes", no_argument, NULL, 'b' },
        NO_LEGEND_OPTION,
        CONFIG_OPTIONS,
        { 0 },
    };
    cleanup(config_options_clear) ConfigOptions options;
    cleanup(config_clear) Config config = { 0 };
    bool all = false;
    ExitCode code;

    config_options_init(&options);
    for (int c; (c = next_option(argv[0], argc, argv, "abh", longs)) >= 0;)
        if (c == 'a')
            all = true;
        else if (!config_options_take(&options, c, help, &code))
            return code;

    if (config_options_load(&options, &config) < 0)
        return EXIT_FAILED;
    size_t n_names = (size_t)(argc - optind), n_known = n_names;
    /* Without a name, the image could not be opened, which is shown. */
    if (config.settings_entry.name)
        n_known = know_names(&config, argv + optind);
    if (n_names > 0 && n_known == 0)
        return EXIT_FAILED;
    code = show(&options, argv + optind, &config, all);
    return n_known < n_names ? EXIT_FAILED : code;
}
