/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include "unit/cli/planning.h"
#include "unit/kernel/processes.h"

#define SHOP "match:\n  units: [shop.service]\n"

static void shop_runs(const Planning *p)
{
    put_unit(p, "system.slice/shop.service", 100, 10, "max\n");
}

static void where_the_budget_ends(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop",
               SHOP "pin:\n  budget: 40K\n  files:\n"
                    "    - path: /srv/*\n      exclude: [\"*.tmp\"]\n      max_size: 1M\n"
                    "      range: 0-20K\n"
                    "    - path: /none\n"
                    "    - mapped: [libraries]\n"
                    "  order: [smallest]\n");
    shop_runs(&p);
    put_file(&p, "srv/a", 'r', 4);
    put_file(&p, "srv/b", 'h', 20);
    put_file(&p, "srv/c", 'c', 1);
    put_file(&p, "srv/d", 's', 2);
    put_file(&p, "srv/e", 'r', 21);
    put_file(&p, "srv/big", 'r', 257);
    put_file(&p, "srv/x.tmp", 'r', 1);
    put_file(&p, "srv/y.tmp", 'r', 1);
    must(symlinkat("a", p.root.fd, "srv/l\x1b[2J"));
    expect_plan(&p,
                "shop: normal, enforce\n"
                "  /etc/pagewarden/policies.d/shop.yaml\n"
                "\n"
                "Units: 1 matches now; memory.high: off\n"
                " USE HIGH FLOOR  PLANNED UNIT\n"
                "100M  max   26M as it is shop.service\n"
                "\n"
                "Pins: 40K of a budget of 40K, 3 of 5 files whole, in this order\n"
                "SIZE WANTED PINNED CACHED PATH\n"
                "  4K     4K     4K      0 /srv/c\n"
                "  8K     8K     8K      - /srv/d\n"
                " 16K    16K    16K    16K /srv/a\n"
                " 80K    20K    12K     8K /srv/b\n"
                "                          -- the budget ends here: 2 files, 28K not pinned --\n"
                " 84K    20K      0    20K /srv/e\n"
                "  passed over: 1 file larger than max_size\n"
                "  passed over: 2 files excluded\n"
                "  passed over: /srv/l\\x1b[2J is a symbolic link, which is not followed\n"
                "  passed over: /none does not exist\n");

    /* It ends between two files, and behind the last. */
    put_policy(&p, "shop",
               SHOP "pin:\n  budget: 20K\n  restore: true\n"
                    "  files:\n    - path: /srv/{a,c,d}\n");
    expect_plan(&p, "shop: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/shop.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: off\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "100M  max   26M as it is shop.service\n"
                    "\n"
                    "Pins: 20K of a budget of 20K, 2 of 3 files whole, in this order\n"
                    "SIZE WANTED PINNED CACHED PATH\n"
                    " 16K    16K    16K    16K /srv/a\n"
                    "  4K     4K     4K      0 /srv/c\n"
                    "                          -- the budget ends here: 1 file, 8K not pinned --\n"
                    "  8K     8K      0      - /srv/d\n"
                    "  warm start: what of these is in memory when a service stops is read before "
                    "it starts again, up to the budget\n");
    put_policy(&p, "shop", SHOP "pin:\n  budget: 28K\n  files:\n    - path: /srv/{a,c,d}\n");
    expect_plan(&p, "shop: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/shop.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: off\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "100M  max   26M as it is shop.service\n"
                    "\n"
                    "Pins: 28K of a budget of 28K, 3 of 3 files whole, in this order\n"
                    "SIZE WANTED PINNED CACHED PATH\n"
                    " 16K    16K    16K    16K /srv/a\n"
                    "  4K     4K     4K      0 /srv/c\n"
                    "  8K     8K     8K      - /srv/d\n");
    put_policy(&p, "shop", SHOP "pin:\n  budget: 24K\n  files:\n    - path: /srv/{a,c,d}\n");
    expect_plan(&p,
                "shop: normal, enforce\n"
                "  /etc/pagewarden/policies.d/shop.yaml\n"
                "\n"
                "Units: 1 matches now; memory.high: off\n"
                " USE HIGH FLOOR  PLANNED UNIT\n"
                "100M  max   26M as it is shop.service\n"
                "\n"
                "Pins: 24K of a budget of 24K, 2 of 3 files whole, in this order\n"
                "SIZE WANTED PINNED CACHED PATH\n"
                " 16K    16K    16K    16K /srv/a\n"
                "  4K     4K     4K      0 /srv/c\n"
                "  8K     8K     4K      - /srv/d\n"
                "                          -- the budget ends here: 1 file, 4K not pinned --\n");
    put_policy(&p, "shop", SHOP "pin:\n  budget: 24K\n  files:\n    - path: /srv/q*\n");
    expect_plan(&p, "shop: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/shop.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: off\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "100M  max   26M as it is shop.service\n"
                    "\n"
                    "Pins: no file is there, for a budget of 24K\n");
}

