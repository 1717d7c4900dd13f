/* SPDX-License-Identifier: MIT */
#include "daemon/pin_open.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "unit/daemon/scanning.h"
#include "unit/hold/descriptors.h"

/* The walk's openat() goes through this, so that a file can be exchanged between two looks at it:
 * the scan only looks at names, and when @watched is opened, @exchange is called first. */
static const char *watched;
static void (*exchange)(void);
static unsigned times_opened;

static int open_hooked(int dir_fd, const char *name, int flags, mode_t mode)
{
    if (watched && strcmp(name, watched) == 0 && ++times_opened == 1)
        exchange();
    return (int)syscall(SYS_openat, dir_fd, name, flags, mode);
}

int openat(int dir_fd, const char *name, int flags, ...)
{
    va_list ap;

    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_hooked(dir_fd, name, flags, mode);
}

/* What _FORTIFY_SOURCE makes of it. */
int __openat64_2(int dir_fd, const char *name, int flags);
int __openat64_2(int dir_fd, const char *name, int flags)
{
    return open_hooked(dir_fd, name, flags, 0);
}

static void opened_in_batches(void **state)
{
    enum { FILES = 2 * HOLD_BATCH_MAX + 7 };
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, 1000 * MIB, "/*", NULL);
    size_t batches = 0, at = 0, opened = 0;
    char name[32];

    for (size_t i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "%03zu", i);
        scratch_put_sized(&root, name, i + 1);
    }
    /* Here and there one that needs no opening, at the end too. */
    add_held(&root, scan, "003", 4, 0);
    snprintf(name, sizeof(name), "%03d", FILES - 1);
    add_held(&root, scan, name, FILES, 0);
    run_scan(scan);
    assert_int_equal(scan->n_steps, FILES);
    size_t before = count_descriptors(0);
    for (; at < scan->n_steps; batches++) {
        PinOpening *opening = open_steps(scan, at, &at);
        assert_int_equal(count_descriptors(0), before + opening->list.n_files);
        for (size_t i = 0; i < opening->list.n_files; i++) {
            const PinStep *step = &scan->steps[opening->steps[i]];
            assert_false(step->held);
            expect_opened(opening, i, pin_step_file(scan, step));
        }
        opened += opening->list.n_files;
        pin_opening_free(opening);
    }
    assert_int_equal(opened, FILES - 2);
    assert_int_equal(batches, 3);
    assert_int_equal(count_descriptors(0), before);
    pin_opening_free(NULL);
}

static Scratch *exchanged_root;

static void exchange_by_another(void)
{
    scratch_put_sized(exchanged_root, "new", 3 * PAGE);
    must(renameat(exchanged_root->fd, "new", exchanged_root->fd, "b"));
}

static void exchange_by_a_link(void)
{
    must(unlinkat(exchanged_root->fd, "b", 0));
    must(symlinkat("a", exchanged_root->fd, "b"));
}

static void exchange_by_a_fifo(void)
{
    must(unlinkat(exchanged_root->fd, "b", 0));
    must(mkfifoat(exchanged_root->fd, "b", 0600));
}

static void exchange_by_nothing(void)
{
    must(unlinkat(exchanged_root->fd, "b", 0));
}

static void files_that_are_exchanged_meanwhile(void **state)
{
    static const struct {
        void (*exchange)(void);
        int error;
    } cases[] = {
        { exchange_by_another, -ESTALE },
        { exchange_by_a_link, -ENOENT },
        { exchange_by_a_fifo, -ENOENT },
        { exchange_by_nothing, -ENOENT },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
        CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/*", NULL);
        size_t before = count_descriptors(0), next;

        exchanged_root = &root;
        exchange = cases[i].exchange;
        scratch_put_sized(&root, "a", PAGE);
        scratch_put_sized(&root, "b", PAGE);
        scratch_put_sized(&root, "c", PAGE);
        times_opened = 0;
        watched = "b";
        run_scan(scan);
        expect_steps(&root, scan, "/a 4096/4096\n/b 4096/4096\n/c 4096/4096\n");
        PinOpening *opening = open_steps(scan, 0, &next);
        watched = NULL;
        assert_int_equal(times_opened, 1);
        expect_opened(opening, 0, &scan->files.files[0]);
        assert_int_equal(opening->fds[1], cases[i].error);
        expect_opened(opening, 2, &scan->files.files[2]);
        assert_int_equal(count_descriptors(0), before + 2);
        pin_opening_free(opening);
        assert_int_equal(count_descriptors(0), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opened_in_batches),
        cmocka_unit_test(files_that_are_exchanged_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
