/* SPDX-License-Identifier: MIT */
#include "kernel/gentle.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit/test.h"

#define IOPRIO_IDLE (3 << 13)

typedef struct Priorities {
    int nice;
    long io;
} Priorities;

static Priorities priorities(void)
{
    return (Priorities){
        getpriority(PRIO_PROCESS, (id_t)gettid()),
        syscall(__NR_ioprio_get, 1, 0),
    };
}

static void *work(void *argument)
{
    gentle_thread();
    *(Priorities *)argument = priorities();
    return NULL;
}

static void only_the_thread_that_asks(void **state)
{
    Priorities before = priorities(), worker;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, work, &worker), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(worker.nice >= 10 && (worker.nice > before.nice || before.nice == 19));
    assert_int_equal(worker.io, IOPRIO_IDLE);
    Priorities after = priorities();
    assert_int_equal(after.nice, before.nice);
    assert_int_equal(after.io, before.io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_thread_that_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
