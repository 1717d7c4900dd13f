/* SPDX-License-Identifier: MIT */
#include "daemon/ledger.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

/* As the limiter does it: @in_force is what it read back last. */
static int note(Ledger *ledger, const char *unit, const char *cgroup, uint64_t original,
                bool had_dropin, uint64_t in_force, uint64_t ours)
{
    return ledger_note(ledger, &(LedgerEntry){
                                   .unit = (char *)unit,
                                   .cgroup = (char *)cgroup,
                                   .original = original,
                                   .ours = { in_force, ours },
                                   .had_dropin = had_dropin,
                                   .id = 7,
                               });
}

#define TEXT_MAX 65536

static Ledger opened(const Scratch *scratch)
{
    Ledger ledger;
    size_t bad = 42;

    assert_int_equal(ledger_open(&ledger, scratch->fd, &bad), 0);
    assert_int_equal(bad, 0);
    return ledger;
}

#define CLEANUP_LEDGER cleanup(ledger_close)

static void expect_entry(const Ledger *ledger, const LedgerEntry *expected)
{
    const LedgerEntry *e = ledger_find(ledger, expected->unit);

    assert_non_null(e);
    assert_string_equal(e->unit, expected->unit);
    assert_string_equal(e->cgroup, expected->cgroup);
    assert_true(e->original == expected->original);
    assert_true(e->ours[0] == expected->ours[0] && e->ours[1] == expected->ours[1]);
    assert_int_equal(e->had_dropin, expected->had_dropin);
    assert_int_equal(e->id, 7);
}

static void expect_text(const Scratch *scratch, const char *expected)
{
    char text[TEXT_MAX];

    assert_string_equal(scratch_get(scratch, LEDGER_NAME, text, sizeof(text)), expected);
}

static void without_a_file_it_is_empty(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    CLEANUP_LEDGER Ledger ledger = opened(&scratch);

    assert_int_equal(ledger.n_entries, 0);
    assert_int_equal(ledger.dir_fd, scratch.fd);
    assert_null(ledger_find(&ledger, "backup.service"));
    /* Reading makes no file, and forgetting what is not there none either. */
    assert_int_equal(ledger_forget(&ledger, "backup.service"), 0);
    assert_int_equal(faccessat(scratch.fd, LEDGER_NAME, F_OK, 0), -1);
    scratch_put(&scratch, LEDGER_NAME, "");
    Ledger again = opened(&scratch);
    assert_int_equal(again.n_entries, 0);
    ledger_close(&again);
}

static void another_original_is_read_again(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    Ledger ledger = opened(&scratch);

    assert_int_equal(ledger_set_original(&ledger, "a.service", GIB), 0);
    assert_int_equal(ledger.n_entries, 0);
    assert_int_equal(note(&ledger, "a.service", "/a.service", LIMIT_NONE, true, MIB, 2 * MIB), 0);
    assert_int_equal(ledger_set_original(&ledger, "a.service", GIB), 0);
    ledger_close(&ledger);
    ledger = opened(&scratch);
    expect_entry(&ledger, &(LedgerEntry){
                              .unit = (char *)"a.service",
                              .cgroup = (char *)"/a.service",
                              .original = GIB,
                              .ours = { MIB, 2 * MIB },
                          });
    ledger_close(&ledger);
}

