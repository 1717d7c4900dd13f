/* SPDX-License-Identifier: MIT */
#include "kernel/psi.h"

#include <errno.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

#define FULL "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"

static void both_lines(void **state)
{
    PsiTotals totals;

    assert_int_equal(psi_parse("some avg10=12.34 avg60=3.05 avg300=0.61 total=1843021\n"
                               "full avg10=9.87 avg60=2.41 avg300=0.48 total=1420877\n",
                               &totals),
                     0);
    assert_true(totals.valid);
    assert_int_equal(totals.some_usec, 1843021);
    assert_int_equal(totals.full_usec, 1420877);
    assert_float_equal(totals.some_avg10, 12.34, 1e-9);
    assert_float_equal(totals.full_avg10, 9.87, 1e-9);
}

static void the_largest_total(void **state)
{
    PsiTotals totals;

    assert_int_equal(psi_parse("some avg10=100.00 avg60=0.00 avg300=0.00 "
                               "total=18446744073709551615\n" FULL,
                               &totals),
                     0);
    assert_true(totals.some_usec == UINT64_MAX);
    assert_int_equal(totals.full_usec, 7);
}

static void cpu_pressure_may_lack_the_full_line(void **state)
{
    PsiTotals totals;

    assert_int_equal(psi_parse("some avg10=1.00 avg60=0.00 avg300=0.00 total=5\n", &totals), 0);
    assert_true(totals.valid);
    assert_int_equal(totals.full_usec, 0);
}

static void garbage_is_refused_and_changes_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        FULL,
        "some",
        "some \n",
        "some avg10=1.00 avg60=0.00 avg300=0.00 total=\n",
        "some avg10=1.00 avg60=0.00 avg300=0.00 total=12",      /* cut: could go on */
        "some avg10=1.00 avg60=0.00 avg300=0.00 total=12 ms\n", /* more than a number */
        "some avg10=1 avg60=0.00 avg300=0.00 total=12\n",
        "some avg10=1.5 avg60=0.00 avg300=0.00 total=12\n",
        "some avg10=1,50 avg60=0.00 avg300=0.00 total=12\n",
        "some avg10=-1.50 avg60=0.00 avg300=0.00 total=12\n",
        "some avg10=1.00 avg60=0.00 avg300=0.00 total=18446744073709551616\n",
        "some avg10=1.00 avg60=0.00 avg300=0.00 total=-1\n",
        "some avg60=0.00 avg10=1.00 avg300=0.00 total=12\n",
        "some avg10=1.00 avg60=0.00 avg300=0.00 total=12\nfull avg10=x\n",
    };

    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        PsiTotals totals = { .some_usec = 99 };
        if (psi_parse(texts[i], &totals) != -EBADMSG)
            fail_msg("taken: \"%s\"", texts[i]);
        assert_int_equal(totals.some_usec, 99);
        assert_false(totals.valid);
    }
}

static void probing(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");

    assert_int_equal(psi_probe(proc.fd), -EOPNOTSUPP);
    scratch_put(&proc, "pressure/memory", "");
    assert_int_equal(psi_probe(proc.fd), -EOPNOTSUPP);
    scratch_put(&proc, "pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" FULL);
    assert_int_equal(psi_probe(proc.fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_lines),
        cmocka_unit_test(the_largest_total),
        cmocka_unit_test(cpu_pressure_may_lack_the_full_line),
        cmocka_unit_test(garbage_is_refused_and_changes_nothing),
        cmocka_unit_test(probing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
