/* SPDX-License-Identifier: MIT */
#pragma once

/* A cgroup that is a folder, and a systemd that answers when the test says so, for the tests of the
 * limiter, and decisions that a test makes itself: those of a unit that yields. Included by one
 * file of a program. The clock is the test's: linked with --wrap=now_usec, see meson.build. */

#include <sys/stat.h>

#include "daemon/limiter.h"
#include "systemd/units.h"
#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/io.h"

#define HIGH "system.slice/a.service/memory.high"
#define STAT                                                                             \
    "anon 0\nfile 0\nkernel 0\nshmem 0\nfile_mapped 0\nfile_dirty 0\nfile_writeback 0\n" \
    "inactive_anon 0\nactive_anon 0\ninactive_file 0\nactive_file 0\nunevictable 0\n"    \
    "slab_reclaimable 0\nslab_unreclaimable 0\npgscan 0\npgsteal 0\npgmajfault 0\n"      \
    "workingset_refault_anon 0\nworkingset_refault_file 0\nworkingset_activate_file 0\n"

/* All of the same length, so that a plain file takes them as the kernel's does. */
#define ORIGINAL  UINT64_C(999997440)
#define CURRENT   UINT64_C(204800000)
#define SOMEBODYS UINT64_C(300003328)

typedef struct World {
    Scratch cgroups, runtime;
    Ledger ledger;
    Settings settings;
    Host host;
    Limiter *limiter;
} World;

static uint64_t now;
static uint64_t swap_free; /* bytes, of the host */

uint64_t __wrap_now_usec(void);
uint64_t __wrap_now_usec(void)
{
    return now;
}

/* systemd */

static unit_done_t asked;
static void *asked_for;
static uint64_t asked_bytes;
static unsigned n_asked, n_removed;
static bool has_dropin;

int unit_set_memory_high(sd_bus *bus, sd_bus_slot **ret_slot, const char *unit, uint64_t bytes,
                         unit_done_t done, void *userdata)
{
    assert_null(asked);
    asked = done;
    asked_for = userdata;
    asked_bytes = bytes;
    n_asked++;
    return 0;
}

bool unit_high_dropin_exists(const char *unit)
{
    return has_dropin;
}

void unit_high_dropin_remove(const char *unit)
{
    has_dropin = false;
    n_removed++;
}

void unit_high_dropin_undo(const char *unit, uint64_t bytes, const uint64_t *before)
{
}

static uint64_t files_high = LIMIT_NONE;
static const UnitDetails details = { .control_group = "/system.slice/a.service" };

uint64_t unit_files_memory_high(const UnitDetails *unit, uint64_t ram, bool theirs)
{
    return files_high;
}

static void put_number(const World *w, const char *file, uint64_t value)
{
    char text[32], name[PATH_MAX];

    snprintf(name, sizeof(name), "system.slice/a.service/%s", file);
    snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);
    scratch_put(&w->cgroups, name, text);
}

static inline void systemd_answers(const World *w)
{
    unit_done_t done = asked;

    assert_non_null(done);
    asked = NULL;
    has_dropin = true;
    put_number(w, "memory.high", asked_bytes);
    done(0, NULL, asked_for);
}

/* As the bus says it during a daemon-reexec: what was asked for was done before, or was not. */
static inline void systemd_is_gone(void)
{
    unit_done_t done = asked;

    assert_non_null(done);
    asked = NULL;
    done(-ETIMEDOUT, "Message recipient disconnected from message bus without replying", asked_for);
}

/* The world */

static uint64_t high(const World *w)
{
    char text[64];

    scratch_get(&w->cgroups, HIGH, text, sizeof(text));
    return text[0] == 'm' ? LIMIT_NONE : strtoull(text, NULL, 10);
}

static uint64_t number(const World *w)
{
    struct stat st;

    return fstatat(w->cgroups.fd, "system.slice/a.service", &st, 0) < 0 ? 0 : st.st_ino;
}

