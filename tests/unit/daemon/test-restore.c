/* SPDX-License-Identifier: MIT */
/* Without the system bus, which alone a unit test can promise: the cgroup files are put right, and
 * the ledger keeps what systemd has still to be told. */
#include "daemon/restore.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/log.h"
#include "util/units.h"

#define NO_BUS "unix:path=/nonexistent/bus"

/* As the limiter does it: @in_force is what it read back last. */
static int note(Ledger *ledger, const char *unit, const char *cgroup, uint64_t original,
                bool had_dropin, uint64_t in_force, uint64_t ours)
{
    return ledger_note(ledger, &(LedgerEntry){
                                   .unit = (char *)unit,
                                   .cgroup = (char *)cgroup,
                                   .original = original,
                                   .ours = { in_force, ours },
                                   .had_dropin = had_dropin,
                               });
}

typedef struct World {
    Scratch cgroups, runtime;
    Ledger ledger;
} World;

#define HIGH "/system.slice/a.service/memory.high"

static void put_cgroup(const Scratch *cgroups, const char *path, const char *high)
{
    static const char *const files[] = { "memory.stat", "memory.current", "cgroup.procs" };
    char name[PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(files); i++) {
        snprintf(name, sizeof(name), "%s/%s", path, files[i]);
        scratch_put(cgroups, name, "0\n");
    }
    snprintf(name, sizeof(name), "%s/memory.high", path);
    scratch_put(cgroups, name, high);
}

/* One unit, whose memory.high had no limit, and then 36864 and 32768 of ours. */
static void world_begin(World *w, const char *high)
{
    w->cgroups = scratch_new("/tmp");
    w->runtime = scratch_new("/tmp");
    assert_int_equal(ledger_open(&w->ledger, w->runtime.fd, NULL), 0);
    assert_int_equal(note(&w->ledger, "a.service", "/system.slice/a.service", LIMIT_NONE, false,
                          9 * 4096, 9 * 4096),
                     0);
    assert_int_equal(
        note(&w->ledger, "a.service", "/system.slice/a.service", 0, false, 9 * 4096, 8 * 4096), 0);
    if (high)
        put_cgroup(&w->cgroups, "system.slice/a.service", high);
}

static void world_end(World *w)
{
    ledger_close(&w->ledger);
    scratch_done(&w->cgroups);
    scratch_done(&w->runtime);
}

static void expect_high(const World *w, const char *expected)
{
    char text[64];

    assert_string_equal(scratch_get(&w->cgroups, &HIGH[1], text, sizeof(text)), expected);
}

static void nothing_to_restore(void **state)
{
    CLEANUP_SCRATCH Scratch runtime = scratch_new("/tmp");
    Ledger ledger;

    assert_int_equal(ledger_open(&ledger, runtime.fd, NULL), 0);
    assert_int_equal(restore_limits(&ledger, -1), 0);
    ledger_close(&ledger);
}

static void either_of_ours_is_put_back(void **state)
{
    static const char *const ours[] = { "36864\n", "32768\n" };

    for (size_t i = 0; i < ELEMENTS(ours); i++) {
        World w;
        world_begin(&w, ours[i]);
        /* systemd does not know yet: the next start tells it. */
        assert_int_equal(restore_limits(&w.ledger, w.cgroups.fd), 1);
        /* A kernel takes the write for the whole; this file keeps what was behind. */
        char text[64];
        scratch_get(&w.cgroups, &HIGH[1], text, sizeof(text));
        assert_int_equal(strncmp(text, "max", 3), 0);
        assert_non_null(ledger_find(&w.ledger, "a.service"));
        world_end(&w);
    }
}

static void somebody_elses_is_left(void **state)
{
    World w;

    world_begin(&w, "40960\n");
    assert_int_equal(restore_limits(&w.ledger, w.cgroups.fd), 0);
    expect_high(&w, "40960\n");
    assert_int_equal(w.ledger.n_entries, 0);
    /* Nor is it remembered. */
    Ledger again;
    assert_int_equal(ledger_open(&again, w.runtime.fd, NULL), 0);
    assert_int_equal(again.n_entries, 0);
    ledger_close(&again);
    world_end(&w);
}

