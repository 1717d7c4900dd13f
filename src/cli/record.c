/* SPDX-License-Identifier: MIT */
/* `pagewarden record`: samples of one unit's cgroup, until it is interrupted, the time is over or
 * the unit ends. Needs no daemon, and changes nothing. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "cli/trace.h"
#include "kernel/cgroup.h"
#include "kernel/meminfo.h"
#include "kernel/units.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

#define INTERVAL_MIN_USEC (10 * USEC_PER_MSEC)

typedef struct Recording {
    const char *cgroups;
    const char *unit;
    uint64_t interval_usec;
    uint64_t end_usec; /* after the beginning; 0: never */
} Recording;

static atomic_bool interrupted;

static void on_signal(int signal)
{
    atomic_store(&interrupted, true);
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void help(void)
{
    printf("pagewarden record UNIT\n\n"
           "Writes samples of the unit's control group, one a line, until Ctrl-C or the end of\n"
           "the unit: for pagewarden simulate. UNIT may be a cgroup's path: /system.slice.\n\n"
           "      --interval TIME   between two samples (default 1s)\n"
           "      --for TIME        ends by itself\n"
           "      --cgroups DIR     the cgroup tree (default /sys/fs/cgroup)\n"
           "  -h, --help            show this\n");
}

static void sleep_until(uint64_t usec)
{
    struct timespec at = {
        .tv_sec = (time_t)(usec / USEC_PER_SEC),
        .tv_nsec = (long)(usec % USEC_PER_SEC * NSEC_PER_USEC),
    };

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void look_at_host(int proc_fd, TraceRow *row)
{
    MemInfo info;
    bool known = meminfo_read(proc_fd, &info) >= 0;

    row->host_total = known ? info.total : TRACE_UNKNOWN;
    row->host_available = known ? info.available : TRACE_UNKNOWN;
    row->host_swap_free = known ? info.swap_free : TRACE_UNKNOWN;
}

/* 0; 1: the unit has ended; -errno. */
static int record_samples(const Recording *recording, Cgroup *cgroup)
{
    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    uint64_t began = now_usec(), next = began;
    int r = trace_write_head(stdout);

    while (r >= 0 && !atomic_load(&interrupted)) {
        TraceRow row;

        r = cgroup_sample(cgroup, now_usec(), &row.sample);
        if (r == -ENODEV)
            return 1;
        look_at_host(proc_fd, &row);
        if (r >= 0)
            r = trace_write(stdout, &row);
        next = max_u64(next + recording->interval_usec, now_usec());
        if (recording->end_usec > 0 && next - began > recording->end_usec)
            return r;
        if (r >= 0)
            sleep_until(next);
    }
    return r;
}

static ExitCode record(const Recording *recording)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    CLEANUP_FREE char *path = NULL, *shown = escape_text(recording->unit, false);
    CLEANUP_CLOSE int root_fd = open(recording->cgroups, O_PATH | O_DIRECTORY | O_CLOEXEC);

    int r = root_fd < 0 ? -errno : cgroup_root_check(root_fd);
    if (r < 0 || !shown) {
        complain("record: %s", !shown          ? "out of memory"
                               : r == -ENOTSUP ? "no cgroup v2 tree with the memory controller"
                                               : strerror(-r));
        return EXIT_FAILED;
    }
    r = running_unit_cgroup(root_fd, recording->unit, &path);
    if (r >= 0)
        r = cgroup_open(root_fd, path, &cgroup);
    if (r < 0) {
        complain("%s: %s", shown,
                 r == -ENOENT    ? "no such unit is running"
                 : r == -EINVAL  ? "not a cgroup's path"
                 : r == -ENOTSUP ? "the memory controller is not enabled for it"
                                 : strerror(-r));
        return EXIT_FAILED;
    }
    catch_signals();
    r = record_samples(recording, cgroup);
    if (r == 1)
        complain("%s has ended", shown);
    else if (r < 0 && r != -EIO) /* that is told when all is flushed */
        complain("%s: %s", shown, strerror(-r));
    return r < 0 ? EXIT_FAILED : EXIT_OK;
}

static bool parse_time(const char *option, const char *text, uint64_t least, uint64_t *ret)
{
    if (parse_duration(text, ret, NULL) >= 0 && *ret >= least)
        return true;
    complain("record: --%s takes a duration of %s or more: 500ms, 10m", option,
             least == INTERVAL_MIN_USEC ? "10ms" : "1ms");
    return false;
}

ExitCode verb_record(int argc, char *argv[])
{
    enum { OPT_INTERVAL = 256, OPT_FOR, OPT_CGROUPS };
    static const struct option options[] = {
        { "interval", required_argument, NULL, OPT_INTERVAL },
        { "for", required_argument, NULL, OPT_FOR },
        { "cgroups", required_argument, NULL, OPT_CGROUPS },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    Recording recording = { .cgroups = "/sys/fs/cgroup", .interval_usec = USEC_PER_SEC };

    for (int c; (c = next_option(argv[0], argc, argv, "h", options)) >= 0;)
        switch (c) {
        case OPT_INTERVAL:
            if (!parse_time("interval", optarg, INTERVAL_MIN_USEC, &recording.interval_usec))
                return EXIT_USAGE;
            break;
        case OPT_FOR:
            if (!parse_time("for", optarg, USEC_PER_MSEC, &recording.end_usec))
                return EXIT_USAGE;
            break;
        case OPT_CGROUPS:
            recording.cgroups = optarg;
            break;
        case 'h':
            help();
            return EXIT_OK;
        default:
            return EXIT_USAGE;
        }
    if (optind + 1 != argc || !argv[optind][0]) {
        complain("record: which unit?");
        return EXIT_USAGE;
    }
    recording.unit = argv[optind];
    return record(&recording);
}