static void long_lists(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();
    char path[64];

    put_policy(&p, "shop",
               SHOP "pin:\n  budget: 160K\n  files:\n    - path: /srv/*\n"
                    "evict:\n  - path: /log/*\n");
    for (unsigned i = 0; i < 50; i++) {
        snprintf(path, sizeof path, "srv/%02u", i);
        put_file(&p, path, 'c', 1);
        snprintf(path, sizeof path, "log/%02u", i);
        put_file(&p, path, 'r', 1);
        snprintf(path, sizeof path, "srv/link%02u", i);
        must(symlinkat("00", p.root.fd, path));
    }
    p.options.output.unicode = true;
    expect_plan(&p,
                "shop: normal, enforce\n"
                "  /etc/pagewarden/policies.d/shop.yaml\n"
                "\n"
                "Units: none matches now, so that nothing of this is done\n"
                "\n"
                "Pins: 160K of a budget of 160K, 40 of 50 files whole, in this order\n"
                "SIZE WANTED PINNED CACHED PATH\n"
                "  4K     4K     4K      0 /srv/00\n"
                "  4K     4K     4K      0 /srv/01\n"
                "  4K     4K     4K      0 /srv/02\n"
                "  4K     4K     4K      0 /srv/03\n"
                "  4K     4K     4K      0 /srv/04\n"
                "  4K     4K     4K      0 /srv/05\n"
                "  4K     4K     4K      0 /srv/06\n"
                "  4K     4K     4K      0 /srv/07\n"
                "  4K     4K     4K      0 /srv/08\n"
                "  4K     4K     4K      0 /srv/09\n"
                "  4K     4K     4K      0 /srv/10\n"
                "  4K     4K     4K      0 /srv/11\n"
                "  4K     4K     4K      0 /srv/12\n"
                "  4K     4K     4K      0 /srv/13\n"
                "  4K     4K     4K      0 /srv/14\n"
                "  4K     4K     4K      0 /srv/15\n"
                "  4K     4K     4K      0 /srv/16\n"
                "  4K     4K     4K      0 /srv/17\n"
                "  4K     4K     4K      0 /srv/18\n"
                "  4K     4K     4K      0 /srv/19\n"
                "                          … 17 more\n"
                "  4K     4K     4K      0 /srv/37\n"
                "  4K     4K     4K      0 /srv/38\n"
                "  4K     4K     4K      0 /srv/39\n"
                "                          -- the budget ends here: 10 files, 40K not pinned --\n"
                "  4K     4K      0      0 /srv/40\n"
                "  4K     4K      0      0 /srv/41\n"
                "  4K     4K      0      0 /srv/42\n"
                "                          … 7 more\n"
                "  passed over: /srv/link00 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link01 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link02 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link03 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link04 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link05 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link06 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link07 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link08 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link09 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link10 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link11 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link12 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link13 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link14 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link15 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link16 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link17 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link18 is a symbolic link, which is not followed\n"
                "  passed over: /srv/link19 is a symbolic link, which is not followed\n"
                "  passed over: 30 more\n"
                "\n"
                "Evictions of /log/*: 200K once idle for 2m, looked at every 30s; 50 of 50 files "
                "in memory\n"
                "SIZE CACHED DIRTY VERDICT PATH\n"
                "  4K     4K     0   evict /log/00\n"
                "  4K     4K     0   evict /log/01\n"
                "  4K     4K     0   evict /log/02\n"
                "  4K     4K     0   evict /log/03\n"
                "  4K     4K     0   evict /log/04\n"
                "  4K     4K     0   evict /log/05\n"
                "  4K     4K     0   evict /log/06\n"
                "  4K     4K     0   evict /log/07\n"
                "  4K     4K     0   evict /log/08\n"
                "  4K     4K     0   evict /log/09\n"
                "  4K     4K     0   evict /log/10\n"
                "  4K     4K     0   evict /log/11\n"
                "  4K     4K     0   evict /log/12\n"
                "  4K     4K     0   evict /log/13\n"
                "  4K     4K     0   evict /log/14\n"
                "  4K     4K     0   evict /log/15\n"
                "  4K     4K     0   evict /log/16\n"
                "  4K     4K     0   evict /log/17\n"
                "  4K     4K     0   evict /log/18\n"
                "  4K     4K     0   evict /log/19\n"
                "                          … 30 more\n");

    p.options = (PlanOptions){ .all = true, .output = { .bytes = true } };
    CLEANUP_FREE char *text = plan_text(&p);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(path, sizeof path, "4096   4096   %4u      0 /srv/%02u\n", i < 40 ? 4096U : 0U, i);
        assert_non_null(strstr(text, path));
        snprintf(path, sizeof path, "4096   4096     0   evict /log/%02u\n", i);
        assert_non_null(strstr(text, path));
        snprintf(path, sizeof path, "  passed over: /srv/link%02u is a", i);
        assert_non_null(strstr(text, path));
    }
    assert_null(strstr(text, "more"));
    assert_null(strstr(text, "PATH"));
}

