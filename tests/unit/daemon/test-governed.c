/* SPDX-License-Identifier: MIT */
#include "daemon/governed.h"

#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "util/strv.h"

#define NOW (3600 * USEC_PER_SEC)

static void add_policy(PolicySet *set, const char *name, const char *unit, const char *cgroup)
{
    Policy *policy = calloc(1, sizeof(Policy));

    assert_non_null(policy);
    policy->name = strdup(name);
    policy->cache_max = LIMIT_NONE;
    if (unit)
        assert_int_equal(strv_append(&policy->units, unit), 0);
    if (cgroup)
        assert_int_equal(strv_append(&policy->cgroups, cgroup), 0);
    assert_int_equal(policy_set_add(set, policy), 0);
}

typedef struct World {
    Settings settings;
    Ledger ledger;
    Host host;
    PolicySet set;
    Governed governed;
} World;

static void world_begin(World *w)
{
    *w = (World){ .settings.interval_usec = USEC_PER_SEC };
    w->host = (Host){
        .ledger = &w->ledger,
        .root_fd = -1,
        .proc_fd = -1,
        .cgroup_fd = -1,
        .settings = &w->settings,
    };
    w->governed = (Governed){ .host = &w->host, .set = &w->set };
    log_text[0] = '\0';
}

static void world_end(World *w)
{
    governed_clear(&w->governed);
    policy_set_clear(&w->set);
}

static TargetState state_of(const World *w, const char *unit)
{
    const Target *target = governed_find(&w->governed, unit);

    assert_non_null(target);
    return target->state;
}

static void each_list_is_about_its_own(void **state)
{
    World w;

    world_begin(&w);
    add_policy(&w.set, "a", "a.service", "/pods/*");
    governed_begin_list(&w.governed, false);
    governed_note(&w.governed, "a.service", NULL, "/a", NOW);
    governed_note(&w.governed, "b.service", NULL, "/b", NOW);
    governed_end_list(&w.governed, false, NOW);
    governed_begin_list(&w.governed, true);
    governed_note(&w.governed, "/pods/1", "/pods/1", NULL, NOW);
    governed_end_list(&w.governed, true, NOW);
    assert_int_equal(w.governed.n_targets, 2);
    assert_int_equal(state_of(&w, "a.service"), TARGET_WAITING);

    governed_begin_list(&w.governed, true);
    governed_end_list(&w.governed, true, NOW);
    assert_int_equal(state_of(&w, "/pods/1"), TARGET_LEFT);
    assert_int_equal(state_of(&w, "a.service"), TARGET_WAITING);
    governed_begin_list(&w.governed, false);
    governed_end_list(&w.governed, false, NOW);
    assert_int_equal(state_of(&w, "a.service"), TARGET_LEFT);
    governed_remove_finished(&w.governed, NOW);
    assert_int_equal(w.governed.n_targets, 2);
    governed_remove_finished(&w.governed, NOW + PIN_AWAY_USEC);
    assert_int_equal(w.governed.n_targets, 0);
    world_end(&w);
}

/* A unit that a glob over control groups means is a unit. */
static void a_unit_by_its_control_group(void **state)
{
    World w;

    world_begin(&w);
    add_policy(&w.set, "a", NULL, "/system.slice/*");
    governed_note(&w.governed, "a.service", "/system.slice/a.service", "/a", NOW);
    governed_note(&w.governed, "b.service", NULL, "/b", NOW);
    assert_int_equal(w.governed.n_targets, 1);
    assert_false(target_is_cgroup(w.governed.targets[0]));
    world_end(&w);
}

static void a_draw_is_told_once(void **state)
{
    World w;

    world_begin(&w);
    add_policy(&w.set, "a", "x*.service", NULL);
    add_policy(&w.set, "b", "x?.service", NULL);
    for (unsigned i = 0; i < 2; i++)
        governed_note(&w.governed, "x1.service", NULL, "/x", NOW);
    expect_log("info: x1.service: governed by policy \"a\" (normal)\n"
               "warning: x1.service: policies \"a\" and \"b\" match it equally well; \"a\" governs "
               "it\n");
    /* Nor after a reload with the same two. */
    governed_adopt(&w.governed, &w.set);
    expect_log("");
    PolicySet old = TAKE(w.set, (PolicySet){ 0 });
    governed_adopt(&w.governed, &old);
    expect_log("info: x1.service: no longer governed\n");
    policy_set_clear(&old);
    world_end(&w);
}

