/* SPDX-License-Identifier: MIT */
#include "config/policies.h"

#include "unit/config/told.h"
#include "util/units.h"

#define ETC  "etc/pagewarden/policies.d/"
#define LIB  "usr/lib/pagewarden/policies.d/"
#define GOOD "version: 1\nmatch: {units: [%s.service]}\n"
#define RAM  (8 * GIB)

#define CLEANUP_POLICIES cleanup(policies_clear)

static void put_good(const Scratch *root, const char *path, const char *unit)
{
    char text[256];

    snprintf(text, sizeof(text), GOOD, unit);
    scratch_put(root, path, text);
}

static Policies loaded(const Scratch *root)
{
    const ConfigPlaces places = { .root = root->path };
    Policies policies;

    assert_int_equal(policies_load(&places, RAM, &policies), 0);
    return policies;
}

static void expect(const Scratch *root, const Policies *policies, const char *expected)
{
    expect_told(root, &policies->folders, policies->entries, policies->n_entries, expected);
}

static void nothing(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_POLICIES Policies none = loaded(&root);

    expect(&root, &none, "");
    assert_int_equal(none.n_refused, 0);
    assert_int_equal(none.set.n_policies, 0);
    assert_null(policies_find_entry(&none, "a"));
}

static void good_and_bad_ones(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    put_good(&root, ETC "a.yaml", "a");
    scratch_put(&root, ETC "b.yaml", "version: 1\nmatch: {units: [b.service]}\nrole: critcal\n");
    put_good(&root, LIB "c.yaml", "c");
    scratch_put(&root, ETC "empty.yaml", "");
    CLEANUP_POLICIES Policies policies = loaded(&root);
    expect(&root, &policies,
           "a: in force: /" ETC "a.yaml\n"
           "b: refused: /" ETC "b.yaml\n"
           "  /" ETC "b.yaml:3:7: unknown role \"critcal\" (did you mean \"critical\"?)\n"
           "c: in force: /" LIB "c.yaml\n"
           "empty: refused: /" ETC "empty.yaml\n"
           "  /" ETC "empty.yaml: the file is empty (it begins with version: 1)\n");
    assert_int_equal(policies.n_refused, 2);
    assert_int_equal(policies.set.n_policies, 2);
    assert_non_null(policy_set_find(&policies.set, "a"));
    assert_null(policy_set_find(&policies.set, "b"));
    assert_non_null(policy_set_find(&policies.set, "c"));
    assert_ptr_equal(policies_find_entry(&policies, "b"), &policies.entries[1]);
}

/* Whoever prints a mistake can show its line. */
static void what_was_read_is_kept(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    static const char text[] = "version: 1\nmatch: {units: [b.service]}\nrole: critcal\n";

    scratch_put(&root, ETC "b.yaml", text);
    CLEANUP_POLICIES Policies policies = loaded(&root);
    const ConfigEntry *entry = policies_find_entry(&policies, "b");
    assert_non_null(entry);
    assert_int_equal(entry->state, CONFIG_REFUSED);
    assert_int_equal(entry->sources[0].size, sizeof(text) - 1);
    assert_string_equal(entry->sources[0].text, text);
}

static void drop_ins_are_merged(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char path[2 * PATH_MAX];

    scratch_put(&root, LIB "a.yaml",
                "version: 1\nmatch: {units: [a.service]}\n"
                "pin: {budget: 25%, files: [{path: /srv/a}]}\n");
    CLEANUP_POLICIES Policies without = loaded(&root);
    assert_int_equal(policy_set_find(&without.set, "a")->pin_budget, 2 * GIB);

    scratch_put(&root, ETC "a.yaml.d/50-more.yaml", "pin: {budget: 3G}\n");
    scratch_put(&root, LIB "a.yaml.d/10-less.yaml", "pin: {budget: 1G}\nrole: background\n");
    CLEANUP_POLICIES Policies with = loaded(&root);
    expect(&root, &with,
           "a: in force: /" LIB "a.yaml, /" LIB "a.yaml.d/10-less.yaml, "
           "/" ETC "a.yaml.d/50-more.yaml\n");
    const Policy *policy = policy_set_find(&with.set, "a");
    assert_int_equal(policy->pin_budget, 3 * GIB);
    assert_int_equal(policy->role, ROLE_BACKGROUND);
    assert_string_equal(policy->pins[0].path, "/srv/a");
    snprintf(path, sizeof(path), "%s/" ETC "a.yaml.d/50-more.yaml", root.path);
    assert_string_equal(policy->files[2], path);
    assert_null(policy->files[3]);
}

