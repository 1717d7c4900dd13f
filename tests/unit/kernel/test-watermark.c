/* SPDX-License-Identifier: MIT */
#include "kernel/watermark.h"

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

static void as_the_kernel_has_it(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");

    assert_int_equal(watermark_low(proc.fd, 32 * MIB), MIB);
    scratch_put(&proc, "sys/vm/min_free_kbytes", "4096\n");
    assert_int_equal(watermark_low(proc.fd, 100 * MIB), 5 * MIB);
    /* A thousandth part, as it is unless somebody changed it. */
    assert_int_equal(watermark_low(proc.fd, 10000 * MIB), 14 * MIB);
    scratch_put(&proc, "sys/vm/watermark_scale_factor", "100\n");
    assert_int_equal(watermark_low(proc.fd, 10000 * MIB), 104 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_kernel_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