static void expect_policy(const World *w, const char *name)
{
    assert_string_equal(governed_find(&w->governed, "x.service")->policy->name, name);
}

static void a_control_group_that_changes(void **state)
{
    World w;

    world_begin(&w);
    add_policy(&w.set, "a", NULL, "/system-a.slice/*");
    add_policy(&w.set, "b", NULL, "/system-b.slice/*");
    add_policy(&w.set, "unit", "x.service", NULL);
    governed_note(&w.governed, "x.service", NULL, "/x", NOW);
    expect_policy(&w, "unit");
    governed_note(&w.governed, "x.service", "/system-a.slice/x.service", "/x", NOW);
    expect_policy(&w, "a");
    /* In the middle of a restart. */
    governed_note(&w.governed, "x.service", NULL, "/x", NOW);
    expect_policy(&w, "a");
    governed_note(&w.governed, "x.service", "/system-b.slice/x.service", "/x", NOW);
    expect_policy(&w, "b");
    world_end(&w);
}

/* After a reload that came before its control group was known. */
static void a_unit_that_was_dismissed_comes_back(void **state)
{
    World w;

    world_begin(&w);
    add_policy(&w.set, "a", NULL, "/system.slice/*");
    governed_note(&w.governed, "x.service", "/system.slice/x.service", "/x", NOW);
    governed_adopt(&w.governed, &w.set);
    assert_int_equal(state_of(&w, "x.service"), TARGET_LEFT);
    governed_note(&w.governed, "x.service", "/system.slice/x.service", "/x", NOW);
    assert_int_equal(state_of(&w, "x.service"), TARGET_WAITING);
    expect_policy(&w, "a");
    world_end(&w);
}

static void expect_above(World *w, const char *unit, bool above)
{
    governed_note_critical(&w->governed);
    assert_int_equal(governed_find(&w->governed, unit)->above_critical, above);
}

/* Of control groups, which are where their names say. */
static void what_is_critical_below_is_noted(void **state)
{
    static const char *const groups[] = { "/a.slice", "/a.slice/b.slice", "/a.slice/b.slice/c",
                                          "/a.slice-too", "/a.slice/b" };
    World w;

    world_begin(&w);
    add_policy(&w.set, "any", NULL, "/**");
    add_policy(&w.set, "critical", NULL, "/a.slice/b.slice/*");
    for (size_t i = 0; i < w.set.n_policies; i++)
        w.set.policies[i]->cache_max = 1;
    for (size_t i = 0; i < ELEMENTS(groups); i++) {
        governed_note(&w.governed, groups[i], groups[i], NULL, NOW);
        Target *t = governed_find(&w.governed, groups[i]);
        free(t->control_group);
        t->control_group = strdup(groups[i]);
        expect_above(&w, groups[i], false);
    }
    w.set.policies[1]->role = ROLE_CRITICAL;
    expect_above(&w, "/a.slice", true);
    expect_above(&w, "/a.slice/b.slice", true);
    expect_above(&w, "/a.slice/b.slice/c", false);
    expect_above(&w, "/a.slice-too", false);
    expect_above(&w, "/a.slice/b", false);

    /* It has ended. */
    target_note_listed(governed_find(&w.governed, "/a.slice/b.slice/c"), false, NOW);
    expect_above(&w, "/a.slice", false);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_critical_below_is_noted),
        cmocka_unit_test(a_control_group_that_changes),
        cmocka_unit_test(a_unit_that_was_dismissed_comes_back),
        cmocka_unit_test(each_list_is_about_its_own),
        cmocka_unit_test(a_unit_by_its_control_group),
        cmocka_unit_test(a_draw_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