static void a_mistake_in_a_drop_in(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    put_good(&root, LIB "a.yaml", "a");
    scratch_put(&root, ETC "a.yaml.d/x.yaml", "# x\nrole: critcal\n");
    CLEANUP_POLICIES Policies policies = loaded(&root);
    expect(&root, &policies,
           "a: refused: /" LIB "a.yaml, /" ETC "a.yaml.d/x.yaml\n"
           "  /" ETC "a.yaml.d/x.yaml:2:7: unknown role \"critcal\" (did you mean "
           "\"critical\"?)\n");
    assert_int_equal(policies.n_refused, 1);
    assert_int_equal(policies.set.n_policies, 0);
}

/* Without a part of it, a policy says something else than was meant. */
static void a_drop_in_that_cannot_be_read(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, LIB "a.yaml", "wrong");
    scratch_put(&root, ETC "a.yaml.d/x.yaml", "");
    must(symlinkat("nope", root.fd, ETC "a.yaml.d/y.yaml"));
    CLEANUP_POLICIES Policies policies = loaded(&root);
    expect(&root, &policies,
           "a: refused: /" LIB "a.yaml, /" ETC "a.yaml.d/x.yaml, /" ETC "a.yaml.d/y.yaml\n"
           "  /" ETC "a.yaml.d/y.yaml: a symbolic link to nothing\n");
    assert_int_equal(policies.n_refused, 1);
}

static void what_is_neither_in_force_nor_refused(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    put_good(&root, LIB "masked.yaml", "a");
    scratch_put(&root, ETC "missing.yaml.d/x.yaml", "wrong");
    must(symlinkat("/dev/null", root.fd, ETC "masked.yaml"));
    CLEANUP_POLICIES Policies policies = loaded(&root);
    expect(&root, &policies,
           "masked: masked: /" ETC "masked.yaml\n"
           "missing: missing: /" ETC "missing.yaml.d\n"
           "  /" ETC "missing.yaml.d: warning: there is no policy \"missing\" to merge these "
           "drop-ins into\n");
    assert_int_equal(policies.n_refused, 0);
    assert_int_equal(policies.set.n_policies, 0);
}

static void a_folder_that_is_none(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    put_good(&root, LIB "a.yaml", "a");
    scratch_put(&root, "etc/pagewarden/policies.d", "");
    scratch_put(&root, "run/pagewarden/policies.d", "");
    CLEANUP_POLICIES Policies policies = loaded(&root);
    expect(&root, &policies,
           "refused: /etc/pagewarden/policies.d, /run/pagewarden/policies.d\n"
           "  /etc/pagewarden/policies.d: Not a directory\n"
           "  /run/pagewarden/policies.d: Not a directory\n"
           "a: in force: /" LIB "a.yaml\n");
    assert_int_equal(policies.n_refused, 1);
    assert_int_equal(policies.set.n_policies, 1);
}

static void a_root_that_is_none(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char path[PATH_MAX + 8];

    snprintf(path, sizeof(path), "%s/nope", root.path);
    const ConfigPlaces places = { .root = path };
    CLEANUP_POLICIES Policies policies;
    assert_int_equal(policies_load(&places, RAM, &policies), 0);
    expect(&root, &policies, "refused: /nope\n  /nope: No such file or directory\n");
    assert_int_equal(policies.n_refused, 1);
}

static void files_that_are_named(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char paths[5][PATH_MAX + 16];
    Source files[6] = { 0 };
    static const char *const names[] = { "z.yaml", "sub/a.yml", "nope.yaml", "sub", "sub/z" };

    put_good(&root, "z.yaml", "z");
    scratch_put(&root, "z.yaml.d/x.yaml", "wrong"); /* which nobody has asked for */
    put_good(&root, "sub/a.yml", "a");
    put_good(&root, "sub/z", "zz");
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", root.path, names[i]);
        files[i].path = paths[i];
    }
    files[5] = (Source){ "<stdin>", "role: x\0", 8 };
    CLEANUP_POLICIES Policies policies;
    assert_int_equal(policies_load_files(files, 5, RAM, &policies), 0);
    expect(&root, &policies,
           "z: in force: /z.yaml\n"
           "a: in force: /sub/a.yml\n"
           "nope: refused: /nope.yaml\n"
           "  /nope.yaml: No such file or directory\n"
           "sub: refused: /sub\n"
           "  /sub: a folder, not a file\n"
           "z: in force: /sub/z\n");
    assert_int_equal(policies.n_refused, 2);
    assert_int_equal(policies.set.n_policies, 2);
    assert_string_equal(policy_set_find(&policies.set, "z")->units[0], "z.service");

    /* A text is taken as it is, a NUL in it too. */
    CLEANUP_POLICIES Policies given;
    assert_int_equal(policies_load_files(&files[5], 1, RAM, &given), 0);
    expect(&root, &given,
           "<stdin>: refused: <stdin>\n"
           "  <stdin>:1:8: a NUL byte (save the file as plain text in UTF-8)\n");

    CLEANUP_POLICIES Policies none;
    assert_int_equal(policies_load_files(NULL, 0, RAM, &none), 0);
    assert_int_equal(none.n_entries, 0);
}

