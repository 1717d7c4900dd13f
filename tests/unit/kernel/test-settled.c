/* SPDX-License-Identifier: MIT */
#include "kernel/settled.h"

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

#define CHANGED (UINT64_C(1000000) * USEC_PER_SEC)

static bool after(uint64_t seconds, uint64_t expire, uint64_t every)
{
    return is_settled(CHANGED, CHANGED + seconds * USEC_PER_SEC, expire, every);
}

static void when_the_kernel_has_written_it(void **state)
{
    /* Its defaults: 30 s, and a round each 5 s. */
    assert_false(after(0, 3000, 500));
    assert_false(after(40, 3000, 500));
    assert_true(after(41, 3000, 500));
    assert_true(after(4, 100, 100));
    assert_false(after(3, 100, 100));
    assert_false(after(100000, 3000, 0)); /* it never does by itself */
    assert_false(
        is_settled(CHANGED, CHANGED - 100 * USEC_PER_SEC, 3000, 500)); /* from the future */
    assert_false(after(100000, UINT64_MAX, 500));
}

static void a_new_file_is_not(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");

    scratch_put(&scratch, "f", "x");
    CLEANUP_CLOSE int fd = must(openat(scratch.fd, "f", O_RDONLY | O_CLOEXEC));
    assert_false(file_is_settled(fd));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_the_kernel_has_written_it),
        cmocka_unit_test(a_new_file_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
