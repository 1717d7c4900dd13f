/* SPDX-License-Identifier: MIT */
/* A file that is deleted between the listing of its folder and its reading. The linker wraps
 * config_open(), see meson.build. */
#include "config/load.h"
#include "unit/config/told.h"
#include "util/units.h"

#define ETC "etc/pagewarden/"
#define RAM GIB

static const char *vanishing; /* the end of a path */

int __real_config_open(const ConfigRoot *root, const char *path, int flags);
int __wrap_config_open(const ConfigRoot *root, const char *path, int flags);
int __wrap_config_open(const ConfigRoot *root, const char *path, int flags)
{
    const char *end = path + strlen(path) - strlen(vanishing);

    if ((flags & O_NONBLOCK) && end >= path && strcmp(end, vanishing) == 0)
        must(unlink(path));
    return __real_config_open(root, path, flags);
}

static void expect(const char *path, const char *settings, const char *policies)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    const ConfigPlaces places = { .root = root.path };
    cleanup(config_clear) Config config;

    scratch_put(&root, ETC "pagewarden.yaml", "version: 1\ninterval: 5s\n");
    scratch_put(&root, ETC "pagewarden.yaml.d/x.yaml", "version: 1\n");
    scratch_put(&root, ETC "policies.d/a.yaml", "version: 1\nmatch: {units: [a.service]}\n");
    scratch_put(&root, ETC "policies.d/a.yaml.d/x.yaml", "role: critcal\n");
    scratch_put(&root, ETC "policies.d/b.yaml", "version: 1\nmatch: {units: [b.service]}\n");
    vanishing = path;
    assert_int_equal(config_load(&places, RAM, &config), 0);
    assert_int_equal(faccessat(root.fd, path + 1, F_OK, 0), -1);
    expect_told(&root, NULL, &config.settings_entry, 1, settings);
    expect_told(&root, NULL, config.policies.entries, config.policies.n_entries, policies);
}

#define SETTINGS "pagewarden: in force: /" ETC "pagewarden.yaml, /" ETC "pagewarden.yaml.d/x.yaml\n"
#define A_REFUSED                                                                 \
    "a: refused: /" ETC "policies.d/a.yaml, /" ETC "policies.d/a.yaml.d/x.yaml\n" \
    "  /" ETC                                                                     \
    "policies.d/a.yaml.d/x.yaml:1:7: unknown role \"critcal\" (did you mean \"critical\"?)\n"
#define B "b: in force: /" ETC "policies.d/b.yaml\n"

static void a_policy(void **state)
{
    expect("/" ETC "policies.d/a.yaml", SETTINGS, B);
    expect("/" ETC "policies.d/b.yaml", SETTINGS, A_REFUSED);
}

static void a_drop_in(void **state)
{
    expect("/" ETC "policies.d/a.yaml.d/x.yaml", SETTINGS,
           "a: in force: /" ETC "policies.d/a.yaml\n" B);
}

static void the_settings(void **state)
{
    expect("/" ETC "pagewarden.yaml", "pagewarden: in force: /" ETC "pagewarden.yaml.d/x.yaml\n",
           A_REFUSED B);
    expect("/" ETC "pagewarden.yaml.d/x.yaml", "pagewarden: in force: /" ETC "pagewarden.yaml\n",
           A_REFUSED B);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy),
        cmocka_unit_test(a_drop_in),
        cmocka_unit_test(the_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