/* All of @policies, in the order of the entries. */
static void expect_warnings(const Scratch *root, const Policies *policies, const char *expected)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;

    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (size_t i = 0; i < policies->n_entries; i++) {
        CLEANUP_FREE char *warnings = config_entry_format(&policies->entries[i], SEVERITY_WARNING);
        assert_non_null(warnings);
        fprintf(out, "%s%s", warnings, *warnings ? "\n" : "");
    }
    fclose(out);
    leave_out(text, root->path);
    assert_string_equal(text, expected);
}

#define GOVERNS " as well and comes first by name: it governs those units\n"

static void the_same_globs(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "a.yaml", "version: 1\nmatch: {units: ['b{2,1}.service', x.service]}\n");
    scratch_put(&root, ETC "b.yaml", "version: 1\nmatch: {units: ['y*.service']}\n");
    /* Of several the first is told, but of each policy that wins. */
    scratch_put(&root, LIB "c.yaml",
                "version: 1\nmatch: {units: ['y*.service', c.service, c.service, 'b[2].service', "
                "b2.service, b1.service]}\n");
    /* The winner of all is the first. */
    put_good(&root, ETC "d.yaml", "x");
    put_good(&root, ETC "e.yaml", "x");
    /* These have no say. */
    scratch_put(&root, ETC "0.yaml", "version: 1\nmatch: {units: [x.service]}\nrole: x\n");
    put_good(&root, LIB "1.yaml", "x");
    must(symlinkat("/dev/null", root.fd, ETC "1.yaml"));
    CLEANUP_POLICIES Policies policies = loaded(&root);
    expect_warnings(&root, &policies,
                    "/" LIB "c.yaml: warning: policy \"a\" matches \"b2.service\"" GOVERNS "/" LIB
                    "c.yaml: warning: policy \"b\" matches \"y*.service\"" GOVERNS "/" ETC
                    "d.yaml: warning: policy \"a\" matches \"x.service\"" GOVERNS "/" ETC
                    "e.yaml: warning: policy \"a\" matches \"x.service\"" GOVERNS);
    assert_int_equal(policies.n_refused, 1);
    assert_int_equal(policies.set.n_policies, 5);
}

static void the_same_cgroups(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "a.yaml", "version: 1\nmatch: {cgroups: ['/user.slice/**']}\n");
    scratch_put(&root, ETC "b.yaml", "version: 1\nmatch: {cgroups: ['/user.slice/{x,**}']}\n");
    CLEANUP_POLICIES Policies policies = loaded(&root);
    expect_warnings(&root, &policies,
                    "/" ETC "b.yaml: warning: policy \"a\" matches \"/user.slice/**\"" GOVERNS);
}

/* Entries are in the order of the files, and only the first of a name counts. */
static void the_same_globs_in_files_that_are_named(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char paths[4][PATH_MAX + 16];
    Source files[4] = { 0 };
    static const char *const names[] = { "b.yaml", "a.yaml", "sub/b.yaml", "b.yaml" };

    put_good(&root, "b.yaml", "x");
    put_good(&root, "a.yaml", "x");
    put_good(&root, "sub/b.yaml", "x");
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", root.path, names[i]);
        files[i].path = paths[i];
    }
    CLEANUP_POLICIES Policies policies;
    assert_int_equal(policies_load_files(files, ELEMENTS(files), RAM, &policies), 0);
    expect_warnings(&root, &policies,
                    "/b.yaml: warning: policy \"a\" matches \"x.service\"" GOVERNS);
    assert_int_equal(policies.set.n_policies, 2);
}

static void a_newer_text_was_refused(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    put_good(&root, ETC "b.yaml", "b");
    put_good(&root, ETC "d.yaml", "d");
    CLEANUP_POLICIES Policies policies = loaded(&root);
    scratch_put(&root, ETC "a.yaml", "");
    scratch_put(&root, ETC "b.yaml", "");
    scratch_put(&root, ETC "c.yaml", "");
    put_good(&root, ETC "d.yaml", "dd");
    scratch_put(&root, ETC "e.yaml", "");
    scratch_put(&root, "run/pagewarden", "");
    CLEANUP_POLICIES Policies newer = loaded(&root);
    assert_int_equal(newer.n_refused, 5);
    assert_int_equal(policies_adopt_refusals(&policies, &newer), 0);
    expect(&root, &policies,
           "refused: /run/pagewarden\n"
           "  /run/pagewarden: Not a directory\n"
           "a: refused: /" ETC "a.yaml\n"
           "  /" ETC "a.yaml: the file is empty (it begins with version: 1)\n"
           "b: refused: /" ETC "b.yaml\n"
           "  /" ETC "b.yaml: the file is empty (it begins with version: 1)\n"
           "c: refused: /" ETC "c.yaml\n"
           "  /" ETC "c.yaml: the file is empty (it begins with version: 1)\n"
           "d: in force: /" ETC "d.yaml\n"
           "e: refused: /" ETC "e.yaml\n"
           "  /" ETC "e.yaml: the file is empty (it begins with version: 1)\n");
    assert_int_equal(policies.n_refused, 5);
    /* Those of before are in force all the same. */
    assert_int_equal(policies.set.n_policies, 2);
    assert_string_equal(policy_set_find(&policies.set, "b")->units[0], "b.service");
    assert_string_equal(policy_set_find(&policies.set, "d")->units[0], "d.service");
}

