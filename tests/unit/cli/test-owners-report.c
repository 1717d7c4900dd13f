/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/owners-report.h"
#include "util/cleanup.h"
#include "util/units.h"

static char *render(const OwnersReport *report, OutputOptions options)
{
    char *text = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(owners_report_render(report, out, &options), 0);
    fclose(out);
    return text;
}

static void fill(OwnersReport *report)
{
    PageOwners shared = { calloc(3, sizeof(PageOwner)), 3, 3 }, none = { 0 };

    assert_non_null(shared.owners);
    shared.owners[0] = (PageOwner){ 0, 4 * KIB, 0 };
    shared.owners[1] = (PageOwner){ 99, 8 * KIB, 0 };
    shared.owners[2] = (PageOwner){ 7, 3 * MIB, MIB };
    assert_int_equal(owners_report_add(report, "/srv/a", &shared), 0);
    assert_null(shared.owners);
    assert_int_equal(owners_report_add(report, "/srv/cold\n", &none), 0);
    report->names.names = calloc(1, sizeof(CgroupName));
    assert_non_null(report->names.names);
    report->names.names[0] = (CgroupName){ 7, strdup("/system.slice/shop.service/w") };
    report->names.n_names = 1;
}

static void test_table(void **state)
{
    cleanup(owners_report_clear) OwnersReport report = { 0 };

    fill(&report);
    CLEANUP_FREE char *text = render(&report, (OutputOptions){ .legend = true });
    assert_string_equal(text, "RESIDENT LOCKED                       CGROUP PATH\n"
                              "      3M     1M /system.slice/shop.service/w /srv/a\n"
                              "      8K      0                  (cgroup 99) /srv/a\n"
                              "      4K      0                     (nobody) /srv/a\n");
}

static void test_json(void **state)
{
    cleanup(owners_report_clear) OwnersReport report = { 0 };

    fill(&report);
    CLEANUP_FREE char *text = render(&report, (OutputOptions){ .json = JSON_SHORT });
    assert_string_equal(
        text, "{\"files\":[{\"path\":\"/srv/a\",\"cgroups\":["
              "{\"unit\":\"shop.service\",\"cgroup\":\"/system.slice/shop.service/w\",\"inode\":7,"
              "\"resident\":3145728,\"locked\":1048576},"
              "{\"unit\":null,\"cgroup\":null,\"inode\":99,\"resident\":8192,\"locked\":0},"
              "{\"unit\":null,\"cgroup\":null,\"inode\":null,\"resident\":4096,\"locked\":0}]},"
              "{\"path\":\"/srv/cold\\n\",\"cgroups\":[]}]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
