/* SPDX-License-Identifier: MIT */
#include "policy/set.h"

#include <errno.h>
#include <string.h>

#include "unit/test.h"
#include "util/strv.h"

/* A policy of up to three globs. */
static Policy *make(const char *name, const char *a, const char *b, const char *c)
{
    Policy *policy = calloc(1, sizeof(Policy));
    const char *globs[] = { a, b, c };

    assert_non_null(policy);
    policy->name = strdup(name);
    for (size_t i = 0; i < ELEMENTS(globs) && globs[i]; i++)
        assert_int_equal(strv_append(&policy->units, globs[i]), 0);
    return policy;
}

static void policies_are_kept_by_name(void **state)
{
    static const char *const names[] = { "nginx", "backup", "Zebra", "postgresql", "backup2" };
    static const char *const sorted[] = { "Zebra", "backup", "backup2", "nginx", "postgresql" };
    PolicySet set = { 0 };

    for (size_t i = 0; i < ELEMENTS(names); i++)
        assert_int_equal(policy_set_add(&set, make(names[i], "a", NULL, NULL)), 0);
    assert_int_equal(set.n_policies, ELEMENTS(names));
    for (size_t i = 0; i < ELEMENTS(sorted); i++) {
        assert_string_equal(set.policies[i]->name, sorted[i]);
        assert_ptr_equal(policy_set_find(&set, sorted[i]), set.policies[i]);
    }
    assert_null(policy_set_find(&set, "zebra"));

    /* The one that is there already stays; the other is freed. */
    const Policy *before = policy_set_find(&set, "nginx");
    assert_int_equal(policy_set_add(&set, make("nginx", "b", NULL, NULL)), -EEXIST);
    assert_int_equal(set.n_policies, ELEMENTS(names));
    assert_ptr_equal(policy_set_find(&set, "nginx"), before);

    policy_set_clear(&set);
    assert_int_equal(set.n_policies, 0);
    assert_null(policy_set_find(&set, "nginx"));
}

static void the_most_specific_glob_wins(void **state)
{
    static const struct {
        const char *unit;
        const char *name; /* NULL: none */
        const char *draw;
    } cases[] = {
        { "nginx.service", "web", NULL },             /* a plain name before nginx*.service */
        { "nginx-debug.service", "nginx-all", NULL }, /* nginx*.service before *.service */
        { "postgresql@15-main.service", "db-15", NULL },
        { "postgresql@14-main.service", "db", NULL },
        { "cron.service", "any", "web" }, /* both say *.service */
        { "user.slice", NULL, NULL },
        { "session-3.scope", "sessions-a", "sessions-b" }, /* a draw: the first by name */
        { "session-c1.scope", "sessions-c", NULL },
        { "apache.service", "web", NULL }, /* its second glob */
        { "nginxXservice", NULL, NULL },   /* a dot is a dot */
        { "", NULL, NULL },
    };
    PolicySet set = { 0 };

    policy_set_add(&set, make("sessions-b", "session-?.scope", NULL, NULL));
    policy_set_add(&set, make("sessions-a", "session-[0-9].scope", NULL, NULL));
    policy_set_add(&set, make("sessions-c", "session-c*.scope", NULL, NULL));
    policy_set_add(&set, make("web", "nginx.service", "apache.service", "*.service"));
    policy_set_add(&set, make("nginx-all", "nginx*.service", NULL, NULL));
    policy_set_add(&set, make("any", "*.service", NULL, NULL));
    policy_set_add(&set, make("db", "postgresql@*.service", NULL, NULL));
    policy_set_add(&set, make("db-15", "postgresql@15-*.service", NULL, NULL));

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const Policy *draw = NULL;
        const Policy *policy = policy_set_match(&set, cases[i].unit, NULL, &draw);

        if (!cases[i].name) {
            assert_null(policy);
            assert_null(draw);
            continue;
        }
        assert_non_null(policy);
        assert_string_equal(policy->name, cases[i].name);
        if (cases[i].draw) {
            assert_non_null(draw);
            assert_string_equal(draw->name, cases[i].draw);
        } else {
            assert_null(draw);
        }
        assert_ptr_equal(policy_set_match(&set, cases[i].unit, NULL, NULL), policy);
    }
    policy_set_clear(&set);
}