/* What was repaired, or deleted, since the last refusal is not refused any more. */
static void a_refused_text_was_repaired(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    put_good(&root, ETC "a.yaml", "a");
    put_good(&root, ETC "b.yaml", "b");
    CLEANUP_POLICIES Policies policies = loaded(&root);
    scratch_put(&root, ETC "a.yaml", "");
    scratch_put(&root, ETC "b.yaml", "");
    scratch_put(&root, ETC "c.yaml", "");
    scratch_put(&root, ETC "d.yaml", "");
    scratch_put(&root, "run/pagewarden", "");
    CLEANUP_POLICIES Policies bad = loaded(&root);
    assert_int_equal(policies_adopt_refusals(&policies, &bad), 0);
    assert_int_equal(policies.n_refused, 5);

    put_good(&root, ETC "a.yaml", "aa");
    must(unlinkat(root.fd, ETC "b.yaml", 0));
    put_good(&root, ETC "c.yaml", "c");
    must(unlinkat(root.fd, "run/pagewarden", 0));
    CLEANUP_POLICIES Policies better = loaded(&root);
    assert_int_equal(policies_adopt_refusals(&policies, &better), 0);
    /* b is in force still, though its file is gone; c is not, though its file is good. */
    expect(&root, &policies,
           "a: in force: /" ETC "a.yaml\n"
           "b: in force: /" ETC "b.yaml\n"
           "d: refused: /" ETC "d.yaml\n"
           "  /" ETC "d.yaml: the file is empty (it begins with version: 1)\n");
    assert_int_equal(policies.n_refused, 1);
    assert_int_equal(policies.set.n_policies, 2);
    assert_string_equal(policy_set_find(&policies.set, "a")->units[0], "a.service");
}

/* As they are sent over the bus. */
static void messages_as_one_text(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "a.yaml",
                "version: 1\nmatch: {units: [a.service]}\nrole: boss\nmode: x\n");
    put_good(&root, ETC "b.yaml", "b");
    scratch_put(&root, ETC "c.yaml", "");
    scratch_put(&root, ETC "missing.yaml.d/x.yaml", "");
    scratch_put(&root, "run/pagewarden", "");
    CLEANUP_POLICIES Policies policies = loaded(&root);
    CLEANUP_FREE char *text = policies_format_refusals(&policies);
    CLEANUP_FREE char *warning = config_entry_format(&policies.entries[3], SEVERITY_WARNING);
    CLEANUP_FREE char *nothing_said = config_entry_format(&policies.entries[3], SEVERITY_MISTAKE);

    assert_non_null(text);
    leave_out(text, root.path);
    assert_string_equal(text, "/run/pagewarden: Not a directory\n"
                              "/" ETC "a.yaml:3:7: unknown role \"boss\" (normal, critical or "
                              "background)\n"
                              "/" ETC "a.yaml:4:7: unknown mode \"x\" (enforce or observe)\n"
                              "/" ETC "c.yaml: the file is empty (it begins with version: 1)\n");
    assert_non_null(warning);
    leave_out(warning, root.path);
    assert_string_equal(warning, "/" ETC "missing.yaml.d: warning: there is no policy \"missing\" "
                                 "to merge these drop-ins into");
    assert_string_equal(nothing_said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),
        cmocka_unit_test(good_and_bad_ones),
        cmocka_unit_test(what_was_read_is_kept),
        cmocka_unit_test(drop_ins_are_merged),
        cmocka_unit_test(a_mistake_in_a_drop_in),
        cmocka_unit_test(a_drop_in_that_cannot_be_read),
        cmocka_unit_test(what_is_neither_in_force_nor_refused),
        cmocka_unit_test(a_folder_that_is_none),
        cmocka_unit_test(a_root_that_is_none),
        cmocka_unit_test(files_that_are_named),
        cmocka_unit_test(the_same_globs),
        cmocka_unit_test(the_same_cgroups),
        cmocka_unit_test(the_same_globs_in_files_that_are_named),
        cmocka_unit_test(a_newer_text_was_refused),
        cmocka_unit_test(a_refused_text_was_repaired),
        cmocka_unit_test(messages_as_one_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
