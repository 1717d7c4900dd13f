/* SPDX-License-Identifier: MIT */
#include "kernel/vmstat.h"

#include <errno.h>
#include <fcntl.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

static void what_the_host_took(void **state)
{
    uint64_t pages = 0;

    assert_int_equal(vmstat_parse_steals("nr_free_pages 5\npgsteal_kswapd 100\npgsteal_direct 20\n"
                                         "pgsteal_khugepaged 3\npgsteal_proactive 1000\n"
                                         "pgsteal_anon 60\npgsteal_file 63\npgsteal_kswapd_x 7\n",
                                         &pages),
                     0);
    assert_int_equal(pages, 123);
    assert_int_equal(
        vmstat_parse_steals("pgsteal_kswapd 18446744073709551615\npgsteal_direct 1\n", &pages), 0);
    assert_true(pages == UINT64_MAX);
}

static void no_counts(void **state)
{
    static const char *const texts[] = { "", "nr_free_pages 5\n", "pgsteal_kswapd 100",
                                         "pgsteal_kswapd \n", "pgsteal_kswapd x\n" };
    uint64_t pages = 7;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(vmstat_parse_steals(texts[i], &pages), -EBADMSG);
    assert_int_equal(pages, 7);
}

static void read_from_a_folder(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    uint64_t pages;

    assert_int_equal(vmstat_read_steals(proc.fd, &pages), -ENOENT);
    scratch_put(&proc, "vmstat", "pgsteal_kswapd 100\npgsteal_direct 20\n");
    assert_int_equal(vmstat_read_steals(proc.fd, &pages), 0);
    assert_int_equal(pages, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_host_took),
        cmocka_unit_test(no_counts),
        cmocka_unit_test(read_from_a_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