static void what_was_noted_is_read_again(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    Ledger ledger = opened(&scratch);

    assert_int_equal(
        note(&ledger, "a.service", "/system.slice/a.service", LIMIT_NONE, false, 100, 100), 0);
    assert_int_equal(
        note(&ledger, "b-\\x2d@1.service", "/b.slice/b-\\x2d@1.service", GIB, true, 200, 200), 0);
    assert_int_equal(note(&ledger, "c.scope", "/c.scope", 0, false, LIMIT_NONE, LIMIT_NONE), 0);
    expect_text(&scratch,
                "a.service\t/system.slice/a.service\t18446744073709551615\t100\t100\t0\t7\n"
                "b-\\x2d@1.service\t/b.slice/b-\\x2d@1.service\t1073741824\t200\t200\t1\t7\n"
                "c.scope\t/c.scope\t0\t18446744073709551615\t18446744073709551615\t0\t7\n");
    ledger_close(&ledger);
    assert_int_equal(ledger.n_entries, 0);
    assert_int_equal(ledger.dir_fd, -1);

    CLEANUP_LEDGER Ledger again = opened(&scratch);
    assert_int_equal(again.n_entries, 3);
    expect_entry(&again, &(LedgerEntry){ (char *)"a.service",
                                         (char *)"/system.slice/a.service",
                                         LIMIT_NONE,
                                         { 100, 100 },
                                         false });
    expect_entry(&again, &(LedgerEntry){ (char *)"b-\\x2d@1.service",
                                         (char *)"/b.slice/b-\\x2d@1.service",
                                         GIB,
                                         { 200, 200 },
                                         true });
    expect_entry(&again,
                 &(LedgerEntry){
                     (char *)"c.scope", (char *)"/c.scope", 0, { LIMIT_NONE, LIMIT_NONE }, false });
    assert_null(ledger_find(&again, "a.servic"));
    assert_null(ledger_find(&again, ""));
}

static void the_first_original_is_kept(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    CLEANUP_LEDGER Ledger ledger = opened(&scratch);

    assert_int_equal(note(&ledger, "a.service", "/a.service", 1000, true, 900, 900), 0);
    /* Later, what is in force is ours, and so is the drop-in. */
    assert_int_equal(note(&ledger, "a.service", "/elsewhere", 900, false, 900, 800), 0);
    expect_entry(
        &ledger,
        &(LedgerEntry){ (char *)"a.service", (char *)"/elsewhere", 1000, { 900, 800 }, true });
    expect_text(&scratch, "a.service\t/elsewhere\t1000\t900\t800\t1\t7\n");

    Ledger again = opened(&scratch);
    assert_int_equal(note(&again, "a.service", "/a.service", 800, false, 800, 700), 0);
    ledger_close(&again);
    expect_text(&scratch, "a.service\t/a.service\t1000\t800\t700\t1\t7\n");
}

static void either_of_the_last_two_is_ours(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    CLEANUP_LEDGER Ledger ledger = opened(&scratch);
    const LedgerEntry *e;

    assert_int_equal(note(&ledger, "a.service", "/a.service", 1000, false, 900, 900), 0);
    e = ledger_find(&ledger, "a.service");
    assert_true(ledger_entry_is_ours(e, 900));
    assert_false(ledger_entry_is_ours(e, 1000));
    assert_int_equal(note(&ledger, "a.service", "/a.service", 1000, false, 900, 800), 0);
    assert_int_equal(note(&ledger, "a.service", "/a.service", 1000, false, 800, 700), 0);
    e = ledger_find(&ledger, "a.service");
    assert_true(ledger_entry_is_ours(e, 700));
    assert_true(ledger_entry_is_ours(e, 800));
    assert_false(ledger_entry_is_ours(e, 900));
    assert_false(ledger_entry_is_ours(e, 0));
    assert_false(ledger_entry_is_ours(e, LIMIT_NONE));

    /* What is tried in vain, the same or another, does not push out what is still in force. */
    assert_int_equal(note(&ledger, "a.service", "/a.service", 1000, false, 800, 600), 0);
    assert_int_equal(note(&ledger, "a.service", "/a.service", 1000, false, 800, 700), 0);
    assert_int_equal(note(&ledger, "a.service", "/a.service", 1000, false, 800, 700), 0);
    assert_true(ledger_entry_is_ours(ledger_find(&ledger, "a.service"), 800));
    assert_true(ledger_entry_is_ours(ledger_find(&ledger, "a.service"), 700));
}

