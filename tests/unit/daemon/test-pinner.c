/* SPDX-License-Identifier: MIT */
/* A pinner whose holder locks whatever it is told to, when the test lets it answer, on a host whose
 * memory is short. */
#include "daemon/pinner.h"

#include <errno.h>

#include "daemon/holder.h"
#include "daemon/measure.h"
#include "daemon/released.h"
#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"
#include "unit/select/pin-rule.h"
#include "util/io.h"

#define PAGE UINT64_C(4096)
#define UNIT "shop.service"

static uint64_t ahead_usec;

uint64_t __real_now_usec(void);
uint64_t __wrap_now_usec(void);

uint64_t __wrap_now_usec(void)
{
    return __real_now_usec() + ahead_usec;
}

/* The holder */

static HolderHandler handler;
static HoldPacket request;
static bool is_asked;
static unsigned n_pins, n_releases; /* requests */
static unsigned n_warmed;           /* files */
static unsigned n_refreshes;

int holder_connect(Host *host, const char *unit, const char *slice, const HolderHandler *h,
                   Holder **ret)
{
    handler = *h;
    *ret = (Holder *)&handler;
    is_asked = true;
    request = (HoldPacket){ .header.type = HOLD_HELLO };
    return 0;
}

Holder *holder_free(Holder *holder)
{
    is_asked = false;
    return NULL;
}

int holder_send(Holder *holder, const HoldPacket *packet, const HoldFds *fds)
{
    assert_false(is_asked);
    is_asked = true;
    request = *packet;
    n_pins += packet->header.type == HOLD_PIN;
    n_releases += packet->header.type == HOLD_RELEASE;
    n_refreshes += packet->header.type == HOLD_REFRESH;
    for (uint32_t i = 0; i < packet->header.n_items; i++)
        n_warmed += packet->items[i].lock == HOLD_LOCK_NONE;
    return 0;
}

void holder_stop_other(const Holder *holder)
{
}

bool holder_is_named(const Holder *holder, const char *name)
{
    return strcmp(name, "a holder") == 0;
}

int holder_stop(Host *host, const char *unit)
{
    return 0;
}

/* Under way until the test tells. */
static measured_t measuring;

Job *measure_locked(const Host *host, pid_t pid, const char *cgroup_path, measured_t measured,
                    void *userdata)
{
    static Job job;

    assert_null(measuring);
    measuring = measured;
    return &job;
}

static void tell_measured(Pinner *pinner, uint64_t locked)
{
    assert_non_null(measuring);
    TAKE_PTR(measuring)(0, &(Measured){ .locked = locked }, pinner);
}

/* Answers one request as if all went well. */
static void answer(void)
{
    HoldPacket packet = request;

    assert_true(is_asked);
    is_asked = false;
    for (uint32_t i = 0; i < packet.header.n_items; i++) {
        HoldItem *item = &packet.items[i];
        if (request.header.type == HOLD_RELEASE)
            item->length = item->locked = 0;
    }
    packet.header.type = HOLD_DONE;
    packet.header.pid = 42;
    handler.message(&packet, handler.userdata);
}

/* The world */

typedef struct World {
    Scratch root, proc;
    Settings settings;
    Host host;
    Policy policy;
    Pinner *pinner;
    Released released;
} World;

static void memory_is(const World *w, uint64_t available)
{
    char text[128];

    snprintf(text, sizeof text, "MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: %ju kB\n",
             (uintmax_t)(available / KIB));
    scratch_put(&w->proc, "meminfo", text);
}

static void world_begin(World *w)
{
    *w = (World){
        .root = scratch_new("/tmp"),
        .proc = scratch_new("/tmp"),
        .settings = { .pin_budget = GIB, .reserve = MIB },
        .policy = { .name = (char *)"shop", .role = ROLE_CRITICAL, .pin_budget = 100 * MIB },
    };
    w->host = (Host){
        .root_fd = w->root.fd,
        .proc_fd = w->proc.fd,
        .cgroup_fd = -1,
        .settings = &w->settings,
        .page = PAGE,
        .released = &w->released,
    };
    memory_is(w, GIB);
    scratch_put_dense(&w->root, "a", MIB);
    scratch_put_dense(&w->root, "b", 2 * MIB);
    scratch_put_dense(&w->root, "c", 4 * MIB);
    add_pin_rule(&w->policy.pins, &w->policy.n_pins, "/*");
    assert_int_equal(pinner_new(&w->host, UNIT, "system.slice", "/x", &w->pinner), 0);
    assert_int_equal(pinner_want(w->pinner, &w->policy), 0);
    n_pins = n_releases = n_warmed = n_refreshes = 0;
    measuring = NULL;
    is_asked = false;
    log_text[0] = '\0';
}

