/* SPDX-License-Identifier: MIT */
#include "daemon/hand_record.h"

#include <errno.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

#define TEXT_MAX 4096

typedef struct Seen {
    HandEntry entries[4];
    char units[4][64], paths[4][64];
    size_t n;
    int result;
} Seen;

static int on_entry(const HandEntry *entry, void *userdata)
{
    Seen *seen = userdata;

    assert_true(seen->n < 4);
    seen->entries[seen->n] = *entry;
    snprintf(seen->units[seen->n], 64, "%s", entry->unit ? entry->unit : "(none)");
    snprintf(seen->paths[seen->n++], 64, "%s", entry->path);
    return seen->result;
}

static void append(const Scratch *scratch, const HandEntry *entry)
{
    char *text;
    size_t size;

    FILE *out = open_memstream(&text, &size);
    hand_record_print(out, entry);
    fclose(out);
    assert_int_equal(hand_record_append(scratch->fd, text, size), 0);
    free(text);
}

static void what_was_written_is_read(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    char text[TEXT_MAX];
    Seen seen = { 0 };
    size_t bad = 42;

    append(&scratch, &(HandEntry){ NULL, "/a", 1, 2, 0, 3, 0 });
    append(&scratch, &(HandEntry){ "shop.service", "/a b\tc\nd\\x41\x7f\xff", UINT64_MAX, 1, 1000,
                                   1700000000000000, 99 });
    assert_string_equal(scratch_get(&scratch, HAND_RECORD_NAME, text, sizeof(text)),
                        "-\t1\t2\t0\t3\t0\t/a\n"
                        "shop.service\t18446744073709551615\t1\t1000\t1700000000000000\t99\t"
                        "/a\\x20b\\x09c\\x0ad\\x5cx41\\x7f\xff\n");
    assert_int_equal(hand_record_read(scratch.fd, on_entry, &seen, &bad), 0);
    assert_int_equal(bad, 0);
    assert_int_equal(seen.n, 2);
    assert_string_equal(seen.units[0], "(none)");
    assert_string_equal(seen.paths[0], "/a");
    assert_int_equal(seen.entries[0].ino, 2);
    assert_string_equal(seen.units[1], "shop.service");
    assert_string_equal(seen.paths[1], "/a b\tc\nd\\x41\x7f\xff");
    assert_true(seen.entries[1].dev == UINT64_MAX);
    assert_int_equal(seen.entries[1].by, 1000);
    assert_true(seen.entries[1].since_usec == 1700000000000000);
    assert_int_equal(seen.entries[1].until_usec, 99);
}

static void bad_lines_are_skipped(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    Seen seen = { 0 };
    size_t bad = 0;

    scratch_put(&scratch, HAND_RECORD_NAME,
                "-\t1\t2\t0\t3\t/no-until\n"
                "-\t1\t2\t0\t3\t0\trelative\n"
                "-\t1\t2\t0\t3\t0\t/a\tb\n"
                "-\t1\t2\t0\t3\t0\t/a\\x4\n"
                "-\t1\t2\t0\t3\t0\t/a\\x00\n"
                "-\t1\t2\t0\t3\t0\t/a\\n\n"
                "-\t1\t-2\t0\t3\t0\t/a\n"
                "\t1\t2\t0\t3\t0\t/a\n"
                "\n"
                "-\t1\t2\t0\t3\t0\t/good\n"
                "-\t1\t2\t0\t3\t0\t/cut-off");
    assert_int_equal(hand_record_read(scratch.fd, on_entry, &seen, &bad), 0);
    assert_int_equal(bad, 10);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.paths[0], "/good");
}

static void replaced_and_removed(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    Seen seen = { .result = -ENOMEM };
    char text[TEXT_MAX];
    size_t bad = 42;

    assert_int_equal(hand_record_read(scratch.fd, on_entry, &seen, &bad), 0);
    assert_int_equal(bad, 0);
    append(&scratch, &(HandEntry){ NULL, "/a", 1, 2, 0, 3, 0 });
    assert_int_equal(hand_record_read(scratch.fd, on_entry, &seen, &bad), -ENOMEM);
    assert_int_equal(hand_record_replace(scratch.fd, "x\n", 2), 0);
    assert_string_equal(scratch_get(&scratch, HAND_RECORD_NAME, text, sizeof(text)), "x\n");
    assert_int_equal(hand_record_replace(scratch.fd, "", 0), 0);
    assert_int_equal(faccessat(scratch.fd, HAND_RECORD_NAME, F_OK, 0), -1);
    hand_record_remove(scratch.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(bad_lines_are_skipped),
        cmocka_unit_test(replaced_and_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
