/* SPDX-License-Identifier: MIT */
/* pagewardend: reads the policies, follows the units, and keeps the page cache as the policies say.
 */

#include <fcntl.h>
#include <getopt.h>
#include <pagewarden/names.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "config.h"
#include "daemon/advised.h"
#include "daemon/hand_record.h"
#include "daemon/manager.h"
#include "daemon/memory.h"
#include "daemon/restore.h"
#include "kernel/cgroup.h"
#include "util/log.h"
#include "util/strv.h"

static int usage(FILE *out)
{
    fputs("Usage: pagewardend [OPTION…]\n\n"
          "Keeps the page cache of services as their policies say. Started by systemd; see\n"
          "pagewardend(8).\n\n"
          "      --config DIR   policies are in DIR/policies.d, and not in " PAGEWARDEN_CONFIG_DIR
          "\n"
          "                     and its like; several, the first wins\n"
          "      --runtime DIR  the ledger and the holders' sockets [" PAGEWARDEN_RUNTIME_DIR "]\n"
          "      --state DIR    snapshots for warm starts [" PAGEWARDEN_STATE_DIR "]\n"
          "      --restore      put back what a controller that ended has changed, and exit\n"
          "      --debug        say more\n"
          "  -h, --help         show this\n"
          "      --version      show the version\n",
          out);
    return out == stdout ? EXIT_SUCCESS : 2;
}

static int undo_advice(const ManagerOptions *options, int runtime_fd, int cgroup_fd)
{
    Advised advised;

    CLEANUP_CLOSE int root_fd = open(options->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int proc_fd = open(options->proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = root_fd < 0 || proc_fd < 0 ? -errno : advised_open(&advised, runtime_fd);
    if (r < 0)
        return r;
    r = advised_undo(&advised, root_fd, proc_fd, cgroup_fd, 0);
    advised_close(&advised);
    return r;
}

/* ExecStopPost=: after a stop, a restart, a crash. */
static int restore(const ManagerOptions *options)
{
    Ledger ledger = { .dir_fd = -1 };
    int holders;

    CLEANUP_CLOSE int runtime_fd = open(options->runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_gone = runtime_fd < 0 && errno == ENOENT;
    CLEANUP_CLOSE int cgroup_fd = open(options->cgroup_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int opened = is_gone ? 0 : ledger_open(&ledger, runtime_fd, NULL);
    int r = restore_step(&ledger, cgroup_fd, &holders);
    ledger_close(&ledger);
    if (holders < 0)
        log_warning("The holders could not be stopped: %s", strerror(-holders));
    if (is_gone)
        return EXIT_SUCCESS;
    if (holders > 0)
        hand_record_remove(runtime_fd);
    r = opened < 0 ? opened : r;
    if (r < 0)
        log_error("%s/" LEDGER_NAME ": %s", options->runtime, strerror(-r));
    int advised = undo_advice(options, runtime_fd, cgroup_fd);
    if (advised < 0)
        log_error("%s/" ADVISED_NAME ": %s", options->runtime, strerror(-advised));
    return r == 0 && advised == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    Manager *manager = userdata;

    int r = manager_reload(manager, NULL, NULL);
    if (r < 0)
        log_error("Cannot reload: %s", strerror(-r));
    return 0;
}

static int prepare_signals(sd_event *event)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    signal(SIGPIPE, SIG_IGN);
    int r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL); /* ends the loop */
    return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int run(const ManagerOptions *options)
{
    cleanup(sd_event_unrefp) sd_event *event = NULL;
    cleanup(manager_freep) Manager *manager = NULL;

    int r = sd_event_default(&event);
    if (r >= 0)
        r = prepare_signals(event);
    if (r >= 0)
        r = sd_event_set_watchdog(event, 1);
    if (r >= 0)
        r = manager_new(event, options, &manager);
    if (r >= 0)
        r = sd_event_add_signal(event, NULL, SIGHUP, on_hangup, manager);
    if (r < 0)
        return r;

    r = sd_event_loop(event);
    (void)sd_notify(0, "STOPPING=1");
    return r < 0 ? r : manager_end(manager);
}

/* Each --config goes to @folders. */
static int parse(int argc, char **argv, ManagerOptions *options, char ***folders, bool *ret_restore)
{
    enum { CONFIG = 256, RUNTIME, STATE, RESTORE, DEBUG, VERSION };
    static const struct option longs[] = {
        { "config", required_argument, NULL, CONFIG },
        { "runtime", required_argument, NULL, RUNTIME },
        { "state", required_argument, NULL, STATE },
        { "restore", no_argument, NULL, RESTORE },
        { "debug", no_argument, NULL, DEBUG },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, VERSION },
        { 0 },
    };

    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0;)
        switch (c) {
        case CONFIG:
            if (strv_append(folders, optarg) < 0)
                return -ENOMEM;
            options->config.folders = (const char *const *)*folders;
            break;
        case RUNTIME:
            options->runtime = optarg;
            break;
        case STATE:
            options->state = optarg;
            break;
        case RESTORE:
            *ret_restore = true;
            break;
        case DEBUG:
            options->debug = true;
            log_set_max_level(LOG_DEBUG);
            break;
        case 'h':
            exit(usage(stdout));
        case VERSION:
            puts("pagewardend " PAGEWARDEN_VERSION);
            exit(EXIT_SUCCESS);
        default:
            return -EINVAL;
        }
    return optind < argc ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
    cleanup(strv_freep) char **folders = NULL;
    bool restoring = false;
    ManagerOptions options = {
        .runtime = PAGEWARDEN_RUNTIME_DIR,
        .state = PAGEWARDEN_STATE_DIR,
        .root = "/",
        .proc = "/proc",
        .cgroup_root = "/sys/fs/cgroup",
    };

    log_open(getenv("JOURNAL_STREAM") != NULL);
    if (parse(argc, argv, &options, &folders, &restoring) < 0)
        return usage(stderr);
    if (restoring)
        return restore(&options);

    int r = memory_setup();
    if (r < 0)
        log_debug("Own memory is not locked (%s), ignoring", strerror(-r));

    r = run(&options);
    if (r < 0)
        log_error("pagewardend: %s", strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
