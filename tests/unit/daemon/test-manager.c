/* SPDX-License-Identifier: MIT */
/* The start, without a bus: on a made-up tree of control groups and /run. */
#include "daemon/manager.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "daemon/ledger.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"

void log_set_max_level(int level)
{
}

typedef struct World {
    Scratch cgroups, runtime;
    sd_event *event;
} World;

static void world_begin(World *w)
{
    *w = (World){ .cgroups = scratch_new("/tmp"), .runtime = scratch_new("/tmp") };
    scratch_put(&w->cgroups, "cgroup.controllers", "memory\n");
    must(sd_event_new(&w->event));
    must(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1));
    log_text[0] = '\0';
}

static void world_end(World *w)
{
    sd_event_unref(w->event);
    scratch_done(&w->cgroups);
    scratch_done(&w->runtime);
}

static int start(World *w, Manager **ret)
{
    const char *const folders[] = { w->runtime.path, NULL };
    const ManagerOptions options = {
        .config.folders = folders,
        .runtime = w->runtime.path,
        .state = "/nonexistent",
        .root = "/",
        .proc = "/proc",
        .cgroup_root = w->cgroups.path,
    };

    return manager_new(w->event, &options, ret);
}

/* As long as there is none, no file can have a byte. */
static void make_room(bool on)
{
    struct rlimit limit;

    must(getrlimit(RLIMIT_FSIZE, &limit));
    limit.rlim_cur = on ? limit.rlim_max : 0;
    must(setrlimit(RLIMIT_FSIZE, &limit));
}

static size_t n_left(const World *w)
{
    Ledger ledger;

    assert_int_equal(ledger_open(&ledger, w->runtime.fd, NULL), 0);
    size_t n = ledger.n_entries;
    ledger_close(&ledger);
    return n;
}

static void note(const World *w, const char *unit)
{
    const LedgerEntry entry = {
        .unit = (char *)unit, .cgroup = (char *)"/gone", .original = 1, .ours = { 2, 2 }
    };
    Ledger ledger;

    assert_int_equal(ledger_open(&ledger, w->runtime.fd, NULL), 0);
    assert_int_equal(ledger_note(&ledger, &entry), 0);
    ledger_close(&ledger);
}

/* Of what a controller before us has left one limit is gone, and systemd has to be told of the
 * other. That this cannot be noted is told, and keeps nobody from the start; the next one notes it.
 */
static void a_full_run(void **state)
{
    Manager *manager;
    World w;

    world_begin(&w);
    note(&w, "/gone");
    note(&w, "a.service");
    make_room(false);
    int r = start(&w, &manager);
    make_room(true);
    assert_int_equal(r, 0);
    assert_non_null(strstr(log_text, "The ledger cannot be written: File too large\n"));
    assert_null(manager_free(manager));
    assert_int_equal(n_left(&w), 2);

    log_text[0] = '\0';
    assert_int_equal(start(&w, &manager), 0);
    assert_non_null(strstr(log_text, "1 limits of before could not be restored\n"));
    assert_int_equal(n_left(&w), 1);
    assert_null(manager_free(manager));
    world_end(&w);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