static void what_cannot_be_looked_at_stays_in_the_ledger(void **state)
{
    World w;

    /* No cgroup hierarchy; no such cgroup: systemd may know the unit, but cannot be asked. */
    world_begin(&w, NULL);
    assert_int_equal(restore_limits(&w.ledger, -1), 1);
    assert_int_equal(restore_limits(&w.ledger, w.cgroups.fd), 1);
    assert_int_equal(w.ledger.n_entries, 1);
    world_end(&w);
}

static void one_does_not_hinder_the_others(void **state)
{
    World w;

    world_begin(&w, "40960\n");
    put_cgroup(&w.cgroups, "b", "4096\n");
    put_cgroup(&w.cgroups, "c", "max\n");
    assert_int_equal(note(&w.ledger, "b.service", "/b", LIMIT_NONE, false, 4096, 4096), 0);
    assert_int_equal(note(&w.ledger, "gone.service", "/gone", LIMIT_NONE, false, 4096, 4096), 0);
    assert_int_equal(note(&w.ledger, "c.service", "/c", 8192, false, 4096, 4096), 0);
    assert_int_equal(restore_limits(&w.ledger, w.cgroups.fd), 2);
    assert_null(ledger_find(&w.ledger, "a.service"));
    assert_null(ledger_find(&w.ledger, "c.service"));
    assert_non_null(ledger_find(&w.ledger, "b.service"));
    assert_non_null(ledger_find(&w.ledger, "gone.service"));
    world_end(&w);
}

/* Systemd need not know of it; another one at the same path is another's. */
static void a_control_group_is_put_back_by_its_file(void **state)
{
    World w;
    struct stat st;

    world_begin(&w, "40960\n");
    put_cgroup(&w.cgroups, "pod", "9437184\n");
    put_cgroup(&w.cgroups, "anew", "9437184\n");
    put_cgroup(&w.cgroups, "theirs", "8192\n");
    for (size_t i = 0; i < 4; i++) {
        static const char *const paths[] = { "/pod", "/anew", "/theirs", "/gone" };
        const LedgerEntry entry = {
            .unit = (char *)paths[i],
            .cgroup = (char *)paths[i],
            .original = 1048576,
            .ours = { 9437184, 9437184 },
            .id = i == 1 || fstatat(w.cgroups.fd, paths[i] + 1, &st, 0) < 0 ? 1 : st.st_ino,
        };
        assert_int_equal(ledger_note(&w.ledger, &entry), 0);
    }
    assert_int_equal(restore_limits(&w.ledger, w.cgroups.fd), 0);
    char text[64];
    assert_string_equal(scratch_get(&w.cgroups, "pod/memory.high", text, sizeof(text)),
                        "1048576\n");
    assert_string_equal(scratch_get(&w.cgroups, "anew/memory.high", text, sizeof(text)),
                        "9437184\n");
    assert_string_equal(scratch_get(&w.cgroups, "theirs/memory.high", text, sizeof(text)),
                        "8192\n");
    assert_int_equal(w.ledger.n_entries, 0);
    world_end(&w);
}

/* As on a full tmpfs. The files do not depend on it, and what is left in it is put back once more.
 */
static void a_ledger_that_cannot_be_written(void **state)
{
    static const char *const paths[] = { "/x", "/y", "/z" };
    char text[64];
    World w;

    world_begin(&w, "40960\n");
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        struct stat st;
        put_cgroup(&w.cgroups, paths[i] + 1, "9437184\n");
        assert_int_equal(fstatat(w.cgroups.fd, paths[i] + 1, &st, 0), 0);
        const LedgerEntry entry = {
            .unit = (char *)paths[i],
            .cgroup = (char *)paths[i],
            .original = 1048576,
            .ours = { 9437184, 9437184 },
            .id = st.st_ino,
        };
        assert_int_equal(ledger_note(&w.ledger, &entry), 0);
    }
    w.ledger.dir_fd = -1;
    assert_int_equal(restore_limits(&w.ledger, w.cgroups.fd), -EBADF);
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s/memory.high", paths[i] + 1);
        assert_string_equal(scratch_get(&w.cgroups, name, text, sizeof(text)), "1048576\n");
    }
    world_end(&w);
}

/* A bus that takes connections and says nothing, as where PID 1 waits for memory. */
static int mute_bus(const Scratch *runtime)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char variable[150];

    snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/bus", runtime->path);
    snprintf(variable, sizeof(variable), "unix:path=%s", address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", variable, 1);
    return fd;
}

