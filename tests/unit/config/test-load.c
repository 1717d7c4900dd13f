/* SPDX-License-Identifier: MIT */
#include "config/load.h"

#include "unit/config/told.h"
#include "util/units.h"

#define ETC "etc/pagewarden/"
#define LIB "usr/lib/pagewarden/"
#define RAM (8 * GIB)

#define CLEANUP_CONFIG cleanup(config_clear)

static Config loaded(const char *root)
{
    const ConfigPlaces places = { .root = root };
    Config config;

    assert_int_equal(config_load(&places, RAM, &config), 0);
    return config;
}

static void expect(const Scratch *root, const Config *config, const char *expected)
{
    expect_told(root, NULL, &config->settings_entry, 1, expected);
}

static void expect_defaults(const Config *config)
{
    Settings defaults;

    settings_set_defaults(&defaults, RAM);
    assert_int_equal(config->settings.interval_usec, defaults.interval_usec);
    assert_int_equal(config->settings.pin_budget, defaults.pin_budget);
    assert_int_equal(config->settings.reserve, defaults.reserve);
    settings_clear(&defaults);
}

static void nothing(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_CONFIG Config config = loaded(root.path);

    expect(&root, &config, "pagewarden: in force:\n");
    expect_defaults(&config);
    assert_int_equal(config.policies.n_entries, 0);
    assert_true(config_is_good(&config));
}

static void settings_and_policies(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, LIB "pagewarden.yaml", "version: 1\ninterval: 5s\nreserve: 1G\n");
    scratch_put(&root, ETC "pagewarden.yaml.d/x.yaml", "reserve: 2G\n");
    scratch_put(&root, ETC "policies.d/a.yaml", "version: 1\nmatch: {units: [a.service]}\n");
    CLEANUP_CONFIG Config config = loaded(root.path);
    expect(&root, &config,
           "pagewarden: in force: /" LIB "pagewarden.yaml, /" ETC "pagewarden.yaml.d/x.yaml\n");
    assert_int_equal(config.settings.interval_usec, 5 * USEC_PER_SEC);
    assert_int_equal(config.settings.reserve, 2 * GIB);
    assert_int_equal(config.policies.set.n_policies, 1);
    assert_true(config_is_good(&config));
}

static void settings_that_are_refused(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, LIB "pagewarden.yaml", "version: 1\ninterval: 5s\n");
    scratch_put(&root, ETC "pagewarden.yaml.d/x.yaml", "# x\nintervall: 5s\n");
    CLEANUP_CONFIG Config config = loaded(root.path);
    expect(&root, &config,
           "pagewarden: refused: /" LIB "pagewarden.yaml, /" ETC "pagewarden.yaml.d/x.yaml\n"
           "  /" ETC "pagewarden.yaml.d/x.yaml:2:1: unknown key \"intervall\" (did you mean "
           "\"interval\"?)\n");
    expect_defaults(&config);
    assert_false(config_is_good(&config));
}

static void settings_that_cannot_be_read(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, LIB "pagewarden.yaml", "version: 1\ninterval: 5s\n");
    scratch_folders(&root, ETC "pagewarden.yaml/");
    CLEANUP_CONFIG Config config = loaded(root.path);
    expect(&root, &config,
           "pagewarden: refused: /" ETC "pagewarden.yaml\n"
           "  /" ETC "pagewarden.yaml: a folder, not a file\n");
    expect_defaults(&config);
    assert_false(config_is_good(&config));
}

static void settings_that_are_masked(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, LIB "pagewarden.yaml", "version: 1\ninterval: 5s\n");
    scratch_put(&root, LIB "pagewarden.yaml.d/x.yaml", "reserve: 2G\n");
    scratch_folders(&root, ETC);
    must(symlinkat("/dev/null", root.fd, ETC "pagewarden.yaml"));
    CLEANUP_CONFIG Config config = loaded(root.path);
    expect(&root, &config, "pagewarden: masked: /" ETC "pagewarden.yaml\n");
    expect_defaults(&config);
    assert_true(config_is_good(&config));
}

static void policies_that_are_refused(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/a.yaml", "");
    CLEANUP_CONFIG Config config = loaded(root.path);
    assert_false(config_is_good(&config));
}

static void why_it_is_refused(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "pagewarden.yaml", "interval: 5\n");
    scratch_put(&root, ETC "policies.d/a.yaml", "");
    CLEANUP_CONFIG Config config = loaded(root.path);
    CLEANUP_FREE char *told = config_format_refusals(&config), *expected = NULL;
    assert_true(asprintf(&expected,
                         "%s/" ETC "pagewarden.yaml:1:11: \"5\" is not a duration: its unit is "
                         "missing (write 5s; ms, s, m, h and d are known)\n"
                         "%s/" ETC "policies.d/a.yaml: the file is empty (it begins with version: "
                         "1)\n",
                         root.path, root.path) > 0);
    assert_string_equal(told, expected);
}

/* What is in force stays, what is said of the newer is shown. */
static void refusals_of_a_newer_one(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "pagewarden.yaml", "interval: 5s\n");
    CLEANUP_CONFIG Config config = loaded(root.path);
    scratch_put(&root, ETC "pagewarden.yaml", "interval: 7\n");
    CLEANUP_CONFIG Config newer = loaded(root.path);
    assert_int_equal(config_adopt_refusals(&config, &newer), 0);
    assert_int_equal(config.settings.interval_usec, 5 * USEC_PER_SEC);
    assert_int_equal(config.settings_entry.state, CONFIG_REFUSED);
    assert_int_equal(config.settings_entry.diagnostics.n_entries, 1);
    assert_int_equal(newer.settings_entry.n_sources, 0);

    /* Repaired, while a policy is bad. */
    scratch_put(&root, ETC "pagewarden.yaml", "interval: 7s\n");
    scratch_put(&root, ETC "policies.d/a.yaml", "");
    CLEANUP_CONFIG Config repaired = loaded(root.path);
    assert_int_equal(config_adopt_refusals(&config, &repaired), 0);
    assert_int_equal(config.settings.interval_usec, 5 * USEC_PER_SEC);
    expect(&root, &config, "pagewarden: in force: /" ETC "pagewarden.yaml\n");
    assert_int_equal(config.policies.n_refused, 1);
}

/* It is told once. */
static void a_root_that_is_none(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, "image", "");
    CLEANUP_CONFIG Config config = loaded(scratch_path(&root, "image"));
    expect_told(&root, &config.policies.folders, NULL, 0,
                "refused: /image\n  /image: Not a directory\n");
    expect_defaults(&config);
    assert_int_equal(config.settings_entry.diagnostics.n_entries, 0);
    assert_false(config_is_good(&config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),
        cmocka_unit_test(settings_and_policies),
        cmocka_unit_test(settings_that_are_refused),
        cmocka_unit_test(settings_that_cannot_be_read),
        cmocka_unit_test(settings_that_are_masked),
        cmocka_unit_test(policies_that_are_refused),
        cmocka_unit_test(a_root_that_is_none),
        cmocka_unit_test(why_it_is_refused),
        cmocka_unit_test(refusals_of_a_newer_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