/* A draw between short globs is none where a longer one wins. */
static void a_draw_that_is_beaten_is_none(void **state)
{
    PolicySet set = { 0 };
    const Policy *draw = (const Policy *)&set;

    policy_set_add(&set, make("a", "*.service", NULL, NULL));
    policy_set_add(&set, make("b", "*.service", NULL, NULL));
    policy_set_add(&set, make("c", "x*.service", NULL, NULL));
    assert_string_equal(policy_set_match(&set, "x1.service", NULL, &draw)->name, "c");
    assert_null(draw);
    assert_string_equal(policy_set_match(&set, "y1.service", NULL, &draw)->name, "a");
    assert_string_equal(draw->name, "b");
    policy_set_clear(&set);
}

/* A policy of one glob over cgroups, and one over units (may be NULL). */
static Policy *make_of_cgroups(const char *name, const char *cgroup, const char *unit)
{
    Policy *policy = make(name, unit, NULL, NULL);

    assert_int_equal(strv_append(&policy->cgroups, cgroup), 0);
    return policy;
}

#define POD "/kubepods.slice/kubepods-burstable.slice/kubepods-pod7.slice/"

static void cgroups_are_matched_too(void **state)
{
    static const struct {
        const char *unit, *cgroup; /* either may be NULL */
        const char *name;          /* NULL: none */
        const char *draw;
    } cases[] = {
        { NULL, POD "cri-a.scope", "containers", NULL },
        { NULL, "/kubepods.slice/cri-a.scope", "containers", NULL }, /* ** is no folder, too */
        { NULL, POD "cri-a.scope/init", NULL, NULL },
        { NULL, POD "cri-database.scope", "databases", NULL }, /* the more literal glob */
        { NULL, POD "x.scope", NULL, NULL },
        { NULL, "/system.slice/shop.service", "everything-in-system", NULL },
        { NULL, "/system.slice", NULL, NULL },
        /* The best of both kinds of globs counts. */
        { "shop.service", "/system.slice/shop.service", "everything-in-system", NULL },
        { "shop-of-a-very-long-name.service", "/system.slice/x", "long", NULL },
        { "shop.service", NULL, "units", NULL },
        { "shop.service", "/other.slice/shop.service", "units", NULL },
        { NULL, "/b.slice/x", "draw-a", "draw-b" },
        { NULL, "/b.slice/plain", "plain", NULL },
        { "neither.scope", "/neither", NULL, NULL },
        { NULL, NULL, NULL, NULL },
    };
    PolicySet set = { 0 };

    policy_set_add(&set, make_of_cgroups("containers", "/kubepods.slice/**/cri-*.scope", NULL));
    policy_set_add(&set, make_of_cgroups("databases", "/kubepods.slice/**/cri-database*.scope",
                                         "database.service"));
    policy_set_add(&set, make_of_cgroups("everything-in-system", "/system.slice/**", NULL));
    policy_set_add(&set, make("units", "shop*.service", NULL, NULL));
    policy_set_add(&set, make("long", "shop-of-a-very-long-name.service", NULL, NULL));
    policy_set_add(&set, make_of_cgroups("draw-b", "/b.slice/*", NULL));
    policy_set_add(&set, make_of_cgroups("draw-a", "/b.slice/?", NULL));
    policy_set_add(&set, make_of_cgroups("plain", "/b.slice/plain", NULL));

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const Policy *draw = NULL;
        const Policy *policy = policy_set_match(&set, cases[i].unit, cases[i].cgroup, &draw);
        const char *name = policy ? policy->name : "none", *other = draw ? draw->name : "none";

        if (strcmp(name, cases[i].name ?: "none") != 0 ||
            strcmp(other, cases[i].draw ?: "none") != 0)
            fail_msg("case %zu: %s, draw %s", i, name, other);
    }
    policy_set_clear(&set);
}

static void an_empty_set_governs_nothing(void **state)
{
    PolicySet set = { 0 };
    const Policy *draw = (const Policy *)&set;

    assert_null(policy_set_match(&set, "a.service", NULL, &draw));
    assert_null(draw);
    policy_set_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_kept_by_name),
        cmocka_unit_test(the_most_specific_glob_wins),
        cmocka_unit_test(a_draw_that_is_beaten_is_none),
        cmocka_unit_test(cgroups_are_matched_too),
        cmocka_unit_test(an_empty_set_governs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
