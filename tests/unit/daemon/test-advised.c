/* SPDX-License-Identifier: MIT */
#include "daemon/advised.h"

#include <errno.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

static void expect(const Scratch *scratch, const char *text)
{
    char buffer[1024];

    assert_string_equal(scratch_get(scratch, ADVISED_NAME, buffer, sizeof buffer), text);
}

static void note(Advised *advised, const char *unit, const char *a, const char *b)
{
    const char *const paths[] = { a, b };

    assert_int_equal(advised_note(advised, unit, "/s/u", paths, (a != NULL) + (b != NULL)), 0);
}

static void units_and_their_paths(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    Advised advised;

    assert_int_equal(advised_open(&advised, scratch.fd), 0);
    assert_int_equal(advised.n_entries, 0);
    note(&advised, "a.service", "/x", "/y*");
    note(&advised, "b.service", "/x", NULL);
    expect(&scratch, "a.service\t/s/u\t/x\na.service\t/s/u\t/y*\nb.service\t/s/u\t/x\n");
    note(&advised, "a.service", "/z", NULL);
    expect(&scratch, "b.service\t/s/u\t/x\na.service\t/s/u\t/z\n");
    note(&advised, "b.service", NULL, NULL);
    expect(&scratch, "a.service\t/s/u\t/z\n");

    /* What is noted already is not written again. */
    must(unlinkat(scratch.fd, ADVISED_NAME, 0));
    note(&advised, "a.service", "/z", NULL);
    note(&advised, "c.service", NULL, NULL);
    assert_int_equal(faccessat(scratch.fd, ADVISED_NAME, F_OK, 0), -1);
    advised_close(&advised);
}

static void what_cannot_be_written(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    static const char *const one[] = { "/x" }, *const two[] = { "/y" };
    Advised advised;

    assert_int_equal(advised_open(&advised, scratch.fd), 0);
    note(&advised, "a.service", "/x", NULL);
    advised.dir_fd = -1;
    assert_int_equal(advised_note(&advised, "a.service", "/s/u", two, 1), -EBADF);
    assert_int_equal(advised_note(&advised, "b.service", "/s/u", one, 1), -EBADF);
    assert_int_equal(advised_note(&advised, "a.service", "/s/u", NULL, 0), -EBADF);
    assert_int_equal(advised.n_entries, 1);
    assert_string_equal(advised.entries[0].path, "/x");
    /* It is tried again, and does not seem to be there. */
    advised.dir_fd = scratch.fd;
    assert_int_equal(advised_note(&advised, "b.service", "/s/u", one, 1), 0);
    expect(&scratch, "a.service\t/s/u\t/x\nb.service\t/s/u\t/x\n");
    advised_close(&advised);
}

static void what_could_not_be_read_again(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    static char path[15 * 1024 * 1024];
    const char *const paths[] = { path };
    Advised advised;

    assert_int_equal(advised_open(&advised, scratch.fd), 0);
    memset(path, '/', sizeof path - 1);
    assert_int_equal(advised_note(&advised, "a", "/g", paths, 1), 0);
    path[2 * 1024 * 1024] = '\0';
    assert_int_equal(advised_note(&advised, "b", "/g", paths, 1), -EFBIG);
    advised_close(&advised);
    assert_int_equal(advised_open(&advised, scratch.fd), 0);
    assert_int_equal(advised.n_entries, 1);
    advised_close(&advised);
}

static void lines_that_cannot_be_read(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    Advised advised;

    scratch_put(&scratch, ADVISED_NAME,
                "a\n\nb\t/g\nc\tg\t/x\n\t/g\t/x\nd\t/g\tx\ne\t/g\t/x\ty \nf\t/g\t/cut");
    assert_int_equal(advised_open(&advised, scratch.fd), 0);
    assert_int_equal(advised.n_entries, 2);
    assert_string_equal(advised.entries[0].unit, "e");
    assert_string_equal(advised.entries[0].cgroup, "/g");
    assert_string_equal(advised.entries[0].path, "/x\ty ");
    assert_string_equal(advised.entries[1].path, "/cut");
    advised_close(&advised);

    must(unlinkat(scratch.fd, ADVISED_NAME, 0));
    must(mkdirat(scratch.fd, ADVISED_NAME, 0755));
    assert_int_equal(advised_open(&advised, scratch.fd), -EISDIR);
}

/* Nobody is left there. */
static void taken_back(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    Advised advised;

    scratch_put(&scratch, ADVISED_NAME, "a\t/gone\t/x\n");
    assert_int_equal(advised_open(&advised, scratch.fd), 0);
    assert_int_equal(advised_undo(&advised, scratch.fd, scratch.fd, scratch.fd, 0), 0);
    assert_int_equal(advised.n_entries, 0);
    expect(&scratch, "");
    advised_close(&advised);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_and_their_paths),
        cmocka_unit_test(what_cannot_be_written),
        cmocka_unit_test(what_could_not_be_read_again),
        cmocka_unit_test(lines_that_cannot_be_read),
        cmocka_unit_test(taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
