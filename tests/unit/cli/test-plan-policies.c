/* SPDX-License-Identifier: MIT */
/* Which policies are in force, and what is said of them. */
#include "unit/test.h"

#include "unit/cli/planning.h"

static void a_policy_of_nothing(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    expect_plan(&p, "There are no policies.\n");
    put_policy(&p, "shop", "description: keeps\n  the shop\nmatch:\n  units: [shop.service]\n");
    scratch_put(&p.root, "etc/pagewarden/policies.d/shop.yaml.d/10-a.yaml",
                "version: 1\nmode: observe\n");
    put_unit(&p, "system.slice/other.service", 100, 10, "max\n");
    expect_plan(&p, "shop: normal, observe (nothing of this would be done)\n"
                    "  keeps the shop\n"
                    "  /etc/pagewarden/policies.d/shop.yaml\n"
                    "  /etc/pagewarden/policies.d/shop.yaml.d/10-a.yaml\n"
                    "\n"
                    "Units: none matches now, so that nothing of this is done\n");
}

static void what_is_not_in_force(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "bad", "match:\n  unit: [a.service]\nmode: never\n");
    scratch_put(&p.root, "etc/pagewarden/policies.d/lost.yaml.d/a.yaml", "version: 1\n");
    must(symlinkat("/dev/null", p.root.fd, "etc/pagewarden/policies.d/masked.yaml"));
    expect_plan(
        &p,
        "bad: refused\n"
        "  /etc/pagewarden/policies.d/bad.yaml:3:3: unknown key \"unit\" in match (did you mean "
        "\"units\"?)\n"
        "  /etc/pagewarden/policies.d/bad.yaml:4:7: unknown mode \"never\" (enforce or observe)\n"
        "\n"
        "\n"
        "lost: there are only drop-ins, in /etc/pagewarden/policies.d/lost.yaml.d\n"
        "  /etc/pagewarden/policies.d/lost.yaml.d: warning: there is no policy \"lost\" to merge "
        "these drop-ins into\n"
        "\n"
        "\n"
        "masked: masked by /etc/pagewarden/policies.d/masked.yaml\n");
}

static void more_specific_policies_govern(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "a", "match:\n  units: [\"db*.service\"]\n");
    put_policy(&p, "b", "match:\n  units: [\"*db.service\", \"db2.service\"]\n");
    put_unit(&p, "system.slice/db.service", 100, 10, "max\n");
    put_unit(&p, "system.slice/db1.service", 200, 10, "max\n");
    put_unit(&p, "system.slice/db2.service", 300, 10, "max\n");
    put_unit(&p, "system.slice/dba.timer", 300, 10, "max\n");
    put_unit(&p, "system.slice/pagewarden-hold-db.service", 300, 10, "max\n");
    expect_plan(&p, "a: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/a.yaml\n"
                    "\n"
                    "Units: 2 match now; memory.high: off\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "100M  max   26M as it is db.service\n"
                    "200M  max   26M as it is db1.service\n"
                    "  db.service: \"b\" matches it equally well, and comes later by name\n"
                    "  db2.service: matches, and is governed by \"b\"\n"
                    "\n"
                    "\n"
                    "b: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/b.yaml\n"
                    "\n"
                    "Units: 1 matches now; memory.high: off\n"
                    " USE HIGH FLOOR  PLANNED UNIT\n"
                    "300M  max   26M as it is db2.service\n"
                    "  db.service: matches, and is governed by \"a\"\n");
}

#define PLANNED_FOR_SHOP                                                             \
    "shop: critical, enforce\n"                                                      \
    "  /etc/pagewarden/policies.d/shop.yaml\n"                                       \
    "\n"                                                                             \
    "Units: none matches now, so that nothing of this is done\n"                     \
    "\n"                                                                             \
    "Notes:\n"                                                                       \
    "  /etc/pagewarden/policies.d/shop.yaml:8:8: warning: \"1T\" is more than this " \
    "machine's RAM, 983.3M, and never reached (a share fits every machine: 10%)\n"

