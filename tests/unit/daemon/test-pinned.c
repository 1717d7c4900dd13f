/* SPDX-License-Identifier: MIT */
#include "daemon/pinned.h"

#include "unit/failing-memory.h"
#include "unit/test.h"
#include "util/cleanup.h"

static PinId *copy_of(const PinId *ids, size_t n)
{
    PinId *copy = malloc(n * sizeof(PinId));

    assert_non_null(copy);
    memcpy(copy, ids, n * sizeof(PinId));
    return copy;
}

#define TELL(pinned, ...) pinned_tell(pinned, COPY_OF(((const PinId[]){ __VA_ARGS__ })))
#define COPY_OF(list)     copy_of(list, ELEMENTS(list)), ELEMENTS(list)

static void until_it_is_told_any_file_may_be(void **state)
{
    Pinned pinned;

    pinned_init(&pinned);
    PinnedView view = { &pinned }, none = { 0 };
    assert_false(pinned_is_known(&pinned));
    assert_true(pinned_view_has(&view, 1, 2));
    pinned_tell(&pinned, NULL, 0);
    assert_true(pinned_is_known(&pinned));
    assert_false(pinned_view_has(&view, 1, 2));
    pinned_tell_unknown(&pinned);
    assert_true(pinned_view_has(&view, 1, 2));
    assert_false(pinned_is_known(&pinned));
    pinned_view_clear(&view);
    assert_false(pinned_view_has(&none, 1, 2));
    pinned_clear(&pinned);
}

static void a_view_has_what_was_told_last(void **state)
{
    Pinned pinned;

    pinned_init(&pinned);
    PinnedView early = { &pinned }, late = { &pinned };
    TELL(&pinned, { 1, 2 }, { 1, 5 });
    assert_true(pinned_view_has(&early, 1, 2));
    assert_false(pinned_view_has(&early, 2, 2));
    TELL(&pinned, { 1, 5 }, { 2, 2 });
    assert_true(pinned_view_has(&late, 2, 2));
    assert_false(pinned_view_has(&late, 1, 2));
    /* The one of before is still there until it is asked again. */
    assert_ptr_not_equal(early.list, late.list);
    assert_true(pinned_view_has(&early, 2, 2));
    assert_ptr_equal(early.list, late.list);

    /* The same again is no other. */
    TELL(&pinned, { 1, 5 }, { 2, 2 });
    assert_true(pinned_view_has(&early, 1, 5));
    assert_ptr_equal(early.list, late.list);
    pinned_clear(&pinned);
    pinned_view_clear(&early);
    pinned_view_clear(&late);
}

static void without_memory_it_is_not_known(void **state)
{
    Pinned pinned;

    pinned_init(&pinned);
    PinnedView view = { &pinned };
    pinned_tell(&pinned, NULL, 0);
    assert_false(pinned_view_has(&view, 1, 2));
    PinId *ids = copy_of(&(PinId){ 1, 5 }, 1);
    countdown = 1;
    pinned_tell(&pinned, ids, 1);
    countdown = 0;
    assert_true(pinned_view_has(&view, 1, 2));
    pinned_view_clear(&view);
    pinned_clear(&pinned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_it_is_told_any_file_may_be),
        cmocka_unit_test(a_view_has_what_was_told_last),
        cmocka_unit_test(without_memory_it_is_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
