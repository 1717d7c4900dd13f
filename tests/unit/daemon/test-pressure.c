/* SPDX-License-Identifier: MIT */
#include "daemon/pressure.h"

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

static void put(const Scratch *proc, uint64_t waited)
{
    char text[200];

    snprintf(text, sizeof(text),
             "some avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n"
             "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
             (unsigned long long)waited);
    scratch_put(proc, "pressure/memory", text);
}

static void a_tenth_of_the_time_is_pressure(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    HostPressure pressure = { 0 };
    uint64_t now = 3600 * USEC_PER_SEC, waited = 1800 * USEC_PER_SEC;

    put(&proc, waited);
    assert_false(host_pressure_look(&pressure, proc.fd, now)); /* a total says nothing */
    put(&proc, waited += 99 * USEC_PER_MSEC);
    assert_false(host_pressure_look(&pressure, proc.fd, now += USEC_PER_SEC));
    put(&proc, waited += 100 * USEC_PER_MSEC);
    assert_true(host_pressure_look(&pressure, proc.fd, now += USEC_PER_SEC));
    /* Too soon after that to know better. */
    assert_true(host_pressure_look(&pressure, proc.fd, now += 50 * USEC_PER_MSEC));
    assert_false(host_pressure_look(&pressure, proc.fd, now += USEC_PER_SEC));
}

static void a_kernel_without_it_is_never_pressed(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    HostPressure pressure = { 0 };

    assert_false(host_pressure_look(&pressure, proc.fd, USEC_PER_SEC));
    scratch_put(&proc, "pressure/memory", "nonsense\n");
    assert_false(host_pressure_look(&pressure, proc.fd, 2 * USEC_PER_SEC));
    /* What comes later begins anew. */
    put(&proc, 1000 * USEC_PER_SEC);
    assert_false(host_pressure_look(&pressure, proc.fd, 3 * USEC_PER_SEC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenth_of_the_time_is_pressure),
        cmocka_unit_test(a_kernel_without_it_is_never_pressed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
