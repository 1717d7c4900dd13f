/* SPDX-License-Identifier: MIT */
/* What is planned for units, by their figures. */
#include "unit/test.h"

#include "unit/cli/planning.h"

static void limits(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "1-fixed",
               "match:\n  units: [a.service, b.service]\n"
               "memory_high:\n  mode: fixed\n  value: 64M\n");
    put_policy(&p, "2-yield",
               "match:\n  units: [c.service, d.service, e.service]\n"
               "role: background\n"
               "memory_high:\n  mode: yield\n  min: 100M\n");
    put_policy(&p, "3-track",
               "match:\n  units: [f.service]\n"
               "memory_high:\n  mode: track\n");
    put_unit(&p, "system.slice/a.service", 100, 10, "max\n");
    put_unit(&p, "system.slice/b.service", 100, 60, "83886080\n");
    put_unit(&p, "system.slice/c.service", 400, 10, "max\n");
    put_unit(&p, "system.slice/d.service", 400, 200, "max\n");
    put_unit(&p, "system.slice/e.service", 90, 10, "max\n");
    put_unit(&p, "system.slice/f.service", 100, 10, "max\n");
    expect_plan(&p, "1-fixed: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/1-fixed.yaml\n"
                    "\n"
                    "Units: 2 match now; memory.high: fixed\n"
                    " USE HIGH FLOOR PLANNED UNIT\n"
                    "100M  max   26M     64M a.service\n"
                    "100M  80M   76M     76M b.service\n"
                    "  b.service: what cannot be reclaimed is above the policy's value\n"
                    "\n"
                    "\n"
                    "2-yield: background, enforce\n"
                    "  /etc/pagewarden/policies.d/2-yield.yaml\n"
                    "\n"
                    "Units: 3 match now; memory.high: yield\n"
                    " USE HIGH FLOOR  PLANNED IN-DISTRESS UNIT\n"
                    "400M  max  100M as it is        100M c.service\n"
                    "400M  max  216M as it is        216M d.service\n"
                    " 90M  max  100M as it is    as it is e.service\n"
                    "\n"
                    "\n"
                    "3-track: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/3-track.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: track\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "100M  max   26M as it is f.service\n");
}

/* Of the host, whatever the units' own files say, as they do in a container that hides the host's:
 * the daemon tightens nothing then. */
static void no_pressure_figures(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "1-fixed",
               "match:\n  units: [a.service]\n"
               "cache:\n  max: 50M\n"
               "memory_high:\n  mode: fixed\n  value: 64M\n");
    put_policy(&p, "2-yield",
               "match:\n  units: [b.service]\n"
               "role: background\n"
               "memory_high:\n  mode: yield\n  min: 100M\n");
    put_policy(&p, "3-pins", "match:\n  units: [c.service]\n");
    for (const char *unit = "abc"; *unit; unit++) {
        char cgroup[] = "system.slice/?.service";

        *strchr(cgroup, '?') = *unit;
        put_unit(&p, cgroup, 400, 10, "max\n");
    }
    must(unlinkat(p.root.fd, "proc/pressure/memory", 0));
    expect_plan(&p, "1-fixed: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/1-fixed.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: fixed\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "400M  max   26M as it is a.service\n"
                    "  a.service: no memory.high is set without pressure figures\n"
                    "  a.service: its page cache is not capped without pressure figures\n"
                    "\n"
                    "\n"
                    "2-yield: background, enforce\n"
                    "  /etc/pagewarden/policies.d/2-yield.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: yield\n"
                    " USE HIGH FLOOR  PLANNED IN-DISTRESS UNIT\n"
                    "400M  max  100M as it is    as it is b.service\n"
                    "  b.service: no memory.high is set without pressure figures\n"
                    "\n"
                    "\n"
                    "3-pins: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/3-pins.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: off\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "400M  max   26M as it is c.service\n" HOST
                    "The kernel keeps no pressure stall information (boot with psi=1)\n");
    /* Of another machine that is not known. */
    p.other_machine = true;
    expect_has(&p, " USE HIGH FLOOR PLANNED UNIT\n"
                   "400M  max   26M     64M a.service\n"
                   "  a.service: its page cache has 390M, capped at 50M: ");
}

static void caps_on_page_cache(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop", "match:\n  units: [\"shop*.service\"]\ncache: {max: 50M}\n");
    put_unit(&p, "system.slice/shop1.service", 100, 10, "max\n");
    put_unit(&p, "system.slice/shop2.service", 100, 60, "max\n");
    put_unit(&p, "system.slice/shop3.service", 100, 10, "max\n");
    must(unlinkat(p.root.fd, "cgroup/system.slice/shop3.service/memory.pressure", 0));
    expect_has(&p, "100M  max   26M as it is shop3.service\n"
                   "  shop1.service: its page cache has 90M, capped at 50M: 45M would be taken\n"
                   "  shop2.service: its page cache has 40M, capped at 50M: nothing would be "
                   "taken\n"
                   "  shop3.service: its page cache is not capped without pressure figures\n");
    put_policy(&p, "shop",
               "match:\n  units: [\"shop*.service\"]\ncache: {max: 50M}\n"
               "evict:\n  - path: /log/*\n");
    expect_has(&p, "  shop1.service: its page cache has 90M, capped at 50M: 45M would be taken, "
                   "idle files of its evict rules first\n");
}