static void forgetting(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    CLEANUP_LEDGER Ledger ledger = opened(&scratch);
    static const char *const units[] = { "a.service", "b.service", "c.service" };

    for (size_t i = 0; i < ELEMENTS(units); i++)
        assert_int_equal(note(&ledger, units[i], "/x", i, false, i, i), 0);
    assert_int_equal(ledger_forget(&ledger, "d.service"), 0);
    assert_int_equal(ledger.n_entries, 3);
    /* The name may be the entry's own. */
    assert_int_equal(ledger_forget(&ledger, ledger_find(&ledger, "a.service")->unit), 0);
    assert_int_equal(ledger.n_entries, 2);
    assert_null(ledger_find(&ledger, "a.service"));
    assert_int_equal(ledger_find(&ledger, "b.service")->original, 1);
    assert_int_equal(ledger_find(&ledger, "c.service")->original, 2);

    Ledger again = opened(&scratch);
    assert_int_equal(again.n_entries, 2);
    ledger_close(&again);
    assert_int_equal(ledger_forget(&ledger, "c.service"), 0);
    assert_int_equal(ledger_forget(&ledger, "b.service"), 0);
    assert_int_equal(ledger.n_entries, 0);
    expect_text(&scratch, "");
    /* Noted anew, its original is a new one. */
    assert_int_equal(note(&ledger, "a.service", "/a", 5, true, 4, 4), 0);
    assert_int_equal(ledger_find(&ledger, "a.service")->original, 5);
}

static void bad_lines_are_counted_and_skipped(void **state)
{
    static const char *const bad[] = {
        "a.service",
        "a.service\t/a",
        "a.service\t/a\t1\t2\t3",
        "a.service\t/a\t1\t2\t3\t",
        "a.service\t/a\t1\t2\t3\t0\t7\t",
        "a.service\t/a\t1\t2\t3\t0\t7\t0",
        "a.service\t/a\t1\t2\t3\t0\t",
        "a.service\t/a\t1\t2\t3\t0\t-7",
        "a.service\t/a\t1\t2\t3\t2\t7",
        "a.service\t/a\t1\t2\t3\t-1\t7",
        "a.service\t/a\tmax\t2\t3\t0\t7",
        "a.service\t/a\t\t2\t3\t0\t7",
        "a.service\t/a\t1\t18446744073709551616\t3\t0\t7",
        "a.service\t/a\t1\t2\t 3\t0\t7",
        "a.service\ta\t1\t2\t3\t0\t7",
        "a.service\t\t1\t2\t3\t0\t7",
        "\t/a\t1\t2\t3\t0\t7",
        "\t\t\t\t\t\t",
        "\t",
        "a.service /a 1 2 3 0 7",
        "a.service\t/a\t1\t2\t3\t0\t7\r",
        "good.service\t/again\t1\t2\t3\t0\t7", /* a unit twice */
    };

    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
        CLEANUP_LEDGER Ledger ledger;
        char text[1024];
        size_t n_bad = 0;

        snprintf(text, sizeof(text),
                 "good.service\t/good\t1\t2\t3\t1\t7\n%s\n\nbetter.scope\t/b\t4\t5\t6\t0\t7\n",
                 bad[i]);
        scratch_put(&scratch, LEDGER_NAME, text);
        assert_int_equal(ledger_open(&ledger, scratch.fd, &n_bad), 0);
        if (n_bad != 1 || ledger.n_entries != 2)
            fail_msg("\"%s\": %zu bad lines, %zu good ones", bad[i], n_bad, ledger.n_entries);
        expect_entry(&ledger,
                     &(LedgerEntry){ (char *)"good.service", (char *)"/good", 1, { 2, 3 }, true });
        expect_entry(&ledger,
                     &(LedgerEntry){ (char *)"better.scope", (char *)"/b", 4, { 5, 6 }, false });
    }
}

