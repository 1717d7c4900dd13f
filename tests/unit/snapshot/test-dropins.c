/* SPDX-License-Identifier: MIT */
/* Which services are made to wait for a warm start. */
#include "unit/test.h"

#include <dirent.h>

#include "snapshot/dropins.h"
#include "unit/kernel/scratch.h"

#define RAM (UINT64_C(1) << 30)

#define UNIT_FILES "usr/lib/systemd/system/"
#define DROPIN     "/50-pagewarden-warm.conf"

/* A root with some unit files, and a folder for drop-ins. */
static Scratch new_root(void)
{
    Scratch root = scratch_new("/tmp");

    scratch_put(&root, UNIT_FILES "shop.service", "[Service]\n");
    scratch_put(&root, UNIT_FILES "shop-web.service", "[Service]\n");
    scratch_put(&root, UNIT_FILES "shop@.service", "[Service]\n");
    scratch_put(&root, UNIT_FILES "shopkeeper.service", "[Service]\n");
    scratch_put(&root, UNIT_FILES "shop.socket", "[Socket]\n");
    scratch_put(&root, UNIT_FILES "pagewarden.service", "[Service]\n");
    scratch_put(&root, UNIT_FILES "pagewarden-warm@.service", "[Service]\n");
    scratch_put(&root, UNIT_FILES "early.service",
                "[Unit]\nDescription=x\n DefaultDependencies = No\n[Service]\n");
    scratch_put(&root, UNIT_FILES "late.service",
                "[Unit]\nDefaultDependencies=no\n#DefaultDependencies=no\n"
                "DefaultDependencies=yes\n");
    scratch_put(&root, "etc/systemd/system/early-too.service", "DefaultDependencies=0\n");
    scratch_put(&root, "out/x", "");
    return root;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folders that were written, apart by a space. */
static void list(const Scratch *root, char text[static 1024])
{
    char *names[32];
    size_t n = 0;

    DIR *dir = opendir(scratch_path(root, "out"));
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            names[n++] = strdup(entry->d_name);
    closedir(dir);
    qsort(names, n, sizeof(*names), compare);
    *text = '\0';
    for (size_t i = 0; i < n; i++) {
        strcat(strcat(text, i ? " " : ""), names[i]);
        free(names[i]);
    }
}

/* @head: keys of the policy; @pin: of its pin section. */
static void check(const char *units, const char *head, const char *pin, const char *expected)
{
    CLEANUP_SCRATCH Scratch root = new_root();
    cleanup(config_clear) Config config = { 0 };
    char policy[1024], text[1024], out[PATH_MAX + 8];

    snprintf(policy, sizeof(policy),
             "version: 1\nmatch: {units: [%s]}\n%spin:\n  budget: 1M\n"
             "  files: [{path: /srv/x}]\n%s",
             units, head, pin);
    scratch_put(&root, "etc/pagewarden/policies.d/p.yaml", policy);
    ConfigPlaces places = { .root = root.path };
    assert_int_equal(config_load(&places, RAM, &config), 0);
    assert_int_equal(config.policies.set.n_policies, 1);
    snprintf(out, sizeof(out), "%s/out", root.path);
    int n = dropins_write(&config, root.path, out);
    list(&root, text);
    assert_string_equal(text, expected);
    int folders = *text != '\0';
    for (const char *p = text; (p = strchr(p, ' ')); p++)
        folders++;
    assert_int_equal(n, folders);
}

static void check_restored(const char *units, const char *expected)
{
    check(units, "", "  restore: true\n", expected);
}

static void only_where_it_is_asked_for(void **state)
{
    check("shop.service", "", "", "");
    check("shop.service", "", "  restore: false\n", "");
    check("shop.service", "mode: observe\n", "  restore: true\n", "");
}

static void names(void **state)
{
    check_restored("shop.service", "shop.service.d");
    check_restored("not-installed.service", "not-installed.service.d");
    check_restored("shop.service, shop@1.service", "shop.service.d shop@1.service.d");
    check_restored("shop.slice, shop.scope", "");
    check_restored("pagewarden.service", "pagewarden.service.d");
}

static void globs(void **state)
{
    check_restored("\"shop*.service\"",
                   "shop-web.service.d shop.service.d shop@.service.d shopkeeper.service.d");
    check_restored("\"shop-*.service\"", "shop-.service.d shop-web.service.d");
    check_restored("\"shop@*.service\"", "shop@.service.d");
    check_restored("\"shop@blue*.service\"", "shop@.service.d");
    check_restored("\"other@*.service\"", "other@.service.d");
    check_restored("\"s?op.*\"", "shop.service.d");
    check_restored("\"nothing*.service\"", "");
}

static void early_units_get_none(void **state)
{
    check_restored("early.service, late.service", "late.service.d");
    check_restored("\"early-*.service\"", "");
    /* Instances of templates are matched by it, too. */
    check_restored("\"*a*.service\"", "late.service.d shop@.service.d");
}

static void what_a_dropin_says(void **state)
{
    CLEANUP_SCRATCH Scratch root = new_root();
    cleanup(config_clear) Config config = { 0 };
    char text[1024], out[PATH_MAX + 8];

    scratch_put(&root, "etc/pagewarden/policies.d/p.yaml",
                "version: 1\nmatch: {units: [shop.service]}\n"
                "pin: {budget: 1M, files: [{path: /srv/x}], restore: true}\n");
    ConfigPlaces places = { .root = root.path };
    assert_int_equal(config_load(&places, RAM, &config), 0);
    snprintf(out, sizeof(out), "%s/out", root.path);
    assert_int_equal(dropins_write(&config, root.path, out), 1);
    assert_string_equal(scratch_get(&root, "out/shop.service.d" DROPIN, text, sizeof(text)),
                        "# By pagewarden-generator: a policy says restore: true.\n"
                        "[Unit]\n"
                        "Wants=pagewarden-warm@%n.service\n"
                        "After=pagewarden-warm@%n.service\n");
    snprintf(out, sizeof(out), "%s/missing", root.path);
    assert_int_equal(dropins_write(&config, root.path, out), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_where_it_is_asked_for),
        cmocka_unit_test(names),
        cmocka_unit_test(globs),
        cmocka_unit_test(early_units_get_none),
        cmocka_unit_test(what_a_dropin_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