static void world_end(World *w)
{
    pinner_free(w->pinner);
    run_queue();
    released_clear(&w->released);
    pin_rules_free(w->policy.pins, w->policy.n_pins);
    scratch_done(&w->root);
    scratch_done(&w->proc);
}

#define WORLD(name)                        \
    cleanup(world_end) World name = { 0 }; \
    world_begin(&(name))

/* Until nothing is under way. */
static void settle(World *w)
{
    pinner_tick(w->pinner, 0);
    while (is_asked || n_queued > 0) {
        run_queue();
        if (is_asked)
            answer();
    }
}

static void expect_state(const World *w, const char *state, size_t files, uint64_t mib)
{
    uint64_t pending;
    PinnerStatus status = pinner_status(w->pinner);
    ShortageHolding holding = pinner_holding(w->pinner, &pending);

    assert_string_equal(status.state, state);
    assert_int_equal(status.files, files);
    assert_int_equal(w->host.locked, mib * MIB);
    assert_int_equal(holding.locked + pending, mib * MIB);
}

/* The time of the next scan has come. */
static void look_again(World *w)
{
    pinner_tick(w->pinner, UINT64_MAX);
    settle(w);
}

static void whole_files_until_it_is_enough(void **state)
{
    WORLD(w);

    settle(&w);
    expect_state(&w, "settled", 3, 7);
    assert_int_equal(pinner_status(w.pinner).wanted, 7 * MIB);
    assert_int_equal(pinner_shed(w.pinner, MIB + 1), 2 * MIB);
    settle(&w);
    expect_state(&w, "released", 2, 5);
    assert_int_equal(pinner_status(w.pinner).released, 2 * MIB);
    assert_int_equal(pinner_shed(w.pinner, UINT64_MAX), 5 * MIB);
    settle(&w);
    expect_state(&w, "released", 0, 0);
    assert_int_equal(pinner_status(w.pinner).released, 7 * MIB);
    assert_int_equal(n_releases, 2);
    expect_log("notice: shop.service: pins are let go: the host's memory is short\n");

    pinner_resume(w.pinner);
    settle(&w);
    expect_state(&w, "settled", 3, 7);
    assert_int_equal(pinner_status(w.pinner).released, 0);
    expect_log("notice: shop.service: pins come back: of these, 7M were let go while the host's "
               "memory was short\n");
    pinner_resume(w.pinner);
    expect_log("");
}

/* Not what was let go, and not what is new; but what is gone is let go. */
static void nothing_is_taken_meanwhile(void **state)
{
    WORLD(w);

    settle(&w);
    pinner_shed(w.pinner, MIB + 1);
    settle(&w);
    scratch_put_dense(&w.root, "d", MIB);
    unsigned before = n_pins;
    look_again(&w);
    expect_state(&w, "released", 2, 5);
    must(unlinkat(w.root.fd, "a", 0));
    look_again(&w);
    expect_state(&w, "released", 1, 4);
    assert_int_equal(n_pins, before);

    pinner_resume(w.pinner);
    settle(&w);
    expect_state(&w, "settled", 3, 7);
}

/* It waits for the answer to what was asked, and not for the rest. */
static void in_the_middle_of_pinning(void **state)
{
    WORLD(w);
    uint64_t pending;

    scratch_put_dense(&w.root, "0", 40 * MIB);
    pinner_tick(w.pinner, 0);
    answer();
    answer();
    run_queue(); /* the scan */
    assert_int_equal(request.header.type, HOLD_SCORE);
    assert_int_equal(request.header.score, 500);
    answer();
    run_queue(); /* opening */
    assert_int_equal(request.header.type, HOLD_PIN);
    answer();
    assert_true(is_asked);
    assert_int_equal(w.host.locked, 16 * MIB);
    assert_int_equal(pinner_shed(w.pinner, MIB), MIB);
    assert_int_equal(pinner_holding(w.pinner, &pending).locked, 15 * MIB);
    assert_int_equal(pending, MIB);
    assert_true(pinner_is_busy(w.pinner));
    answer();
    assert_int_equal(request.header.type, HOLD_RELEASE);
    settle(&w);
    expect_state(&w, "released", 0, 0);
    assert_false(pinner_is_busy(w.pinner));
}

