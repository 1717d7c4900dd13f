/* SPDX-License-Identifier: MIT */
#include "kernel/memstat.h"

#include <errno.h>
#include <string.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

#define REQUIRED                                                                     \
    "anon 1\nfile 2\nactive_file 3\ninactive_file 4\nunevictable 5\nfile_mapped 6\n" \
    "file_dirty 7\nfile_writeback 8\nshmem 9\nslab_unreclaimable 10\n"

static void the_required_keys_are_enough(void **state)
{
    Sample sample = { .current = 77, .pgscan = 88 };

    assert_int_equal(memstat_parse(REQUIRED, &sample), 0);
    assert_int_equal(sample.anon, 1);
    assert_int_equal(sample.file, 2);
    assert_int_equal(sample.active_file, 3);
    assert_int_equal(sample.inactive_file, 4);
    assert_int_equal(sample.unevictable, 5);
    assert_int_equal(sample.file_mapped, 6);
    assert_int_equal(sample.file_dirty, 7);
    assert_int_equal(sample.file_writeback, 8);
    assert_int_equal(sample.shmem, 9);
    assert_int_equal(sample.slab_unreclaimable, 10);
    assert_int_equal(sample.kernel, 0);
    assert_int_equal(sample.pgscan, 0);   /* not left from before */
    assert_int_equal(sample.current, 77); /* not memory.stat's */
}

static void unknown_keys_and_garbage_are_skipped(void **state)
{
    Sample sample = { 0 };

    assert_int_equal(memstat_parse("\n \nnew_in_7.0 12\nanon_thp 99\nfile\npgscan many\n"
                                   "pgsteal 1 2\npgmajfault 99999999999999999999\n" REQUIRED
                                   "workingset_refault_file 25471\npgscan_kswapd 6\n",
                                   &sample),
                     0);
    assert_int_equal(sample.anon, 1);
    assert_int_equal(sample.refault_file, 25471);
    assert_int_equal(sample.pgscan, 0);
    assert_int_equal(sample.pgsteal, 0);
    assert_int_equal(sample.pgmajfault, 0);
}

static void the_largest_number(void **state)
{
    Sample sample = { 0 };

    assert_int_equal(memstat_parse(REQUIRED "pgsteal 18446744073709551615\n", &sample), 0);
    assert_true(sample.pgsteal == UINT64_MAX);
}

/* Each required key in turn is left out, made garbage, and made too large. */
static void no_byte_count_becomes_0_by_accident(void **state)
{
    static const char *const keys[] = {
        "anon ",        "file ",       "active_file ",    "inactive_file ", "unevictable ",
        "file_mapped ", "file_dirty ", "file_writeback ", "shmem ",         "slab_unreclaimable "
    };
    static const char *const values[] = { NULL, "x\n", "-1\n", "18446744073709551616\n", "\n" };

    for (size_t k = 0; k < ELEMENTS(keys); k++)
        for (size_t v = 0; v < ELEMENTS(values); v++) {
            Sample sample = { .anon = 4242 };
            char text[512] = "", *rest, copy[] = REQUIRED;

            rest = copy;
            for (char *line; (line = strsep(&rest, "\n")) && *line;) {
                bool spoilt = strncmp(line, keys[k], strlen(keys[k])) == 0;
                if (spoilt && values[v]) {
                    strcat(text, keys[k]);
                    strcat(text, values[v]);
                } else if (!spoilt) {
                    strcat(text, line);
                    strcat(text, "\n");
                }
            }
            if (memstat_parse(text, &sample) != -EBADMSG)
                fail_msg("taken:\n%s", text);
            assert_int_equal(sample.anon, 4242);
        }
}

/* Wherever the text is cut, a number is right or the text is refused. */
static void cut_anywhere(void **state)
{
    const char whole[] = REQUIRED "pgscan 123456\n";

    for (size_t n = 0; n < sizeof whole; n++) {
        char text[sizeof whole] = "";
        Sample sample = { 0 };

        memcpy(text, whole, n);
        if (memstat_parse(text, &sample) < 0)
            assert_true(n < strlen(REQUIRED));
        else
            assert_true(sample.slab_unreclaimable == 10 &&
                        (sample.pgscan == 0 || sample.pgscan == 123456));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_required_keys_are_enough),
        cmocka_unit_test(unknown_keys_and_garbage_are_skipped),
        cmocka_unit_test(the_largest_number),
        cmocka_unit_test(no_byte_count_becomes_0_by_accident),
        cmocka_unit_test(cut_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
