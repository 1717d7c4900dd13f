/* SPDX-License-Identifier: MIT */
#include "daemon/holder_units.h"

#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"

static const UnitEntry units[] = {
    { .name = "shop.service", .active_state = "active" },
    { .name = "pagewarden-hold-shop.service", .active_state = "active" },
    { .name = "pagewarden-hold-blog.service", .active_state = "deactivating" },
    { .name = "pagewarden-hold-wiki.service", .active_state = "inactive" },
    { .name = "pagewarden-hold-news.service", .active_state = "failed" },
    { .name = "pagewarden-mount-srv.service", .active_state = "active" },
};

static bool is_shops(const char *name, void *userdata)
{
    unsigned *asked = userdata;

    ++*asked;
    return strcmp(name, "pagewarden-hold-shop.service") == 0;
}

static void a_holder_of_nobody(void **state)
{
    HolderUnits known = { 0 };
    unsigned asked = 0;

    assert_false(holder_units_are_ours(&known, 1, is_shops, &asked)); /* systemd was not asked */
    holder_units_note(&known, units, 2, 10);
    assert_true(holder_units_are_ours(&known, 10, is_shops, &asked));
    assert_int_equal(asked, 1);
    assert_false(holder_units_are_ours(&known, 11, is_shops, &asked)); /* not since then */
    holder_units_note(&known, units, ELEMENTS(units), 20);             /* one is being stopped */
    assert_false(holder_units_are_ours(&known, 11, is_shops, &asked));
    assert_int_equal(asked, 3);
    holder_units_note(&known, units, 1, 30);
    assert_true(holder_units_are_ours(&known, 30, is_shops, &asked)); /* there is none */
    assert_int_equal(asked, 3);
    holder_units_clear(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_holder_of_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