static void in_the_middle_of_looking(void **state)
{
    WORLD(w);

    settle(&w);
    pinner_tick(w.pinner, UINT64_MAX);
    assert_int_equal(n_queued, 1);
    pinner_shed(w.pinner, 3 * MIB);
    assert_true(is_asked);
    settle(&w);
    expect_state(&w, "released", 2, 3);
}

/* What is on its way counts once. */
static void again_before_it_is_done(void **state)
{
    WORLD(w);
    uint64_t pending;

    settle(&w);
    assert_int_equal(pinner_shed(w.pinner, MIB), MIB);
    assert_int_equal(pinner_shed(w.pinner, 2 * MIB), 2 * MIB);
    assert_int_equal(pinner_holding(w.pinner, &pending).locked, 4 * MIB);
    assert_int_equal(pending, 3 * MIB);
    settle(&w);
    expect_state(&w, "released", 1, 4);
    assert_int_equal(pinner_holding(w.pinner, &pending).locked, 4 * MIB);
    assert_int_equal(pending, 0);
}

static void a_policy_that_keeps(void **state)
{
    WORLD(w);
    uint64_t pending;

    settle(&w);
    ShortageHolding holding = pinner_holding(w.pinner, &pending);
    assert_false(holding.keep);
    assert_int_equal(holding.rank, SHORTAGE_CRITICAL);
    pinner_shed(w.pinner, UINT64_MAX);
    settle(&w);
    w.policy.on_shortage = PIN_SHORTAGE_KEEP;
    w.policy.role = ROLE_BACKGROUND;
    assert_int_equal(pinner_want(w.pinner, &w.policy), 0);
    look_again(&w);
    expect_state(&w, "settled", 3, 7);
    holding = pinner_holding(w.pinner, &pending);
    assert_true(holding.keep);
    assert_int_equal(holding.rank, SHORTAGE_BACKGROUND);
}

static void a_holder_that_dies_meanwhile(void **state)
{
    WORLD(w);
    uint64_t pending;

    settle(&w);
    pinner_shed(w.pinner, MIB);
    handler.gone("it ended", handler.userdata);
    assert_int_equal(pinner_holding(w.pinner, &pending).locked, 0);
    assert_int_equal(pending, 0);
    look_again(&w);
    expect_state(&w, "released", 0, 0);
    assert_int_equal(n_pins, 1);
}

/* Releases /c. Returns the moment. */
static uint64_t release_c(World *w)
{
    uint64_t since = now_usec();

    assert_int_equal(released_add(&w->released, NULL, "/c"), 0);
    pinner_rescan(w->pinner);
    assert_false(pinner_has_let_go(w->pinner, since));
    return since;
}

/* How many files are wanted beyond those that are held, and whether "a" is one of them. */
static void expect_unheld(const World *w, size_t n, bool has_a)
{
    const PinId *ids;
    struct stat st;
    size_t n_ids;

    must(fstatat(w->root.fd, "a", &st, 0));
    assert_int_equal(pinner_unheld(w->pinner, &ids, &n_ids), 0);
    assert_int_equal(n_ids, n);
    PinId key = { st.st_dev, st.st_ino };
    bool has = n > 0 && bsearch(&key, ids, n, sizeof(PinId), pin_id_compare) != NULL;
    assert_int_equal(has, has_a);
}

static void what_is_wanted_is_known_before_it_is_held(void **state)
{
    WORLD(w);

    expect_unheld(&w, 0, false);
    pinner_tick(w.pinner, 0);
    answer(); /* to HELLO */
    answer(); /* to LIST */
    run_queue();
    expect_unheld(&w, 3, true);
    settle(&w);
    expect_state(&w, "settled", 3, 7);
    look_again(&w);
    expect_unheld(&w, 0, false);

    /* Nor is it forgotten while another holder is fetched, */
    handler.gone("killed", handler.userdata);
    measuring = NULL;
    expect_unheld(&w, 3, true);
    ahead_usec += 60 * USEC_PER_SEC;
    pinner_tick(w.pinner, now_usec());
    expect_unheld(&w, 3, true);
    settle(&w);
    look_again(&w);
    expect_unheld(&w, 0, false);

    /* or while memory is short, each of them once; but when nobody wants it any more. */
    pinner_shed(w.pinner, MIB);
    settle(&w);
    pinner_shed(w.pinner, UINT64_MAX);
    settle(&w);
    expect_unheld(&w, 3, true);
    assert_int_equal(pinner_want(w.pinner, NULL), 0);
    expect_unheld(&w, 0, false);
    log_text[0] = '\0';
}