static void judge_kept_problems(const Plan *plan, void *userdata)
{
    const PlanPolicy *p = &plan->policies[0];

    assert_int_equal(p->pins.passed_over.n_entries, PLAN_FIRST_SHOWN);
    assert_int_equal(p->pins.passed_over.n_more, 30);
    assert_int_equal(p->evict_passed_over.n_entries, PLAN_FIRST_SHOWN);
    assert_int_equal(p->evict_passed_over.n_more, 30);
}

/* What is not shown is counted, and not kept. */
static void problems_that_are_not_kept(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();
    char path[64];

    put_policy(&p, "shop",
               SHOP "pin:\n  budget: 160K\n  files:\n    - path: /srv/*\n"
                    "evict:\n  - path: /srv/*\n");
    put_file(&p, "srv/a", 'c', 1);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(path, sizeof path, "srv/link%02u", i);
        must(symlinkat("00", p.root.fd, path));
    }
    CLEANUP_FREE char *all_kept = plan_text(&p);
    p.max_problems = PLAN_FIRST_SHOWN;
    with_plan(&p, judge_kept_problems, NULL);
    CLEANUP_FREE char *text = plan_text(&p);
    assert_string_equal(text, all_kept);
    assert_non_null(strstr(text, "/srv/link19 is a symbolic link, which is not followed\n"
                                 "  passed over: 30 more\n"));
}

