/* SPDX-License-Identifier: MIT */
#include "daemon/cgroup_scan.h"

#include <string.h>

#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"
#include "util/strv.h"
#include "util/units.h"

static char found[4096];
static unsigned n_found, n_paths;

static void on_found(char *const *paths, void *userdata)
{
    found[0] = '\0';
    n_found++;
    n_paths = (unsigned)strv_length(paths);
    STRV_FOREACH (path, n_paths < 10 ? paths : NULL) {
        strcat(found, *path);
        strcat(found, " ");
    }
}

static Policy *a_policy(const char *name, char **globs)
{
    Policy *policy = calloc(1, sizeof(Policy));

    assert_non_null(policy);
    policy->name = strdup(name);
    assert_int_equal(strv_copy(globs, &policy->cgroups), 0);
    return policy;
}

static void what_systemd_does_not_keep_is_told(void **state)
{
    static const char *const groups[] = {
        "docker/1f",
        "docker/2e/system.slice/a.service",
        "docker.slice/docker-1f.scope",
        "docker/white space",
        "lxc/a",
    };
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char *globs[] = { (char *)"/docker*/**", NULL }, path[256];
    PolicySet set = { 0 };
    Host host = { .cgroup_fd = root.fd };
    CgroupScan *scan;

    for (size_t i = 0; i < ELEMENTS(groups); i++) {
        snprintf(path, sizeof path, "%s/cgroup.procs", groups[i]);
        scratch_put(&root, path, "");
    }
    assert_int_equal(cgroup_scan_new(&host, &set, &(CgroupScanHandler){ on_found, NULL }, &scan),
                     0);
    /* Nobody asks. */
    cgroup_scan_tick(scan, USEC_PER_SEC);
    assert_int_equal(n_queued, 0);

    assert_int_equal(policy_set_add(&set, a_policy("pods", globs)), 0);
    log_text[0] = '\0';
    for (uint64_t second = 1; second <= 10; second++) {
        cgroup_scan_tick(scan, second * USEC_PER_SEC);
        cgroup_scan_tick(scan, second * USEC_PER_SEC);
        assert_int_equal(n_queued, second == 1 || second == 6);
        run_queue();
    }
    assert_int_equal(n_found, 2);
    assert_string_equal(found, "/docker/1f /docker/2e ");
    assert_non_null(strstr(log_text, "/docker/2e/system.slice/a.service: not governed: another "
                                     "systemd keeps it, a user's or a container's\n"));
    assert_non_null(strstr(log_text, "a control group: not governed: its name has white space\n"));
    assert_null(strstr(log_text, "docker-1f.scope"));

    /* After a reload at once, and once more to tell that there is none any more. */
    policy_set_clear(&set);
    cgroup_scan_reset(scan);
    cgroup_scan_tick(scan, 11 * USEC_PER_SEC);
    run_queue();
    assert_string_equal(found, "");
    cgroup_scan_tick(scan, 20 * USEC_PER_SEC);
    assert_int_equal(n_queued, 0);
    cgroup_scan_free(scan);
}

static unsigned count(const char *text)
{
    unsigned n = 0;

    for (const char *at = log_text; (at = strstr(at, text)); at++)
        n++;
    return n;
}

/* Of somebody who may make control groups. */
static void there_is_an_end_to_it(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char *globs[] = { (char *)"/docker/**", (char *)"/lxc/**", NULL }, path[64];
    PolicySet set = { 0 };
    Host host = { .cgroup_fd = root.fd };
    CgroupScan *scan;

    for (unsigned i = 0; i < 30; i++) {
        snprintf(path, sizeof path, "lxc/a/%u.service/", i);
        scratch_folders(&root, path);
    }
    assert_int_equal(cgroup_scan_new(&host, &set, &(CgroupScanHandler){ on_found, NULL }, &scan),
                     0);
    assert_int_equal(policy_set_add(&set, a_policy("pods", globs)), 0);
    log_text[0] = '\0';
    cgroup_scan_tick(scan, USEC_PER_SEC);
    run_queue();
    assert_string_equal(found, "/lxc/a ");
    assert_int_equal(count("another systemd keeps it"), 20);

    for (unsigned i = 0; i < 1010; i++) {
        snprintf(path, sizeof path, "docker/%u/", i);
        scratch_folders(&root, path);
    }
    for (unsigned i = 0; i < 2; i++) {
        log_text[0] = '\0';
        cgroup_scan_tick(scan, (6 + 5 * i) * USEC_PER_SEC);
        run_queue();
        assert_int_equal(n_paths, 1000);
        expect_log(i == 0 ? "warning: 1000 control groups are governed, and no more will be\n"
                          : "");
    }
    policy_set_clear(&set);
    cgroup_scan_free(scan);
}

static void a_long_path(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char *globs[] = { (char *)"/lxc/**", NULL }, path[2048] = "lxc/";
    PolicySet set = { 0 };
    Host host = { .cgroup_fd = root.fd };
    CgroupScan *scan;

    for (unsigned i = 0; i < 4; i++) {
        memset(path + strlen(path), 'x', 250);
        strcat(path, "/");
    }
    scratch_folders(&root, path);
    assert_int_equal(cgroup_scan_new(&host, &set, &(CgroupScanHandler){ on_found, NULL }, &scan),
                     0);
    assert_int_equal(policy_set_add(&set, a_policy("pods", globs)), 0);
    log_text[0] = '\0';
    cgroup_scan_tick(scan, USEC_PER_SEC);
    run_queue();
    assert_int_equal(n_paths, 3);
    assert_int_equal(count("xx: not governed: its path has more than 1000 bytes\n"), 1);
    policy_set_clear(&set);
    cgroup_scan_free(scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_systemd_does_not_keep_is_told),
        cmocka_unit_test(there_is_an_end_to_it),
        cmocka_unit_test(a_long_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