/* A process of the holder, which goes on with the others. */
static void what_a_process_of_the_holder_had_is_wanted_further(void **state)
{
    WORLD(w);
    struct stat st;

    settle(&w);
    look_again(&w);
    must(fstatat(w.root.fd, "a", &st, 0));
    HoldPacket gone = { .header = { .type = HOLD_GONE, .n_items = 1 } };
    gone.items[0] = (HoldItem){ .dev = st.st_dev, .ino = st.st_ino };
    handler.message(&gone, handler.userdata);
    expect_unheld(&w, 3, true);
    settle(&w);
    look_again(&w);
    expect_state(&w, "settled", 3, 7);
    expect_unheld(&w, 0, false);
    log_text[0] = '\0';
}

static void what_is_released_goes_at_once(void **state)
{
    WORLD(w);

    settle(&w);
    uint64_t since = release_c(&w);
    run_queue();
    assert_int_equal(request.header.type, HOLD_RELEASE);
    assert_false(pinner_has_let_go(w.pinner, since)); /* before the holder says so */
    answer();
    assert_true(pinner_has_let_go(w.pinner, since));
    settle(&w);
    expect_state(&w, "settled", 2, 3);
    assert_int_equal(n_releases, 1);

    assert_int_equal(released_undo(&w.released, "/c"), 0);
    pinner_rescan(w.pinner);
    settle(&w);
    expect_state(&w, "settled", 3, 7);
}

/* What is asked for is answered first, and may be just that; the rest is not asked for any more. */
static void released_in_the_middle_of_pinning(void **state)
{
    WORLD(w);

    scratch_put_dense(&w.root, "c", 40 * MIB);
    pinner_tick(w.pinner, 0);
    answer();
    answer();
    run_queue(); /* the scan */
    answer();    /* the score */
    run_queue(); /* opening */
    assert_int_equal(request.header.type, HOLD_PIN);
    answer();
    assert_true(is_asked);
    unsigned before = n_pins;
    uint64_t since = release_c(&w);
    answer();
    assert_false(pinner_has_let_go(w.pinner, since));
    settle(&w);
    assert_true(pinner_has_let_go(w.pinner, since));
    expect_state(&w, "settled", 2, 3);
    assert_int_equal(n_pins, before);
}

/* The scan that is under way does not know of it. */
static void released_in_the_middle_of_looking(void **state)
{
    WORLD(w);

    settle(&w);
    pinner_tick(w.pinner, UINT64_MAX);
    assert_int_equal(n_queued, 1);
    uint64_t since = release_c(&w);
    settle(&w);
    assert_true(pinner_has_let_go(w.pinner, since));
    expect_state(&w, "settled", 2, 3);
}

/* And then memory is short, which goes first. */
static void released_and_short_in_the_middle_of_looking(void **state)
{
    WORLD(w);

    settle(&w);
    uint64_t since = release_c(&w);
    assert_int_equal(n_queued, 1);
    pinner_shed(w.pinner, MIB);
    assert_true(is_asked);
    answer();
    assert_false(pinner_has_let_go(w.pinner, since));
    assert_int_equal(n_queued, 2); /* the one that was given up, and another */
    settle(&w);
    assert_true(pinner_has_let_go(w.pinner, since));
}

/* Letting go for want of memory is no answer to that. */
static void released_while_memory_is_short(void **state)
{
    WORLD(w);

    settle(&w);
    pinner_shed(w.pinner, MIB);
    assert_true(is_asked);
    uint64_t since = release_c(&w);
    answer();
    assert_false(pinner_has_let_go(w.pinner, since));
    settle(&w);
    assert_true(pinner_has_let_go(w.pinner, since));
    expect_state(&w, "released", 1, 2);
}