/* As everybody but root sees other people's files. */
static void nothing_is_told(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop", SHOP "evict:\n  - path: /log/*\n");
    put_file(&p, "log/a", 's', 1);
    expect_has(&p, "looked at every 30s; 0 of 0 files in memory\n"
                   "  1 file: the kernel does not tell what is in memory\n");
}

static void pins_of_several_units(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop",
               "match:\n  units: [\"shop@*.service\"]\n"
               "pin:\n  budget: 64M\n  files:\n    - path: /srv/*\n");
    put_unit(&p, "system.slice/system-shop.slice/shop@1.service", 100, 10, "max\n");
    put_unit(&p, "system.slice/system-shop.slice/shop@2.service", 60, 10, "62914560\n");
    put_unit(&p, "system.slice/system-shop.slice", 160, 20, "62914560\n");
    put_file(&p, "srv/a", 'c', 9216);
    scratch_put(&p.root, "etc/pagewarden/pagewarden.yaml", "version: 1\npin_budget: 320M\n");
    expect_plan(&p, "shop: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/shop.yaml\n"
                    "\n"
                    "Units: 2 match now; memory.high: off\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "100M  max   26M as it is shop@1.service\n"
                    " 60M  60M   26M as it is shop@2.service\n"
                    "  shop@1.service: no more than 24M can be pinned: the memory limit of the "
                    "service or of a slice above it is near\n"
                    "  shop@2.service: no more than 24M can be pinned: the memory limit of the "
                    "service or of a slice above it is near\n"
                    "\n"
                    "Pins of each unit: 36M of a budget of 64M, 1 of 1 file whole, in this order\n"
                    "SIZE WANTED PINNED CACHED PATH\n"
                    " 36M    36M    36M      0 /srv/a\n"
                    "  no more than 64M can be locked now: all pins together would take more than "
                    "the host's pin_budget\n"
                    "\n"
                    "Host: 256M of memory are locked, and 597.7M available; all pins may take "
                    "320M, and leave 98.3M available\n");
}

static void evictions(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "other",
               "match:\n  units: [other.service]\n"
               "pin:\n  budget: 1M\n  files:\n    - path: /log/{theirs,part}\n");
    put_policy(&p, "shop",
               SHOP "pin:\n  budget: 8K\n  files:\n    - path: /log/{mine,part}\n"
                    "evict:\n"
                    "  - path: /log/*\n    idle: 90s\n    every: 10s\n"
                    "  - path: /log/**\n"
                    "  - stream: true\n"
                    "  - path: /none/*\n    keep: last 1M\n    when: [distress]\n"
                    "  - path: /kept/*\n    keep: first 8K\n"
                    "  - path: /part/*\n    range: 4K-12K\n"
                    "  - path: /part/*\n    range: 16K-\n"
                    "  - path: /gone\n");
    put_file(&p, "log/cold", 'c', 2);
    put_file(&p, "log/free", 'h', 4);
    put_file(&p, "log/mine", 'r', 2);
    put_file(&p, "log/open", 'r', 1);
    put_file(&p, "log/part", 'r', 5);
    put_file(&p, "log/secret", 's', 1);
    put_file(&p, "log/theirs", 'r', 1);
    put_file(&p, "log/old/x", 'r', 3);
    put_file(&p, "kept/tail", 'r', 4);
    put_file(&p, "part/a", 'r', 5);
    put_opener(&p, "log/open");
    /* Its own pins count as if there was a unit, those of others do not. */
    expect_has(&p, "pinned /log/mine\n");
    expect_has(&p, " evict /log/theirs\n");

    shop_runs(&p);
    assert_int_equal(strv_append(&p.names, "shop"), 0);
    expect_plan(
        &p,
        "shop: normal, enforce\n"
        "  /etc/pagewarden/policies.d/shop.yaml\n"
        "\n"
        "Units: 1 matches now; memory.high: off\n"
        " USE HIGH FLOOR  PLANNED UNIT\n"
        "100M  max   26M as it is shop.service\n"
        "\n"
        "Pins: 8K of a budget of 8K, 1 of 2 files whole, in this order\n"
        "SIZE WANTED PINNED CACHED PATH\n"
        "  8K     8K     8K     8K /log/mine\n"
        "                          -- the budget ends here: 1 file, 20K not pinned --\n"
        " 20K    20K      0    20K /log/part\n"
        "\n"
        "Evictions of /log/*: 32K once idle for 90s, looked at every 10s; 5 of 6 files in memory\n"
        "SIZE CACHED DIRTY VERDICT PATH\n"
        " 16K     8K     0   evict /log/free\n"
        "  8K     8K     0  pinned /log/mine\n"
        "  4K     4K     0  in use /log/open\n"
        " 20K    20K     0   evict /log/part\n"
        "  4K     4K     0   evict /log/theirs\n"
        "  1 file: the kernel does not tell what is in memory\n"
        "\n"
        "Evictions of /log/**: 12K once idle for 2m, looked at every 30s; 1 of 1 file in memory\n"
        "SIZE CACHED DIRTY VERDICT PATH\n"
        " 12K    12K     0   evict /log/old/x\n"
        "\n"
        "Evictions of streams: 74M at once; then what is read and written, behind its "
        "position\n"
        "\n"
        "Evictions of /none/*: 0 once idle for 2m, while a critical service suffers, looked at "
        "every 30s; 0 of 0 files in memory\n"
        "\n"
        "Evictions of /kept/*: 8K once idle for 2m, looked at every 30s; 1 of 1 file in memory\n"
        "SIZE CACHED DIRTY VERDICT PATH\n"
        " 16K     8K     0   evict /kept/tail\n"
        "\n"
        "Evictions of /part/*, 4K-12K of each: 8K once idle for 2m, looked at every 30s; 1 of 1 "
        "file in memory\n"
        "SIZE CACHED DIRTY VERDICT PATH\n"
        " 20K     8K     0   evict /part/a\n"
        "\n"
        "Evictions of /part/*, 16K- of each: 4K once idle for 2m, looked at every 30s; 1 of 1 "
        "file in memory\n"
        "SIZE CACHED DIRTY VERDICT PATH\n"
        " 20K     4K     0   evict /part/a\n"
        "\n"
        "Evictions of /gone: 0 once idle for 2m, looked at every 30s; 0 of 0 files in memory\n"
        "  passed over: /log/old is a directory\n"
        "  passed over: /none does not exist\n"
        "  passed over: /gone does not exist\n"
        "\n"
        "Notes:\n"
        "  /etc/pagewarden/policies.d/shop.yaml:9:11: warning: \"/log/*\" in evict meets "
        "\"/log/{mine,part}\" in pin.files, line 7 (what is pinned is not evicted: write globs "
        "that have no file in common)\n"
        "  /etc/pagewarden/policies.d/shop.yaml:12:11: warning: \"/log/**\" in evict meets "
        "\"/log/{mine,part}\" in pin.files, line 7 (what is pinned is not evicted: write globs "
        "that have no file in common)\n");

    /* What others pin counts as soon as there is a unit for which it is pinned. */
    put_unit(&p, "system.slice/other.service", 100, 10, "max\n");
    expect_has(&p, "pinned /log/part\n");
    expect_has(&p, "pinned /log/theirs\n");
    scratch_put(&p.root, "etc/pagewarden/policies.d/other.yaml.d/a.yaml",
                "version: 1\nmode: observe\n");
    expect_has(&p, " evict /log/theirs\n");
}

