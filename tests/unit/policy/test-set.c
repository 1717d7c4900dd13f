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
        cmocka_unit_test(an_empty_set_governs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
