/* SPDX-License-Identifier: MIT */
/* A disk that is slow, or takes nothing: cachestat(2) says what the test wants it to. */
#include <errno.h>
#include <sys/syscall.h>

#include "kernel/evict.h"
#include "native/native.h"

#define CACHESTAT_NR 451

#define PATIENCE (50 * USEC_PER_MSEC)

static uint64_t on_its_way; /* pages */
static bool shrinks;        /* by one page in each look */
static unsigned n_looks;
static atomic_bool cancelled; /* by the third look */

long __wrap_syscall(long nr, long a, long b, uint64_t *pages, long d);
long __wrap_syscall(long nr, long a, long b, uint64_t *pages, long d)
{
    assert_int_equal(nr, CACHESTAT_NR);
    atomic_store(&cancelled, ++n_looks == 3);
    if (shrinks && on_its_way > 0)
        on_its_way--;
    memset(pages, 0, 5 * sizeof *pages);
    pages[0] = 100;
    pages[2] = on_its_way;
    return 0;
}

static int write_back(uint64_t pages, bool is_taken)
{
    Pace pace = { 0 };
    Evicting e = { .fd = 0, .end = 100 * 4096, .pace = &pace };
    uint64_t written = 0;

    on_its_way = pages;
    shrinks = is_taken;
    return evict_write_back(&e, PATIENCE, &written);
}

/* Else whoever asks it would wait for as long as it takes. */
static void a_disk_that_takes_nothing(void **state)
{
    assert_int_equal(write_back(1, false), -ETIMEDOUT);
}

/* Nor does it take something because it is left alone now and then. */
static void it_is_not_waited_for_anew(void **state)
{
    Pace pace = { .cancelled = &cancelled };
    Evicting e = { .fd = 0, .end = 100 * 4096, .pace = &pace };
    uint64_t written = 0;
    unsigned tries = 0;
    int r;

    on_its_way = 1;
    shrinks = false;
    do {
        n_looks = 0;
        r = evict_write_back(&e, PATIENCE, &written);
    } while (r == -ECANCELED && ++tries < 100);
    assert_int_equal(r, -ETIMEDOUT);
    assert_true(tries > 0);
}

/* For longer than the patience: a page in each look, 10 ms apart. */
static void a_slow_disk(void **state)
{
    assert_int_equal(write_back(10, true), 0);
    assert_int_equal(on_its_way, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_takes_nothing),
        cmocka_unit_test(it_is_not_waited_for_anew),
        cmocka_unit_test(a_slow_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
