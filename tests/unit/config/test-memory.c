/* SPDX-License-Identifier: MIT */
/* Every allocation of ours fails once: what is asked for fails as a whole, and leaks nothing (which
 * the build with AddressSanitizer sees). The linker wraps the allocators, see meson.build; the C
 * library's own are its own affair. */
#include "config/load.h"
#include "unit/failing-text.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

#define ETC "etc/pagewarden/"
#define LIB "usr/lib/pagewarden/"
#define RAM GIB

/* Something of everything. */
static void put_tree(const Scratch *root)
{
    scratch_put(root, LIB "pagewarden.yaml", "version: 1\ninterval: 5s\n");
    scratch_put(root, ETC "pagewarden.yaml.d/x.yaml", "interval: 6s\n");
    scratch_put(root, LIB "policies.d/a.yaml", "version: 1\nmatch: {units: [a.service]}\n");
    scratch_put(root, LIB "policies.d/a.yaml.d/y.yaml", "role: background\n");
    scratch_put(root, ETC "policies.d/a.yaml.d/x.yaml", "role: critical\n");
    scratch_put(root, ETC "policies.d/b.yaml", "version: 1\nmatch: {units: [a.service]}\n");
    scratch_put(root, ETC "policies.d/b.yml", "");
    scratch_put(root, ETC "policies.d/b.yaml.d/x.conf", "");
    scratch_put(root, ETC "pagewarden.yaml.d/x.conf", "");
    scratch_put(root, ETC "policies.d/bad.yaml", "versoin: 1\nrole: x\n");
    scratch_put(root, ETC "policies.d/missing.yaml.d/x.yaml", "");
    scratch_put(root, "run/pagewarden/policies.d", "");
    must(symlinkat("/dev/null", root->fd, ETC "policies.d/masked.yaml"));
    must(symlinkat("/dev/null", root->fd, ETC "policies.d/a.yaml.d/z.yaml"));
    must(symlinkat("/nope", root->fd, ETC "policies.d/link.yaml"));
}

static void everything(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    const ConfigPlaces places = { .root = root.path };
    unsigned n = 1;

    put_tree(&root);
    for (;; n++) {
        Config config = { .policies.n_refused = 42 };

        countdown = n;
        int r = config_load(&places, RAM, &config);
        bool failed = countdown == 0;
        countdown = 0;
        if (!failed) {
            assert_int_equal(r, 0);
            assert_int_equal(config.policies.n_entries, 6);
            assert_int_equal(config.policies.folders.diagnostics.n_of[SEVERITY_WARNING], 3);
            assert_int_equal(config.policies.entries[1].diagnostics.n_of[SEVERITY_WARNING], 1);
            assert_int_equal(config.policies.n_refused, 3);
            assert_int_equal(config.settings.interval_usec, 6 * USEC_PER_SEC);
            config_clear(&config);
            break;
        }
        assert_int_equal(r, -ENOMEM);
        assert_int_equal(config.policies.n_refused, 42);
    }
    assert_true(n > 150);
}

static void a_root_that_is_none(void **state)
{
    const ConfigPlaces places = { .root = "/nope" };
    unsigned n = 1;

    for (;; n++) {
        Config config;

        countdown = n;
        int r = config_load(&places, RAM, &config);
        bool failed = countdown == 0;
        countdown = 0;
        if (!failed) {
            assert_int_equal(r, 0);
            config_clear(&config);
            break;
        }
        assert_int_equal(r, -ENOMEM);
    }
    assert_true(n > 4);
}

static void files_that_are_named(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char good[PATH_MAX + 64], nope[PATH_MAX + 64];
    const Source files[] = { { good }, { "<stdin>", "role: x", 7 }, { nope } };
    unsigned n = 1;

    put_tree(&root);
    snprintf(good, sizeof(good), "%s/" LIB "policies.d/a.yaml", root.path);
    snprintf(nope, sizeof(nope), "%s/nope.yaml", root.path);
    for (;; n++) {
        Policies policies;

        countdown = n;
        int r = policies_load_files(files, ELEMENTS(files), RAM, &policies);
        bool failed = countdown == 0;
        countdown = 0;
        if (!failed) {
            assert_int_equal(r, 0);
            assert_int_equal(policies.n_refused, 2);
            policies_clear(&policies);
            break;
        }
        assert_int_equal(r, -ENOMEM);
    }
    assert_true(n > 20);
}

static void what_a_refused_reload_leaves(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    const ConfigPlaces places = { .root = root.path };
    Policies policies = { 0 }, newer;

    put_tree(&root);
    assert_int_equal(policies_load(&places, RAM, &newer), 0);
    countdown = 1;
    assert_int_equal(policies_adopt_refusals(&policies, &newer), -ENOMEM);
    assert_int_equal(countdown, 0);
    assert_int_equal(policies.n_entries, 0);
    assert_int_equal(newer.n_entries, 6);
    policies_clear(&policies);
    policies_clear(&newer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything),
        cmocka_unit_test(a_root_that_is_none),
        cmocka_unit_test(files_that_are_named),
        cmocka_unit_test(what_a_refused_reload_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
