/* SPDX-License-Identifier: MIT */
/* What the kernel is asked for, and by whom; it is not asked here. */
#include "evict/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "unit/test.h"
#include "util/units.h"

#define PAGE      4096
#define BEGIN     (3 * PAGE)
#define END       (GIB + 5)
#define CALLS_MAX 256
#define FOREVER_S 30 /* for a thread to get to run */

typedef struct Call {
    pthread_t by;
    uint64_t begin, length;
} Call;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the next six */
static pthread_cond_t called = PTHREAD_COND_INITIALIZER;
static Call calls[CALLS_MAX];
static unsigned n_calls;
static unsigned n_threads; /* that made a call; one waits there for @wanted of them */
static unsigned wanted;

static unsigned failing; /* so many calls go well before the others fail */
static atomic_bool cancelled;
static bool cancels; /* the first call does */
static int creating;

static bool is_new(pthread_t thread)
{
    for (unsigned i = 0; i < n_calls; i++)
        if (pthread_equal(calls[i].by, thread))
            return false;
    return true;
}

int __wrap_posix_fadvise64(int fd, off_t begin, off_t length, int advice);
int __wrap_posix_fadvise64(int fd, off_t begin, off_t length, int advice)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FOREVER_S;
    pthread_mutex_lock(&lock);
    n_threads += is_new(pthread_self());
    int r = n_calls >= failing ? EIO : 0;
    if (n_calls < CALLS_MAX)
        calls[n_calls++] = (Call){ pthread_self(), (uint64_t)begin, (uint64_t)length };
    if (cancels)
        atomic_store(&cancelled, true);
    pthread_cond_broadcast(&called);
    while (n_threads < wanted)
        if (pthread_cond_timedwait(&called, &lock, &until) == ETIMEDOUT)
            wanted = 0;
    pthread_mutex_unlock(&lock);
    return advice == POSIX_FADV_DONTNEED ? r : EINVAL;
}

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    return creating != 0 ? creating : __real_pthread_create(thread, attributes, start, argument);
}

static int setup(void **state)
{
    n_calls = n_threads = 0;
    wanted = 2;
    failing = UINT_MAX;
    atomic_store(&cancelled, false);
    cancels = false;
    creating = 0;
    return 0;
}

static int evict(uint64_t resident, uint64_t rate)
{
    const Residency clean = { .resident = resident, .has_resident = true, .has_counters = true };
    Pace pace = { .rate = rate, .cancelled = &cancelled };
    const Evicting e = {
        .fd = -1, /* nobody may ask about it: all is known to be clean */
        .begin = BEGIN,
        .end = END,
        .to_the_end = true,
        .pace = &pace,
        .measured = &clean,
    };

    return evict_advise_shared(&e);
}

static int compare(const void *a, const void *b)
{
    const Call *one = a, *other = b;

    return one->begin < other->begin ? -1 : one->begin > other->begin;
}

/* Each byte once, and whatever the file has grown by. */
static void expect_all(void)
{
    uint64_t at = BEGIN;

    qsort(calls, n_calls, sizeof(Call), compare);
    for (unsigned i = 0; i < n_calls; i++) {
        assert_int_equal(calls[i].begin, at);
        assert_true(i == 0 || at % (2 * MIB) == 0);
        at += calls[i].length;
        assert_int_equal(calls[i].length == 0, i == n_calls - 1);
    }
}

static void two_take_each_byte_once(void **state)
{
    assert_int_equal(evict(GIB, 0), 0);
    assert_int_equal(n_threads, 2);
    expect_all();
}

static void one_takes_all_where_there_is_no_other(void **state)
{
    creating = EAGAIN;
    wanted = 1;
    assert_int_equal(evict(GIB, 0), 0);
    assert_int_equal(n_threads, 1);
    assert_true(n_calls > 1);
    expect_all();
}

static void little_is_not_shared(void **state)
{
    wanted = 1;
    assert_int_equal(evict(MIB, 0), 0);
    assert_int_equal(n_calls, 1);
    expect_all();
}

static void a_rate_is_kept_by_one(void **state)
{
    wanted = 1;
    /* It asks for itself how much there is. */
    assert_int_equal(evict(GIB, GIB), -EBADF);
    assert_int_equal(n_calls, 0);
}

/* Each has at most one piece in hand then. */
static void a_failure_ends_it(void **state)
{
    failing = 1;
    assert_int_equal(evict(GIB, 0), -EIO);
    assert_in_range(n_calls, 2, 3);
}

static void a_cancellation_ends_it(void **state)
{
    cancels = true;
    wanted = 1;
    assert_int_equal(evict(GIB, 0), -ECANCELED);
    assert_in_range(n_calls, 1, 2);

    n_calls = 0;
    assert_int_equal(evict(GIB, 0), -ECANCELED);
    assert_int_equal(n_calls, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(two_take_each_byte_once), TEST(one_takes_all_where_there_is_no_other),
        TEST(little_is_not_shared),    TEST(a_rate_is_kept_by_one),
        TEST(a_failure_ends_it),       TEST(a_cancellation_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