/* What is too much the cap takes first. */
static void a_brake_beside_the_cap(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop",
               "match:\n  units: [\"shop*.service\"]\ncache: {max: 128M, brake: true}\n");
    put_unit(&p, "system.slice/shop1.service", 100, 10, "max\n");
    put_unit(&p, "system.slice/shop2.service", 100, 10, "104857600\n");
    put_unit(&p, "system.slice/shop3.service", 160, 10, "max\n");
    expect_has(&p, "Units: 3 match now; memory.high: brake\n"
                   " USE HIGH FLOOR  PLANNED UNIT\n"
                   "100M  max   26M     158M shop1.service\n"
                   "100M 100M   26M as it is shop2.service\n"
                   "160M  max   26M as it is shop3.service\n");
    /* There is swap, and this one may have some. */
    scratch_put(&p.root, "cgroup/system.slice/shop1.service/memory.swap.max", "max\n");
    expect_has(&p, "100M  max   26M as it is shop1.service\n");
    expect_has(&p, "  shop1.service: no brake above that: the kernel could swap instead\n");
}

/* Squeezing raises no limit that was there before. */
static void limits_of_others(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "batch",
               "match:\n  units: [batch.service]\n"
               "role: background\n"
               "memory_high:\n  mode: yield\n  min: 1M\n");
    put_unit(&p, "system.slice/batch.service", 120, 100, "104857600\n");
    expect_plan(&p, "batch: background, enforce\n"
                    "  /etc/pagewarden/policies.d/batch.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: yield\n"
                    " USE HIGH FLOOR  PLANNED IN-DISTRESS UNIT\n"
                    "120M 100M  116M as it is    as it is batch.service\n");
}

/* As the kernel rounds them. */
static void limits_are_whole_pages(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "a",
               "match:\n  units: [a.service]\nmemory_high:\n  mode: fixed\n  value: 67112959\n");
    put_unit(&p, "system.slice/a.service", 100, 10, "max\n");
    p.options.output.bytes = true;
    expect_has(&p, "104857600  max 27262976 67108864 a.service\n");
}

static void cgroups_that_tell_nothing(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "all",
               "match:\n  units: [\"*.slice\", \"*.service\"]\n"
               "role: background\n"
               "memory_high:\n  mode: yield\n  min: 1M\n");
    scratch_put(&p.root, "cgroup/system.slice/a.service/cgroup.procs", "");
    scratch_put(&p.root, "cgroup/system.slice/pagewarden.service/cgroup.procs", "");
    expect_plan(&p, "all: background, enforce\n"
                    "  /etc/pagewarden/policies.d/all.yaml\n"
                    "\n"
                    "Units: 3 match now; memory.high: yield\n"
                    "USE HIGH FLOOR PLANNED IN-DISTRESS UNIT\n"
                    "  -    -     -       -           - -.slice\n"
                    "  -    -     -       -           - a.service\n"
                    "  -    -     -       -           - system.slice\n"
                    "  -.slice: the root of the cgroup tree has no limits\n"
                    "  a.service: its cgroup has no memory controller\n"
                    "  system.slice: has ended just now\n");
}

static void no_cgroup_tree(void **state)
{
    static const char *const told =
        "shop: normal, enforce\n"
        "  /etc/pagewarden/policies.d/shop.yaml\n"
        "\n"
        "Units: not known: there is no cgroup v2 tree with the memory controller\n";
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop", "match:\n  units: [shop.service]\n");
    scratch_put(&p.root, "cgroup/cgroup.controllers", "cpu\n");
    expect_plan(&p, told);
    must(unlinkat(p.root.fd, "cgroup/cgroup.controllers", 0));
    must(unlinkat(p.root.fd, "cgroup", AT_REMOVEDIR));
    expect_plan(&p, told);
}

static void no_memory_of_the_host(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    must(unlinkat(p.root.fd, "proc/meminfo", 0));
    expect_plan(&p, "There are no policies.\n"
                    "\n"
                    "Host: nothing is known of its memory: No such file or directory\n");
}

/* What systemd keeps is a unit, whatever matches it, and what another systemd keeps is left alone.
 */
static void control_groups_that_are_no_units(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "pods",
               "match:\n  cgroups: [\"/pods/**\", /system.slice/a.service]\n"
               "memory_high:\n  mode: fixed\n  value: 64M\n");
    put_policy(&p, "two", "match:\n  cgroups: [/pods/2*]\n");
    put_unit(&p, "pods/2e", 200, 10, "max\n");
    put_unit(&p, "pods/1f", 100, 10, "max\n");
    put_unit(&p, "pods/1f/nested.service", 50, 10, "max\n");
    put_unit(&p, "pods/3", 300, 10, "max\n");
    put_unit(&p, "system.slice/a.service", 100, 10, "max\n");
    expect_plan(&p, "pods: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/pods.yaml\n"
                    "\n"
                    "Units: 3 match now; memory.high: fixed\n"
                    " USE HIGH FLOOR PLANNED UNIT\n"
                    "100M  max   26M     64M a.service\n"
                    "100M  max   26M     64M /pods/1f\n"
                    "300M  max   26M     64M /pods/3\n"
                    "  /pods/2e: matches, and is governed by \"two\"\n"
                    "\n"
                    "\n"
                    "two: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/two.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: off\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "200M  max   26M as it is /pods/2e\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(no_pressure_figures),
        cmocka_unit_test(caps_on_page_cache),
        cmocka_unit_test(a_brake_beside_the_cap),
        cmocka_unit_test(limits_of_others),
        cmocka_unit_test(limits_are_whole_pages),
        cmocka_unit_test(cgroups_that_tell_nothing),
        cmocka_unit_test(no_cgroup_tree),
        cmocka_unit_test(no_memory_of_the_host),
        cmocka_unit_test(control_groups_that_are_no_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
