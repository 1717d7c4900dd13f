/* SPDX-License-Identifier: MIT */
/* Whole files: those of tests/data/policies/good and the shipped ones decode without a mistake;
 * those of bad/ have what is to be said of them beside them, in NAME.expected. The same of
 * settings/. */
#include <fcntl.h>

#include "unit/policy/decoding.h"
#include "util/io.h"

#define CORPUS TEST_DATA "/policies"

static char *read_whole(const char *folder, const char *name, size_t *ret_size)
{
    CLEANUP_FREE char *path = NULL;
    char *text = NULL;

    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    int r = read_file_alloc(AT_FDCWD, path, 2 * READER_TEXT_MAX, &text, ret_size);
    if (r < 0)
        fail_msg("%s: %s", path, strerror(-r));
    return text;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t n = strlen(name), n_suffix = strlen(suffix);

    return n >= n_suffix && strcmp(name + n - n_suffix, suffix) == 0;
}

/* Calls @check for each policy in @folder; there is at least one. */
static void for_each(const char *folder, void (*check)(const char *folder, const char *name))
{
    cleanup(closedirp) DIR *dir = opendir(folder);
    size_t n = 0;

    if (!dir)
        fail_msg("%s: %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!ends_with(entry->d_name, ".yaml"))
            continue;
        check(folder, entry->d_name);
        n++;
    }
    assert_true(n > 0);
}

/* What is to be said of @name: NAME.expected beside it, or nothing; to be freed. */
static char *read_expected(const char *folder, const char *name)
{
    CLEANUP_FREE char *expected_name = NULL, *path = NULL;
    size_t size;

    assert_true(asprintf(&expected_name, "%.*sexpected", (int)(strlen(name) - 4), name) > 0);
    assert_true(asprintf(&path, "%s/%s", folder, expected_name) > 0);
    return access(path, F_OK) == 0 ? read_whole(folder, expected_name, &size) : strdup("");
}

static int decode_policy(const char *text, size_t size, Diagnostics *diagnostics)
{
    cleanup(policy_freep) Policy *policy = NULL;

    return decode_text(text, size, diagnostics, &policy);
}

static int decode_settings(const char *text, size_t size, Diagnostics *diagnostics)
{
    const Source source = { "/etc/pagewarden.yaml", text, size };
    Settings settings = { 0 };

    int r = settings_decode(&source, 1, RAM, diagnostics, &settings);
    settings_clear(&settings);
    return r;
}

static void check(const char *folder, const char *name, int result)
{
    Diagnostics diagnostics = { 0 };
    bool settings = strstr(folder, "/settings/");
    size_t size;
    CLEANUP_FREE char *expected = read_expected(folder, name);
    CLEANUP_FREE char *text = read_whole(folder, name, &size);

    int r = (settings ? decode_settings : decode_policy)(text, size, &diagnostics);
    CLEANUP_FREE char *found = join_messages(&diagnostics);
    diagnostics_clear(&diagnostics);
    if (strcmp(found, expected) != 0)
        fail_msg("%s/%s:\n%s\ninstead of\n%s", folder, name, found, expected);
    assert_int_equal(r, result);
}

static void check_good(const char *folder, const char *name)
{
    check(folder, name, 0);
}

static void check_bad(const char *folder, const char *name)
{
    check(folder, name, -EBADMSG);
}

static void good_files(void **state)
{
    for_each(CORPUS "/good", check_good);
}

static void bad_files(void **state)
{
    for_each(CORPUS "/bad", check_bad);
}

static void good_settings(void **state)
{
    for_each(CORPUS "/settings/good", check_good);
}

static void bad_settings(void **state)
{
    for_each(CORPUS "/settings/bad", check_bad);
}

static void shipped_policies(void **state)
{
    for_each(TEST_DATA "/../../policies", check_good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files),       cmocka_unit_test(bad_files),
        cmocka_unit_test(good_settings),    cmocka_unit_test(bad_settings),
        cmocka_unit_test(shipped_policies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
