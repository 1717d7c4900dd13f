/* SPDX-License-Identifier: MIT */
/* Which limits count, on a tree of cgroups in a folder. */
#include "daemon/headroom.h"

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)

typedef struct World {
    Scratch proc, cgroups;
    Settings settings;
    Host host;
} World;

/* Of a service with anonymous memory and cache, in MiB; @max 0: none. */
static void put_group(const World *w, const char *path, unsigned max, unsigned anon, unsigned file)
{
    static const char *const none[] = { "active_file",   "unevictable",        "file_mapped",
                                        "file_dirty",    "slab_unreclaimable", "shmem",
                                        "file_writeback" };
    char name[256], text[1024];
    int n = snprintf(text, sizeof text, "anon %ju\nfile %ju\ninactive_file %ju\nkernel 0\n",
                     (uintmax_t)(anon * MIB), (uintmax_t)(file * MIB), (uintmax_t)(file * MIB));

    for (size_t i = 0; i < ELEMENTS(none); i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s 0\n", none[i]);
    snprintf(name, sizeof name, "%s/memory.stat", path);
    scratch_put(&w->cgroups, name, text);
    snprintf(name, sizeof name, "%s/memory.current", path);
    scratch_put(&w->cgroups, name, "0\n");
    snprintf(name, sizeof name, "%s/memory.high", path);
    scratch_put(&w->cgroups, name, "max\n");
    snprintf(name, sizeof name, "%s/memory.max", path);
    snprintf(text, sizeof text, "%ju\n", (uintmax_t)(max * MIB));
    scratch_put(&w->cgroups, name, max > 0 ? text : "max\n");
}

static void world_begin(World *w)
{
    *w = (World){
        .proc = scratch_new("/tmp"),
        .cgroups = scratch_new("/tmp"),
        .settings = { .pin_budget = GIB, .reserve = 100 * MIB },
    };
    scratch_put(&w->proc, "meminfo",
                "MemTotal: 4194304 kB\nMemFree: 1 kB\nMemAvailable: 2097152 kB\nMlocked: 0 kB\n");
    w->host = (Host){
        .proc_fd = w->proc.fd,
        .cgroup_fd = w->cgroups.fd,
        .settings = &w->settings,
        .page = PAGE,
    };
    put_group(w, "a.slice", 0, 100, 0);
    put_group(w, "a.slice/b.slice", 0, 100, 0);
    put_group(w, "a.slice/b.slice/x.service", 0, 100, 0);
}

static void world_end(World *w)
{
    scratch_done(&w->proc);
    scratch_done(&w->cgroups);
}

#define WORLD(name)                        \
    cleanup(world_end) World name = { 0 }; \
    world_begin(&(name))

static void expect(const World *w, uint64_t beside, uint64_t within, PinBound bound)
{
    const char *path = "/a.slice/b.slice/x.service";
    PinBound told = PIN_BOUND_NONE;

    assert_int_equal(headroom_beside(&w->host, path, 16 * MIB, &told), beside);
    assert_int_equal(told, beside < 16 * MIB ? bound : PIN_BOUND_NONE);
    told = PIN_BOUND_NONE;
    assert_int_equal(headroom(&w->host, path, 16 * MIB, &told), within);
    assert_int_equal(told, within < 16 * MIB ? bound : PIN_BOUND_NONE);
}

static void without_limits(void **state)
{
    WORLD(w);

    expect(&w, 16 * MIB, 16 * MIB, PIN_BOUND_NONE);
    w.host.locked = GIB - 5 * MIB;
    expect(&w, 5 * MIB, 5 * MIB, PIN_BOUND_HOST);
    w.host.locked = 0;
    w.settings.reserve = 2 * GIB - 3 * MIB - 1;
    expect(&w, 3 * MIB, 3 * MIB, PIN_BOUND_RESERVE);
    scratch_put(&w.proc, "meminfo", "nothing\n");
    expect(&w, 0, 0, PIN_BOUND_RESERVE);
}

/* The nearest, a further one: whichever has less; also while the service itself is away. */
static void limits_of_slices(void **state)
{
    WORLD(w);

    put_group(&w, "a.slice", 124, 100, 0);
    expect(&w, 8 * MIB, 8 * MIB, PIN_BOUND_CGROUP);
    put_group(&w, "a.slice/b.slice", 120, 100, 0);
    expect(&w, 4 * MIB, 4 * MIB, PIN_BOUND_CGROUP);
    must(renameat(w.cgroups.fd, "a.slice/b.slice/x.service", w.cgroups.fd, "gone"));
    expect(&w, 4 * MIB, 4 * MIB, PIN_BOUND_CGROUP);
}

static void limits_of_the_service(void **state)
{
    WORLD(w);

    put_group(&w, "a.slice/b.slice/x.service", 120, 100, 4);
    expect(&w, 16 * MIB, 4 * MIB, PIN_BOUND_CGROUP);
    put_group(&w, "a.slice/b.slice/x.service", 120, 100, 5);
    expect(&w, 4 * MIB, 4 * MIB, PIN_BOUND_CGROUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits),
        cmocka_unit_test(limits_of_slices),
        cmocka_unit_test(limits_of_the_service),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