static void a_text_that_ends_early(void **state)
{
    static const char text[] = "a.service\t/a\t1\t2\t3\t1\t7\nb.service\t/b\t12\t34\t56\t0\t7\n";

    for (size_t length = 0; length < sizeof(text); length++) {
        CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
        Ledger ledger;
        char part[sizeof(text)];

        snprintf(part, length + 1, "%s", text);
        scratch_put(&scratch, LEDGER_NAME, part);
        assert_int_equal(ledger_open(&ledger, scratch.fd, NULL), 0);
        /* The last newline may be missing, nothing else. */
        size_t expected = (length >= 22) + (length >= 48);
        if (ledger.n_entries != expected)
            fail_msg("%zu bytes: %zu entries", length, ledger.n_entries);
        ledger_close(&ledger);
    }
}

static void a_nul_hides_nothing(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    static const char text[] =
        "a.service\t/a\t1\t2\t3\t0\t7\0\n\0\nb\0.service\t/b\t1\t2\t3\t0\t7\n"
        "c.service\t/c\t7\t8\t9\t0\t7\n";
    CLEANUP_LEDGER Ledger ledger;
    size_t bad = 0;

    int fd = must(openat(scratch.fd, LEDGER_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    must(write(fd, text, sizeof(text) - 1));
    close(fd);
    assert_int_equal(ledger_open(&ledger, scratch.fd, &bad), 0);
    assert_int_equal(bad, 3);
    assert_int_equal(ledger.n_entries, 1);
    assert_int_equal(ledger_find(&ledger, "c.service")->original, 7);
}

static void files_that_cannot_be_read(void **state)
{
    static const struct {
        const char *kind;
        int expected;
    } cases[] = {
        { "folder", -EISDIR },
        { "fifo", -EINVAL },
        { "huge", -E2BIG },
        { "loop", -ELOOP },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
        Ledger ledger;

        if (i == 0)
            must(mkdirat(scratch.fd, LEDGER_NAME, 0700));
        else if (i == 1)
            must(mkfifoat(scratch.fd, LEDGER_NAME, 0600));
        else if (i == 3)
            must(symlinkat(LEDGER_NAME, scratch.fd, LEDGER_NAME));
        else {
            scratch_put(&scratch, LEDGER_NAME, "x");
            must(truncate(scratch_path(&scratch, LEDGER_NAME), 4 * 1024 * 1024 + 1));
        }
        int r = ledger_open(&ledger, scratch.fd, NULL);
        if (r != cases[i].expected)
            fail_msg("%s: %d", cases[i].kind, r);
        assert_int_equal(ledger.n_entries, 0);
        ledger_close(&ledger);
    }
}

static void what_could_not_be_read_again(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    Ledger ledger = opened(&scratch);
    static char path[65536], last[sizeof(path)];
    int r = 0;

    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    for (unsigned i = 0; i < 1000 && r >= 0; i++) {
        snprintf(path + sizeof(path) - 5, 5, "%04u", i);
        r = note(&ledger, path, path, LIMIT_NONE, false, i, i);
        if (r >= 0)
            memcpy(last, path, sizeof(path));
    }
    assert_int_equal(r, -EFBIG);
    assert_null(ledger_find(&ledger, path));
    ledger_close(&ledger);
    ledger = opened(&scratch);
    assert_non_null(ledger_find(&ledger, last));
    assert_int_equal(ledger_forget(&ledger, last), 0);
    assert_int_equal(note(&ledger, path, path, 1, false, 2, 2), 0);
    ledger_close(&ledger);
}

static void the_file_is_replaced_and_private(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    CLEANUP_LEDGER Ledger ledger = opened(&scratch);
    struct stat before, after;
    char text[TEXT_MAX];
    mode_t mask = umask(0);

    scratch_put(&scratch, LEDGER_NAME, "old\n");
    scratch_put(&scratch, "." LEDGER_NAME ".new",
                "left by a crash, longer than what comes after it");
    must(fchmodat(scratch.fd, LEDGER_NAME, 0666, 0));
    int old = must(openat(scratch.fd, LEDGER_NAME, O_RDONLY | O_CLOEXEC));
    must(fstat(old, &before));
    assert_int_equal(note(&ledger, "a.service", "/a", 1, false, 2, 2), 0);
    umask(mask);

    must(fstatat(scratch.fd, LEDGER_NAME, &after, 0));
    assert_int_equal(after.st_mode & 07777, 0600);
    assert_true(before.st_ino != after.st_ino);
    /* Whoever had the old one open reads the old one, whole. */
    assert_int_equal(must(pread(old, text, sizeof(text), 0)), 4);
    close(old);
    assert_int_equal(faccessat(scratch.fd, "." LEDGER_NAME ".new", F_OK, 0), -1);
    expect_text(&scratch, "a.service\t/a\t1\t2\t2\t0\t7\n");
}

static void what_cannot_be_written_is_an_error(void **state)
{
    Scratch scratch = scratch_new("/tmp");
    CLEANUP_LEDGER Ledger ledger = opened(&scratch);

    assert_int_equal(note(&ledger, "a.service", "/a", 1, false, 2, 2), 0);
    must(unlinkat(scratch.fd, LEDGER_NAME, 0));
    must(rmdir(scratch.path));
    assert_int_equal(note(&ledger, "b.service", "/b", 1, false, 2, 2), -ENOENT);
    assert_int_equal(note(&ledger, "a.service", "/x", 1, false, 3, 3), -ENOENT);
    assert_int_equal(ledger.n_entries, 1);
    const LedgerEntry *entry = ledger_find(&ledger, "a.service");
    assert_string_equal(entry->cgroup, "/a");
    assert_false(ledger_entry_is_ours(entry, 3));
    assert_int_equal(ledger_forget(&ledger, "a.service"), -ENOENT);
    close(scratch.fd);
}

/* Until it is killed. */
static void note_for_ever(const Scratch *scratch)
{
    Ledger ledger;

    if (ledger_open(&ledger, scratch->fd, NULL) < 0)
        _exit(1);
    for (uint64_t i = 0;; i++) {
        char unit[64];
        snprintf(unit, sizeof(unit), "unit-%ju.service", (uintmax_t)(i % 50));
        if (note(&ledger, unit, "/some.slice/some.service", LIMIT_NONE, false, i, i) < 0 ||
            (i % 3 == 0 && ledger_forget(&ledger, unit) < 0))
            _exit(2);
    }
}

static void killed_while_writing(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/dev/shm");
    size_t entries = 0;

    for (unsigned i = 0; i < 50; i++) {
        int status;
        fflush(NULL);
        pid_t pid = must(fork());
        if (pid == 0)
            note_for_ever(&scratch);
        usleep(1000 + i * 137 % 3000);
        kill(pid, SIGKILL);
        must(waitpid(pid, &status, 0));
        assert_true(WIFSIGNALED(status));
        Ledger ledger = opened(&scratch); /* with no bad line */
        entries += ledger.n_entries;
        ledger_close(&ledger);
    }
    assert_true(entries > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_it_is_empty),
        cmocka_unit_test(another_original_is_read_again),
        cmocka_unit_test(what_was_noted_is_read_again),
        cmocka_unit_test(the_first_original_is_kept),
        cmocka_unit_test(either_of_the_last_two_is_ours),
        cmocka_unit_test(forgetting),
        cmocka_unit_test(bad_lines_are_counted_and_skipped),
        cmocka_unit_test(a_text_that_ends_early),
        cmocka_unit_test(a_nul_hides_nothing),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(what_could_not_be_read_again),
        cmocka_unit_test(the_file_is_replaced_and_private),
        cmocka_unit_test(what_cannot_be_written_is_an_error),
        cmocka_unit_test(killed_while_writing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
