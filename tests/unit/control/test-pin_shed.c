/* SPDX-License-Identifier: MIT */
#include "control/pin_shed.h"

#include <stdio.h>
#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"

typedef struct Case {
    uint64_t locked[6]; /* of the files 1, 2, …; ends with UINT64_MAX */
    uint64_t bytes;
    const char *gone; /* their numbers */
    uint64_t sum;
} Case;

#define END UINT64_MAX

static void what_goes(void **state)
{
    static const Case cases[] = {
        { { END }, 5, "", 0 },
        { { 10, 20, 30, END }, 0, "", 0 },
        { { 10, 20, 30, END }, 1, "1", 10 },
        { { 10, 20, 30, END }, 10, "1", 10 },
        { { 10, 20, 30, END }, 11, "2", 20 },
        { { 10, 20, 30, END }, 30, "3", 30 },
        { { 10, 20, 30, END }, 31, "13", 40 },
        { { 10, 20, 30, END }, 45, "23", 50 },
        { { 10, 20, 30, END }, 51, "123", 60 },
        { { 10, 20, 30, END }, UINT64_MAX, "123", 60 },
        { { 7, 7, 7, END }, 8, "13", 14 },
        /* What has nothing locked costs a request and gives nothing. */
        { { 0, 5, 0, END }, 9, "2", 5 },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        PinHeld held[6];
        size_t n = 0;
        char gone[8] = "";

        for (; cases[i].locked[n] != END; n++)
            held[n] = (PinHeld){ .ino = n + 1, .length = 99, .locked = cases[i].locked[n] };
        uint64_t sum = pin_shed(held, n, cases[i].bytes);
        for (uint64_t ino = 1; ino <= n; ino++)
            for (size_t k = 0; k < n; k++)
                if (held[k].ino == ino && !held[k].keep)
                    snprintf(gone + strlen(gone), 2, "%ju", (uintmax_t)ino);
        if (sum != cases[i].sum || strcmp(gone, cases[i].gone) != 0)
            fail_msg("case %zu: %s, %ju", i, gone, (uintmax_t)sum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