static void network_file_systems(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop", SHOP "evict:\n  - path: /log/*\n");
    walked_with = 0;
    expect_has(&p, "0 of 0 files");
    assert_int_equal(walked_with, 0);
    scratch_put(&p.root, "etc/pagewarden/pagewarden.yaml",
                "version: 1\nrefuse_network_filesystems: false\n");
    expect_has(&p, "0 of 0 files");
    assert_int_equal(walked_with, WALK_NETWORK);
}

static void who_has_files_open(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop", SHOP "evict:\n  - path: /log/*\n");
    put_file(&p, "log/a", 'r', 1);
    put_file(&p, "log/b", 'r', 1);
    put_opener(&p, "log/b");
    scratch_put(&p.root, "proc/22/fd", "no folder");
    expect_plan(
        &p,
        "shop: normal, enforce\n"
        "  /etc/pagewarden/policies.d/shop.yaml\n"
        "\n"
        "Units: none matches now, so that nothing of this is done\n"
        "\n"
        "Evictions of /log/*: 4K once idle for 2m, looked at every 30s; 2 of 2 files in memory\n"
        "SIZE CACHED DIRTY             VERDICT PATH\n"
        "  4K     4K     0 evict unless in use /log/a\n"
        "  4K     4K     0              in use /log/b\n"
        "\n"
        "Host: 256M of memory are locked, and 597.7M available; all pins may take 491.6M, and "
        "leave 98.3M available\n"
        "Who has files open is not known for sure: 1 process could not be looked into\n");

    /* Who has them open in another system is not asked. */
    p.other_machine = true;
    expect_plan(
        &p,
        "shop: normal, enforce\n"
        "  /etc/pagewarden/policies.d/shop.yaml\n"
        "\n"
        "Units: none matches now, so that nothing of this is done\n"
        "\n"
        "Evictions of /log/*: 8K once idle for 2m, looked at every 30s; 2 of 2 files in memory\n"
        "SIZE CACHED DIRTY             VERDICT PATH\n"
        "  4K     4K     0 evict unless in use /log/a\n"
        "  4K     4K     0 evict unless in use /log/b\n"
        "\n"
        "Host: with --root or --ram, it is not known how much memory is locked or available, and "
        "who has files open; all pins may take 491.6M, and leave 98.3M available\n");
}