/* As soon as what was asked is answered. */
static void released_and_short_in_the_middle_of_pinning(void **state)
{
    WORLD(w);

    scratch_put_dense(&w.root, "0", 40 * MIB);
    pinner_tick(w.pinner, 0);
    answer();
    answer();
    run_queue();
    answer();
    run_queue();
    answer();
    assert_true(is_asked && request.header.type == HOLD_PIN);
    uint64_t since = release_c(&w);
    pinner_shed(w.pinner, MIB);
    answer();
    assert_int_equal(request.header.type, HOLD_RELEASE);
    assert_false(pinner_has_let_go(w.pinner, since));
    answer();
    assert_int_equal(n_queued, 1); /* without waiting for the next tick */
    settle(&w);
    assert_true(pinner_has_let_go(w.pinner, since));
}

/* However looks and requests are broken off. */
static void what_was_warmed_is_remembered(void **state)
{
    WORLD(w);

    scratch_put_dense(&w.root, "warm/1", MIB);
    scratch_put_dense(&w.root, "warm/2", MIB);
    add_pin_rule(&w.policy.pins, &w.policy.n_pins, "/warm/*")->lock = PIN_LOCK_NONE;
    assert_int_equal(pinner_want(w.pinner, &w.policy), 0);
    settle(&w);
    expect_state(&w, "settled", 3, 7);
    assert_int_equal(n_warmed, 2);

    pinner_tick(w.pinner, UINT64_MAX);
    assert_int_equal(n_queued, 1);
    pinner_rescan(w.pinner);
    settle(&w);
    pinner_tick(w.pinner, UINT64_MAX);
    pinner_shed(w.pinner, MIB);
    settle(&w);
    pinner_resume(w.pinner);
    settle(&w);
    expect_state(&w, "settled", 3, 7);
    handler.gone("it ended", handler.userdata);
    look_again(&w);
    expect_state(&w, "settled", 3, 7);
    assert_int_equal(n_warmed, 2);
}

/* Less than should be locked: a file was rewritten in place. But not where more was locked since.
 */
static void what_was_measured_before_says_nothing(void **state)
{
    WORLD(w);

    settle(&w);
    tell_measured(w.pinner, MIB); /* it began when that was all */
    look_again(&w);
    assert_int_equal(n_refreshes, 0);
    ahead_usec += 60 * USEC_PER_SEC;
    settle(&w);
    tell_measured(w.pinner, 7 * MIB - PAGE);
    look_again(&w);
    assert_int_equal(n_refreshes, 1);
}

static void what_nobody_has_is_let_go(void **state)
{
    WORLD(w);

    assert_true(pinner_has_let_go(w.pinner, UINT64_MAX)); /* off */
    assert_false(pinner_uses(w.pinner, "a holder"));
    pinner_tick(w.pinner, 0);
    assert_true(pinner_uses(w.pinner, "a holder"));
    assert_false(pinner_uses(w.pinner, "another"));
    assert_false(pinner_has_let_go(w.pinner, 1)); /* what the holder has is not known */
    answer();
    answer();
    run_queue();
    assert_int_equal(request.header.type, HOLD_SCORE);
    assert_false(pinner_has_let_go(w.pinner, 1)); /* nothing was let go yet */
    answer();
    assert_true(pinner_has_let_go(w.pinner, 1));
    handler.gone("it ended", handler.userdata);
    assert_true(pinner_has_let_go(w.pinner, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files_until_it_is_enough),
        cmocka_unit_test(nothing_is_taken_meanwhile),
        cmocka_unit_test(in_the_middle_of_pinning),
        cmocka_unit_test(in_the_middle_of_looking),
        cmocka_unit_test(again_before_it_is_done),
        cmocka_unit_test(a_policy_that_keeps),
        cmocka_unit_test(a_holder_that_dies_meanwhile),
        cmocka_unit_test(what_is_wanted_is_known_before_it_is_held),
        cmocka_unit_test(what_a_process_of_the_holder_had_is_wanted_further),
        cmocka_unit_test(what_is_released_goes_at_once),
        cmocka_unit_test(released_in_the_middle_of_pinning),
        cmocka_unit_test(released_in_the_middle_of_looking),
        cmocka_unit_test(released_and_short_in_the_middle_of_looking),
        cmocka_unit_test(released_while_memory_is_short),
        cmocka_unit_test(released_and_short_in_the_middle_of_pinning),
        cmocka_unit_test(what_was_warmed_is_remembered),
        cmocka_unit_test(what_was_measured_before_says_nothing),
        cmocka_unit_test(what_nobody_has_is_let_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
