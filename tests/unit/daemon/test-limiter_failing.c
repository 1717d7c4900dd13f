/* SPDX-License-Identifier: MIT */
/* Systemd does not answer, or the ledger cannot be written: it is tried again. */
#include "unit/daemon/limiter-world.h"

/* It is tried again and again, and said once, and once more when it fails anew. */
static void a_ledger_that_cannot_be_written(void **state)
{
    static const char *const message = "warning: a.service: cannot set memory.high, the ledger "
                                       "cannot be written: Bad file descriptor\n";
    World w;
    int dir_fd;

    world_begin(&w);
    dir_fd = w.ledger.dir_fd;
    for (unsigned i = 0; i < 2; i++) {
        w.ledger.dir_fd = -1;
        for (unsigned k = 0; k < 5; k++) {
            freeze(&w);
            now += 10 * USEC_PER_SEC;
        }
        expect_log(message);
        assert_int_equal(high(&w), ORIGINAL);
        w.ledger.dir_fd = dir_fd;
        freeze(&w);
        systemd_answers(&w);
        assert_int_equal(high(&w), CURRENT);
        assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
        systemd_answers(&w);
        log_text[0] = '\0';
    }
    world_end(&w);
}

/* Not at once, and neither is it given up. */
static void asks_again_for_what_systemd_knows_not(void **state)
{
    World w;

    world_begin(&w);
    freeze(&w);
    systemd_is_gone();
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 1);
    assert_int_equal(high(&w), CURRENT);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 2);
    systemd_answers(&w);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 2);
    world_end(&w);
}

static void asks_again_for_a_change(void **state)
{
    World w;

    begin_lowering(&w);
    systemd_is_gone();
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(n_asked, 2);
    assert_int_equal(limiter_status(w.limiter).value, CURRENT + 100 * MIB);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(n_asked, 3);
    systemd_answers(&w);
    assert_int_equal(limiter_status(w.limiter).value, CURRENT + 40 * MIB);
    world_end(&w);
}

/* A change whose answer is lost is in force, and ours. */
static void an_answer_that_is_lost(void **state)
{
    World w;

    begin_lowering(&w);
    put_number(&w, "memory.high", asked_bytes);
    systemd_is_gone();
    assert_int_equal(limiter_status(w.limiter).value, CURRENT + 40 * MIB);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(n_asked, 3);
    systemd_answers(&w);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* A systemd that begins anew sets what it had: that is ours, too, and is given back again. */
static void asks_again_to_give_it_back(void **state)
{
    World w;

    world_begin(&w);
    limit_and_let_go(&w);
    systemd_is_gone();
    assert_false(limiter_is_idle(w.limiter));
    put_number(&w, "memory.high", CURRENT);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(n_asked, 2);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(n_asked, 3);
    systemd_answers(&w);
    assert_int_equal(high(&w), ORIGINAL);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ledger_that_cannot_be_written),
        cmocka_unit_test(asks_again_for_what_systemd_knows_not),
        cmocka_unit_test(asks_again_for_a_change),
        cmocka_unit_test(an_answer_that_is_lost),
        cmocka_unit_test(asks_again_to_give_it_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