/* What the processes of all its units have mapped, and on another machine nothing. */
static void what_units_have_mapped(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();
    CLEANUP_CLOSE int proc = must(openat(p.root.fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    Scratch processes = { .fd = proc };

    put_policy(&p, "shop",
               "match:\n  units: [\"shop@*.service\"]\n"
               "pin:\n  budget: 1M\n  files:\n    - mapped: [executables, libraries]\n");
    put_file(&p, "bin/shop", 'r', 3);
    put_file(&p, "lib/shop.so", 'h', 2);
    for (unsigned pid = 5; pid < 8; pid++) {
        put_process(&processes, pid, scratch_path(&p.root, "bin/shop"));
        put_mapping(&processes, pid, 10, "r-xp", "fe:01", 1, scratch_path(&p.root, "bin/shop"));
    }
    put_mapping(&processes, 6, 20, "r-xp", "fe:01", 2, scratch_path(&p.root, "lib/shop.so"));
    put_mapping(&processes, 7, 20, "r-xp", "fe:01", 3, scratch_path(&p.root, "srv/not-theirs"));
    put_unit(&p, "system.slice/shop@1.service", 100, 10, "max\n");
    put_unit(&p, "system.slice/shop@2.service", 100, 10, "max\n");
    scratch_put(&p.root, "cgroup/system.slice/shop@1.service/cgroup.procs", "5\n");
    scratch_put(&p.root, "cgroup/system.slice/shop@2.service/workers/cgroup.procs", "6\n");
    CLEANUP_FREE char *text = plan_text(&p);
    assert_non_null(strstr(text, " 12K    12K    12K    12K /bin/shop\n"
                                 "  8K     8K     8K     4K /lib/shop.so\n"));
    assert_null(strstr(text, "not-theirs"));
    p.other_machine = true;
    CLEANUP_FREE char *other = plan_text(&p);
    assert_non_null(strstr(other, "Pins: no file is there"));
}

static void holes_are_not_counted(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop", SHOP "pin:\n  budget: 64M\n  files:\n    - path: /srv/*\n");
    put_file(&p, "srv/a", 'c', 2);
    CLEANUP_CLOSE int fd = must(openat(p.root.fd, "srv/a", O_WRONLY | O_CLOEXEC));
    must(ftruncate(fd, 300 * 1024 * 1024));
    expect_has(&p, "Pins: 4K of a budget of 64M, 1 of 1 file whole, in this order\n");
    expect_has(&p, "300M     4K     4K");
}

/* What this machine has does not bound another's pins. */
static void room_of_another_machine(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();
    const char *bound = " can be locked now: ";

    put_policy(&p, "shop", SHOP "pin:\n  budget: 300M\n  files:\n    - path: /srv/*\n");
    put_file(&p, "srv/a", 'r', 76800);
    expect_has(&p, bound);
    p.other_machine = true;
    CLEANUP_FREE char *text = plan_text(&p);
    assert_null(strstr(text, bound));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_the_budget_ends),      cmocka_unit_test(long_lists),
        cmocka_unit_test(pins_of_several_units),      cmocka_unit_test(evictions),
        cmocka_unit_test(network_file_systems),       cmocka_unit_test(who_has_files_open),
        cmocka_unit_test(problems_that_are_not_kept), cmocka_unit_test(nothing_is_told),
        cmocka_unit_test(what_units_have_mapped),     cmocka_unit_test(room_of_another_machine),
        cmocka_unit_test(holes_are_not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
