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
#include "cli/text.h"

/* Whether there is a policy of each of these names, in whatever state. */
static bool know_names(const Config *config, char *const *names)
{
    bool known = true;

    for (; *names; names++) {
        const char *meant;
        if (policies_find_entry(&config->policies, *names))
            continue;
        CLEANUP_FREE char *shown = escape_text(*names, locale_is_unicode());
        meant = suggest_entry(config, *names);
        if (meant && meant != config->settings_entry.name)
            complain("no policy \"%s\" (did you mean \"%s\"?)", shown ?: "", meant);
        else
            complain("no policy \"%s\" (see pagewarden list-policies)", shown ?: "");
        known = false;
    }
    return known;
}

static void on_progress(void *userdata)
{
    progress_step(userdata);
}

static int collect(const ConfigPlaces *places, const Config *config, char *const *names, Plan *ret)
{
    const char *root = places->root && *places->root ? places->root : "/";
    Progress progress = progress_new();
    CLEANUP_CLOSE int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int cgroup_fd = openat(root_fd, "sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int close_cgroup_fd = cgroup_fd;
    const PlanScope scope = {
        .root_fd = root_fd,
        .cgroup_fd = cgroup_fd < 0 ? -errno : cgroup_fd,
        .proc_fd = proc_fd,
        .page = (uint64_t)sysconf(_SC_PAGESIZE),
        .progress = on_progress,
        .userdata = &progress,
    };

    int r = plan_collect(&scope, config, names, ret);
    progress_clear(&progress);
    return r;
}

static ExitCode show(const ConfigPlaces *places, char *const *names, const Config *config,
                     const PlanOptions *options)
{
    cleanup(plan_clear) Plan plan = { 0 };

    int r = collect(places, config, names, &plan);
    if (r >= 0)
        r = plan_render(&plan, stdout, options);
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
    enum { OPT_NO_LEGEND = 256 };
    static const struct option longs[] = {
        { "all", no_argument, NULL, 'a' },
        { "bytes", no_argument, NULL, 'b' },
        { "no-legend", no_argument, NULL, OPT_NO_LEGEND },
        CONFIG_OPTIONS,
        { 0 },
    };
    cleanup(config_options_clear) ConfigOptions options;
    cleanup(config_clear) Config config = { 0 };
    PlanOptions shown = { 0 };
    ExitCode code;

    config_options_init(&options);
    for (int c; (c = next_option(argv[0], argc, argv, "abh", longs)) >= 0;)
        if (c == 'a')
            shown.all = true;
        else if (c == 'b')
            options.output.bytes = true;
        else if (c == OPT_NO_LEGEND)
            options.output.legend = false;
        else if (!config_options_take(&options, c, help, &code))
            return code;
    shown.output = options.output;

    if (config_options_load(&options, &config) < 0 || !know_names(&config, argv + optind))
        return EXIT_FAILED;
    return show(&options.places, argv + optind, &config, &shown);
}
