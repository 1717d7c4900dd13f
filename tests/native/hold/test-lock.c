/* SPDX-License-Identifier: MIT */
/* What happens between populating and locking, and when mlock2() fails. */
#include "hold/lock.h"

#include <sys/resource.h>

#include "native/hold/mapped.h"
#include "native/native.h"

#define PAGE UINT64_C(4096)
#define SIZE (5 * MIB) /* more entries than are read at once */

static size_t lose_at;  /* this page is reclaimed before it is locked; SIZE_MAX: none */
static int fails;       /* errno */
static unsigned n_full; /* calls of mlock() */

int __real_mlock2(const void *address, size_t size, unsigned flags);
int __wrap_mlock2(const void *address, size_t size, unsigned flags);
int __real_mlock(const void *address, size_t size);
int __wrap_mlock(const void *address, size_t size);

int __wrap_mlock2(const void *address, size_t size, unsigned flags)
{
    if (lose_at != SIZE_MAX)
        must(madvise((uint8_t *)address + lose_at * PAGE, PAGE, MADV_DONTNEED));
    if (fails) {
        errno = fails;
        return -1;
    }
    return __real_mlock2(address, size, flags);
}

int __wrap_mlock(const void *address, size_t size)
{
    n_full++;
    return __real_mlock(address, size);
}

/* How often all of it had to be looked up. */
static unsigned lock_one(size_t lost, int failing)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", SIZE);

    uint8_t *at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, file, 0);
    assert_true(at != MAP_FAILED);
    must(madvise(at, SIZE, MADV_POPULATE_READ));
    lose_at = lost;
    fails = failing;
    n_full = 0;
    assert_int_equal(lock_populated(at, SIZE), 0);
    assert_int_equal(locked_in_all(getpid()), SIZE);
    munmap(at, SIZE);
    return n_full;
}

/* Unless a page is reclaimed before. */
static void what_is_mapped_is_locked_at_once(void **state)
{
    assert_true(in_one_of_some_tries(lock_one(SIZE_MAX, 0) == 0));
}

static void what_was_lost_is_brought_back(void **state)
{
    assert_int_equal(lock_one(0, 0), 1);
    assert_int_equal(lock_one(600, 0), 1);
    assert_int_equal(lock_one(SIZE / PAGE - 1, 0), 1);
}

static void without_mlock2(void **state)
{
    assert_int_equal(lock_one(SIZE_MAX, ENOSYS), 1);
}

/* Then nobody tells what is mapped. */
static void without_descriptors(void **state)
{
    struct rlimit before, none;

    must(getrlimit(RLIMIT_NOFILE, &before));
    none = (struct rlimit){ 0, before.rlim_max };
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", PAGE);
    uint8_t *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    lose_at = SIZE_MAX;
    fails = 0;
    n_full = 0;
    must(setrlimit(RLIMIT_NOFILE, &none));
    int r = lock_populated(at, PAGE);
    must(setrlimit(RLIMIT_NOFILE, &before));
    assert_int_equal(r, 0);
    assert_int_equal(n_full, 1);
    assert_int_equal(locked_in_all(getpid()), PAGE);
    munmap(at, PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_mapped_is_locked_at_once),
        cmocka_unit_test(what_was_lost_is_brought_back),
        cmocka_unit_test(without_mlock2),
        cmocka_unit_test(without_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
