/* SPDX-License-Identifier: MIT */
/* What evictions spare: real pins by hand, beside those of units whose holders are the test's. */
#include "daemon/all_pins.h"

#include "unit/daemon/by-hand.h"
#include "unit/failing-memory.h"

/* Instead of a pinner: what its holder has, as it has it. */
typedef struct FakePinner {
    const PinHeld *held;
    size_t n;
    const PinId *unheld;
    size_t n_unheld;
    int unsure;
} FakePinner;

const PinHeld *pinner_held(Pinner *pinner, size_t *ret_n)
{
    const FakePinner *fake = (const FakePinner *)pinner;

    *ret_n = fake->n;
    return fake->held;
}

int pinner_unheld(const Pinner *pinner, const PinId **ret, size_t *ret_n)
{
    const FakePinner *fake = (const FakePinner *)pinner;

    *ret = fake->unheld;
    *ret_n = fake->n_unheld;
    return fake->unsure;
}

static void expect_pins(Target *const *targets, size_t n_targets, const Hands *hands,
                        const PinId *expected, size_t n_expected)
{
    size_t n = 77;

    CLEANUP_FREE PinId *pins = NULL;
    assert_int_equal(all_pins(targets, n_targets, hands, &pins, &n), 0);
    assert_int_equal(n, n_expected);
    assert_int_equal(pins != NULL, n > 0);
    for (size_t i = 0; i < n; i++)
        if (pin_id_compare(&pins[i], &expected[i]) != 0)
            fail_msg("pin %zu is %ju of %ju", i, (uintmax_t)pins[i].ino, (uintmax_t)pins[i].dev);
}

#define EXPECT_PINS(targets, hands, ...)                                           \
    expect_pins(targets, ELEMENTS(targets), hands, (const PinId[]){ __VA_ARGS__ }, \
                sizeof((const PinId[]){ __VA_ARGS__ }) / sizeof(PinId))

static void those_of_all_units_are_sorted(void **state)
{
    World *w = *state;
    static const PinHeld one[] = { { .dev = 1, .ino = 5 }, { .dev = 2, .ino = 1 } };
    static const PinHeld two[] = { { .dev = 1, .ino = 4 }, { .dev = 1, .ino = 6 } };
    FakePinner first = { one, 2 }, second = { two, 2 }, empty = { 0 };
    Target pins_one = { .pinner = (Pinner *)&first }, pins_two = { .pinner = (Pinner *)&second };
    Target holds_nothing = { .pinner = (Pinner *)&empty }, has_no_pinner = { 0 };

    expect_pins(NULL, 0, w->hands, NULL, 0);
    Target *none[] = { &has_no_pinner, &holds_nothing };
    expect_pins(none, ELEMENTS(none), w->hands, NULL, 0);
    Target *alone[] = { &has_no_pinner, &pins_one };
    EXPECT_PINS(alone, w->hands, { 1, 5 }, { 2, 1 });
    Target *all[] = { &pins_one, &has_no_pinner, &pins_two, &holds_nothing };
    EXPECT_PINS(all, w->hands, { 1, 4 }, { 1, 5 }, { 1, 6 }, { 2, 1 });
}

/* Not yet, or no more; and some of them are again. */
static void those_that_are_wanted_are_among_them(void **state)
{
    World *w = *state;
    static const PinHeld held[] = { { .dev = 1, .ino = 5 }, { .dev = 2, .ino = 1 } };
    static const PinId few[] = { { 1, 4 }, { 1, 5 }, { 1, 9 }, { 2, 2 } };
    static const PinId many[] = { { 1, 6 }, { 1, 7 } };
    FakePinner both = { held, 2, few, 4 }, only = { .unheld = many, .n_unheld = 2 };
    Target pins = { .pinner = (Pinner *)&both }, waits = { .pinner = (Pinner *)&only };

    Target *alone[] = { &pins };
    EXPECT_PINS(alone, w->hands, { 1, 4 }, { 1, 5 }, { 1, 9 }, { 2, 1 }, { 2, 2 });
    Target *waiting[] = { &waits };
    EXPECT_PINS(waiting, w->hands, { 1, 6 }, { 1, 7 });
    Target *all[] = { &pins, &waits };
    EXPECT_PINS(all, w->hands, { 1, 4 }, { 1, 5 }, { 1, 6 }, { 1, 7 }, { 1, 9 }, { 2, 1 },
                { 2, 2 });

    /* One of the units does not know its own. */
    PinId *ids = NULL;
    size_t n;
    only.unsure = -ENOMEM;
    assert_int_equal(all_pins(all, 2, w->hands, &ids, &n), -ENOMEM);
    assert_null(ids);
}

/* Which is not to say that there are none. */
static void without_memory_they_are_not_known(void **state)
{
    World *w = *state;
    static const PinHeld held[] = { { .dev = 1, .ino = 5 } };
    FakePinner fake = { held, 1 };
    Target unit = { .pinner = (Pinner *)&fake };
    Target *targets[] = { &unit };
    PinId *pins = NULL;
    size_t n = 0;

    countdown = 1;
    assert_int_equal(all_pins(targets, 1, w->hands, &pins, &n), -ENOMEM);
    assert_int_equal(countdown, 0);
    assert_null(pins);
}

static void those_by_hand_are_among_them(void **state)
{
    World *w = *state;
    struct stat st;

    uint64_t ino = put_file(w, "a", 3);
    must(fstatat(w->files.fd, "a", &st, 0));
    const PinHeld around[] = { { .dev = st.st_dev, .ino = ino - 1 },
                               { .dev = st.st_dev, .ino = ino + 1 } };
    FakePinner fake = { around, 2 };
    Target unit = { .pinner = (Pinner *)&fake };
    Target *targets[] = { &unit };

    /* Held, not only asked for. */
    pin(w, NULL, "a", 0);
    EXPECT_PINS(targets, w->hands, { st.st_dev, ino - 1 }, { st.st_dev, ino + 1 });
    answer_all();
    assert_int_equal(held(ino)->locked, 3 * PAGE);
    EXPECT_PINS(targets, w->hands, { st.st_dev, ino - 1 }, { st.st_dev, ino },
                { st.st_dev, ino + 1 });
    expect_pins(NULL, 0, w->hands, &(PinId){ st.st_dev, ino }, 1);

    hands_unpin(w->hands, &(HandChoice){ 0 });
    hands_flush(w->hands);
    answer_all();
    expect_pins(NULL, 0, w->hands, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(those_of_all_units_are_sorted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_that_are_wanted_are_among_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_they_are_not_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_by_hand_are_among_them, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
