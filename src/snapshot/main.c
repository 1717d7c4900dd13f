/* SPDX-License-Identifier: MIT */
/* pagewarden-warm: started by pagewarden-warm@UNIT.service, which UNIT waits for. Whatever goes
 * wrong here, UNIT must start: so everything but wrong usage is told and ends with success, and
 * time is limited: first the reading is stopped, and where a disk does not even answer that, the
 * process. */

#include <fcntl.h>
#include <getopt.h>
#include <pagewarden/names.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "config.h"
#include "config/load.h"
#include "kernel/meminfo.h"
#include "snapshot/warm_up.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/units.h"

#define GRACE_SEC 5 /* from the request to stop to the end of the process */

typedef struct Options {
    ConfigPlaces places;
    char **folders;
    const char *state;
    const char *root;
    const char *unit;
} Options;

static atomic_bool time_is_up;

static void on_alarm(int signal)
{
    (void)signal;
    if (atomic_exchange(&time_is_up, true))
        _exit(EXIT_SUCCESS);
}

static void limit_time(uint64_t usec)
{
    struct sigaction action = { .sa_handler = on_alarm };
    struct itimerval timer = {
        .it_value = { .tv_sec = (time_t)(usec / USEC_PER_SEC),
                      .tv_usec = (suseconds_t)(usec % USEC_PER_SEC) },
        .it_interval = { .tv_sec = GRACE_SEC },
    };

    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* What may be brought into memory. */
static uint64_t budget_of(const Policy *policy, const Settings *settings, const MemInfo *info)
{
    return min_u64(policy->pin_budget, sub_u64(info->available, settings->reserve));
}

#define COUNT_MAX 32
#define COUNT(n)  format_count((char[COUNT_MAX]){ 0 }, (n))

static const char *format_count(char buffer[static COUNT_MAX], uint64_t n)
{
    snprintf(buffer, COUNT_MAX, "%ju file%s", (uintmax_t)n, n == 1 ? "" : "s");
    return buffer;
}

static void tell(const char *unit, int error, const WarmUpOutcome *outcome, uint64_t usec)
{
    char bytes[FORMAT_SIZE_MAX], was_there[FORMAT_SIZE_MAX];
    const char *why = "";

    format_size(bytes, outcome->bytes);
    format_size(was_there, outcome->was_there);
    if (error == -ECANCELED)
        why = "; restore_time is over, and the rest is left";
    else if (error < 0)
        why = "; it ended early";
    else if (outcome->budget_reached)
        why = "; its budget, or the reserve of memory, is reached";
    log_info("%s: warm start: %s of %s read in %ju.%01ju s, %s were in memory%s", unit, bytes,
             COUNT(outcome->n_files), (uintmax_t)(usec / USEC_PER_SEC),
             (uintmax_t)(usec / 100 / USEC_PER_MSEC % 10), was_there, why);
    if (outcome->n_changed > 0)
        log_notice("%s: warm start: %s not what it was when the service stopped (inode, size or "
                   "time), ignoring",
                   unit, COUNT(outcome->n_changed));
    if (outcome->n_missing > 0)
        log_info("%s: warm start: %s gone, or not named by the policy any more", unit,
                 COUNT(outcome->n_missing));
    if (outcome->n_failed > 0)
        log_notice("%s: warm start: %s could not be read, ignoring", unit,
                   COUNT(outcome->n_failed));
    if (error < 0 && error != -ECANCELED)
        log_warning("%s: warm start: %s", unit, strerror(-error));
}

static int warm_up(const Options *options, const Policy *policy, const Settings *settings,
                   const Snapshot *snapshot, const MemInfo *info)
{
    uint64_t began = now_usec();
    WarmUpOutcome outcome = { 0 };
    WarmUpLimits limits = {
        .bytes = budget_of(policy, settings, info),
        .rate = settings->restore_rate,
    };

    CLEANUP_CLOSE int root_fd = open(options->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0)
        return -errno;
    SelectScope scope = {
        .root_fd = root_fd,
        .flags = settings->refuse_network_filesystems ? 0 : WALK_NETWORK,
        .cancelled = &time_is_up,
    };
    int r = snapshot_warm_up(&scope, policy->pins, policy->n_pins, &policy->pin_order, snapshot,
                             &limits, &outcome);
    tell(options->unit, r, &outcome, now_usec() - began);
    return 0;
}

static int load_snapshot(const Options *options, Snapshot *ret)
{
    const char *why;

    CLEANUP_CLOSE int fd = open(options->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : snapshot_load(fd, options->unit, ret, &why);
    if (r == -ENOENT)
        log_info("%s: warm start: nothing is remembered of it yet", options->unit);
    else if (r == -EBADMSG)
        log_warning("%s: warm start: %s/%s" SNAPSHOT_SUFFIX " is ignored: %s", options->unit,
                    options->state, options->unit, why);
    return r == -EBADMSG ? -ENOENT : r;
}

static int run(const Options *options)
{
    cleanup(snapshot_clear) Snapshot snapshot = { 0 };
    cleanup(config_clear) Config config = { 0 };
    MemInfo info;

    CLEANUP_CLOSE int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = proc_fd < 0 ? -errno : meminfo_read(proc_fd, &info);
    if (r >= 0)
        r = config_load(&options->places, info.total, &config);
    if (r < 0)
        return r;
    const Policy *policy = policy_set_match(&config.policies.set, options->unit, NULL, NULL);
    if (!policy || !policy->pin_restore || policy->mode == MODE_OBSERVE) {
        log_debug("%s: no policy asks for a warm start of it", options->unit);
        return 0;
    }
    limit_time(config.settings.restore_usec);
    r = load_snapshot(options, &snapshot);
    if (r == -ENOENT)
        return 0;
    return r < 0 ? r : warm_up(options, policy, &config.settings, &snapshot, &info);
}

static int usage(FILE *out)
{
    fputs(
        "Usage: pagewarden-warm [OPTION…] UNIT\n\n"
        "Brings into memory what the service UNIT had there when it stopped. Started by systemd,\n"
        "before UNIT; see pagewarden-warm(8).\n\n"
        "      --config DIR   policies are in DIR/policies.d, and not in " PAGEWARDEN_CONFIG_DIR
        "\n"
        "                     and its like; several, the first wins\n"
        "      --state DIR    where snapshots are [" PAGEWARDEN_STATE_DIR "]\n"
        "  -h, --help         show this\n"
        "      --version      show the version\n",
        out);
    return out == stdout ? EXIT_SUCCESS : 2;
}

static int parse(int argc, char **argv, Options *options)
{
    enum { CONFIG = 256, STATE, VERSION };
    static const struct option longs[] = {
        { "config", required_argument, NULL, CONFIG },
        { "state", required_argument, NULL, STATE },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, VERSION },
        { 0 },
    };

    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0;)
        switch (c) {
        case CONFIG:
            if (strv_append(&options->folders, optarg) < 0)
                return -ENOMEM;
            options->places.folders = (const char *const *)options->folders;
            break;
        case STATE:
            options->state = optarg;
            break;
        case 'h':
            exit(usage(stdout));
        case VERSION:
            puts("pagewarden-warm " PAGEWARDEN_VERSION);
            exit(EXIT_SUCCESS);
        default:
            return -EINVAL;
        }
    options->unit = argv[optind];
    return optind + 1 == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
    Options options = { .state = PAGEWARDEN_STATE_DIR, .root = "/" };

    log_open(getenv("JOURNAL_STREAM") != NULL);
    int r = parse(argc, argv, &options);
    if (r >= 0) {
        r = run(&options);
        if (r < 0)
            log_warning("%s: warm start: %s, ignoring", options.unit, strerror(-r));
        r = EXIT_SUCCESS;
    } else {
        r = usage(stderr);
    }
    strv_free(options.folders);
    return r;
}