static void settings_and_notes(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "shop",
               "match:\n  units: [shop.service]\n"
               "role: critical\n"
               "distress:\n  refaults: 5/s\n"
               "cache:\n  max: 1T\n");
    scratch_put(&p.root, "etc/pagewarden/pagewarden.yaml", "version: 1\npin_budgets: 1M\n");
    expect_plan(&p, "Settings are refused, and the defaults shown:\n"
                    "  /etc/pagewarden/pagewarden.yaml:2:1: unknown key \"pin_budgets\" (did you "
                    "mean \"pin_budget\"?)\n"
                    "\n"
                    "\n" PLANNED_FOR_SHOP);
    scratch_put(&p.root, "etc/pagewarden/pagewarden.yaml",
                "version: 1\npin_budget: 128M\nreserve: 1M\n");
    expect_plan(&p, PLANNED_FOR_SHOP
                "\n"
                "Host: 256M of memory are locked, and 597.7M available; all pins may take "
                "128M, and leave 1M available\n");

    must(unlinkat(p.root.fd, "etc/pagewarden/pagewarden.yaml", 0));
    must(symlinkat("/dev/null", p.root.fd, "etc/pagewarden/pagewarden.yaml"));
    expect_has(&p, "Settings are masked by /etc/pagewarden/pagewarden.yaml, and the defaults "
                   "shown\n"
                   "\n"
                   "\n"
                   "shop: critical, enforce\n");
}

static void names(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "a", "match:\n  units: [a.service]\n");
    put_policy(&p, "b", "match:\n  units: [b.service]\n");
    put_policy(&p, "c", "oops: 1\n");
    assert_int_equal(strv_append(&p.names, "b"), 0);
    expect_plan(&p, "b: normal, enforce\n"
                    "  /etc/pagewarden/policies.d/b.yaml\n"
                    "\n"
                    "Units: none matches now, so that nothing of this is done\n");
}

static void judge_good(const Plan *plan, void *userdata)
{
    *(bool *)userdata = plan_is_good(plan);
}

static bool is_good(const Planning *p)
{
    bool good = false;

    with_plan(p, judge_good, &good);
    return good;
}

/* What was named has to be in force; of all that there is, some may be masked. */
static void what_is_named(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "a", "match:\n  units: [a.service]\n");
    must(symlinkat("/dev/null", p.root.fd, "etc/pagewarden/policies.d/masked.yaml"));
    scratch_put(&p.root, "etc/pagewarden/policies.d/lost.yaml.d/a.yaml", "version: 1\n");
    assert_true(is_good(&p));
    assert_int_equal(strv_append(&p.names, "a"), 0);
    assert_true(is_good(&p));
    assert_int_equal(strv_append(&p.names, "masked"), 0);
    assert_false(is_good(&p));
    p.names = strv_free(p.names);
    assert_int_equal(strv_append(&p.names, "lost"), 0);
    assert_false(is_good(&p));
}

static void what_is_refused(void **state)
{
    CLEANUP_PLANNING Planning p = planning_new();

    put_policy(&p, "a", "match:\n  units: [a.service]\n");
    assert_true(is_good(&p));
    put_policy(&p, "b", "oops: 1\n");
    assert_false(is_good(&p));
    assert_int_equal(strv_append(&p.names, "a"), 0);
    assert_true(is_good(&p));
    assert_int_equal(strv_append(&p.names, "b"), 0);
    assert_false(is_good(&p));
    scratch_put(&p.root, "etc/pagewarden/policies.d/b.yaml", "");
    must(unlinkat(p.root.fd, "etc/pagewarden/policies.d/b.yaml", 0));
    assert_true(is_good(&p));
    scratch_put(&p.root, "etc/pagewarden/pagewarden.yaml", "version: 2\n");
    assert_false(is_good(&p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_of_nothing),
        cmocka_unit_test(what_is_not_in_force),
        cmocka_unit_test(more_specific_policies_govern),
        cmocka_unit_test(settings_and_notes),
        cmocka_unit_test(names),
        cmocka_unit_test(what_is_named),
        cmocka_unit_test(what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