/* Linked with --wrap=unit_set_memory_high_wait, see meson.build. */
static bool times_out;
static unsigned n_waits;

int __real_unit_set_memory_high_wait(sd_bus *bus, const char *unit, uint64_t bytes);
int __wrap_unit_set_memory_high_wait(sd_bus *bus, const char *unit, uint64_t bytes);
int __wrap_unit_set_memory_high_wait(sd_bus *bus, const char *unit, uint64_t bytes)
{
    if (!times_out)
        return __real_unit_set_memory_high_wait(bus, unit, bytes);
    n_waits++;
    return -ETIMEDOUT;
}

static bool is_lifted(const World *w, const char *name)
{
    char text[64];

    return strncmp(scratch_get(&w->cgroups, name, text, sizeof(text)), "max", 3) == 0;
}

static void files_do_not_wait_for_systemd(void **state)
{
    const struct timespec moment = { .tv_nsec = 20000000 };
    World w;

    world_begin(&w, "32768\n");
    put_cgroup(&w.cgroups, "b", "4096\n");
    put_cgroup(&w.cgroups, "theirs", "5120\n");
    put_cgroup(&w.cgroups, "lower", "8192\n");
    assert_int_equal(note(&w.ledger, "b.service", "/b", LIMIT_NONE, false, 4096, 4096), 0);
    assert_int_equal(note(&w.ledger, "t.service", "/theirs", LIMIT_NONE, false, 4096, 4096), 0);
    assert_int_equal(note(&w.ledger, "l.service", "/lower", 4096, false, 8192, 8192), 0);
    int bus = mute_bus(&w.runtime);
    pid_t child = fork();
    assert_true(child >= 0);
    int holders;
    if (child == 0)
        _exit(restore_step(&w.ledger, w.cgroups.fd, &holders) == 0 ? 0 : 1);

    bool all = false;
    char text[64];
    for (int i = 0; i < 1000 && !all; i++) {
        all = is_lifted(&w, &HIGH[1]) && is_lifted(&w, "b/memory.high") &&
              strcmp(scratch_get(&w.cgroups, "lower/memory.high", text, sizeof(text)), "4096\n") ==
                  0;
        (void)nanosleep(&moment, NULL);
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", NO_BUS, 1);
    close(bus);
    assert_true(all);
    assert_string_equal(scratch_get(&w.cgroups, "theirs/memory.high", text, sizeof(text)),
                        "5120\n");
    world_end(&w);
}

/* Each wait lasts a minute. */
static void systemd_is_waited_for_once(void **state)
{
    static const char *const units[] = { "/b", "/c", "/d" };
    World w;

    world_begin(&w, "40960\n");
    for (size_t i = 0; i < ELEMENTS(units); i++) {
        put_cgroup(&w.cgroups, units[i] + 1, "4096\n");
        assert_int_equal(note(&w.ledger, units[i] + 1, units[i], 8192, false, 4096, 4096), 0);
    }
    int bus = mute_bus(&w.runtime);
    times_out = true;
    n_waits = 0;
    assert_int_equal(restore_limits(&w.ledger, w.cgroups.fd), ELEMENTS(units));
    times_out = false;
    setenv("DBUS_SYSTEM_BUS_ADDRESS", NO_BUS, 1);
    close(bus);
    assert_int_equal(n_waits, 1);
    for (size_t i = 0; i < ELEMENTS(units); i++) {
        char name[32], text[64];
        snprintf(name, sizeof(name), "%s/memory.high", units[i] + 1);
        assert_string_equal(scratch_get(&w.cgroups, name, text, sizeof(text)), "8192\n");
    }
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_restore),
        cmocka_unit_test(either_of_ours_is_put_back),
        cmocka_unit_test(somebody_elses_is_left),
        cmocka_unit_test(what_cannot_be_looked_at_stays_in_the_ledger),
        cmocka_unit_test(one_does_not_hinder_the_others),
        cmocka_unit_test(a_control_group_is_put_back_by_its_file),
        cmocka_unit_test(a_ledger_that_cannot_be_written),
        cmocka_unit_test(files_do_not_wait_for_systemd),
        cmocka_unit_test(systemd_is_waited_for_once),
    };

    setenv("DBUS_SYSTEM_BUS_ADDRESS", NO_BUS, 1);
    log_set_max_level(LOG_CRIT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
