/* SPDX-License-Identifier: MIT */
/* Every allocation fails once: what is asked for fails as a whole or is done, and the program goes
 * on. The linker wraps the allocators, see meson.build. */

#include <errno.h>
#include <time.h>

#include "daemon/evictor.h"
#include "daemon/pin_open.h"
#include "unit/failing-memory.h"
#include "unit/kernel/scratch.h"
#include "unit/select/pin-rule.h"
#include "util/units.h"

/* A queue that the test runs itself. */
static Job *queue[8];
static size_t n_queued;

void jobs_submit(Jobs *jobs, Job *job)
{
    assert_true(n_queued < ELEMENTS(queue));
    queue[n_queued++] = job;
}

Job *job_abandon(Job *job)
{
    fail_msg("nothing is under way");
    return NULL;
}

/* Runs what is queued, with the allocation @n of it failing (0: none); whether one did. */
static bool run_queue(unsigned n)
{
    countdown = n;
    for (size_t i = 0; i < n_queued; i++)
        queue[i]->run(queue[i]);
    bool failed = n > 0 && countdown == 0;
    countdown = 0;
    for (size_t i = 0; i < n_queued; i++) {
        queue[i]->done(queue[i], queue[i]->owner);
        queue[i]->destroy(queue[i]);
    }
    n_queued = 0;
    return failed;
}

static void put_files(const Scratch *root, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        scratch_put(root, name, "x");
    }
}

static Evictor *an_evictor(Host *host)
{
    Evictor *e;

    assert_int_equal(evictor_new(host, "a.service", &e), 0);
    return e;
}

#define RULE(path_, seconds)                                                                      \
    {                                                                                             \
        .path = (char *)(path_), .idle_usec = (seconds)*USEC_PER_SEC, .every_usec = USEC_PER_SEC, \
        .range.end = UINT64_MAX                                                                   \
    }

static void new_rules_come_into_force_all_or_none(void **state)
{
    EvictRule old_rules[] = { RULE("/a*", 10), RULE("/b*", 20), RULE("/b*", 5) };
    EvictRule new_rules[] = { RULE("/b*", 100), RULE("/c*", 200), RULE("/a*", 50), RULE("/d*", 1) };
    Policy old = { .evicts = old_rules, .n_evicts = ELEMENTS(old_rules) };
    Policy new = { .evicts = new_rules, .n_evicts = ELEMENTS(new_rules) };
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    const Settings settings = { .refuse_network_filesystems = true };
    Host host = { .root_fd = nothing.fd, .proc_fd = nothing.fd, .settings = &settings };
    unsigned n = 0;
    int r;

    Evictor *e = an_evictor(&host);
    assert_int_equal(evictor_want(e, &old), 0);
    uint64_t before = evictor_linger_usec(e);
    do {
        countdown = ++n;
        r = evictor_want(e, &new);
        if (r == 0)
            break;
        assert_int_equal(r, -ENOMEM);
        assert_int_equal(evictor_linger_usec(e), before);
        /* Each of the old ones is still there, and runs. */
        evictor_tick(e, &(EvictorMoment){ .now_usec = n * 1000 * USEC_PER_SEC, .observe = true });
        assert_int_equal(n_queued, ELEMENTS(old_rules));
        run_queue(0);
    } while (n < 100);
    countdown = 0;
    assert_int_equal(n, 6); /* the array, and two for each of two rules */
    assert_int_equal(evictor_linger_usec(e), 206 * USEC_PER_SEC);
    assert_int_equal(evictor_want(e, NULL), 0);
    assert_int_equal(evictor_linger_usec(e), 0);
    evictor_free(e);
}

static bool look(Evictor *e, uint64_t second, unsigned n)
{
    evictor_tick(e, &(EvictorMoment){ .now_usec = second * USEC_PER_SEC, .observe = true });
    assert_int_equal(n_queued, 1);
    return run_queue(n);
}

static void a_look_without_memory_is_one_look_less(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    EvictRule rule = RULE("/*", 10);
    Policy policy = { .evicts = &rule, .n_evicts = 1 };
    const Settings settings = { .refuse_network_filesystems = true };
    Host host = { .root_fd = root.fd, .proc_fd = proc.fd, .settings = &settings };
    unsigned n = 1;

    /* One process, which has nothing open. */
    scratch_put(&proc, "1/maps", "");
    must(mkdirat(proc.fd, "1/fd", 0755));
    /* So many that the table grows under way. */
    put_files(&root, 300);
    for (bool failed = true; failed; n++) {
        Evictor *e = an_evictor(&host);
        assert_int_equal(evictor_want(e, &policy), 0);
        failed = look(e, 1000, n);
        assert_false(look(e, 2000, 0));
        evictor_free(e);
    }
    assert_true(n > 300);
}

static PinScan *a_scan(const Scratch *root)
{
    PinScan *scan = pin_scan_new(NULL, NULL);

    assert_non_null(scan);
    add_pin_rule(&scan->rules, &scan->n_rules, "/*");
    scan->root_fd = root->fd;
    scan->budget = GIB;
    scan->page = 4096;
    return scan;
}

static void a_scan_without_memory_is_an_error(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    unsigned n = 1, errors = 0;

    put_files(&root, 300);
    for (bool failed = true; failed; n++) {
        PinScan *scan = a_scan(&root);
        countdown = n;
        scan->job.run(&scan->job);
        failed = countdown == 0;
        countdown = 0;
        errors += scan->error == -ENOMEM;
        if (!failed) {
            assert_int_equal(scan->error, 0);
            assert_int_equal(scan->n_wishes, 300);
        }
        pin_scan_free(scan);
    }
    assert_true(errors > 20);
}

static void files_without_memory_are_not_opened(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    unsigned n = 1, none = 0, errors = 0;
    size_t next = 0;

    put_files(&root, HOLD_BATCH_MAX + 10);
    PinScan *scan = a_scan(&root);
    scan->job.run(&scan->job);
    for (bool failed = true; failed; n++) {
        countdown = n;
        PinOpening *opening = pin_opening_new(scan, 0, &next, NULL, NULL);
        if (opening)
            opening->job.run(&opening->job);
        failed = countdown == 0;
        countdown = 0;
        none += !opening;
        for (size_t i = 0; opening && i < opening->list.n_files; i++) {
            errors += opening->fds[i] == -ENOMEM;
            assert_true(opening->fds[i] >= 0 || opening->fds[i] == -ENOMEM);
            assert_true(failed || opening->fds[i] >= 0);
        }
        pin_opening_free(opening);
    }
    assert_in_range(none, 3, 9); /* itself, and its list, in larger and larger pieces */
    assert_true(errors > HOLD_BATCH_MAX);
    pin_scan_free(scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_rules_come_into_force_all_or_none),
        cmocka_unit_test(a_look_without_memory_is_one_look_less),
        cmocka_unit_test(a_scan_without_memory_is_an_error),
        cmocka_unit_test(files_without_memory_are_not_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