static void put_cgroup(const World *w)
{
    scratch_put(&w->cgroups, "system.slice/a.service/cgroup.procs", "");
    scratch_put(&w->cgroups, "system.slice/a.service/memory.stat", STAT);
    scratch_put(&w->cgroups, "system.slice/a.service/memory.reclaim", "");
    put_number(w, "memory.current", CURRENT);
    put_number(w, "memory.high", ORIGINAL);
}

static void world_begin(World *w)
{
    *w = (World){ .cgroups = scratch_new("/tmp"), .runtime = scratch_new("/tmp") };
    asked = NULL;
    has_dropin = false;
    n_asked = n_removed = 0;
    swap_free = 0;
    files_high = LIMIT_NONE;
    log_text[0] = '\0';
    now = 100 * USEC_PER_SEC;
    assert_int_equal(ledger_open(&w->ledger, w->runtime.fd, NULL), 0);
    put_cgroup(w);
    w->host = (Host){
        .bus = (sd_bus *)w, /* there is one */
        .ledger = &w->ledger,
        .cgroup_fd = w->cgroups.fd,
        .settings = &w->settings,
        .page = 4096,
    };
    assert_int_equal(limiter_new(&w->host, "a.service", "/system.slice/a.service", &w->limiter), 0);
}

static void world_end(World *w)
{
    run_queue();
    limiter_free(w->limiter);
    theirs_clear(&w->host.theirs);
    ledger_close(&w->ledger);
    scratch_done(&w->cgroups);
    scratch_done(&w->runtime);
}

static inline void load_policies_again(World *w)
{
    theirs_clear(&w->host.theirs);
    limiter_resume(w->limiter);
}

/* The decision is the test's, whatever the mode. */
static inline bool decide_as(World *w, LimitMode mode, uint64_t want, LimitReason reason,
                             uint64_t reclaim)
{
    const LimitConfig config = { .mode = mode };
    const LimitContext context = { .distress = true, .swap_free = swap_free };
    Sample sample = {
        .at_usec = USEC_PER_SEC,
        .cgroup = number(w),
        .page = 4096,
        .current = CURRENT,
        .high = high(w),
        .max = LIMIT_NONE,
    };
    YieldUnit unit;

    if (!limiter_begin_yield(w->limiter, &config, &context, &sample, &unit))
        return false;
    unit.decision = (LimitDecision){ .want = want, .reason = reason, .reclaim = reclaim };
    limiter_end_yield(w->limiter, &unit, &context);
    return true;
}

static inline bool decide(World *w, uint64_t want, LimitReason reason, uint64_t reclaim)
{
    return decide_as(w, LIMIT_YIELD, want, reason, reclaim);
}

static inline void freeze(World *w)
{
    assert_true(decide(w, CURRENT, LIMIT_REASON_FREEZE, 0));
    run_queue();
}

/* The limit is in force, and nothing is under way. */
static inline void begin_limited(World *w)
{
    world_begin(w);
    limiter_note_files(w->limiter, &details, 0);
    freeze(w);
    systemd_answers(w);
    log_text[0] = '\0';
}

/* The same, and systemd is asked for a lower one. */
static inline void begin_lowering(World *w)
{
    world_begin(w);
    assert_true(decide(w, CURRENT + 100 * MIB, LIMIT_REASON_ROOM, 0));
    run_queue();
    systemd_answers(w);
    assert_true(decide(w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(n_asked, 2);
}

/* A value that an admin has written is in force, over ours, and read from the unit's files. */
static inline void files_say(World *w, uint64_t value)
{
    files_high = value;
    limiter_note_files(w->limiter, &details, ++w->host.reloads);
}

/* Until systemd is asked for what was there before, which the file has already. */
static inline void limit_and_let_go(World *w)
{
    freeze(w);
    systemd_answers(w);
    assert_true(decide(w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(high(w), ORIGINAL);
}
