/* SPDX-License-Identifier: MIT */
#include "kernel/locked.h"

#include <errno.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

#define MAPPING(name, rss, locked, flags) MAPPING_OF("---s", name, rss, locked, flags)
#define MAPPING_OF(access, name, rss, locked, flags)                                            \
    "7f2a40000000-7f2a50000000 " access " 00000000 fe:10 131 " name "\nSize: 262144 kB\n"       \
    "KernelPageSize: 4 kB\nRss: " rss " kB\nPss: 1 kB\nLocked: " locked " kB\nTHPeligible: 0\n" \
    "VmFlags: " flags "\n"

static void rss_of_locked_mappings(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    uint64_t locked = 0;

    scratch_put(&proc, "812/smaps",
                /* The service maps it too: Locked says half of what is locked. */
                MAPPING("/srv/a", "262144", "131072", "sh mr me ms lo sd ")
                    MAPPING("/srv/b", "5000", "0", "rd mr me sd ") MAPPING("", "100", "100", "lo")
                        MAPPING("/srv/ lo Rss: 77", "30", "0", "rd lf al ")
                /* the holder itself */
                MAPPING_OF("r-xp", "/usr/libexec/x", "900", "900", "rd ex lo ")
                    MAPPING_OF("rw-p", "/dev/s x", "7", "7", "rd wr lo "));
    assert_int_equal(locked_bytes(proc.fd, 812, &locked), 0);
    assert_int_equal(locked, (262144 + 100) * KIB);
}

static void nothing_locked(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    uint64_t locked = 99;

    scratch_put(&proc, "812/smaps", MAPPING("/srv/b", "5000", "0", "rd mr me sd "));
    assert_int_equal(locked_bytes(proc.fd, 812, &locked), 0);
    assert_int_equal(locked, 0);
}

static void processes_that_are_gone(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    uint64_t locked = 99;

    assert_int_equal(locked_bytes(proc.fd, 813, &locked), -ESRCH);
    scratch_put(&proc, "814/smaps", ""); /* ended, not waited for */
    assert_int_equal(locked_bytes(proc.fd, 814, &locked), -ESRCH);
    must(mkdirat(proc.fd, "815", 0755));
    must(mkdirat(proc.fd, "815/smaps", 0755));
    assert_int_equal(locked_bytes(proc.fd, 815, &locked), -EISDIR);
    assert_int_equal(locked, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rss_of_locked_mappings),
        cmocka_unit_test(nothing_locked),
        cmocka_unit_test(processes_that_are_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
